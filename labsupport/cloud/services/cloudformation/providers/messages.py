"""AWS::SNS::* and AWS::Events::Rule."""

import json
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone

_TOPIC = ("TopicName", "DisplayName", "KmsMasterKeyId", "Subscription", "Tags")


async def _create_topic(work: Work, props: Params) -> Made:
    sns, name = work.client("sns"), work.name(props.get("TopicName"), longest=256)
    attributes = {key: props[key] for key in ("DisplayName", "KmsMasterKeyId") if props.get(key)}
    tags = work.tags(props.get("Tags"))
    optional: Params = {"Attributes": attributes} if attributes else {}
    _refuse_taken(work, sns, props)
    tagged = {"Tags": to_list(tags)} if tags else {}
    work.once(sns.create_topic, lambda made: str(made["TopicArn"]), Name=name, **optional, **tagged)
    arn = work.resource.physical
    for one in props.get("Subscription", []):
        sns.subscribe(TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _refuse_taken(work: Work, sns: Any, props: Params) -> None:
    """CreateTopic gives a topic that is there already; a stack must not take over what is not its own."""
    if work.resource.physical or not props.get("TopicName"):
        return
    arn = f"arn:aws:sns:{work.stack.region}:{work.stack.account}:{props['TopicName']}"
    try:
        sns.get_topic_attributes(TopicArn=arn)
    except AwsError as error:
        if error.code not in ("NotFoundException", "NotFound"):
            raise
        return
    raise AwsError("AlreadyExists", f"{arn} already exists", 400)


async def _update_topic(work: Work, arn: str, old: Params, new: Params) -> Made:
    sns = work.client("sns")
    for key in ("DisplayName", "KmsMasterKeyId"):
        if old.get(key) != new.get(key):
            sns.set_topic_attributes(TopicArn=arn, AttributeName=key, AttributeValue=new.get(key, ""))
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        sns.tag_resource(ResourceArn=arn, Tags=to_list(wanted))
    if left:
        sns.untag_resource(ResourceArn=arn, TagKeys=left)
    _unsubscribe(sns, arn, [one for one in old.get("Subscription", []) if one not in new.get("Subscription", [])])
    for one in new.get("Subscription", []):
        if one not in old.get("Subscription", []):
            sns.subscribe(TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    return Made(arn, {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1]})


def _unsubscribe(sns: Any, arn: str, unwanted: list[Params]) -> None:
    for one in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] if unwanted else []:
        mine = {"Protocol": one["Protocol"], "Endpoint": one["Endpoint"]}
        if mine in unwanted and one["SubscriptionArn"].startswith("arn:"):
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


async def _delete_topic(work: Work, arn: str, props: Params) -> None:
    work.client("sns").delete_topic(TopicArn=arn)


_SUBSCRIPTION = {"FilterPolicy": "{}", "FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false"}


async def _create_subscription(work: Work, props: Params) -> Made:
    subscribe = work.client("sns").subscribe
    given = {key: props[key] for key in ("TopicArn", "Protocol", "Endpoint") if props.get(key)}
    attributes = {key: _attribute(props[key]) for key in _SUBSCRIPTION if key in props}
    more = {"Attributes": attributes} if attributes else {}
    work.once(subscribe, lambda made: str(made["SubscriptionArn"]), **given, **more, ReturnSubscriptionArn=True)
    return Made(work.resource.physical, {"Arn": work.resource.physical})


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


async def _update_subscription(work: Work, arn: str, old: Params, new: Params) -> Made:
    for key, usual in _SUBSCRIPTION.items():
        if old.get(key) != new.get(key):
            value = _attribute(new.get(key, usual))
            work.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=key, AttributeValue=value)
    return Made(arn, {"Arn": arn})


async def _delete_subscription(work: Work, arn: str, props: Params) -> None:
    gone(work.client("sns").unsubscribe, "NotFoundException", SubscriptionArn=arn)


