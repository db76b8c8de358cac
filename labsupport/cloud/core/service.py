"""A service: its operations by botocore's model, and what it tells the gateway about them."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from labsupport.cloud.core.model import operation_names, protocol_of

Params = dict[str, Any]
Handler = Callable[..., Any]
Resource = str | Callable[..., str | list[str]]
Action = str | None | Callable[..., str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One implemented operation.

    `on` names what the call acts upon: a template over the parameters and the call's partition, region
    and account, or a function of (call, params) that gives one ARN or a list. `action` is the IAM
    action, or a function of (call, params) that gives it; `None` where AWS asks for no permission
    (sts:GetCallerIdentity). `passes` are the paths of
    the role ARNs in the parameters that are handed to the service (iam:PassRole is asked for each).
    `context` adds condition keys: a function of (call, params) -> {"codecommit:references": [...]}. `tagging` is the
    action that is asked for as well where the request tags what it makes (iam:TagRole). `at_once`: the handler is
    `async` and seldom waits, so that no task is made for it before it does; it uses nothing that needs one.
    """

    name: str
    handler: Handler
    on: Resource
    action: Action
    passes: tuple[str, ...]
    context: Callable[..., dict[str, Any]] | None
    is_async: bool
    data_event: bool
    tagging: str
    at_once: bool


@dataclass(slots=True)
class Service:
    """`Service("codecommit")`: the name is botocore's.

    `iam` is the prefix of its IAM actions, `principal` the service principal that assumes roles for it
    and to which roles are passed, `source` its name in events. `keys` is a function of (call, resource ARN, params,
    the keys that policies read) -> condition keys of the service's own, asked for only where a policy reads some.
    """

    name: str
    iam: str = ""
    principal: str = ""
    source: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)
    tasks: dict[str, Callable[..., Awaitable[float | None]]] = field(default_factory=dict)
    resource_policy: Callable[..., Any] | None = None
    resource_tags: Callable[..., dict[str, str]] | None = None
    keys: Callable[..., dict[str, Any]] | None = None  # condition keys that cost a look: see `context_of`
    route: Callable[..., Awaitable[Any]] | None = None
    event_name: Callable[[str], str] | None = None  # how CloudTrail calls an operation, where it has another name
    recorded: Callable[..., None] | None = None  # told of each call: (call, operation, params, result, error)
    dress: Callable[..., None] | None = None  # adds headers to an answer for a browser: (cloud, request, response)
    publish: Callable[..., None] | None = None  # EventBridge's: what becomes of an event
    at_start: Callable[..., Any] | None = None
    at_stop: Callable[..., Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        self.iam = self.iam or self.name
        self.principal = self.principal or f"{self.name}.amazonaws.com"
        self.source = self.source or f"aws.{self.name}"

    @property
    def json_protocol(self) -> bool:
        return protocol_of(self.name) == "json"

    def operation(
        self,
        on: Resource = "*",
        *,
        action: Action = "",
        passes: tuple[str, ...] = (),
        context: Callable[..., dict[str, Any]] | None = None,
        data_event: bool = False,
        tagging: str = "",
        at_once: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler `(call, params) -> result`; its name is the operation's in snake case."""

        def register(handler: Handler) -> Handler:
            name = self._operation_named(handler.__name__)
            needs = f"{self.iam}:{name}" if action == "" else action
            is_async = inspect.iscoroutinefunction(handler)
            self.operations[name] = Operation(
                name, handler, on, needs, passes, context, is_async, data_event, tagging, at_once
            )
            return handler

        return register

    def task(self, name: str) -> Callable[[Handler], Handler]:
        """Register long work: `async (call, key) -> seconds until it wants to be called again, or None`.

        It takes its record as far as it can go; it is called again after a restart until it returns
        `None`, so each step must bear being repeated.
        """

        def register(work: Handler) -> Handler:
            self.tasks[name] = work
            return work

        return register

    def _operation_named(self, snake: str) -> str:
        wanted = snake.replace("_", "").lower()
        for name in operation_names(self.name):
            if name.lower() == wanted:
                return name
        raise LookupError(f"{self.name} has no operation {snake!r}: the model of botocore does not name it")
