"""One call: who asks, where and when, and what the handler may do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.core.checksums import Whole
from labsupport.cloud.core.cloud import PARTITION, Cloud
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.events import Event
from labsupport.cloud.core.identity import Caller, service_principal
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.jobs import Job
from labsupport.cloud.store.store import Store


@dataclass(slots=True)
class Call:
    """A call in progress. The same record serves a client's call, a service's own call to another
    service, and a task: `caller` tells which."""

    cloud: Cloud
    service: Service
    operation: str
    caller: Caller
    account: str
    region: str
    request_id: str = field(default_factory=ids.request_id)
    source_ip: str = "127.0.0.1"
    user_agent: str = ""
    secure: bool = False
    tls: str = ""  # its version, of a client's call
    host: str = ""  # what the client calls this endpoint, for addresses in answers
    body: AsyncIterator[bytes] | Whole | None = None  # an upload's, not checked yet
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""  # these three as sent
    path: str = ""
    query: str = ""
    source_arn: str = ""  # for a service's own calls: the resource on whose behalf
    signal: asyncio.Event | None = None  # in a task: set whenever it is woken while it runs
    resources: list[str] = field(default_factory=list)  # the ARNs that it was authorised on
    gone: Callable[[], Awaitable[None]] | None = None  # returns when the client has gone, for calls that wait
    found: dict[Any, Any] = field(default_factory=dict)  # what was looked up for this call already, for its service
    moment: float | None = None  # when it is made; None for what takes its time: tasks, and calls that wait
    unrecorded: Callable[[dict[str, Any]], None] | None = None  # an async call's entry in the trail, not written yet

    @property
    def store(self) -> Store:
        return self.cloud.store

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch, UTC)

    @property
    def epoch(self) -> float:
        return self.cloud.clock.epoch() if self.moment is None else self.moment

    def transaction(self) -> AbstractContextManager[None]:
        """Already open around a plain handler; an `async` one opens it around each step that changes something."""
        return self.cloud.store.transaction()

    def conclude(self, result: dict[str, Any]) -> None:
        """Write the trail's entry with what is being committed: the last step of an `async` handler's last
        transaction. A handler that doesn't call it has its entry written after it, in a commit of its own."""
        if self.unrecorded is not None:
            write, self.unrecorded = self.unrecorded, None
            write(result)

    def arn(self, resource: str, service: str = "", region: str | None = None) -> str:
        place = self.region if region is None else region
        return f"arn:{PARTITION}:{service or self.service.iam}:{place}:{self.account}:{resource}"

    def emit(self, detail_type: str, detail: dict[str, Any], resources: tuple[str, ...] | list[str] = ()) -> None:
        """Publish an event to EventBridge: rules are matched now, targets get it after this transaction."""
        event = Event(
            id=ids.uuid4(),
            account=self.account,
            region=self.region,
            source=self.service.source,
            detail_type=detail_type,
            detail=detail,
            resources=list(resources),
            time=self.epoch,
        )
        bus = self.cloud.service("events")
        if bus is not None and bus.publish is not None:
            bus.publish(self, event)

    def start(self, task: str, key: str, after: float = 0.0, service: str = "") -> None:
        """Have a task run (or wake it) once this transaction has committed, `after` seconds from now."""
        job = Job(service or self.service.name, task, self.account, self.region, key)
        self.store.jobs.put(job, self.epoch + after)
        self.cloud.wake()

    def authorise(self, action: str, resource: str, context: dict[str, Any] | None = None) -> None:
        """Ask for a further permission of the caller (`codecommit:GitPush` on a branch): AWS's refusal, or nothing."""
        self.cloud.way_in.authorise(self, action, resource, context or {})

    def aws(
        self, service: str, *, role: str = "", session: str = "", as_service: bool = False, source_arn: str = ""
    ) -> "Client":
        """A client for another service, by the one way in.

        As the caller of this call (`as_service=False`, no role: a forward access session), as this
        service's own principal, or under `role` (an ARN), which this service assumes: its trust policy
        has to name the service's principal. `session` names the role's session in the trail, `source_arn`
        the resource on whose behalf the service acts: policies see it (aws:SourceArn) where the service itself
        calls, which is also when it assumes the role.
        """
        if role:
            return Client(self, service, _Assumed(self, role, session or self.service.name, source_arn), source_arn)
        caller = service_principal(self.service.principal, self.account) if as_service else self.caller
        return Client(self, service, caller, source_arn)


@dataclass(slots=True)
class _Assumed:
    """A role to be assumed when the first call is made with it."""

    call: Call
    role: str
    session: str
    source_arn: str = ""
    caller: Caller | None = None

    def resolve(self) -> Caller:
        if self.caller is None:
            principal = service_principal(self.call.service.principal, self.call.account)
            sts = Client(self.call, "sts", principal, self.source_arn)
            answer = sts.assume_role(RoleArn=self.role, RoleSessionName=self.session)
            self.caller = self.call.cloud.way_in.caller(answer["Credentials"]["AccessKeyId"])
        return self.caller


@dataclass(slots=True)
class Client:
    """boto3's method names over the one way in: `client.put_object(Bucket=…)`.

    Operations that are `async` give an awaitable, the others their result. Errors are `AwsError`.
    """

    call: Call
    service: str
    principal: Caller | _Assumed
    source_arn: str = ""

    def __getattr__(self, operation: str) -> Any:
        def invoke(**params: Any) -> Any:
            target = self.call.cloud.service(self.service)
            if target is None:
                raise not_simulated(self.service)
            caller = self.principal.resolve() if isinstance(self.principal, _Assumed) else self.principal
            call = inner_call(self.call, target, caller, self.source_arn)
            return self.call.cloud.way_in.perform(call, operation, params)

        return invoke

    def caller(self) -> Caller:
        return self.principal.resolve() if isinstance(self.principal, _Assumed) else self.principal


def inner_call(outer: Call, target: Service, caller: Caller, source_arn: str = "") -> Call:
    """The call that a service makes to another one, in the course of `outer`."""
    passed_on = caller is outer.caller and caller.kind != "service"
    via = (*outer.caller.via, outer.service.principal) if passed_on else caller.via
    return Call(
        cloud=outer.cloud,
        service=target,
        operation="",
        caller=_with_via(caller, via),
        account=caller.account,
        region=outer.region,
        source_ip=outer.service.principal,
        user_agent=outer.service.principal,
        secure=True,
        host=outer.host,
        source_arn=source_arn,
    )


def _with_via(caller: Caller, via: tuple[str, ...]) -> Caller:
    if caller.via == via:
        return caller
    values = {name: getattr(caller, name) for name in Caller.__slots__}
    return Caller(**{**values, "via": via})
