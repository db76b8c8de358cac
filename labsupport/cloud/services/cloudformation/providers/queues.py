"""AWS::SQS::*"""

import json
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone

_GONE = ("QueueDoesNotExist",)
_USUAL = {  # what an attribute is once its property has gone
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "KmsMasterKeyId": "",
    "KmsDataKeyReusePeriodSeconds": "300",
    "SqsManagedSseEnabled": "true",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
_QUEUE = ("QueueName", "FifoQueue", "Tags", *_USUAL)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _attributes(props: Params) -> dict[str, str]:
    found = {name: _text(props[name]) for name in _USUAL if name in props}
    return {**found, "FifoQueue": "true"} if props.get("FifoQueue") else found


async def _create_queue(work: Work, props: Params) -> Made:
    sqs, ending = work.client("sqs"), ".fifo" if props.get("FifoQueue") else ""
    name = props.get("QueueName") or work.name(longest=80 - len(ending)) + ending
    _refuse_taken(work, sqs, name)
    tags, attributes = work.tags(props.get("Tags")), _attributes(props)
    optional: Params = {"Attributes": attributes} if attributes else {}
    tagged = {"tags": tags} if tags else {}
    work.once(sqs.create_queue, lambda made: str(made["QueueUrl"]), QueueName=name, **optional, **tagged)
    return _shown(sqs, work.resource.physical)


def _refuse_taken(work: Work, sqs: Any, name: str) -> None:
    """CreateQueue gives a queue that is there already; a stack must not take over what is not its own."""
    if work.resource.physical:
        return
    try:
        sqs.get_queue_url(QueueName=name)
    except AwsError as error:
        if error.code not in _GONE:
            raise
        return
    raise AwsError("AlreadyExists", f"{name} already exists", 400)


def _shown(sqs: Any, url: str) -> Made:
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Made(url, {"Arn": arn, "QueueName": url.rsplit("/", 1)[-1], "QueueUrl": url})


async def _update_queue(work: Work, url: str, old: Params, new: Params) -> Made:
    sqs = work.client("sqs")
    changed = {name for name in _USUAL if old.get(name) != new.get(name)}
    wanted = {name: _text(new[name]) if name in new else _USUAL[name] for name in changed}
    if "KmsMasterKeyId" in new and "SqsManagedSseEnabled" not in new:
        wanted.pop("SqsManagedSseEnabled", None)
    if wanted:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    tags, left = work.retag(old.get("Tags"), new.get("Tags"))
    if tags:
        sqs.tag_queue(QueueUrl=url, Tags=tags)
    if left:
        sqs.untag_queue(QueueUrl=url, TagKeys=left)
    return _shown(sqs, url)


async def _delete_queue(work: Work, url: str, props: Params) -> None:
    gone(work.client("sqs").delete_queue, *_GONE, QueueUrl=url)


async def _create_policy(work: Work, props: Params) -> Made:
    work.called(work.resource.physical or work.name())
    for url in props["Queues"]:
        policy = {"Policy": _text(props["PolicyDocument"])}
        work.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=policy)
    return Made(work.resource.physical, {"Id": work.resource.physical})


async def _update_policy(work: Work, physical: str, old: Params, new: Params) -> Made:
    await _delete_policy(work, physical, {"Queues": [one for one in old["Queues"] if one not in new["Queues"]]})
    await _create_policy(work, new)
    return Made(physical, {"Id": physical})


async def _delete_policy(work: Work, physical: str, props: Params) -> None:
    for url in props["Queues"]:
        gone(work.client("sqs").set_queue_attributes, *_GONE, QueueUrl=url, Attributes={"Policy": ""})


PROVIDERS = {
    "AWS::SQS::Queue": Provider(_create_queue, _delete_queue, _update_queue, _QUEUE),
    "AWS::SQS::QueuePolicy": Provider(_create_policy, _delete_policy, _update_policy),
}
