"""Moving dead letters back, or elsewhere (Developer Guide: "Using dead-letter queue redrive").

A task moves what is visible, at most so many messages a second. Each is a new message then, with an id of its own.
"""

import base64
import binascii
import json

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs import attributes, rows
from labsupport.cloud.services.sqs.base import Params, Queue, bad_value, find_queue, in_range, invalid, service, wake
from labsupport.cloud.services.sqs.dead_letters import sources_of
from labsupport.cloud.store.record import record

_FASTEST = 500  # messages a second, and how many are moved at once where no rate is given


@record("sqs.move", key=("source", "id"))
class Move(msgspec.Struct, kw_only=True):
    source: str  # ARNs
    destination: str
    id: str
    rate: int
    status: str = "RUNNING"
    started: float
    moved: int = 0
    to_move: int
    failure: str = ""

    @property
    def handle(self) -> str:
        return base64.b64encode(json.dumps({"taskId": self.id, "sourceArn": self.source}).encode()).decode()


def _not_there(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"The resource that you specified for the {what} doesn't exist.", 404)


def _source_of(call: Call, params: Params) -> Queue:
    queue = find_queue(call, params["SourceArn"])
    if queue is None or (queue.account, queue.region) != (call.account, call.region):
        raise _not_there("SourceArn parameter")
    return queue


@service.operation(on="{SourceArn}")
def start_message_move_task(call: Call, params: Params) -> Params:
    """Messages go to one destination, or each back to the queue that it came from."""
    source, rate = _source_of(call, params), in_range(params, "MaxNumberOfMessagesPerSecond", 1, _FASTEST, 0)
    places = sources_of(call, source)
    if not places:
        raise invalid("Source queue must be configured as a Dead Letter Queue.")
    destination = params.get("DestinationArn", "")
    if destination:
        places = [_destination(call, source, destination)]
    if any(one.status == "RUNNING" for one in call.store.list(Move, source.arn)):
        raise invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    _authorise(call, source, places)
    rows.expire(call, source.arn, attributes.number(source, "MessageRetentionPeriod"))
    move = Move(
        source=source.arn, destination=destination, id=ids.uuid4(), rate=rate, started=call.epoch,
        to_move=rows.counts(call, source.arn)[0],
    )  # fmt: skip
    call.store.put(move)
    call.start("move", f"{source.arn} {move.id}")
    return {"TaskHandle": move.handle}


def _destination(call: Call, source: Queue, arn: str) -> Queue:
    queue = find_queue(call, arn)
    if queue is None or (queue.account, queue.region) != (source.account, source.region):
        raise _not_there("DestinationArn parameter")
    if arn == source.arn:
        raise bad_value(arn, "DestinationArn", "Source queue arn and destination queue arn cannot be the same.")
    if queue.fifo != source.fifo:
        raise bad_value(arn, "DestinationArn", "The destination must be of the same type as the source.")
    return queue


def _authorise(call: Call, source: Queue, places: list[Queue]) -> None:
    """Who moves messages needs the rights to take them and to send them."""
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        call.authorise(action, source.arn)
    for place in places:
        call.authorise("sqs:SendMessage", place.arn)


@service.task("move")
async def move_some(call: Call, key: str) -> float | None:
    """The messages of one second."""
    source, _, number = key.rpartition(" ")
    move, queue = call.store.get(Move, source, number), find_queue(call, source)
    if move is None or move.status != "RUNNING" or queue is None:
        return None
    with call.transaction():
        most = min(move.rate or _FASTEST, move.to_move - move.moved)
        found = rows.receivable(call, source, queue.fifo, most)
        for row in found:
            _move(call, move, row)
        if move.status == "RUNNING" and (not found or move.moved >= move.to_move):
            move.status = "COMPLETED"
        call.store.put(move)
    return 1.0 if move.status == "RUNNING" else None


def _move(call: Call, move: Move, row: rows.Row) -> None:
    target = find_queue(call, move.destination or row.dead_from)
    if move.status != "RUNNING":
        return
    if target is None:
        move.status = "FAILED"
        move.failure = "CouldNotDetermineMessageSource" if not row.dead_from else "NonExistentQueue"
        return
    rows.renew(call, row, target.arn, ids.uuid4())
    wake(call, target.arn)
    move.moved += 1


@service.operation(on="{SourceArn}")
def list_message_move_tasks(call: Call, params: Params) -> Params:
    """The newest tasks of a queue."""
    source, most = _source_of(call, params), in_range(params, "MaxResults", 1, 10, 1)
    found = sorted(call.store.list(Move, source.arn), key=lambda one: -one.started)
    return {"Results": [_shown(one) for one in found[:most]]}


def _shown(move: Move) -> Params:
    return {
        "TaskHandle": move.handle if move.status == "RUNNING" else None,
        "Status": move.status,
        "SourceArn": move.source,
        "DestinationArn": move.destination or None,
        "MaxNumberOfMessagesPerSecond": move.rate or None,
        "ApproximateNumberOfMessagesMoved": move.moved,
        "ApproximateNumberOfMessagesToMove": move.to_move,
        "FailureReason": move.failure or None,
        "StartedTimestamp": int(move.started * 1000),
    }


def _named(handle: str) -> tuple[str, str]:
    """Source and id in a task's handle."""
    try:
        found = json.loads(base64.b64decode(handle, validate=True))
        source, number = str(found["sourceArn"]), str(found["taskId"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        source = number = ""
    if parse(source) is None:
        raise bad_value(handle, "TaskHandle", "The task handle is not valid.")
    return source, number


@service.operation(on=lambda _, params: _named(params["TaskHandle"])[0])
def cancel_message_move_task(call: Call, params: Params) -> Params:
    """What was moved stays where it is."""
    move = call.store.get(Move, *_named(params["TaskHandle"]))
    if move is None:
        raise AwsError("ResourceNotFoundException", "Task does not exist.", 404)
    if move.status != "RUNNING":
        message = f"The task is {move.status}: only a task that is RUNNING can be cancelled."
        raise AwsError("UnsupportedOperation", message)
    move.status = "CANCELLED"
    call.store.put(move)
    return {"ApproximateNumberOfMessagesMoved": move.moved}
