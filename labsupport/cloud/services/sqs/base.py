"""Queues as records, their URLs, and what the topics of SQS share (Amazon SQS API Reference)."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("sqs")
PUNCTUATED = re.compile(r"[\x21-\x7e]{1,128}")  # ids of groups, of messages to tell repeated ones, of attempts
OTHER_KIND = "The request include parameter that is not valid for this queue type."
_URL = re.compile(r"(?:https?://[^/]+)?/?(\d{12})/([^/]+)/?", re.ASCII)


@record("sqs.queue", key=("account", "region", "name"))
class Queue(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    created: float
    modified: float
    attributes: dict[str, str] = {}  # those that were set, but for the policy
    policy: str = ""
    tags: dict[str, str] = {}
    purged: float = 0.0

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


@record("sqs.deleted", key=("account", "region", "name"))
class Deleted(msgspec.Struct, kw_only=True):
    """That a queue of this name was deleted: for a minute none can be made under it."""

    account: str
    region: str
    name: str
    at: float


def url_of(call: Call, queue: Queue) -> str:
    """A queue's address under the name by which the client calls this endpoint."""
    settings = call.cloud.settings
    host = call.host or f"{settings.host}:{settings.port}"
    secure = call.tls or (settings.tls_port and host.endswith(f":{settings.tls_port}"))
    return f"{'https' if secure else 'http'}://{host}/{queue.account}/{queue.name}"


def arn_in(call: Call, url: str) -> str:
    """The ARN of the queue that a URL names: its account and its name count, wherever it was sent to."""
    found = _URL.fullmatch(url)
    if found is None:
        raise AwsError("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)
    return f"arn:aws:sqs:{call.region}:{found[1]}:{found[2]}"


def on_queue(call: Call, params: Params) -> str:
    return arn_in(call, params["QueueUrl"])


def find_queue(call: Call, arn: str) -> Queue | None:
    found = parse(arn)
    return call.store.get(Queue, found.account, found.region, found.resource) if found else None


def queue_of(call: Call, params: Params) -> Queue:
    return existing(find_queue(call, arn_in(call, params["QueueUrl"])))


def existing(queue: Queue | None) -> Queue:
    if queue is None:
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
    return queue


def own_queue(call: Call, params: Params) -> Queue:
    """For what no policy gives to another account (Developer Guide: "Overview of managing access in Amazon SQS")."""
    queue = queue_of(call, params)
    if queue.account != call.account:
        raise AwsError("AccessDeniedException", f"Access to the resource {params['QueueUrl']} is denied.", 403)
    return queue


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


def bad_value(value: object, parameter: str, reason: str) -> AwsError:
    return invalid(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def missing(parameter: str) -> AwsError:
    return AwsError("MissingRequiredParameterException", f"The request must contain the parameter {parameter}.")


def in_range(params: Params, name: str, low: int, high: int, usual: int) -> int:
    value = params.get(name)
    if value is None:
        return usual
    if not low <= value <= high:
        raise bad_value(value, name, f"{name} must be >= {low} and <= {high}.")
    return int(value)


# Those who wait for messages


def _waiting(call: Call) -> dict[str, set[asyncio.Event]]:
    """What is set when something comes to a queue (its ARN), for each long poll that waits there."""
    room: dict[str, set[asyncio.Event]] = call.cloud.rooms.setdefault("sqs", {})
    return room


@contextmanager
def waiter(call: Call, arn: str) -> Iterator[asyncio.Event]:
    """For one long poll: what is set when something comes to the queue."""
    mine, room = asyncio.Event(), _waiting(call)
    room.setdefault(arn, set()).add(mine)
    try:
        yield mine
    finally:
        room[arn].discard(mine)
        if not room[arn]:
            del room[arn]


def wake(call: Call, arn: str) -> None:
    """Whoever waits looks again, once this transaction is over."""
    for one in _waiting(call).get(arn, ()):
        one.set()


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    queue = find_queue(call, resource)
    return (queue.policy or None, "resource", queue.account, "either") if queue else None


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    queue = find_queue(call, resource)
    return queue.tags if queue else {}


service.resource_policy = _resource_policy
service.resource_tags = _resource_tags
