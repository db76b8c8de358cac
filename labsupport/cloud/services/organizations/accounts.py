"""Accounts: made in the background, listed, moved, removed."""

import json
import secrets

from labsupport.cloud.core import ids
from labsupport.cloud.core.accounts import ADMINISTRATOR
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import Account, Name, Role
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.core.principals import stored
from labsupport.cloud.services.organizations import binding
from labsupport.cloud.services.organizations.base import (
    Params,
    check_parent,
    checked_tags,
    managed,
    member_of,
    members,
    new_id,
    on_target,
    paged,
    service,
    target_arn,
    time,
    way_up,
)
from labsupport.cloud.services.organizations.joining import is_full, take_in
from labsupport.cloud.services.organizations.leaving import take_out
from labsupport.cloud.services.organizations.records import AccountRequest, Member

DEFAULT_ROLE = "OrganizationAccountAccessRole"


@service.operation(tagging="organizations:TagResource")
def create_account(call: Call, params: Params) -> Params:
    """The answer is a request's status: the account comes to be in the background."""
    organization = managed(call)
    if params.get("IamUserAccessToBilling", "ALLOW") != "ALLOW":
        raise not_simulated("Access to billing that IAM users are denied")
    request = AccountRequest(
        organization=organization.id,
        id=new_id("car-", 32),
        name=params["AccountName"],
        email=params["Email"],
        role=params.get("RoleName") or DEFAULT_ROLE,
        requested=call.epoch,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(request)
    call.start("create-account", f"{organization.id}/{request.id}")
    return {"CreateAccountStatus": _status(request)}


@service.task("create-account")
async def make_account(call: Call, key: str) -> float | None:
    organization_id, _, request_id = key.partition("/")
    with call.transaction():
        request = call.store.get(AccountRequest, organization_id, request_id)
        organization = call.store.get(Organization, organization_id)
        if request is None or organization is None or request.state != "IN_PROGRESS":
            return None
        request.failure = _obstacle(call, organization, request)
        if not request.failure:
            request.account = _make(call, organization, request)
        request.state = "FAILED" if request.failure else "SUCCEEDED"
        request.completed = call.epoch
        call.store.put(request)
    return None


def _obstacle(call: Call, organization: Organization, request: AccountRequest) -> str:
    if is_full(call, organization):
        return "ACCOUNT_LIMIT_EXCEEDED"
    taken = {one.email.lower() for one in call.store.list(Member)}
    return "EMAIL_ALREADY_EXISTS" if request.email.lower() in taken else ""


def _make(call: Call, organization: Organization, request: AccountRequest) -> str:
    """The account, and in it the role by which the management account's people come in."""
    number = _free_number(call)
    call.store.put(Account(id=number, name=request.name, created=call.epoch))
    trusted = {"AWS": f"arn:aws:iam::{organization.management}:root"}
    statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    trust = stored(call.store, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    role = Role(
        account=number,
        name=request.role,
        id=ids.iam_id("AROA"),
        created=call.epoch,
        trust=trust,
        attached=[ADMINISTRATOR],
    )
    call.store.put(role, Name(account=number, kind="Role", folded=role.name.lower()))
    member = Member(
        account=number,
        organization=organization.id,
        parent=organization.root,
        name=request.name,
        email=request.email,
        method="CREATED",
        joined=call.epoch,
        tags=request.tags,
    )
    take_in(call, organization, member)
    return number


def _free_number(call: Call) -> str:
    while True:
        number = str(secrets.randbelow(9 * 10**11) + 10**11)
        if call.store.get(Account, number) is None:
            return number


@service.operation()
def describe_create_account_status(call: Call, params: Params) -> Params:
    found = call.store.get(AccountRequest, managed(call).id, params["CreateAccountRequestId"])
    if found is None:
        message = "You specified a create account request that doesn't exist."
        raise AwsError("CreateAccountStatusNotFoundException", message, 400)
    return {"CreateAccountStatus": _status(found)}


@service.operation()
def list_create_account_status(call: Call, params: Params) -> Params:
    states = params.get("States")
    found = [one for one in call.store.list(AccountRequest, managed(call).id) if not states or one.state in states]
    return paged(sorted(found, key=lambda one: -one.requested), params, "CreateAccountStatuses", _status)


def _status(request: AccountRequest) -> Params:
    return {
        "Id": request.id,
        "AccountName": request.name,
        "State": request.state,
        "RequestedTimestamp": time(request.requested),
        "CompletedTimestamp": time(request.completed) if request.completed else None,
        "AccountId": request.account or None,
        "FailureReason": request.failure or None,
    }


@service.operation(on=on_target("AccountId"))
def describe_account(call: Call, params: Params) -> Params:
    organization = managed(call)
    return {"Account": _shown(call, organization, member_of(call, organization, params["AccountId"]))}


@service.operation()
def list_accounts(call: Call, params: Params) -> Params:
    organization = managed(call)
    return paged(members(call, organization), params, "Accounts", lambda one: _shown(call, organization, one))


@service.operation(on=on_target("ParentId"))
def list_accounts_for_parent(call: Call, params: Params) -> Params:
    organization = managed(call)
    check_parent(call, organization, params["ParentId"])
    found = [one for one in members(call, organization) if one.parent == params["ParentId"]]
    return paged(found, params, "Accounts", lambda one: _shown(call, organization, one))


def _shown(call: Call, organization: Organization, member: Member) -> Params:
    way = way_up(call, organization, member.parent)
    return {
        "Id": member.account,
        "Arn": target_arn(organization, member.account),
        "Email": member.email,
        "Name": member.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": ["/".join([organization.id, *way, member.account]) + "/"],
        "JoinedMethod": member.method,
        "JoinedTimestamp": time(member.joined),
    }


@service.operation(on=on_target("AccountId"))
def move_account(call: Call, params: Params) -> Params:
    organization = managed(call)
    member = member_of(call, organization, params["AccountId"])
    source, destination = params["SourceParentId"], params["DestinationParentId"]
    check_parent(call, organization, source, "SourceParentNotFoundException")
    check_parent(call, organization, destination, "DestinationParentNotFoundException")
    if member.parent != source:
        raise AwsError("SourceParentNotFoundException", "The account is not in the source root or OU.", 400)
    if source == destination:
        raise AwsError("DuplicateAccountException", "The account is already in the destination root or OU.", 400)
    member.parent = destination
    call.store.put(member)
    binding.refresh(call, organization)
    return {}


@service.operation(on=on_target("AccountId"))
def remove_account_from_organization(call: Call, params: Params) -> Params:
    take_out(call, managed(call), params["AccountId"])
    return {}
