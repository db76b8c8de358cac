"""Queues: create, find, list, attributes, empty, delete."""

import re

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs import attributes, rows
from labsupport.cloud.services.sqs.base import (
    Deleted,
    Params,
    Queue,
    bad_value,
    existing,
    invalid,
    on_queue,
    own_queue,
    queue_of,
    service,
    url_of,
    wake,
)
from labsupport.cloud.services.sqs.tagging import checked

PAUSE = 60  # seconds: between two purges, and from the end of a queue to the next of its name


@service.operation(on="arn:{partition}:sqs:{region}:{account}:{QueueName}", tagging="sqs:TagQueue")
def create_queue(call: Call, params: Params) -> Params:
    """A queue; one of that name that is there already is given, if nothing about it would differ."""
    name, given = params["QueueName"], params.get("Attributes", {})
    _check_name(name, given.get("FifoQueue", "false").lower() == "true")
    found = call.store.get(Queue, call.account, call.region, name)
    if found is None:
        found = _new(call, name, given, checked(params.get("tags", {})))
    elif other := attributes.differing(call, found, given):
        message = f"A queue already exists with the same name and a different value for attribute {other}"
        raise AwsError("QueueNameExists", message)
    return {"QueueUrl": url_of(call, found)}


def _check_name(name: str, fifo: bool) -> None:
    if fifo and not (re.fullmatch(r"[A-Za-z0-9_-]+\.fifo", name) and len(name) <= 80):
        raise invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length."
        )
    if not fifo and not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def _new(call: Call, name: str, given: dict[str, str], tagged: dict[str, str]) -> Queue:
    deleted = call.store.get(Deleted, call.account, call.region, name)
    if deleted and call.epoch - deleted.at < PAUSE:
        message = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        raise AwsError("QueueDeletedRecently", message)
    if deleted:
        call.store.delete(deleted)
    now = call.epoch
    queue = Queue(account=call.account, region=call.region, name=name, created=now, modified=now, tags=tagged)
    attributes.set_all(call, queue, given)
    call.store.put(queue)
    return queue


@service.operation(on=on_queue)
def delete_queue(call: Call, params: Params) -> Params:
    queue = own_queue(call, params)
    rows.forget_queue(call, queue.arn)
    call.store.delete(queue)
    call.store.put(Deleted(account=queue.account, region=queue.region, name=queue.name, at=call.epoch))
    wake(call, queue.arn)
    return {}


def _on_named(call: Call, params: Params) -> str:
    owner = params.get("QueueOwnerAWSAccountId") or call.account
    return f"arn:aws:sqs:{call.region}:{owner}:{params['QueueName']}"


@service.operation(on=_on_named)
def get_queue_url(call: Call, params: Params) -> Params:
    owner = params.get("QueueOwnerAWSAccountId") or call.account
    return {"QueueUrl": url_of(call, existing(call.store.get(Queue, owner, call.region, params["QueueName"])))}


def page(call: Call, queues: list[Queue], params: Params) -> tuple[list[str], str | None]:
    """Of URLs. Without MaxResults there is one page of at most a thousand, and no token."""
    most = params.get("MaxResults")
    if most is not None and not 1 <= most <= 1000:
        raise bad_value(most, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
    error = bad_value(params.get("NextToken"), "NextToken", "The token is not valid.")
    chosen, token = paging.page(queues, lambda one: one.name, params.get("NextToken"), most or 1000, error)
    return [url_of(call, one) for one in chosen], token if most else None


@service.operation(on="arn:{partition}:sqs:{region}:{account}:")
def list_queues(call: Call, params: Params) -> Params:
    starting = params.get("QueueNamePrefix", "")
    found = list(call.store.list(Queue, call.account, call.region, starting=starting))
    urls, token = page(call, found, params)
    return {"QueueUrls": urls or None, "NextToken": token}


@service.operation(on=on_queue)
def get_queue_attributes(call: Call, params: Params) -> Params:
    queue, names = queue_of(call, params), params.get("AttributeNames", [])
    attributes.check_names(names)
    found = {
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(int(queue.created)),
        "LastModifiedTimestamp": str(int(queue.modified)),
        **attributes.shown(call, queue),
    }
    if "All" in names or any(name in attributes.COUNTS for name in names):
        rows.expire(call, queue.arn, attributes.number(queue, "MessageRetentionPeriod"))
        found |= zip(attributes.COUNTS, map(str, rows.counts(call, queue.arn)), strict=True)
    chosen = found if "All" in names else {name: found[name] for name in names if name in found}
    return {"Attributes": chosen}


@service.operation(on=on_queue)
def set_queue_attributes(call: Call, params: Params) -> Params:
    queue, given = own_queue(call, params), params["Attributes"]
    attributes.set_all(call, queue, given)
    queue.modified = call.epoch
    call.store.put(queue)
    if queue.fifo and "DelaySeconds" in given:  # which counts for those that are in such a queue already
        rows.delay(call, queue.arn, attributes.number(queue, "DelaySeconds"))
        wake(call, queue.arn)
    return {}


@service.operation(on=on_queue)
def purge_queue(call: Call, params: Params) -> Params:
    queue = queue_of(call, params)
    if queue.purged and call.epoch - queue.purged < PAUSE:
        message = f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds."
        raise AwsError("PurgeQueueInProgress", message, 403)
    rows.purge(call, queue.arn)
    queue.purged = call.epoch
    call.store.put(queue)
    return {}
