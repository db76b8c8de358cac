"""Dead-letter queues: where messages go that were received too often (Developer Guide: "Using dead-letter queues")."""

import json

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.sqs import attributes, rows
from labsupport.cloud.services.sqs.base import Params, Queue, find_queue, on_queue, queue_of, service, wake
from labsupport.cloud.services.sqs.queues import page


def target_of(queue: Queue) -> tuple[str, int]:
    """The ARN of the queue's dead-letter queue, and how often a message is received before it goes there."""
    policy = json.loads(queue.attributes.get("RedrivePolicy", "{}"))
    return policy.get("deadLetterTargetArn", ""), policy.get("maxReceiveCount", 0)


def bury(call: Call, queue: Queue, found: list[rows.Row]) -> bool:
    """Move those that were received too often; whether there were any. A queue that is gone takes none."""
    arn, most = target_of(queue)
    target = find_queue(call, arn) if arn else None
    dead = [row for row in found if row.received >= most]
    if target is None or not dead or not attributes.takes_from(target, queue.arn):
        return False
    for row in dead:  # of a standard queue, a message's age goes on
        rows.move(call, row, target.arn, queue.arn, call.epoch if queue.fifo else row.sent)
    wake(call, target.arn)
    return True


def sources_of(call: Call, queue: Queue) -> list[Queue]:
    return [one for one in call.store.list(Queue, queue.account, queue.region) if target_of(one)[0] == queue.arn]


@service.operation(on=on_queue)
def list_dead_letter_source_queues(call: Call, params: Params) -> Params:
    urls, token = page(call, sources_of(call, queue_of(call, params)), params)
    return {"queueUrls": urls, "NextToken": token}
