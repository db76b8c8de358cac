"""Which policies give any access to a service: ListPoliciesGrantingServiceAccess, and what the access reports list."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Group, ManagedPolicy, Role, User
from labsupport.cloud.services.iam.base import Params, missing, paged, service
from labsupport.cloud.services.iam.managed import policy_of

Entity = User | Role | Group


class Held(NamedTuple):
    """A policy that a user, role or group holds, itself or by a group."""

    holder: Entity
    name: str
    arn: str  # empty: an inline one
    text: str


def found(call: Call, arn: str) -> Entity | ManagedPolicy:
    """The user, role, group or policy of an ARN. NoSuchEntity: it isn't there."""
    parsed = parse(arn)
    kinds: dict[str, type[Any]] = {"user": User, "role": Role, "group": Group}
    if parsed is None or parsed.service != "iam":
        raise AwsError("InvalidInputException", f"Invalid ARN: {arn}", 400)
    kind, _, path = parsed.resource.partition("/")
    if kind == "policy":
        return policy_of(call, arn)
    holder = call.store.get(kinds[kind], call.account, path.rsplit("/", 1)[-1]) if kind in kinds else None
    if holder is None or arn_of(holder) != arn:
        raise missing(f"ARN {arn} does not exist.")
    entity: Entity = holder
    return entity


def arn_of(entity: Entity) -> str:
    group = isinstance(entity, Group)
    return f"arn:aws:iam::{entity.account}:group{entity.path}{entity.name}" if group else str(entity.arn)  # type: ignore[union-attr]


def held(call: Call, entity: Entity) -> Iterator[Held]:
    """The policies of an entity; a user's groups' too."""
    for name, text in entity.inline.items():
        yield Held(entity, name, "", text)
    for arn in entity.attached:
        policy = policy_of(call, arn)
        yield Held(entity, policy.name, arn, default_text(policy))
    for name in entity.groups if isinstance(entity, User) else []:
        group = call.store.get(Group, call.account, name)
        if group:
            yield from held(call, group)


def default_text(policy: ManagedPolicy) -> str:
    return next(one.document for one in policy.versions if one.id == policy.default_version)


def grants(text: str, namespace: str) -> bool:
    """Whether a policy has an Allow for any action of a service."""
    statements = json.loads(text)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow" and _names(statement, namespace):
            return True
    return False


def _names(statement: dict[str, Any], namespace: str) -> bool:
    if "NotAction" in statement:
        left_out = statement["NotAction"]
        return f"{namespace}:*" not in ([left_out] if isinstance(left_out, str) else left_out)
    actions = statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    return any(one == "*" or one.partition(":")[0].lower() == namespace for one in listed)


@service.operation(on="{Arn}")
def list_policies_granting_service_access(call: Call, params: Params) -> Params:
    entity = found(call, params["Arn"])
    if isinstance(entity, ManagedPolicy):
        raise AwsError("InvalidInputException", f"Invalid ARN: {params['Arn']}", 400)
    every = list(held(call, entity))

    def shown(namespace: str) -> Params:
        policies = [_shown(one, entity) for one in every if grants(one.text, namespace.lower())]
        return {"ServiceNamespace": namespace, "Policies": policies}

    return paged(params["ServiceNamespaces"], str, params, "PoliciesGrantingServiceAccess", shown)


def _shown(one: Held, asked: Entity) -> Params:
    """Of an inline policy it is told where it stands."""
    if one.arn:
        return {"PolicyName": one.name, "PolicyType": "MANAGED", "PolicyArn": one.arn}
    kind = type(one.holder).__name__.upper()
    return {"PolicyName": one.name, "PolicyType": "INLINE", "EntityType": kind, "EntityName": one.holder.name}
