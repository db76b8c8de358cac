"""Log groups and streams as records; their events lie in a table of their own (CloudWatch Logs API Reference)."""

from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import key_of, record

Params = dict[str, Any]
service = Service("logs")

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class DataKey(msgspec.Struct, kw_only=True):
    """What events of a group are encrypted with; `sealed` under the KMS key."""

    arn: str
    sealed: bytes


@record("logs.group", key=("account", "region", "name"))
class Group(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    created: int  # milliseconds
    retention: int | None = None  # days
    tags: dict[str, str] = {}
    kms_key: str = ""  # ARN
    data_keys: list[DataKey] = []  # one for each association: what is stored names its place in this list


@record("logs.stream", key=("account", "region", "group", "name"))
class Stream(msgspec.Struct, kw_only=True):
    account: str
    region: str
    group: str
    name: str
    created: int  # milliseconds
    first: int | None = None
    last: int | None = None
    ingested: int | None = None
    count: int = 0


def stream_key(stream: Stream) -> str:
    return key_of(stream)


def group_arn(call: Call, name: str) -> str:
    return call.arn(f"log-group:{name}")


def name_of(call: Call, params: Params) -> str:
    """The group's name where either a name or an ARN may be given; groups of other accounts are not shared."""
    given: str = params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    arn = parse(given)
    if arn is None:
        return given
    if (arn.service, arn.region, arn.account) != ("logs", call.region, call.account):
        raise no_group()
    return arn.resource.removeprefix("log-group:")


def on_group(call: Call, params: Params) -> str:
    """What a policy has to name for a call about a group: its ARN with `:*`, as AWS writes it ("CloudWatch Logs
    resources and operations")."""
    return group_arn(call, f"{name_of(call, params)}:log-stream:")


def on_stream(call: Call, params: Params) -> str:
    return group_arn(call, f"{name_of(call, params)}:log-stream:{params.get('logStreamName', '')}")


def earliest(call: Call, group: Group) -> int:
    """The time (milliseconds) from which on a group's events are kept."""
    return 0 if group.retention is None else milliseconds(call) - group.retention * 24 * 3600 * 1000


def milliseconds(call: Call) -> int:
    return int(call.epoch * 1000)


def refused(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def no_group() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def bad_token() -> AwsError:
    return refused("The specified nextToken is invalid.")


def group_named(call: Call, name: str) -> Group:
    group = call.store.get(Group, call.account, call.region, name)
    if group is None:
        raise no_group()
    return group


def stream_named(call: Call, group: str, name: str) -> Stream:
    group_named(call, group)
    stream = call.store.get(Stream, call.account, call.region, group, name)
    if stream is None:
        raise no_stream()
    return stream


def streams_of(call: Call, group: str, starting: str = "") -> list[Stream]:
    return list(call.store.list(Stream, call.account, call.region, group, starting=starting))
