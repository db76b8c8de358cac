"""IAM's policy simulator: what would policies decide, without a call being made (IAM User Guide: "IAM policy testing
with the IAM policy simulator"; the four operations of the IAM API Reference)."""

import re
from collections.abc import Iterable
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Group, Role, User
from labsupport.cloud.policy import document
from labsupport.cloud.policy.document import Kind
from labsupport.cloud.policy.records import Policies, Policy, Principal
from labsupport.cloud.policy.source import key_names
from labsupport.cloud.services.iam.asked import (
    caller_of,
    check_context,
    check_resource_policy,
    check_scenario,
    invalid,
    principal_of,
)
from labsupport.cloud.services.iam.base import Params, missing, paged, service
from labsupport.cloud.services.iam.simulated import Given, results

_SOURCE = "{PolicySourceArn}"
_KINDS: dict[str, type[Any]] = {"user": User, "group": Group, "role": Role}


@service.operation()
def get_context_keys_for_custom_policy(_: Call, params: Params) -> Params:
    return {"ContextKeyNames": _keys(_inputs(params, "PolicyInputList", "identity"))}


@service.operation(on=_SOURCE)
def get_context_keys_for_principal_policy(call: Call, params: Params) -> Params:
    held = call.cloud.way_in.held(call.store, _holder(call, params))
    return {"ContextKeyNames": _keys([*held.identity, *_inputs(params, "PolicyInputList", "identity")])}


@service.operation()
def simulate_custom_policy(call: Call, params: Params) -> Params:
    """Policies given as texts, with a boundary, SCPs and a resource's policy if given."""
    boundary = _inputs(params, "PermissionsBoundaryPolicyInputList", "boundary")
    given = Given(
        caller=caller_of(params) or _nobody(call),
        identity=Policies(_inputs(params, "PolicyInputList", "identity")),
        boundary=Policies(boundary) if boundary else None,
        scps=_scps(params),
        resource=_resource_policy(params),
    )
    return _answer(given, params)


@service.operation(on=_SOURCE)
def simulate_principal_policy(call: Call, params: Params) -> Params:
    """What a user, group or role holds, with its boundary and its account's SCPs, and policies given on top."""
    holder = _holder(call, params)
    held = call.cloud.way_in.held(call.store, holder)
    excluded = _Excluded(params)
    boundary = _inputs(params, "PermissionsBoundaryPolicyInputList", "boundary")
    given = Given(
        caller=caller_of(params) or _as_principal(holder),
        identity=Policies([*filter(excluded.keeps, held.identity), *_inputs(params, "PolicyInputList", "identity")]),
        boundary=Policies(boundary) if boundary else excluded.bounds(held.boundary),
        scps=excluded.controls(held.scps),
        resource=_resource_policy(params),
    )
    return _answer(given, params)


class _Excluded:
    """What a simulation leaves out of the principal's policies (`PolicyExclusionList`): types, ARNs, inline ones."""

    def __init__(self, params: Params) -> None:
        entries = params.get("PolicyExclusionList", [])
        self.types = {entry["PolicyType"] for entry in entries if "PolicyType" in entry}
        self.arns = {entry["PolicyArn"] for entry in entries if "PolicyArn" in entry}
        named = [entry["InlinePolicyIdentifier"] for entry in entries if "InlinePolicyIdentifier" in entry]
        self.inline = {(one["PolicyName"], f"{one['AttachmentType']}/{one['AttachmentName']}") for one in named}

    def keeps(self, policy: Policy) -> bool:
        inline = policy.arn is None and (policy.name, policy.holder) in self.inline
        return not inline and policy.arn not in self.arns and _type(policy) not in self.types

    def bounds(self, boundary: Policies | None) -> Policies | None:
        return Policies(filter(self.keeps, boundary)) or None if boundary else None

    def controls(self, levels: list[Policies] | None) -> list[Policies] | None:
        if levels is None or "scp" in self.types:
            return None
        return [Policies(filter(self.keeps, level)) for level in levels]


def _type(policy: Policy) -> str:
    if policy.kind != "identity":
        return {"boundary": "permission-boundary"}.get(policy.kind, policy.kind)
    if policy.arn is None:
        return "inline"
    return "aws-managed" if policy.arn.startswith("arn:aws:iam::aws:") else "user-managed"


def _answer(given: Given, params: Params) -> Params:
    check_scenario(params)
    check_context(params)
    check_resource_policy(params)
    for action in params["ActionNames"]:
        if not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", action):
            raise invalid(f"Invalid action name: {action}. It must be like iam:CreateUser and hold no wildcard.")
    found = results(given, params)
    order = {id(result): f"{place:06}" for place, result in enumerate(found)}
    return paged(found, lambda result: order[id(result)], params, "EvaluationResults", lambda result: result)


def _inputs(params: Params, name: str, kind: Kind) -> list[Policy]:
    """The policies of a list of texts, called after their place in it: `PolicyInputList.1`."""
    texts = enumerate(params.get(name, []), start=1)
    return [_input(f"{name}.{place}", text, kind) for place, text in texts]


def _input(name: str, text: str, kind: Kind, holder: str = "") -> Policy:
    try:
        return Policy(kind, name, None, holder, document.parse(text, kind), text)
    except AwsError as error:
        raise invalid(f"Invalid input for {name}: {error.message}") from None


def _scps(params: Params) -> list[Policies] | None:
    levels = params.get("OrderedOrganizationPolicyInputList")
    if levels is None:
        return None
    name = "OrderedOrganizationPolicyInputList.{}.ServiceControlPolicyInputList.{}"
    return [
        Policies(
            _input(name.format(level, place), text, "scp", f"level {level}")
            for place, text in enumerate(entry.get("ServiceControlPolicyInputList", []), start=1)
        )
        for level, entry in enumerate(levels, start=1)
    ]


def _resource_policy(params: Params) -> Policies:
    if "ResourcePolicy" not in params:
        return Policies()
    return Policies([_input("ResourcePolicy", params["ResourcePolicy"], "resource")])


def _nobody(call: Call) -> Principal:
    """Somebody of the account who holds the policies, where no caller is named."""
    return Principal(call.account, f"arn:aws:iam::{call.account}:user/simulated", "user", name="simulated")


def _as_principal(holder: User | Group | Role) -> Principal:
    kind = type(holder).__name__.lower()
    arn = f"arn:aws:iam::{holder.account}:{kind}{holder.path}{holder.name}"
    return principal_of(holder.account, arn, kind, holder.id)


def _holder(call: Call, params: Params) -> User | Group | Role:
    arn = params["PolicySourceArn"]
    parsed = parse(arn)
    kind = parsed.resource.partition("/")[0] if parsed and parsed.service == "iam" else ""
    if parsed is None or kind not in _KINDS:
        raise invalid(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    name = arn.rsplit("/", 1)[-1]
    found: User | Group | Role | None = call.store.get(_KINDS[kind], call.account, name)
    if found is None or parsed.account != call.account or f"{kind}{found.path}{name}" != parsed.resource:
        raise missing(f"Entity {arn} cannot be found.")
    return found


def _keys(policies: Iterable[Policy]) -> list[str]:
    found: dict[str, str] = {}
    for policy in policies:
        for name in key_names(policy.document):
            found.setdefault(name.lower(), name)
    return list(found.values())
