"""Invitations: another account of the lab is asked to join, and joins or doesn't."""

from collections.abc import Callable

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import Account
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations.base import (
    Params,
    checked_tags,
    constraint,
    invalid,
    managed,
    new_id,
    paged,
    service,
    time,
)
from labsupport.cloud.services.organizations.joining import email_of, is_full, own_member, take_in
from labsupport.cloud.services.organizations.records import Handshake, Member

_LIFE = 15 * 86_400  # seconds


def _arn(handshake: Handshake) -> str:
    place = f"arn:aws:organizations::{handshake.management}:handshake/{handshake.organization}"
    return f"{place}/invite/{handshake.id}"


def _on_handshake(call: Call, params: Params) -> str:
    found = call.store.get(Handshake, params["HandshakeId"])
    return _arn(found) if found else f"arn:aws:organizations::*:handshake/*/invite/{params['HandshakeId']}"


def _on_invited(call: Call, params: Params) -> str:
    """The account as the organization would name it, which is why its ARN has the inviting account's number."""
    member = call.store.get(Member, call.account)
    organization = member.organization if member else "*"
    return f"arn:aws:organizations::{call.account}:account/{organization}/{params['Target']['Id']}"


def _party(call: Call, params: Params) -> str:
    """The account that is invited: one of the lab's, for nobody else could accept."""
    target = params["Target"]
    if target["Type"] != "ACCOUNT":
        raise not_simulated("An invitation by email or of another organization")
    if call.store.get(Account, target["Id"]) is None:
        raise invalid(f"The account {target['Id']} is not one of this lab.", "INVALID_PARTY_TYPE_TARGET")
    return str(target["Id"])


@service.operation(on=_on_invited, tagging="organizations:TagResource")
def invite_account_to_organization(call: Call, params: Params) -> Params:
    organization, account = managed(call), _party(call, params)
    if call.store.get(Member, account):
        message = "The account is already a member of an organization."
        raise _violation(message, "ALREADY_IN_AN_ORGANIZATION")
    if is_full(call, organization):
        message = "You have exceeded the allowed number of AWS accounts."
        raise _violation(message, "ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    if any(one.account == account and one.state == "OPEN" for one in _of(call, organization)):
        message = "A handshake with the same action and target already exists."
        raise AwsError("DuplicateHandshakeException", message, 400)
    handshake = Handshake(
        id=new_id("h-", 10),
        organization=organization.id,
        management=organization.management,
        account=account,
        requested=call.epoch,
        expires=call.epoch + _LIFE,
        notes=params.get("Notes", ""),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(handshake)
    return {"Handshake": _shown(handshake)}


def _violation(message: str, reason: str) -> AwsError:
    return AwsError("HandshakeConstraintViolationException", message, 400, Reason=reason)


def _all(call: Call) -> list[Handshake]:
    """All handshakes, those that have run out marked as such."""
    found = list(call.store.list(Handshake))
    for one in found:
        if one.state == "OPEN" and one.expires <= call.epoch:
            one.state = "EXPIRED"
    return found


def _of(call: Call, organization: Organization) -> list[Handshake]:
    return [one for one in _all(call) if one.organization == organization.id]


def _named(call: Call, params: Params, mine: Callable[[Handshake], bool]) -> Handshake:
    for one in _all(call):
        if one.id == params["HandshakeId"] and mine(one):
            return one
    raise AwsError("HandshakeNotFoundException", "You specified a handshake that doesn't exist.", 400)


def _end(call: Call, handshake: Handshake, state: str) -> Params:
    if handshake.state == state:
        message = "The specified handshake is already in the requested state."
        raise AwsError("HandshakeAlreadyInStateException", message, 400)
    if handshake.state != "OPEN":
        message = "You can't perform the operation on the handshake in its current state."
        raise AwsError("InvalidHandshakeTransitionException", message, 400)
    handshake.state = state
    call.store.put(handshake)
    return {"Handshake": _shown(handshake)}


def _invited(call: Call) -> Callable[[Handshake], bool]:
    return lambda one: one.account == call.account


@service.operation(on=_on_handshake)
def accept_handshake(call: Call, params: Params) -> Params:
    """The invited account becomes a member, below the root."""
    handshake = _named(call, params, _invited(call))
    answer = _end(call, handshake, "ACCEPTED")
    organization = call.store.get(Organization, handshake.organization)
    if organization is None or call.store.get(Member, call.account):
        raise constraint("The account can't join the organization.", "ALREADY_IN_AN_ORGANIZATION")
    member = own_member(call, organization)
    member.tags = handshake.tags
    take_in(call, organization, member)
    return answer


@service.operation(on=_on_handshake)
def decline_handshake(call: Call, params: Params) -> Params:
    return _end(call, _named(call, params, _invited(call)), "DECLINED")


@service.operation(on=_on_handshake)
def cancel_handshake(call: Call, params: Params) -> Params:
    return _end(call, _named(call, params, lambda one: one.management == call.account), "CANCELED")


@service.operation(on=_on_handshake)
def describe_handshake(call: Call, params: Params) -> Params:
    mine = _named(call, params, lambda one: call.account in (one.management, one.account))
    return {"Handshake": _shown(mine)}


@service.operation()
def list_handshakes_for_account(call: Call, params: Params) -> Params:
    found = [one for one in _all(call) if one.account == call.account]
    return paged(_filtered(found, params), params, "Handshakes", _shown)


@service.operation()
def list_handshakes_for_organization(call: Call, params: Params) -> Params:
    return paged(_filtered(_of(call, managed(call)), params), params, "Handshakes", _shown)


def _filtered(found: list[Handshake], params: Params) -> list[Handshake]:
    """Invitations are the only handshakes here, and none has a parent."""
    wanted = params.get("Filter", {})
    if wanted.get("ParentHandshakeId") or wanted.get("ActionType", "INVITE") != "INVITE":
        return []
    return sorted(found, key=lambda one: -one.requested)


def _shown(handshake: Handshake) -> Params:
    about = [
        {"Type": "MASTER_EMAIL", "Value": email_of(handshake.management)},
        {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
    ]
    resources = [
        {"Type": "ORGANIZATION", "Value": handshake.organization, "Resources": about},
        {"Type": "ACCOUNT", "Value": handshake.account},
    ]
    return {
        "Id": handshake.id,
        "Arn": _arn(handshake),
        "Parties": [
            {"Id": handshake.organization, "Type": "ORGANIZATION"},
            {"Id": handshake.account, "Type": "ACCOUNT"},
        ],
        "State": handshake.state,
        "RequestedTimestamp": time(handshake.requested),
        "ExpirationTimestamp": time(handshake.expires),
        "Action": "INVITE",
        "Resources": resources + ([{"Type": "NOTES", "Value": handshake.notes}] if handshake.notes else []),
    }
