"""A queue's attributes: which there are, what they may be and what they are (API Reference: SetQueueAttributes)."""

import json
import re
from collections.abc import Callable
from typing import Any

from labsupport.cloud.core import principals
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy import document
from labsupport.cloud.services.sqs.base import Queue, bad_value, find_queue

_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_USUAL = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
}
_USUAL_FIFO = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
_REUSE = "300"  # seconds
_CHOICES = {
    "ContentBasedDeduplication": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
_OF_FIFO = ("ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
_PERMISSIONS = ("allowAll", "denyAll", "byQueue")


def number(queue: Queue, name: str) -> int:
    return int(queue.attributes.get(name) or _USUAL.get(name, _REUSE))


def flag(queue: Queue, name: str) -> bool:
    return queue.attributes.get(name) == "true"


def shown(call: Call, queue: Queue) -> dict[str, str]:
    """All that are set or have a usual value."""
    found = {**_USUAL, **(_USUAL_FIFO if queue.fifo else {}), **queue.attributes}
    if "KmsMasterKeyId" in found:
        found = {"KmsDataKeyReusePeriodSeconds": _REUSE, **found, "SqsManagedSseEnabled": "false"}
    found.setdefault("SqsManagedSseEnabled", "true")
    if queue.policy:
        found["Policy"] = principals.shown(call.store, queue.policy)
    return found


def differing(call: Call, queue: Queue, given: dict[str, str]) -> str | None:
    """The first of the given attributes that has another value at the queue."""
    there = shown(call, queue)
    for name, value in given.items():
        if _alike(there.get(name, "")) != _alike(value):
            return name
    return None


def _alike(value: str) -> Any:
    """Documents are alike whatever their white space; `TRUE` is `true`."""
    try:
        return json.loads(value) if value.lstrip().startswith("{") else value.lower()
    except ValueError:
        return value


def check_names(names: list[str], *more: str) -> None:
    """Whether these are names of attributes that a queue may have."""
    for name in names:
        if name not in KNOWN and name not in more:
            raise unknown(name)


def set_all(call: Call, queue: Queue, given: dict[str, str]) -> None:
    _check_encryption(queue, given)
    for name, value in given.items():
        checked = _CHECKS[name](call, queue, name, value) if name in _CHECKS else _plain(queue, name, value)
        if name == "Policy":
            queue.policy = checked
        elif checked:
            queue.attributes[name] = checked
        else:
            queue.attributes.pop(name, None)
    _check_throughput(queue)


def _wrong(name: str, reason: str = "") -> AwsError:
    more = f" Reason: {reason}" if reason else ""
    return AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.{more}")


def unknown(name: str) -> AwsError:
    return AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def _plain(queue: Queue, name: str, value: str) -> str:
    if name in _RANGES:
        low, high = _RANGES[name]
        if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not low <= int(value) <= high:
            raise _wrong(name)
        return str(int(value))
    if name not in _CHOICES or (name in _OF_FIFO and not queue.fifo):
        raise unknown(name)
    chosen = next((one for one in _CHOICES[name] if one.lower() == value.lower()), None)
    if chosen is None:
        raise _wrong(name)
    return chosen


def _check_encryption(queue: Queue, given: dict[str, str]) -> None:
    """One kind at a time: SQS's own key, or one of KMS."""
    own, key = given.get("SqsManagedSseEnabled", "").lower() == "true", given.get("KmsMasterKeyId")
    there = queue.attributes.get("KmsMasterKeyId") if key is None else key
    if own and there:
        message = (
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS "
            "SSE."
        )
        raise AwsError("InvalidAttributeName", message)
    if key:
        queue.attributes.pop("SqsManagedSseEnabled", None)


def _check_throughput(queue: Queue) -> None:
    of_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
    if queue.attributes.get("FifoThroughputLimit") == "perMessageGroupId" and not of_group:
        reason = "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup."
        raise _wrong("FifoThroughputLimit", reason)


def _fifo(_: Call, queue: Queue, name: str, value: str) -> str:
    """Which kind a queue is, its name says from the beginning; it doesn't change."""
    if not queue.fifo:
        raise unknown(name) if value.lower() != "false" else _wrong(name)
    if value.lower() != "true":
        raise _wrong(name, "Modifying queue type is not supported.")
    return "true"


def _policy(call: Call, queue: Queue, name: str, value: str) -> str:
    """A policy as it is kept: whom it names, by their unique ids."""
    if not value:
        return ""
    try:
        document.parse(value, "resource")
        return principals.stored(call.store, value)
    except (AwsError, principals.Nobody):
        raise _wrong(name) from None


def _key(_: Call, queue: Queue, name: str, value: str) -> str:
    if len(value) > 2048 or not value.isprintable():
        raise _wrong(name)
    return value


def _json(name: str, value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        words = {"RedrivePolicy": "Redrive policy", "RedriveAllowPolicy": "Redrive allow policy"}[name]
        raise bad_value(value, name, f"{words} is not a valid JSON map.")
    return found


def _redrive(call: Call, queue: Queue, name: str, value: str) -> str:
    if not value:
        return ""
    found = _json(name, value)
    for part in ("deadLetterTargetArn", "maxReceiveCount"):
        if found.get(part) is None:
            raise bad_value(value, name, f"Redrive policy does not contain mandatory attribute: {part}.")
    if len(found) > 2:
        raise bad_value(value, name, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
    most = str(found["maxReceiveCount"])
    if not re.fullmatch(r"\d{1,9}", most, re.ASCII) or not 1 <= int(most) <= 1000:
        reason = f"Invalid value for maxReceiveCount: {most}, valid values are from 1 to 1000 both inclusive."
        raise bad_value(value, name, reason)
    _check_target(call, queue, value, found["deadLetterTargetArn"])
    return json.dumps({"deadLetterTargetArn": found["deadLetterTargetArn"], "maxReceiveCount": int(most)},
                      separators=(",", ":"))  # fmt: skip


def _check_target(call: Call, queue: Queue, value: str, arn: Any) -> None:
    if not isinstance(arn, str) or not re.fullmatch(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w.-]+", arn, re.ASCII):
        raise bad_value(value, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
    target = find_queue(call, arn) if arn != queue.arn else queue
    if target is None or (target.account, target.region) != (queue.account, queue.region):
        raise bad_value(value, "RedrivePolicy", "Dead letter target does not exist.")
    if target.fifo != queue.fifo:
        reason = "Dead-letter queue must be same type of queue as the source."
        raise bad_value(value, "RedrivePolicy", reason)
    if not takes_from(target, queue.arn):
        raise bad_value(value, "RedrivePolicy", f"The redrive allow policy of {arn} does not allow this source queue.")


def takes_from(target: Queue, source: str) -> bool:
    """Whether a queue lets another one have it as its dead-letter queue."""
    policy = json.loads(target.attributes.get("RedriveAllowPolicy", "{}"))
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or (permission == "byQueue" and source in policy.get("sourceQueueArns", []))


def _allow(_: Call, queue: Queue, name: str, value: str) -> str:
    if not value:
        return ""
    found = _json(name, value)
    permission, sources = found.get("redrivePermission"), found.get("sourceQueueArns")
    if permission not in _PERMISSIONS:
        reason = f"Invalid value for redrivePermission: {permission}, valid values are {', '.join(_PERMISSIONS)}."
        raise bad_value(value, name, reason)
    if (permission == "byQueue") != (sources is not None):
        reason = "sourceQueueArns must be given with the redrivePermission byQueue, and with no other."
        raise bad_value(value, name, reason)
    if sources is not None and (not isinstance(sources, list) or not 1 <= len(sources) <= 10):
        raise bad_value(value, name, "sourceQueueArns takes 1 to 10 ARNs of queues.")
    return json.dumps(found, separators=(",", ":"))


_CHECKS: dict[str, Callable[[Call, Queue, str, str], str]] = {
    "FifoQueue": _fifo,
    "Policy": _policy,
    "KmsMasterKeyId": _key,
    "RedrivePolicy": _redrive,
    "RedriveAllowPolicy": _allow,
}
KNOWN = {
    "All", "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", *COUNTS, *_RANGES, *_CHOICES, *_CHECKS,
}  # fmt: skip
