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
    fresh: bool = True  # until its first making is complete
    tried: Params | None = None  # what an update that has not succeeded would have made of it
    tags: dict[str, str] = {}  # the stack's, as this resource has them
    deletion: str = "Delete"  # DeletionPolicy
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
    resolved: Params = {}  # the parameters' values as Ref gives them


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
    resources: dict[str, Resource] = {}
    rests: list[Rest] = []
    outputs: list[Params] = []
    role: str = ""
    caller_key: str = ""  # whose rights are used where there is no role
    on_failure: str = "ROLLBACK"
    stays_failed: bool = False  # an update that fails is not taken back (DisableRollback)
    drops_new: bool = False  # what a failed operation has made goes, whatever its policy (RetainExceptOnCreate)
    skipped: list[str] = []  # resources that the way back leaves as they are (ResourcesToSkip)
    wish: str = ""  # "cancel" or "delete": asked for while an operation runs
    protected: bool = False
    timeout: int = 0  # minutes
    topics: list[str] = []  # ARNs: who is told of events
    token: str = ""
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
    on_failure: str = "ROLLBACK"
    topics: list[str] | None = None  # None: those that the stack has


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
    """A stack of the call's account and region by its name (not one that is deleted), or by its id."""
    arn = parse(name)
    if arn:
        _, plain, uuid = [*arn.resource.split("/"), "", ""][:3]
        own = (arn.account, arn.region) == (call.account, call.region)
        return call.store.get(Stack, arn.account, arn.region, plain, uuid) if uuid and own else None
    alive = (one for one in call.store.list(Stack, call.account, call.region, name) if one.status != "DELETE_COMPLETE")
    return next(alive, None)


def stack_named(call: Call, name: str) -> Stack:
    stack = find_stack(call, name)
    if stack is None:
        raise no_stack(name)
    return stack


def on_stack(call: Call, params: Params) -> str:
    name = params.get("StackName", "*")
    if name.startswith("arn:"):
        return str(name)
    stack = find_stack(call, name)
    return stack.id if stack else call.arn(f"stack/{name}/*")


def save(call: Call, stack: Stack) -> None:
    """Keep a stack as an operation leaves it, but for what may be asked of it meanwhile."""
    kept = call.store.get(Stack, stack.account, stack.region, stack.name, stack.uuid)
    if kept is not None:
        stack.protected, stack.wish = kept.protected, kept.wish
    call.store.put(stack)


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
    save(call, stack)
    call.store.put(event)
    _publish(call, stack, event, is_stack=resource is None)
    if stack.topics:
        call.start("notify", f"{stack.id} {event.order}")


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
