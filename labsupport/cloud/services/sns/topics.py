"""Topics: create, list, attributes, permissions, tags."""

import json
import re
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core import paging, principals, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.policy import document
from labsupport.cloud.services.sns.base import (
    Params,
    Subscription,
    Topic,
    default_policy,
    find_topic,
    invalid,
    service,
    topic_of,
)

_KEPT = ("DeliveryPolicy", "TracingConfig", "SignatureVersion")


@service.operation(on="arn:{partition}:sns:{region}:{account}:{Name}", tagging="sns:TagResource")
def create_topic(call: Call, params: Params) -> Params:
    name = params["Name"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}(\.fifo)?", name):
        raise invalid("Topic Name")
    if name.endswith(".fifo"):
        raise not_simulated("A FIFO topic")
    found = call.store.get(Topic, call.account, call.region, name)
    if found:
        return _same(call, found, params)
    arn = call.arn(name)
    topic = Topic(account=call.account, region=call.region, name=name, policy=default_policy(arn, call.account))
    for attribute, value in params.get("Attributes", {}).items():
        _set(call, topic, attribute, value)
    topic.tags = _checked(tags.from_list(params.get("Tags")))
    call.store.put(topic)
    return {"TopicArn": topic.arn}


def _same(call: Call, topic: Topic, params: Params) -> Params:
    """Creating a topic again gives its ARN, as long as nothing about it would differ."""
    if params.get("Tags") and tags.from_list(params["Tags"]) != topic.tags:
        raise invalid("Tags Reason: Topic already exists with different tags")
    there = _attributes_of(call, topic)
    given = params.get("Attributes", {}).items()
    if any(_normal(name, there.get(name)) != _normal(name, value) for name, value in given):
        raise invalid("Attributes Reason: Topic already exists with different attributes")
    return {"TopicArn": topic.arn}


def _normal(name: str, value: str | None) -> Any:
    """Policies are alike whatever their white space."""
    try:
        return json.loads(value) if name == "Policy" and value else value
    except ValueError:
        return value


@service.operation(on="{TopicArn}")
def delete_topic(call: Call, params: Params) -> Params:
    topic = find_topic(call, params["TopicArn"])
    if topic:
        for subscription in call.store.list(Subscription, topic.arn):
            call.store.delete(subscription)
        call.store.delete(topic)
    return {}


@service.operation()
def list_topics(call: Call, params: Params) -> Params:
    found = call.store.list(Topic, call.account, call.region)
    chosen, token = paging.page(found, lambda one: one.name, params.get("NextToken"), 100, invalid("NextToken"))
    return {"Topics": [{"TopicArn": topic.arn} for topic in chosen], "NextToken": token}


@service.operation(on="{TopicArn}")
def get_topic_attributes(call: Call, params: Params) -> Params:
    topic = topic_of(call, params["TopicArn"])
    subscriptions = list(call.store.list(Subscription, topic.arn))
    confirmed = sum(one.confirmed for one in subscriptions)
    counts = {
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(len(subscriptions) - confirmed),
        "SubscriptionsDeleted": "0",
    }
    return {"Attributes": {**_attributes_of(call, topic), **counts}}


def _attributes_of(call: Call, topic: Topic) -> dict[str, str]:
    shown = {
        "TopicArn": topic.arn,
        "Owner": topic.account,
        "Policy": principals.shown(call.store, topic.policy),
        "DisplayName": topic.display_name,
        **topic.attributes,
    }
    return {**shown, "KmsMasterKeyId": topic.kms_key} if topic.kms_key else shown


@service.operation(on="{TopicArn}")
def set_topic_attributes(call: Call, params: Params) -> Params:
    topic = topic_of(call, params["TopicArn"])
    _set(call, topic, params["AttributeName"], params.get("AttributeValue", ""))
    call.store.put(topic)
    return {}


def _set(call: Call, topic: Topic, name: str, value: str) -> None:
    if name == "Policy":
        topic.policy = _with_ids(call, _policy(topic, value))
    elif name == "DisplayName":
        if len(value) > 100 or not value.isprintable():
            raise invalid("DisplayName")
        topic.display_name = value
    elif name == "KmsMasterKeyId":
        topic.kms_key = value
    elif name in _KEPT:
        topic.attributes[name] = value
    elif name in ("FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"):
        if value.lower() not in ("", "false"):
            raise not_simulated("A FIFO topic")
    elif re.fullmatch(r"(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback(RoleArn|SampleRate)", name):
        raise not_simulated(f"Logging of deliveries (the attribute {name})")
    else:
        raise invalid("AttributeName")


def _policy(topic: Topic, text: str) -> str:
    if not text:
        return default_policy(topic.arn, topic.account)
    try:
        document.parse(text, "resource")
    except AwsError as error:
        raise invalid(f"Policy Error: {error.message}") from None
    if any(not _is_own(action) for action in _actions(json.loads(text))):
        raise invalid("Policy statement action out of service scope!")
    return text


def _with_ids(call: Call, text: str) -> str:
    """The policy as it is kept: whom it names, by their unique ids."""
    try:
        return principals.stored(call.store, text)
    except principals.Nobody:
        raise invalid("Policy Error: PrincipalNotFound") from None


def _actions(policy: Params) -> Iterator[str]:
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        named = statement.get("Action", statement.get("NotAction", []))
        yield from [named] if isinstance(named, str) else named


def _is_own(action: str) -> bool:
    return action == "*" or action.lower().startswith("sns:")


@service.operation(on="{TopicArn}")
def add_permission(call: Call, params: Params) -> Params:
    topic = topic_of(call, params["TopicArn"])
    policy = json.loads(topic.policy)
    if any(statement.get("Sid") == params["Label"] for statement in policy["Statement"]):
        raise invalid("Statement already exists")
    policy["Statement"].append(
        {
            "Sid": params["Label"],
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in params["AWSAccountId"]]},
            "Action": [f"SNS:{action}" for action in params["ActionName"]],
            "Resource": topic.arn,
        }
    )
    topic.policy = _policy(topic, json.dumps(policy))
    call.store.put(topic)
    return {}


@service.operation(on="{TopicArn}")
def remove_permission(call: Call, params: Params) -> Params:
    topic = topic_of(call, params["TopicArn"])
    policy = json.loads(topic.policy)
    policy["Statement"] = [one for one in policy["Statement"] if one.get("Sid") != params["Label"]]
    topic.policy = json.dumps(policy)
    call.store.put(topic)
    return {}


# Tags


def _tagged(call: Call, params: Params) -> Topic:
    topic = find_topic(call, params["ResourceArn"])
    if topic is None:
        raise AwsError("ResourceNotFoundException", "Resource does not exist", 404)
    return topic


def _checked(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded")
    reserved = AwsError("InvalidParameterException", "Invalid parameter: Tag keys that begin with aws: are reserved.")
    tags.check(found, too_many, reserved)
    return found


@service.operation(on="{ResourceArn}")
def tag_resource(call: Call, params: Params) -> Params:
    topic = _tagged(call, params)
    topic.tags = _checked(tags.merged(topic.tags, tags.from_list(params["Tags"])))
    call.store.put(topic)
    return {}


@service.operation(on="{ResourceArn}")
def untag_resource(call: Call, params: Params) -> Params:
    topic = _tagged(call, params)
    topic.tags = tags.without(topic.tags, params["TagKeys"])
    call.store.put(topic)
    return {}


@service.operation(on="{ResourceArn}")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"Tags": tags.to_list(_tagged(call, params).tags)}
