"""How an account comes into an organization, made or invited: its record, its policies, its place."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations import binding
from labsupport.cloud.services.organizations.base import FULL_ACCESS, constraint, members
from labsupport.cloud.services.organizations.records import ControlPolicy, Member

MOST_ACCOUNTS = 10


def take_in(call: Call, organization: Organization, member: Member) -> None:
    """FullAWSAccess is attached to it, as to everything new."""
    if is_full(call, organization):
        message = "You have exceeded the allowed number of AWS accounts."
        raise constraint(message, "ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    call.store.put(member)
    attach_default(call, organization, member.account)
    binding.refresh(call, organization)


def is_full(call: Call, organization: Organization) -> bool:
    return len(members(call, organization)) >= MOST_ACCOUNTS


def attach_default(call: Call, organization: Organization, target: str) -> None:
    policy = call.store.get(ControlPolicy, organization.id, FULL_ACCESS)
    if policy is not None and target not in policy.targets:
        policy.targets.append(target)
        call.store.put(policy)
