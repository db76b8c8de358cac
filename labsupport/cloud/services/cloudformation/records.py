"""Stacks, their resources and events, and change sets as records (CloudFormation API Reference)."""

from typing import Any

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.store.record import record

Params = dict[str, Any]


class Resource(msgspec.Struct, kw_only=True):
    """A resource as it stands: what it is called outside, and what it was made from."""

    logical: str
    type: str
    physical: str = ""
    status: str
    reason: str = ""
    at: float
    properties: Params = {}
    attributes: Params = {}
    needs: list[str] = []
    generation: int = 0  # counts replacements: part of generated names
    deletion: str = "Delete"
    replaced: str = "Delete"  # UpdateReplacePolicy


class Rest(msgspec.Struct, kw_only=True):
    """Something that an update has left to be removed in its last phase."""

    resource: Resource
    keep: bool = False


class Target(msgspec.Struct, kw_only=True):
    """What a stack is made from: enough to go there, or back."""

    template: str
    parameters: dict[str, str]
    capabilities: list[str] = []
    tags: dict[str, str] = {}


@record("cloudformation.stack", key=("account", "region", "name", "uuid"))
class Stack(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    uuid: str
    status: str
    reason: str = ""
    created: float
    updated: float | None = None
    deleted: float | None = None
    target: Target
    before: Target | None = None  # while an update runs: what to go back to
    resolved: Params = {}  # the parameters' values as Ref gives them
    resources: dict[str, Resource] = {}
    rests: list[Rest] = []
    outputs: list[Params] = []
    role: str = ""
    caller_key: str = ""  # whose rights are used where there is no role
    on_failure: str = "ROLLBACK"
    protected: bool = False
    notify: list[str] = []
    timeout: int = 0  # minutes
    token: str = ""
    root_reason: str = ""  # why an update or creation turned back
    events: int = 0  # so far: their order

    @property
    def id(self) -> str:
        return f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{self.name}/{self.uuid}"

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@record("cloudformation.event", key=("stack", "order"))
class StackEvent(msgspec.Struct, kw_only=True):
    stack: str
    order: str  # counts down: the newest lists first
    id: str
    at: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    token: str = ""
    properties: str = ""


@record("cloudformation.changeset", key=("stack", "name"))
class ChangeSet(msgspec.Struct, kw_only=True):
    stack: str  # id
    name: str
    id: str
    kind: str
    target: Target
    description: str = ""
    created: float
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    execution: str = "AVAILABLE"
    changes: list[Params] = []
    role: str = ""
    caller_key: str = ""
    notify: list[str] = []
    on_failure: str = "ROLLBACK"


@record("cloudformation.export", key=("account", "region", "name"))
class Export(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    value: str
    stack: str


def no_stack(name: str) -> AwsError:
    return invalid(f"Stack with id {name} does not exist")


def find_stack(call: Call, name: str) -> Stack | None:
    """A stack by its name (not one that is deleted), or by its id."""
    arn = parse(name)
    if arn:
        _, plain, uuid = (arn.resource.split("/") + ["", ""])[:3]
        return call.store.get(Stack, arn.account, arn.region, plain, uuid) if uuid else None
    alive = (one for one in call.store.list(Stack, call.account, call.region, name) if one.status != "DELETE_COMPLETE")
    return next(alive, None)


def stack_named(call: Call, name: str) -> Stack:
    stack = find_stack(call, name)
    if stack is None or stack.account != call.account:
        raise no_stack(name)
    return stack


def on_stack(call: Call, params: Params) -> str:
    name = params.get("StackName", "*")
    if name.startswith("arn:"):
        return str(name)
    stack = find_stack(call, name)
    return stack.id if stack else call.arn(f"stack/{name}/*")


def note(call: Call, stack: Stack, resource: Resource | None = None) -> None:
    """A stack event, and EventBridge's event of the same; of the stack itself where no resource is given."""
    stack.events += 1
    status, reason = (resource.status, resource.reason) if resource else (stack.status, stack.reason)
    event = StackEvent(
        stack=stack.id,
        order=f"{10**9 - stack.events:010d}",
        id=ids.uuid4() if resource is None else f"{resource.logical}-{resource.status}-{ids.uuid4()[:13]}",
        at=call.epoch,
        logical=resource.logical if resource else stack.name,
        physical=resource.physical if resource else stack.id,
        type=resource.type if resource else "AWS::CloudFormation::Stack",
        status=status,
        reason=reason,
        token=stack.token,
    )
    call.store.put(stack, event)
    _publish(call, stack, event, is_stack=resource is None)


def _publish(call: Call, stack: Stack, event: StackEvent, is_stack: bool) -> None:
    details = {"status": event.status, "status-reason": event.reason}
    shown: Params = {"stack-id": stack.id, "status-details": details, "client-request-token": stack.token}
    if is_stack:
        call.emit("CloudFormation Stack Status Change", shown, [stack.id])
    else:
        more = {
            "logical-resource-id": event.logical,
            "physical-resource-id": event.physical,
            "resource-type": event.type,
        }
        call.emit("CloudFormation Resource Status Change", {**shown, **more}, [stack.id])


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    stack = find_stack(call, arn) if arn.startswith("arn:") and not arn.endswith("*") else None
    return stack.target.tags if stack else {}


service.resource_tags = _resource_tags
