"""Permissions that are added to a queue's policy one by one, and taken off."""

import json
import re

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs import attributes
from labsupport.cloud.services.sqs.base import Params, Queue, bad_value, on_queue, own_queue, service

_SHARED = (
    "*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
    "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
)  # fmt: skip
_MOST_ACTIONS = 7


@service.operation(on=on_queue)
def add_permission(call: Call, params: Params) -> Params:
    queue, label = own_queue(call, params), params["Label"]
    _check(params)
    policy = json.loads(queue.policy or json.dumps(_empty(queue)))
    if any(one.get("Sid") == label for one in policy["Statement"]):
        raise bad_value(label, "Label", "Already exists.")
    who = [f"arn:aws:iam::{account}:root" for account in params["AWSAccountIds"]]
    statement = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": _single(who)},
        "Action": _single([f"SQS:{action}" for action in params["Actions"]]),
        "Resource": queue.arn,
    }
    policy["Statement"].append(statement)
    attributes.set_all(call, queue, {"Policy": json.dumps(policy)})
    call.store.put(queue)
    return {}


def _empty(queue: Queue) -> Params:
    return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}


def _single(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _check(params: Params) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", params["Label"]):
        reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise bad_value(params["Label"], "Label", reason)
    for account in params["AWSAccountIds"]:
        if not re.fullmatch(r"\d{12}", account, re.ASCII):
            raise bad_value([account], "PrincipalId", "Unable to verify.")
    if len(params["Actions"]) > _MOST_ACTIONS:
        message = f"{len(params['Actions'])} Actions were found, maximum allowed is {_MOST_ACTIONS}."
        raise AwsError("OverLimit", message, 403)
    for action in params["Actions"]:
        if action not in service.operations and action != "*":
            reason = "Please refer to the appropriate WSDL for a list of valid actions."
            raise bad_value(f"SQS:{action}", "ActionName", reason)
        if action not in _SHARED:
            raise bad_value(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")


@service.operation(on=on_queue)
def remove_permission(call: Call, params: Params) -> Params:
    queue, label = own_queue(call, params), params["Label"]
    policy = json.loads(queue.policy or json.dumps(_empty(queue)))
    left = [one for one in policy["Statement"] if one.get("Sid") != label]
    if len(left) == len(policy["Statement"]):
        raise bad_value(label, "Label", "can't find label.")
    queue.policy = json.dumps({**policy, "Statement": left}) if left else ""
    call.store.put(queue)
    return {}
