"""May this caller do this to that? The policies that bear on a call are gathered here and decided by `policy/`."""

from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.service import Operation, Resource
from labsupport.cloud.gateway import holders
from labsupport.cloud.gateway.context import context_of
from labsupport.cloud.gateway.refusal import refusal
from labsupport.cloud.policy import evaluate
from labsupport.cloud.policy.records import Mode, Policies, Request

Params = dict[str, Any]
_TAGS = ("Tags", "tags")


def authorise_call(call: Call, operation: Operation, params: Params) -> None:
    """Ask for the operation's permission on each resource, and for what goes with it: the right to tag where it tags
    what it makes, and iam:PassRole on each role it hands over."""
    if operation.action is None:
        return
    action = operation.action(call, params) if callable(operation.action) else operation.action
    extra = operation.context(call, params) if operation.context else {}
    for resource in _resources(call, operation.on, params):
        call.resources.append(resource)
        authorise(call, action, resource, extra, params)
        if operation.tagging and any(params.get(name) for name in _TAGS):
            authorise(call, operation.tagging, resource, extra, params)
    for path in operation.passes:
        for role in _values(params, path.split(".")):
            pass_role(call, role)


def pass_role(call: Call, role: str) -> None:
    """iam:PassRole: may the caller hand this role to this service, for this resource? (IAM User Guide: "Grant a user
    permissions to pass a role to an AWS service")"""
    keys: Params = {"iam:passedtoservice": call.service.principal}
    associated = [arn for arn in call.resources if arn.startswith("arn:") and not arn.endswith("*")]
    if associated:
        keys["iam:associatedresourcearn"] = associated[0]
    authorise(call, "iam:PassRole", role, keys)


def authorise(call: Call, action: str, resource: str, extra: Params, params: Params | None = None) -> None:
    """Refuse with AWS's error, or return."""
    if call.cloud.settings.open:
        return
    found, caller = holders.policies_of(call), call.caller
    resource_policies, owner, mode = _resource_policies(call, resource)
    keys, unlimited = found.on(action)
    within = owner == caller.account and not resource_policies and mode == "either"
    if unlimited and within and caller.kind in ("user", "session") and not caller.provider:
        return
    if resource_policies:
        keys |= resource_policies.about(action.lower()).keys
    request = Request(
        action=action,
        resource=resource,
        context=context_of(call, resource, owner, extra, params or {}, keys),
        principal=holders.principal_of(caller),
        resource_account=owner,
    )
    decision = evaluate.evaluate(
        request,
        identity=found.identity,
        resource=resource_policies,
        boundary=found.boundary,
        session=found.session,
        scps=found.scps,
        mode=mode,
    )
    if not decision.allowed:
        raise refusal(call, decision, lambda: context_of(call, resource, owner, extra, params or {}, None))


def _resource_policies(call: Call, resource: str) -> tuple[Policies, str, Mode]:
    """The resource's own policies, the account that owns it, and whether they decide alone."""
    arn = parse(resource)
    owner = arn.account if arn and arn.account.isdigit() else call.account  # AWS's own policies are everybody's
    if call.service.resource_policy is None:
        return holders.NONE, owner, "either"
    return holders.resource_policies(call, resource, owner)


def _resources(call: Call, on: Resource, params: Params) -> list[str]:
    if callable(on):
        found = on(call, params)
        return [found] if isinstance(found, str) else list(found)
    if on == "*":
        return ["*"]
    return [on.format_map(_Places(call, params))]


class _Places(dict[str, Any]):
    """What a resource template may name; a parameter that is not given stands as `*`."""

    def __init__(self, call: Call, params: Params) -> None:
        super().__init__(params, partition="aws", region=call.region, account=call.account)

    def __missing__(self, key: str) -> str:
        return "*"


def _values(node: Any, path: list[str]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        if isinstance(node, str):
            yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _values(node[path[0]], path[1:])
