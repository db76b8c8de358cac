"""What every call of an account is bound by: written anew whenever the tree, a policy or an attachment changes."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.organization import Control, Membership, Organization
from labsupport.cloud.services.organizations.base import SCP, members, policy_arn, way_up
from labsupport.cloud.services.organizations.records import ControlPolicy, Member


def refresh(call: Call, organization: Organization) -> None:
    """Tell the gateway each account's place and the policies at each level from the root down to it."""
    policies = list(call.store.list(ControlPolicy, organization.id))
    for member in members(call, organization):
        call.store.put(_membership(call, organization, member, policies))


def forget(call: Call, account: str) -> None:
    found = call.store.get(Membership, account)
    if found is not None:
        call.store.delete(found)


def _membership(call: Call, organization: Organization, member: Member, policies: list[ControlPolicy]) -> Membership:
    way = way_up(call, organization, member.parent)
    management = member.account == organization.management
    bound = SCP in organization.policy_types and not management
    levels = [_attached(organization, target, policies) for target in [*way, member.account]]
    return Membership(
        account=member.account,
        organization=organization.id,
        path="/".join([organization.id, *way]) + "/",
        management=management,
        levels=levels if bound else None,
    )


def _attached(organization: Organization, target: str, policies: list[ControlPolicy]) -> list[Control]:
    return [
        Control(name=one.name, arn=policy_arn(organization, one), target=target, document=one.content)
        for one in policies
        if target in one.targets
    ]
