"""How an account leaves its organization: by itself, or removed by the management account."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations import binding
from labsupport.cloud.services.organizations.base import constraint, member_of
from labsupport.cloud.services.organizations.records import ControlPolicy

YOUNGEST = 7 * 86_400  # seconds that an account made here has to stay (Quotas for AWS Organizations)


def take_out(call: Call, organization: Organization, account: str) -> None:
    member = member_of(call, organization, account)
    if account == organization.management:
        message = "You can't remove the management account from the organization."
        raise AwsError("MasterCannotLeaveOrganizationException", message, 400)
    if member.method == "CREATED" and call.epoch < member.joined + YOUNGEST:
        message = "You can remove an account only seven days after it was created in the organization."
        raise constraint(message, "WAIT_PERIOD_ACTIVE")
    for policy in list(call.store.list(ControlPolicy, organization.id)):
        if account in policy.targets:
            policy.targets.remove(account)
            call.store.put(policy)
    call.store.delete(member)
    binding.forget(call, account)
