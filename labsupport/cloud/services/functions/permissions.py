"""Who may call a function, besides its account: its policy, statement by statement
(Lambda Developer Guide: "Viewing resource-based IAM policies in Lambda")."""

import re

import msgspec

from labsupport.cloud.core import ids, principals
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.functions.base import (
    LATEST,
    Function,
    Name,
    Params,
    conflict,
    find_alias,
    find_function,
    find_version,
    function_named,
    invalid,
    named,
    not_found,
    on_qualified,
    service,
)

LARGEST = 20_480  # bytes of a policy
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com", re.ASCII)


def _principal(call: Call, given: str) -> str | Params:
    if given == "*":
        return "*"
    if re.fullmatch(r"\d{12}", given, re.ASCII):
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if _SERVICE.fullmatch(given):
        return {"Service": given}
    arn = parse(given)
    if arn is None or arn.service not in ("iam", "sts"):
        raise invalid("The provided principal was invalid. Please check the principal and try again.")
    return {"AWS": given}


def _conditions(params: Params) -> Params:
    equal = {}
    if params.get("SourceAccount"):
        equal["AWS:SourceAccount"] = params["SourceAccount"]
    if params.get("PrincipalOrgID"):
        equal["aws:PrincipalOrgID"] = params["PrincipalOrgID"]
    found: Params = {"StringEquals": equal} if equal else {}
    if params.get("SourceArn"):
        found["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    return found


def _checked(call: Call, params: Params) -> tuple[Function, Name]:
    """The function and what of it is meant; policies belong to it, to a version or to an alias."""
    name = named(call, params)
    function = function_named(call, name)
    qualifier = name.qualifier
    if qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    if qualifier.isdigit() and find_version(call, function, qualifier) is None:
        raise not_found(f"Function not found: {name.arn}")
    if qualifier and not qualifier.isdigit() and find_alias(call, function, qualifier) is None:
        raise not_found(f"Cannot find alias arn: {name.arn}")
    return function, name


def _held(function: Function, qualifier: str) -> Params:
    new = {"revision": "", "document": {"Version": "2012-10-17", "Id": "default", "Statement": []}}
    return function.policies.get(qualifier, new)


def _check_revision(held: Params, params: Params) -> None:
    if params.get("RevisionId") and params["RevisionId"] != held["revision"]:
        message = (
            "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the "
            "latest RevisionId"
        )
        raise AwsError("PreconditionFailedException", message, Type="User")


@service.operation(on=on_qualified, context=lambda call, params: {"lambda:principal": params["Principal"]})
def add_permission(call: Call, params: Params) -> Params:
    if params.get("EventSourceToken"):
        raise not_simulated("A permission with a token of an event source")
    if params.get("FunctionUrlAuthType") or params.get("InvokedViaFunctionUrl"):
        raise not_simulated("A function URL")
    function, name = _checked(call, params)
    held = _held(function, name.qualifier)
    _check_revision(held, params)
    statements, sid = held["document"]["Statement"], params["StatementId"]
    if any(one["Sid"] == sid for one in statements):
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement."
        )
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(call, params["Principal"]),
        "Action": params["Action"],
        "Resource": name.arn,
    }
    conditions = _conditions(params)
    if conditions:
        statement["Condition"] = conditions
    shown = _text(statement)
    document = _by_ids(call, {**held["document"], "Statement": [*statements, statement]})
    if len(_text(document)) > LARGEST:
        message = f"The final policy size ({len(_text(document))}) is bigger than the limit ({LARGEST})."
        raise AwsError("PolicyLengthExceededException", message, Type="User")
    function.policies[name.qualifier] = {"revision": ids.uuid4(), "document": document}
    call.store.put(function)
    return {"Statement": shown}


def _by_ids(call: Call, document: Params) -> Params:
    """With the unique ids of the users and roles that it names: one made anew under an old name is another one."""
    try:
        found: Params = msgspec.json.decode(principals.stored(call.store, _text(document)))
    except principals.Nobody:
        raise invalid("The provided principal was invalid. Please check the principal and try again.") from None
    return found


def _text(value: Params) -> str:
    return msgspec.json.encode(value).decode()


def _principal_of_statement(call: Call, params: Params) -> Params:
    """Whose permission it is that is to go."""
    name = named(call, params)
    function = find_function(call, name)
    statements = _held(function, name.qualifier)["document"]["Statement"] if function else []
    found = next((one["Principal"] for one in statements if one["Sid"] == params["StatementId"]), None)
    given = next(iter(found.values())) if isinstance(found, dict) else found
    return {"lambda:principal": given} if given else {}


@service.operation(on=on_qualified, context=_principal_of_statement)
def remove_permission(call: Call, params: Params) -> Params:
    function, name = _checked(call, params)
    held, sid = _held(function, name.qualifier), params["StatementId"]
    _check_revision(held, params)
    left = [one for one in held["document"]["Statement"] if one["Sid"] != sid]
    if len(left) == len(held["document"]["Statement"]):
        raise not_found(f"Statement {sid} is not found in resource policy.")
    if left:
        function.policies[name.qualifier] = {
            "revision": ids.uuid4(),
            "document": {**held["document"], "Statement": left},
        }
    else:
        del function.policies[name.qualifier]
    call.store.put(function)
    return {}


@service.operation(on=on_qualified)
def get_policy(call: Call, params: Params) -> Params:
    name = named(call, params)
    function = function_named(call, name)
    held = function.policies.get(name.qualifier)
    if held is None:
        raise not_found("The resource you requested does not exist.")
    return {"Policy": principals.shown(call.store, _text(held["document"])), "RevisionId": held["revision"]}
