"""What a receiver does with a message: delete it, or keep it for longer or shorter."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs import rows
from labsupport.cloud.services.sqs.base import (
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
from labsupport.cloud.services.sqs.receiving import received

LONGEST = 43_200  # seconds that a receiver may keep a message
_EXPIRED = "The receipt handle has expired."


@service.operation(on=on_queue, data_event=True)
def delete_message(call: Call, params: Params) -> Params:
    _delete(call, queue_of(call, params), params)
    return {}


@service.operation(on=on_queue, action="sqs:DeleteMessage", data_event=True)
def delete_message_batch(call: Call, params: Params) -> Params:
    queue, entries = queue_of(call, params), entries_of(params, "DeleteMessageBatchRequestEntry")
    return each(entries, lambda entry: _delete(call, queue, entry))


def _delete(call: Call, queue: Queue, params: Params) -> Params:
    """What is gone already was deleted. By an older handle a message stays, which a standard queue does not tell."""
    row, newest = received(call, queue, params["ReceiptHandle"])
    if row is None:
        return {}
    if queue.fifo and (not newest or row.visible <= call.epoch):
        raise bad_value(params["ReceiptHandle"], "ReceiptHandle", _EXPIRED)
    if newest:
        rows.remove(call, row)
        wake(call, queue.arn)  # another one of its group may be received now
    return {}


@service.operation(on=on_queue, data_event=True)
def change_message_visibility(call: Call, params: Params) -> Params:
    _change(call, queue_of(call, params), params)
    return {}


@service.operation(on=on_queue, action="sqs:ChangeMessageVisibility", data_event=True)
def change_message_visibility_batch(call: Call, params: Params) -> Params:
    queue, entries = queue_of(call, params), entries_of(params, "ChangeMessageVisibilityBatchRequestEntry")
    return each(entries, lambda entry: _change(call, queue, entry))


def _change(call: Call, queue: Queue, params: Params) -> Params:
    if params.get("VisibilityTimeout") is None:
        raise missing("VisibilityTimeout")
    timeout = in_range(params, "VisibilityTimeout", 0, LONGEST, 0)
    row, newest = received(call, queue, params["ReceiptHandle"])
    if row is None:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise bad_value(params["ReceiptHandle"], "ReceiptHandle", reason)
    if queue.fifo and (not newest or row.visible <= call.epoch):
        raise bad_value(params["ReceiptHandle"], "ReceiptHandle", _EXPIRED)
    if not newest:
        raise AwsError("MessageNotInflight", "The specified message isn't in flight under this receipt handle.")
    if call.epoch + timeout > row.taken + LONGEST:
        raise invalid(f"Total VisibilityTimeout for the message is beyond the limit [{LONGEST} seconds]")
    rows.show(call, row, call.epoch + timeout)
    wake(call, queue.arn)
    return {}
