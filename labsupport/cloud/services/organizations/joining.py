"""How an account comes into an organization, made or invited: its record, its policies, its place."""

import json

from labsupport.cloud.core import ids, linked
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Account, Name, Role
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations import binding
from labsupport.cloud.services.organizations.base import FULL_ACCESS, constraint, members, service
from labsupport.cloud.services.organizations.records import ControlPolicy, Member

MOST_ACCOUNTS = 10
_LINKED = "AWSServiceRoleForOrganizations"


def email_of(account: str) -> str:
    """The lab's accounts have no mailbox of their own; their roots get an address that no one else has."""
    return f"root-{account}@lab.example"


def own_member(call: Call, organization: Organization) -> Member:
    """The caller's account below the root: of whoever makes the organization, or comes by invitation."""
    account = call.store.get(Account, call.account)
    return Member(
        account=call.account,
        organization=organization.id,
        parent=organization.root,
        name=account.name if account else call.account,
        email=email_of(call.account),
        method="INVITED",
        joined=call.epoch,
    )


def take_in(call: Call, organization: Organization, member: Member) -> None:
    """FullAWSAccess is attached to it, as to everything new."""
    if is_full(call, organization):
        message = "You have exceeded the allowed number of AWS accounts."
        raise constraint(message, "ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    call.store.put(member)
    if member.account == call.account:
        ask_for_linked_role(call)
    else:
        make_linked_role(call, member.account)
    attach_default(call, organization, member.account)
    binding.refresh(call, organization)


def ask_for_linked_role(call: Call) -> None:
    """For the caller's own account it is made in the caller's name."""
    try:
        linked.ensure(call, service.principal, "Organizations", "AccessDeniedForDependencyException")
    except AwsError as error:
        error.members["Reason"] = "ACCESS_DENIED_DURING_CREATE_SERVICE_LINKED_ROLE"
        raise


def make_linked_role(call: Call, account: str) -> None:
    """AWSServiceRoleForOrganizations, which every account of an organization has."""
    if call.store.get(Role, account, _LINKED):
        return
    statement = {"Effect": "Allow", "Principal": {"Service": service.principal}, "Action": "sts:AssumeRole"}
    role = Role(
        account=account,
        name=_LINKED,
        id=ids.iam_id("AROA"),
        path=f"/aws-service-role/{service.principal}/",
        created=call.epoch,
        trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        description="Service-linked role used by AWS Organizations to enable integration of other services.",
        attached=["arn:aws:iam::aws:policy/aws-service-role/AWSOrganizationsServiceTrustPolicy"],
    )
    call.store.put(role, Name(account=account, kind="Role", folded=_LINKED.lower()))


def is_full(call: Call, organization: Organization) -> bool:
    return len(members(call, organization)) >= MOST_ACCOUNTS


def attach_default(call: Call, organization: Organization, target: str) -> None:
    policy = call.store.get(ControlPolicy, organization.id, FULL_ACCESS)
    if policy is not None and target not in policy.targets:
        policy.targets.append(target)
        call.store.put(policy)
