"""Messages that are received: those that are visible now, or come while the call waits."""

import base64
import binascii
import json
import secrets
from collections.abc import Iterator

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.waiting import client_leaves, is_stopping
from labsupport.cloud.services.sqs import attributes, dead_letters, rows, sealing
from labsupport.cloud.services.sqs.base import (
    OTHER_KIND,
    PUNCTUATED,
    Params,
    Queue,
    bad_value,
    in_range,
    on_queue,
    queue_of,
    service,
    waiter,
)
from labsupport.cloud.services.sqs.content import Content, md5, md5_of
from labsupport.cloud.store.sealing import WrongKey

ATTEMPT = 300  # seconds for which the same attempt is given the same messages
_SYSTEM = (
    "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "MessageGroupId",
    "MessageDeduplicationId", "SequenceNumber", "AWSTraceHeader", "DeadLetterQueueSourceArn",
)  # fmt: skip
_decode = msgspec.json.Decoder(Content).decode


@service.operation(on=on_queue, data_event=True)
async def receive_message(call: Call, params: Params) -> Params:
    """At least one message, if there is one before the wait is over."""
    queue = queue_of(call, params)
    wait = in_range(params, "WaitTimeSeconds", 0, 20, attributes.number(queue, "ReceiveMessageWaitTimeSeconds"))
    ends = call.epoch + wait
    with waiter(call, queue.arn) as comes:
        while True:
            comes.clear()
            with call.transaction():
                answer = _receive(call, queue_of(call, params), params)
                if answer or call.epoch >= ends or is_stopping(call):
                    call.conclude(answer)
                    return answer
            due = min(ends, rows.next_visible(call, queue.arn))
            if await client_leaves(call, comes, due - call.epoch):
                return {}


def _receive(call: Call, queue: Queue, params: Params) -> Params:
    most = params.get("MaxNumberOfMessages", 1)
    if not 1 <= most <= 10:
        raise bad_value(most, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
    if params.get("ReceiveRequestAttemptId") is not None:
        _check_attempt(queue, params["ReceiveRequestAttemptId"])
    for names in ("AttributeNames", "MessageSystemAttributeNames"):
        attributes.check_names(params.get(names, []), *_SYSTEM)
    timeout = in_range(params, "VisibilityTimeout", 0, 43_200, attributes.number(queue, "VisibilityTimeout"))
    rows.expire(call, queue.arn, attributes.number(queue, "MessageRetentionPeriod"))
    taken = _as_before(call, queue, params, timeout) or _taken(call, queue, params, timeout)
    found = [_given(call, queue, row, params) for row in taken]
    return {"Messages": found} if found else {}


def _taken(call: Call, queue: Queue, params: Params, timeout: int) -> list[rows.Row]:
    found = _living(call, queue, params.get("MaxNumberOfMessages", 1))
    taken = [rows.take(call, row, secrets.token_hex(8), timeout) for row in found]
    if taken and "ReceiveRequestAttemptId" in params:
        given = rows.Duplicate(json.dumps([[row.id, row.handle] for row in taken]), "")
        rows.remember(call, queue.arn, _attempt(params), given, call.epoch + ATTEMPT)
    return taken


def _living(call: Call, queue: Queue, most: int) -> list[rows.Row]:
    """Those to be received; such as were received too often go to the dead-letter queue instead."""
    while True:
        found = rows.receivable(call, queue.arn, queue.fifo, most)
        if not dead_letters.bury(call, queue, found):
            return found


# A receive from a FIFO queue that is repeated, as its answer was lost on the way


def _check_attempt(queue: Queue, attempt: str) -> None:
    if not queue.fifo:
        raise bad_value(attempt, "ReceiveRequestAttemptId", OTHER_KIND)
    if not PUNCTUATED.fullmatch(attempt):
        reason = "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise bad_value(attempt, "ReceiveRequestAttemptId", reason)


def _attempt(params: Params) -> bytes:
    return rows.digest("receive", params["ReceiveRequestAttemptId"])


def _as_before(call: Call, queue: Queue, params: Params, timeout: int) -> list[rows.Row]:
    """What the same attempt was given, away for the whole time again, if nothing has become of it meanwhile."""
    found = rows.duplicate(call, queue.arn, _attempt(params)) if "ReceiveRequestAttemptId" in params else None
    taken: list[rows.Row] = []
    for number, handle in json.loads(found.message) if found else ():
        row = rows.find(call, queue.arn, number)
        if row is None or row.handle != handle or row.visible <= call.epoch:
            return []
        taken.append(row)
    for row in taken:
        rows.show(call, row, call.epoch + timeout)
    return taken


def _given(call: Call, queue: Queue, row: rows.Row, params: Params) -> Params:
    content = _decode(sealing.opened(call, queue, row.origin, row.content))
    chosen = dict(_chosen(content, params.get("MessageAttributeNames", [])))
    return {
        "MessageId": row.message or content.id,
        "ReceiptHandle": _handle(call, queue, row),
        "MD5OfBody": md5(content.body),
        "Body": content.body,
        "Attributes": _system(queue, row, content, params) or None,
        "MD5OfMessageAttributes": md5_of(chosen),
        "MessageAttributes": chosen or None,
    }


def _chosen(content: Content, names: list[str]) -> Iterator[tuple[str, Params]]:
    """By name, by the beginning of a name (`shop.*`), or all."""
    for name, value in content.values().items():
        for wanted in names:
            starts = wanted.endswith(".*") and name.startswith(wanted.removesuffix("*").removesuffix("."))
            if wanted in (name, "All") or starts:
                yield name, value
                break


def _system(queue: Queue, row: rows.Row, content: Content, params: Params) -> dict[str, str]:
    names = {*params.get("AttributeNames", []), *params.get("MessageSystemAttributeNames", [])}
    values = (
        content.sender, str(int(row.sent * 1000)), str(row.received), str(int(row.first * 1000)), content.group,
        content.deduplication, row.sequence if queue.fifo else "", content.trace, row.dead_from,
    )  # fmt: skip
    there = dict(zip(_SYSTEM, values, strict=True))
    return {name: value for name, value in there.items() if value and (name in names or "All" in names)}


# Receipt handles


def _handle(call: Call, queue: Queue, row: rows.Row) -> str:
    sealed = call.store.records.seal.close(_kind(queue), f"{row.id} {row.handle}".encode())
    return base64.b64encode(sealed).decode()


def _kind(queue: Queue) -> str:
    return f"sqs.receipt:{queue.arn}"


def received(call: Call, queue: Queue, handle: str) -> tuple[rows.Row | None, bool]:
    """The message of a receipt handle, if it is there, and whether nobody has received it since."""
    try:
        sealed = base64.b64decode(handle, validate=True)
        number, _, mark = call.store.records.seal.open(_kind(queue), sealed).decode().partition(" ")
    except (binascii.Error, ValueError, WrongKey):
        message = f'The input receipt handle "{handle}" is not a valid receipt handle.'
        raise AwsError("ReceiptHandleIsInvalid", message, 404) from None
    row = rows.find(call, queue.arn, int(number))
    return row, row is not None and row.handle == mark
