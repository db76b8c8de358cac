"""Messages that are sent: checked, encrypted, put into the queue."""

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs import attributes, rows, sealing
from labsupport.cloud.services.sqs.base import (
    OTHER_KIND,
    PUNCTUATED,
    Params,
    Queue,
    bad_value,
    in_range,
    invalid,
    missing,
    on_queue,
    queue_of,
    service,
    wake,
)
from labsupport.cloud.services.sqs.batches import each, entries_of
from labsupport.cloud.services.sqs.content import Content, check_attributes, check_body, md5, md5_of, size, value_of

LARGEST_BATCH = 1_048_576  # bytes
DEDUPLICATION = 300  # seconds
_encode = msgspec.json.Encoder().encode


@service.operation(on=on_queue, data_event=True)
def send_message(call: Call, params: Params) -> Params:
    queue = queue_of(call, params)
    if queue.fifo and not params.get("MessageGroupId"):
        raise missing("MessageGroupId")
    return _send(call, queue, params)


@service.operation(on=on_queue, action="sqs:SendMessage", data_event=True)
def send_message_batch(call: Call, params: Params) -> Params:
    queue, entries = queue_of(call, params), entries_of(params, "SendMessageBatchRequestEntry")
    total = sum(size(entry) for entry in entries)
    if total > LARGEST_BATCH:
        message = f"Batch requests cannot be longer than {LARGEST_BATCH} bytes. You have sent {total} bytes."
        raise AwsError("BatchRequestTooLong", message)
    for entry in entries if queue.fifo else ():
        if not entry.get("MessageGroupId"):
            raise invalid("The request must contain the parameter MessageGroupId.")
        _deduplication_of(queue, entry)
    return each(entries, lambda entry: _send(call, queue, entry))


def _send(call: Call, queue: Queue, params: Params) -> Params:
    _check(queue, params)
    delay = in_range(params, "DelaySeconds", 0, 900, attributes.number(queue, "DelaySeconds"))
    if queue.fifo:
        delay = attributes.number(queue, "DelaySeconds")
    made = _put(call, queue, params, delay)
    trace = params.get("MessageSystemAttributes", {})
    return {
        "MessageId": made.message,
        "MD5OfMessageBody": md5(params["MessageBody"]),
        "MD5OfMessageAttributes": md5_of(params.get("MessageAttributes", {})),
        "MD5OfMessageSystemAttributes": md5_of(trace),
        "SequenceNumber": made.sequence or None,
    }


def _check(queue: Queue, params: Params) -> None:
    check_body(params["MessageBody"])
    check_attributes(params.get("MessageAttributes", {}))
    trace = params.get("MessageSystemAttributes", {}).get("AWSTraceHeader")
    if trace is not None and not (trace["DataType"] == "String" and trace.get("StringValue")):
        raise invalid("The message system attribute 'AWSTraceHeader' must have a non-empty value of type 'String'.")
    most = attributes.number(queue, "MaximumMessageSize")
    if size(params) > most:
        raise invalid(f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.")
    if queue.fifo and params.get("DelaySeconds"):
        raise bad_value(params["DelaySeconds"], "DelaySeconds", OTHER_KIND)
    if not queue.fifo and params.get("MessageDeduplicationId") is not None:
        raise bad_value(params["MessageDeduplicationId"], "MessageDeduplicationId", OTHER_KIND)
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        value = params.get(name)
        if value is not None and not PUNCTUATED.fullmatch(value):
            reason = f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
            raise bad_value(value, name, reason)


def _deduplication_of(queue: Queue, params: Params) -> str:
    given: str | None = params.get("MessageDeduplicationId")
    if given is None and not attributes.flag(queue, "ContentBasedDeduplication"):
        raise invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly"
        )
    return rows.sha256(params["MessageBody"]) if given is None else given


def _put(call: Call, queue: Queue, params: Params, delay: int) -> rows.Duplicate:
    """Put a message into the queue; a repeated one of a FIFO queue has the first one's answer and is not put again."""
    group = params.get("MessageGroupId", "")
    if not queue.fifo:
        message, _ = _add(call, queue, params, delay, "")
        return rows.Duplicate(message, "")
    name = _deduplication_of(queue, params)
    per_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
    key = rows.digest(name, group if per_group else "")
    found = rows.duplicate(call, queue.arn, key)
    if found is None:
        found = rows.Duplicate(*_add(call, queue, params, delay, name))
        rows.remember(call, queue.arn, key, found, call.epoch + DEDUPLICATION)
    return found


def _add(call: Call, queue: Queue, params: Params, delay: int, deduplication: str) -> tuple[str, str]:
    trace = params.get("MessageSystemAttributes", {}).get("AWSTraceHeader")
    made = Content(
        id=ids.uuid4(),
        body=params["MessageBody"],
        attributes=params.get("MessageAttributes", {}),
        trace=str(value_of(trace)) if trace else "",
        sender=call.caller.id or call.caller.service,
        group=params.get("MessageGroupId", ""),
        deduplication=deduplication,
    )
    row = rows.add(call, queue.arn, made.group, sealing.closed(call, queue, _encode(made)), delay)
    wake(call, queue.arn)
    return made.id, row.sequence
