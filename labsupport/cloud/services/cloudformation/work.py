"""What a provider is given to make one resource: clients under the stack's rights, names and tags."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller, root
from labsupport.cloud.services.cloudformation.records import Params, Resource, Stack, note


class Made(NamedTuple):
    """What a resource is called outside (Ref), and its attributes (GetAtt)."""

    physical: str
    attributes: Params


@dataclass(slots=True)
class Work:
    """One resource on its way."""

    call: Call
    stack: Stack
    resource: Resource
    touched: bool = False  # whether any call has changed something

    def client(self, service: str) -> "Watched":
        return Watched(client_of(self.call, self.stack, service), self)

    async def pause(self, seconds: float) -> None:
        await self.call.cloud.clock.sleep(seconds)

    def name(self, given: Any = None, *, longest: int = 64, lower: bool = False) -> str:
        """The name that the template gives, or one made of stack, logical id and a suffix that repeats."""
        if given:
            return str(given)
        ending = self.token()[:12].upper()
        text = f"{self.stack.name}-{self.resource.logical}"[: longest - 13] + f"-{ending}"
        return text.lower() if lower else text

    def token(self) -> str:
        """The same for each try to create this resource, another for its replacement."""
        seed = f"{self.stack.id}/{self.resource.logical}/{self.resource.generation}"
        return hashlib.sha256(seed.encode()).hexdigest()[:36]

    def tags(self, own: Any = None) -> dict[str, str]:
        """The resource's own tags over the stack's."""
        return {**self.stack.target.tags, **_plain(own)}

    def marks(self) -> dict[str, str]:
        """The tags of AWS's own that tell which stack has made a resource (User Guide: "Resource tags")."""
        told = {"logical-id": self.resource.logical, "stack-id": self.stack.id, "stack-name": self.stack.name}
        return {f"aws:cloudformation:{name}": value for name, value in told.items()}

    def retag(self, old: Any, new: Any) -> tuple[dict[str, str], list[str]]:
        """Own tags as they were and as they shall be: the tags to set, and the keys to take away."""
        before, after = {**self.resource.tags, **_plain(old)}, self.tags(new)
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        return changed, sorted(before.keys() - after.keys())

    def once(self, create: Callable[..., Any], physical: str | Callable[[Any], str], **params: Any) -> Any:
        """Create the thing itself, and remember what it is called in the same transaction.

        So an interrupted try doesn't make it twice (`None` is returned when it is there), and a failed one can remove
        it. Only for operations that don't wait.
        """
        if self.resource.physical:
            return None
        with self.call.transaction():
            result = create(**params)
            self.called(physical if isinstance(physical, str) else physical(result))
        return result

    def called(self, physical: str) -> None:
        """From here on there is something to remove."""
        if self.resource.physical == physical:
            return
        self.resource.physical, self.resource.reason = physical, "Resource creation Initiated"
        with self.call.transaction():
            note(self.call, self.stack, self.resource)


@dataclass(slots=True)
class Watched:
    """A client that tells its work when a call has changed something."""

    client: Client
    work: Work

    def __getattr__(self, operation: str) -> Any:
        invoke = getattr(self.client, operation)

        def watched(**params: Any) -> Any:
            result = invoke(**params)
            self.work.touched = self.work.touched or not operation.startswith(("get_", "list_", "describe_"))
            return result

        return watched


def _plain(own: Any) -> dict[str, str]:
    if isinstance(own, dict):
        return {key: str(value) for key, value in own.items()}
    return {one["Key"]: str(one["Value"]) for one in own or []}


def gone(call: Callable[..., Any], *codes: str, **params: Any) -> None:
    """Delete something; that it is gone already is as good."""
    try:
        call(**params)
    except AwsError as error:
        if error.code not in codes:
            raise


def client_of(call: Call, stack: Stack, service: str) -> Client:
    """With the rights of the stack's role; without a role, with those of whoever asked for it."""
    if stack.role:
        return call.aws(service, role=stack.role, session="AWSCloudFormation", source_arn=stack.id)
    caller = _asker(call, stack)
    return Call(call.cloud, call.service, call.operation, caller, call.account, call.region).aws(service)


def _asker(call: Call, stack: Stack) -> Caller:
    """Whoever asked for the operation, as they stand now. With all checks off a key need not be known."""
    try:
        found: Caller = call.cloud.way_in.caller(stack.caller_key)
    except AwsError:
        if not call.cloud.settings.open:
            raise
        return root(stack.account, stack.caller_key)
    return found


class Provider(NamedTuple):
    """How resources of one type are made, changed and removed. `update` gives the new attributes.

    `takes` are the properties that it acts upon, `None` where these are all that AWS has for the type; `anew`
    those whose change makes a new resource here, though AWS changes the old one.
    """

    create: Callable[[Work, Params], Awaitable[Made]]
    delete: Callable[[Work, str, Params], Awaitable[None]]
    update: Callable[[Work, str, Params, Params], Awaitable[Made]] | None = None
    takes: tuple[str, ...] | None = None
    anew: tuple[str, ...] = ()
