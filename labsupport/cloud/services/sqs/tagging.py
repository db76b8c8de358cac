"""A queue's tags."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.sqs.base import Params, invalid, on_queue, own_queue, service


def checked(found: dict[str, str]) -> dict[str, str]:
    too_many = invalid(f"Too many tags added for queue: a queue can have at most {tags.MOST}.")
    tags.check(found, too_many, invalid("Tag keys that begin with aws: are reserved."))
    for key, value in found.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid(f"Tag key {key[:128]!r}: keys have 1 to 128 characters, values at most 256.")
    return found


@service.operation(on=on_queue)
def tag_queue(call: Call, params: Params) -> Params:
    queue = own_queue(call, params)
    queue.tags = checked(tags.merged(queue.tags, params["Tags"]))
    call.store.put(queue)
    return {}


@service.operation(on=on_queue)
def untag_queue(call: Call, params: Params) -> Params:
    queue = own_queue(call, params)
    queue.tags = tags.without(queue.tags, params["TagKeys"])
    call.store.put(queue)
    return {}


@service.operation(on=on_queue)
def list_queue_tags(call: Call, params: Params) -> Params:
    return {"Tags": own_queue(call, params).tags or None}