async def _create_topic_policy(work: Work, props: Params) -> Made:
    document = props["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    work.called(work.resource.physical or work.name())
    for arn in props["Topics"]:
        work.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return Made(work.resource.physical, {"Id": work.resource.physical})


async def _update_topic_policy(work: Work, physical: str, old: Params, new: Params) -> Made:
    await _delete_topic_policy(work, physical, {"Topics": [one for one in old["Topics"] if one not in new["Topics"]]})
    await _create_topic_policy(work, new)
    return Made(physical, {"Id": physical})


async def _delete_topic_policy(work: Work, physical: str, props: Params) -> None:
    """The topics get their default policy back."""
    for arn in props["Topics"]:
        gone(
            work.client("sns").set_topic_attributes, "NotFoundException",
            TopicArn=arn, AttributeName="Policy", AttributeValue="",
        )  # fmt: skip


# Rules

_RULE = ("Name", "Description", "EventPattern", "ScheduleExpression", "State", "RoleArn", "Targets", "Tags")


async def _create_rule(work: Work, props: Params) -> Made:
    name = work.name(props.get("Name"))
    _refuse_taken_rule(work, name, props)
    _put_rule(work, name, props)
    return _shown(work, name)


def _refuse_taken_rule(work: Work, name: str, props: Params) -> None:
    """PutRule changes a rule that is there already; a stack must not take over what is not its own."""
    if work.resource.physical or not props.get("Name"):
        return
    if any(one["Name"] == name for one in work.client("events").list_rules(NamePrefix=name)["Rules"]):
        raise AwsError("AlreadyExists", f"{name} already exists", 400)


def _put_rule(work: Work, name: str, props: Params) -> None:
    events = work.client("events")
    optional = {key: props[key] for key in ("Description", "ScheduleExpression", "State", "RoleArn") if props.get(key)}
    if props.get("EventPattern"):
        pattern = props["EventPattern"]
        optional["EventPattern"] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    tags = work.tags(props.get("Tags"))
    if work.resource.fresh:
        work.once(events.put_rule, name, Name=name, **optional, **({"Tags": to_list(tags)} if tags else {}))
    else:
        events.put_rule(Name=name, **optional)
    if props.get("Targets"):
        events.put_targets(Rule=name, Targets=props["Targets"])


def _shown(work: Work, name: str) -> Made:
    arn = work.client("events").describe_rule(Name=name)["Arn"]
    return Made(name, {"Arn": arn, "RuleName": name})


async def _update_rule(work: Work, name: str, old: Params, new: Params) -> Made:
    left = {one["Id"] for one in old.get("Targets", [])} - {one["Id"] for one in new.get("Targets", [])}
    if left:
        work.client("events").remove_targets(Rule=name, Ids=sorted(left))
    _put_rule(work, name, new)
    made = _shown(work, name)
    wanted, gone_tags = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        work.client("events").tag_resource(ResourceARN=made.attributes["Arn"], Tags=to_list(wanted))
    if gone_tags:
        work.client("events").untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=gone_tags)
    return made


async def _delete_rule(work: Work, name: str, props: Params) -> None:
    events: Any = work.client("events")
    try:
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return
        raise
    if targets:
        events.remove_targets(Rule=name, Ids=[one["Id"] for one in targets])
    events.delete_rule(Name=name)


PROVIDERS = {
    "AWS::SNS::Topic": Provider(_create_topic, _delete_topic, _update_topic, _TOPIC),
    "AWS::SNS::Subscription": Provider(
        _create_subscription,
        _delete_subscription,
        _update_subscription,
        ("TopicArn", "Protocol", "Endpoint", *_SUBSCRIPTION),
    ),
    "AWS::SNS::TopicPolicy": Provider(_create_topic_policy, _delete_topic_policy, _update_topic_policy),
    "AWS::Events::Rule": Provider(_create_rule, _delete_rule, _update_rule, _RULE),
}
