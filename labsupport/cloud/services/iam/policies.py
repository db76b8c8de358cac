"""What users, roles and groups hold: inline policies, attached ones, a boundary. The same operations for all three."""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Role, User
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    encoded,
    group_named,
    missing,
    on_group,
    on_role,
    on_user,
    over_limit,
    paged,
    role_named,
    service,
    size_of,
    unprotected,
    user_named,
)
from labsupport.cloud.services.iam.conditions import held_context
from labsupport.cloud.services.iam.managed import boundary_of, policy_of

MOST_ATTACHED = 10
_LARGEST = {"user": 2048, "role": 10_240, "group": 5120}  # characters of all inline policies together


def _kind(holder: Any) -> str:
    return type(holder).__name__.lower()


def _put_inline(call: Call, holder: Any, params: Params) -> Params:
    unprotected(holder)
    document.parse(params["PolicyDocument"], "identity")
    holder.inline[params["PolicyName"]] = params["PolicyDocument"]
    limit = _LARGEST[_kind(holder)]
    if sum(map(size_of, holder.inline.values())) > limit:
        raise over_limit(f"Maximum policy size of {limit} bytes exceeded for {_kind(holder)} {holder.name}")
    call.store.put(holder)
    return {}


def _get_inline(_: Call, holder: Any, params: Params) -> Params:
    text = _inline(holder, params["PolicyName"])
    name = f"{type(holder).__name__}Name"
    return {name: holder.name, "PolicyName": params["PolicyName"], "PolicyDocument": encoded(text)}


def _delete_inline(call: Call, holder: Any, params: Params) -> Params:
    unprotected(holder)
    _inline(holder, params["PolicyName"])
    del holder.inline[params["PolicyName"]]
    call.store.put(holder)
    return {}


def _list_inline(_: Call, holder: Any, params: Params) -> Params:
    return paged(holder.inline, str, params, "PolicyNames", str)


def _attach(call: Call, holder: Any, params: Params) -> Params:
    unprotected(holder)
    arn = policy_of(call, params["PolicyArn"], to_attach=True).arn
    if ":policy/aws-service-role/" in arn:
        message = "Cannot attach a Service Role Policy to a Customer Role."
        raise AwsError("PolicyNotAttachableException", message, 400)
    if arn not in holder.attached and len(holder.attached) >= MOST_ATTACHED:
        raise over_limit(f"Cannot exceed quota for PoliciesPer{type(holder).__name__}: {MOST_ATTACHED}")
    holder.attached = sorted({*holder.attached, arn})
    call.store.put(holder)
    return {}


def _detach(call: Call, holder: Any, params: Params) -> Params:
    unprotected(holder)
    if params["PolicyArn"] not in holder.attached:
        raise missing(f"Policy {params['PolicyArn']} was not found.")
    holder.attached.remove(params["PolicyArn"])
    call.store.put(holder)
    return {}


def _list_attached(_: Call, holder: Any, params: Params) -> Params:
    def shown(arn: str) -> Params:
        return {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}

    found = [arn for arn in holder.attached if below(params, _path(arn))]
    return paged(found, str, params, "AttachedPolicies", shown)


def _path(arn: str) -> str:
    return arn.partition(":policy")[2].rpartition("/")[0] + "/"


def _inline(holder: Any, name: str) -> str:
    if name not in holder.inline:
        raise missing(f"The {_kind(holder)} policy with name {name} cannot be found.")
    text: str = holder.inline[name]
    return text


Action = Callable[[Call, Any, Params], Params]
_ACTIONS: dict[str, Action] = {
    "put_{}_policy": _put_inline,
    "get_{}_policy": _get_inline,
    "delete_{}_policy": _delete_inline,
    "list_{}_policies": _list_inline,
    "attach_{}_policy": _attach,
    "detach_{}_policy": _detach,
    "list_attached_{}_policies": _list_attached,
}


def _register() -> None:
    for kind, named, on in (
        ("user", user_named, on_user),
        ("role", role_named, on_role),
        ("group", group_named, on_group),
    ):
        for pattern, action in _ACTIONS.items():
            _register_one(pattern.format(kind), action, named, on)


def _register_one(name: str, action: Action, named: Callable[..., Any], on: Callable[..., str]) -> None:
    def handler(call: Call, params: Params) -> Params:
        return action(call, named(call, params), params)

    handler.__name__ = name
    service.operation(on=on, context=held_context)(handler)


_register()


# Boundaries


def _new_boundary(_: Call, params: Params) -> Params:
    return {"iam:permissionsboundary": params["PermissionsBoundary"]}


def _bounded(call: Call, holder: User | Role, arn: str | None) -> Params:
    unprotected(holder)
    holder.boundary = arn
    call.store.put(holder)
    return {}


@service.operation(on=on_role, context=_new_boundary)
def put_role_permissions_boundary(call: Call, params: Params) -> Params:
    return _bounded(call, role_named(call, params), boundary_of(call, params))


@service.operation(on=on_role, context=held_context)
def delete_role_permissions_boundary(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    if role.boundary is None:
        raise missing(f"The role with name {role.name} does not have a permissions boundary.")
    return _bounded(call, role, None)


@service.operation(on=on_user, context=_new_boundary)
def put_user_permissions_boundary(call: Call, params: Params) -> Params:
    return _bounded(call, user_named(call, params), boundary_of(call, params))


@service.operation(on=on_user, context=held_context)
def delete_user_permissions_boundary(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    if user.boundary is None:
        raise missing(f"The user with name {user.name} does not have a permissions boundary.")
    return _bounded(call, user, None)
