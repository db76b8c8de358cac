"""The organization itself: made, shown, left, dissolved."""

import json

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations import binding
from labsupport.cloud.services.organizations.base import (
    FULL_ACCESS,
    SCP,
    Params,
    managed,
    members,
    new_id,
    organization_of,
    paged,
    service,
    target_arn,
)
from labsupport.cloud.services.organizations.joining import ask_for_linked_role, email_of, own_member
from labsupport.cloud.services.organizations.leaving import take_out
from labsupport.cloud.services.organizations.records import AccountRequest, ControlPolicy, Handshake, Member, Unit

_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@service.operation()
def create_organization(call: Call, params: Params) -> Params:
    """The caller's account manages it. Service control policies are on, with FullAWSAccess everywhere."""
    if params.get("FeatureSet", "ALL") != "ALL":
        raise not_simulated("An organization for consolidated billing only")
    if call.store.get(Member, call.account):
        message = "The AWS account is already a member of an organization."
        raise AwsError("AlreadyInOrganizationException", message, 400)
    organization = Organization(
        id=new_id("o-", 10),
        management=call.account,
        root=new_id("r-", 4),
        created=call.epoch,
        policy_types=[SCP],
    )
    manager = own_member(call, organization)
    call.store.put(organization, manager, _full_access(organization, call.account))
    ask_for_linked_role(call)
    binding.refresh(call, organization)
    return {"Organization": _shown(organization)}


def _full_access(organization: Organization, account: str) -> ControlPolicy:
    return ControlPolicy(
        organization=organization.id,
        id=FULL_ACCESS,
        name="FullAWSAccess",
        description="Allows access to every operation",
        content=json.dumps(_EVERYTHING, separators=(",", ":")),
        by_aws=True,
        targets=[organization.root, account],
    )


@service.operation()
def describe_organization(call: Call, params: Params) -> Params:
    return {"Organization": _shown(organization_of(call))}


def _shown(organization: Organization) -> Params:
    return {
        "Id": organization.id,
        "Arn": organization.arn,
        "FeatureSet": organization.features,
        "MasterAccountArn": target_arn(organization, organization.management),
        "MasterAccountId": organization.management,
        "MasterAccountEmail": email_of(organization.management),
        "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
    }


@service.operation()
def delete_organization(call: Call, params: Params) -> Params:
    organization = managed(call)
    units = list(call.store.list(Unit, organization.id))
    own = [one for one in call.store.list(ControlPolicy, organization.id) if not one.by_aws]
    if len(members(call, organization)) > 1 or units or own:
        message = "The organization isn't empty. Remove its accounts, units and policies first."
        raise AwsError("OrganizationNotEmptyException", message, 400)
    for struct in (ControlPolicy, AccountRequest):
        for one in list(call.store.list(struct, organization.id)):
            call.store.delete(one)
    for handshake in list(call.store.list(Handshake)):
        if handshake.organization == organization.id:
            call.store.delete(handshake)
    manager = call.store.get(Member, call.account)
    if manager:
        call.store.delete(manager)
    call.store.delete(organization)
    binding.forget(call, call.account)
    return {}


@service.operation()
def leave_organization(call: Call, params: Params) -> Params:
    take_out(call, organization_of(call), call.account)
    return {}


@service.operation()
def list_roots(call: Call, params: Params) -> Params:
    return paged([managed(call)], params, "Roots", shown_root)


def shown_root(organization: Organization) -> Params:
    types = [{"Type": one, "Status": "ENABLED"} for one in organization.policy_types]
    arn = target_arn(organization, organization.root)
    return {"Id": organization.root, "Arn": arn, "Name": "Root", "PolicyTypes": types}
