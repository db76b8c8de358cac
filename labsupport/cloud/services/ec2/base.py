"""Instances as records, and what the topics of EC2 share (Amazon EC2 API Reference)."""

import functools
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Resource, Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
Handler = Callable[[Call, Params], Params]
service = Service("ec2")

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
TERMINATED_SHOWN = 3600.0  # seconds for which a terminated instance is still described


@record("ec2.instance", key=("account", "region", "id"))
class Instance(msgspec.Struct, kw_only=True):
    """One machine. `endpoint` is the cloud's address that its agent was started with."""

    account: str
    region: str
    id: str
    reservation: str
    index: int
    image: str
    type: str
    zone: str
    subnet: str
    groups: list[str]
    address: str
    launched: float
    state: str = "pending"
    reason: tuple[str, str] = ("", "")  # code and message of the last change that was asked for
    transition: str = ""
    ended: float | None = None
    profile: str = ""  # ARN of the instance profile
    profile_id: str = ""
    tags: dict[str, str] = {}
    user_data: str = ""  # base 64
    booted: bool = False  # user data runs once in an instance's life
    rebooting: bool = False
    protected: bool = False  # against termination by the API
    on_shutdown: str = "stop"
    monitored: bool = False
    metadata: dict[str, Any] = {}  # MetadataOptions
    secret: str  # the path of its metadata service; also the key of its tokens
    session: str = ""  # the access key id of the role's current session
    token: str = ""  # the client's idempotency token, and what was asked for with it
    asked: str = ""
    endpoint: str = ""

    @property
    def arn(self) -> str:
        return instance_arn(self.account, self.region, self.id)

    @property
    def alive(self) -> bool:
        return self.state not in ("shutting-down", "terminated")


@record("ec2.secret", key=("secret",))
class Secret(msgspec.Struct, kw_only=True):
    """Whose metadata service answers at a path."""

    secret: str
    account: str
    region: str
    instance: str


def operation(on: Resource = "*", **more: Any) -> Callable[[Handler], Handler]:
    """As `service.operation`; with DryRun a call ends once it is known to be allowed."""

    def register(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def checked(call: Call, params: Params) -> Params:
            if params.get("DryRun"):
                raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
            return handler(call, params)

        return service.operation(on, **more)(checked)

    return register


def instance_arn(account: str, region: str, instance_id: str) -> str:
    return f"arn:aws:ec2:{region}:{account}:instance/{instance_id}"


def on_instances(call: Call, params: Params) -> list[str]:
    return [instance_arn(call.account, call.region, one) for one in dict.fromkeys(params["InstanceIds"])]


def derived(prefix: str, *parts: str) -> str:
    """An id that is always the same for the same thing: the default network's parts have no records."""
    return f"{prefix}-0{hashlib.sha256('/'.join((prefix, *parts)).encode()).hexdigest()[:16]}"


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message, 400)


def instances_of(call: Call) -> list[Instance]:
    """All instances that the account can see in the region."""
    return [one for one in call.store.list(Instance, call.account, call.region) if shown(one, call.epoch)]


def shown(instance: Instance, now: float) -> bool:
    return instance.ended is None or instance.ended > now - TERMINATED_SHOWN


def instances_named(call: Call, ids: list[str]) -> list[Instance]:
    """The instances of the ids, each once; AWS's error where one does not exist."""
    wanted = list(dict.fromkeys(ids))
    for one in wanted:
        if not re.fullmatch(r"i-[0-9a-f]{8,17}", one):
            raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{one}"', 400)
    found = [call.store.get(Instance, call.account, call.region, one) for one in wanted]
    missing = [name for name, one in zip(wanted, found, strict=True) if one is None or not shown(one, call.epoch)]
    if missing:
        several = len(missing) > 1
        text = f"The instance ID{'s' if several else ''} '{', '.join(missing)}' do{'' if several else 'es'} not exist"
        raise AwsError("InvalidInstanceID.NotFound", text, 400)
    return [one for one in found if one is not None]


def change_state(call: Call, instance: Instance, state: str) -> None:
    """Note an instance's new state and publish it (User Guide: "State change events for Amazon EC2 instances")."""
    instance.state = state
    if state == "terminated":
        instance.ended = call.epoch
    call.store.put(instance)
    call.emit("EC2 Instance State-change Notification", {"instance-id": instance.id, "state": state}, [instance.arn])


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    instance_id = arn.rpartition(":instance/")[2]
    instance = call.store.get(Instance, call.account, call.region, instance_id)
    return instance.tags if instance else {}


service.resource_tags = _resource_tags
