"""What a provider is given to make one resource: clients under the stack's rights, and names."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.records import Params, Resource, Stack


class Made(NamedTuple):
    """What a resource is called outside (Ref), and its attributes (GetAtt)."""

    physical: str
    attributes: Params = {}


@dataclass(slots=True)
class Work:
    """`again`: an earlier try was interrupted, so what is being created may be there already."""

    stack: Stack
    resource: Resource
    client: Callable[[str], Client]
    clock_sleep: Callable[[float], Awaitable[None]]
    again: bool = False

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
        if isinstance(own, dict):
            return {**self.stack.target.tags, **{key: str(value) for key, value in own.items()}}
        return {**self.stack.target.tags, **{one["Key"]: str(one["Value"]) for one in own or []}}

    def once(self, call: Callable[..., Any], code: str, **params: Any) -> Any:
        """Create something; where an interrupted try has made it already, that is as good."""
        try:
            return call(**params)
        except AwsError as error:
            if not (self.again and error.code == code):
                raise
            return None


def gone(call: Callable[..., Any], *codes: str, **params: Any) -> None:
    """Delete something; that it is gone already is as good."""
    try:
        call(**params)
    except AwsError as error:
        if error.code not in codes:
            raise


def user_call(call: Call, stack: Stack) -> Call:
    """The work of a stack without a role is done with the rights of whoever asked for it."""
    caller = call.cloud.way_in.caller(stack.caller_key)
    return Call(call.cloud, call.service, call.operation, caller, call.account, call.region)


def client_maker(call: Call, stack: Stack) -> Callable[[str], Client]:
    def client(service: str) -> Client:
        if stack.role:
            return call.aws(service, role=stack.role, session="AWSCloudFormation")
        return user_call(call, stack).aws(service)

    return client


class Provider(NamedTuple):
    """How resources of one type are made, changed and removed. `update` gives the new attributes."""

    create: Callable[[Work, Params], Awaitable[Made]]
    delete: Callable[[Work, str, Params], Awaitable[None]]
    update: Callable[[Work, str, Params, Params], Awaitable[Made]] | None = None
