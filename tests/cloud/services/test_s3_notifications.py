"""A bucket's events: on the bus, and at topics that let S3 in."""

import json
from typing import Any

import pytest
from s3_help import FIRST, SECOND, fresh, new_bucket, policy, refused, statement
from services_help import news, subscribed, text_of


def topic_for(cloud: Any, *conditions: dict[str, Any], lets_in: bool = True) -> str:
    sns = cloud.client("sns")
    arn: str = sns.create_topic(Name=fresh("topic"))["TopicArn"]
    if lets_in:
        condition = {"Condition": conditions[0]} if conditions else {}
        service = {"Service": "s3.amazonaws.com"}
        text = policy(statement("sns:Publish", arn, Principal=service, **condition))
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return arn


def rule(topic: str, *events: str, prefix: str = "", suffix: str = "", **more: Any) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    filtered = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"TopicArn": topic, "Events": list(events) or ["s3:ObjectCreated:*"], **filtered, **more}


def notify(cloud: Any, name: str, *rules: dict[str, Any], **more: Any) -> None:
    configuration = {"TopicConfigurations": list(rules), **more}
    cloud.client("s3").put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)


def told(cloud: Any, address: str) -> list[dict[str, Any]]:
    """The events that have come to an address, each as its one record."""
    cloud.settle()
    messages = [json.loads(text_of(one)) for one in news(cloud, address)]
    return [one["Records"][0] if "Records" in one else one for one in messages]


def test_a_topic_gets_what_its_rule_names(shared_cloud: Any) -> None:
    name, topic, s3 = new_bucket(shared_cloud, versions=True), topic_for(shared_cloud), shared_cloud.client("s3")
    subscribed(shared_cloud, topic, "uploads@example.com")
    events = ("s3:ObjectCreated:*", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:Put")
    notify(shared_cloud, name, rule(topic, *events, prefix="in/", suffix=".txt", Id="texts"))
    made = s3.put_object(Bucket=name, Key="in/a b.txt", Body=b"hello")
    for key in ("out/a.txt", "in/a.bin"):
        s3.put_object(Bucket=name, Key=key, Body=b"no")
    s3.copy_object(Bucket=name, Key="in/copy.txt", CopySource={"Bucket": name, "Key": "in/a b.txt"})
    s3.put_object_tagging(Bucket=name, Key="in/copy.txt", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object(Bucket=name, Key="in/a b.txt")
    s3.delete_object(Bucket=name, Key="in/a b.txt", VersionId=made["VersionId"])
    test, put, *others = told(shared_cloud, "uploads@example.com")
    assert (test["Event"], test["Bucket"], test["Service"]) == ("s3:TestEvent", name, "Amazon S3")
    assert [one["eventName"] for one in others] == [
        "ObjectCreated:Copy", "ObjectTagging:Put", "ObjectRemoved:DeleteMarkerCreated",
    ]  # fmt: skip
    assert put["eventName"] == "ObjectCreated:Put"
    assert put["userIdentity"]["principalId"].startswith("AWS:AIDA")
    assert put["responseElements"]["x-amz-request-id"] == made["ResponseMetadata"]["RequestId"]
    assert put["responseElements"]["x-amz-id-2"] == made["ResponseMetadata"]["HostId"]
    described = put["s3"]["object"]
    assert (described["key"], described["size"]) == ("in/a+b.txt", 5)
    assert (described["eTag"], described["versionId"]) == (made["ETag"].strip('"'), made["VersionId"])
    assert (put["s3"]["configurationId"], put["s3"]["bucket"]["arn"]) == ("texts", f"arn:aws:s3:::{name}")


def test_rules_round_trip_and_go(shared_cloud: Any) -> None:
    name, topic, s3 = new_bucket(shared_cloud), topic_for(shared_cloud), shared_cloud.client("s3")
    notify(shared_cloud, name, rule(topic, prefix="a"), EventBridgeConfiguration={})
    found = s3.get_bucket_notification_configuration(Bucket=name)
    assert found["TopicConfigurations"][0]["Id"]
    assert "EventBridgeConfiguration" in found
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    found = s3.get_bucket_notification_configuration(Bucket=name)
    assert not {"TopicConfigurations", "EventBridgeConfiguration"} & found.keys()


@pytest.mark.parametrize(
    ("condition", "lets_in", "taken"),
    [
        (None, False, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::BUCKET"}}, True, True),
        ({"StringEquals": {"aws:SourceAccount": FIRST}}, True, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::another"}}, True, False),
        ({"StringEquals": {"aws:SourceAccount": SECOND}}, True, False),
    ],
)  # fmt: skip
def test_the_topic_has_to_let_the_bucket_in(shared_cloud: Any, condition: Any, lets_in: bool, taken: bool) -> None:
    name = new_bucket(shared_cloud)
    given = [json.loads(json.dumps(condition).replace("BUCKET", name))] if condition else []
    topic = topic_for(shared_cloud, *given, lets_in=lets_in)
    if taken:
        return notify(shared_cloud, name, rule(topic))
    with refused("InvalidArgument", "Unable to validate the following destination configurations", 400):
        notify(shared_cloud, name, rule(topic))
    assert "TopicConfigurations" not in shared_cloud.client("s3").get_bucket_notification_configuration(Bucket=name)
    return None


OVERLAPS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"prefix": "a"}, {"prefix": "ab"}, True),
    ({"prefix": "a"}, {"prefix": "b"}, False),
    ({"prefix": "a", "suffix": ".x"}, {"prefix": "a", "suffix": ".y"}, False),
    ({"suffix": "x"}, {"suffix": ".x"}, True),
    ({"prefix": "a"}, {"suffix": ".x"}, True),
]


@pytest.mark.parametrize(("one", "other", "overlap"), OVERLAPS)
def test_rules_that_overlap(shared_cloud: Any, one: dict[str, str], other: dict[str, str], overlap: bool) -> None:
    name, topic = new_bucket(shared_cloud), topic_for(shared_cloud)
    second = rule(topic, "s3:ObjectCreated:Put", **other)
    apart = rule(topic, "s3:ObjectRemoved:*", **other)
    notify(shared_cloud, name, rule(topic, **one), apart)
    if overlap:
        with refused("InvalidArgument", "overlap", 400):
            notify(shared_cloud, name, rule(topic, **one), second)
    else:
        notify(shared_cloud, name, rule(topic, **one), second)


@pytest.mark.parametrize(
    ("configuration", "code", "part"),
    [
        ({"TopicConfigurations": [rule("nonsense")]}, "InvalidArgument", "ARN is not well formed"),
        ({"TopicConfigurations": [rule(f"arn:aws:sqs:us-east-1:{FIRST}:q")]}, "InvalidArgument", "not well formed"),
        ({"TopicConfigurations": [rule(f"arn:aws:sns:eu-west-1:{FIRST}:t")]}, "InvalidArgument", "region"),
        ({"QueueConfigurations": [{"QueueArn": f"arn:aws:sqs:us-east-1:{FIRST}:q", "Events": ["s3:ObjectCreated:*"]}]},
         "InvalidArgument", "Unable to validate the following destination configurations"),
        ({"LambdaFunctionConfigurations": [
            {"LambdaFunctionArn": f"arn:aws:lambda:us-east-1:{FIRST}:function:f", "Events": ["s3:ObjectCreated:*"]}]},
         "InvalidArgument", "Unable to validate the following destination configurations"),
        ({"QueueConfigurations": [{"QueueArn": "arn:aws:sqs", "Events": ["s3:ObjectCreated:*"]}]},
         "InvalidArgument", "not well formed"),
    ],
)  # fmt: skip
def test_destinations_that_are_refused(shared_cloud: Any, configuration: Any, code: str, part: str) -> None:
    name, s3 = new_bucket(shared_cloud), shared_cloud.client("s3")
    with refused(code, part):
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)


@pytest.mark.parametrize("written", [str, str.capitalize])
def test_filter_rules_are_named_in_either_case(shared_cloud: Any, written: Any) -> None:
    """AWS takes `prefix` and `Prefix`, and answers `Prefix`: what was read can be written again."""
    name, topic, s3 = new_bucket(shared_cloud), topic_for(shared_cloud), shared_cloud.client("s3")
    asked = rule(topic, prefix="in/", suffix=".txt", Id="one")
    for one in asked["Filter"]["Key"]["FilterRules"]:
        one["Name"] = written(one["Name"])
    notify(shared_cloud, name, asked)
    found = s3.get_bucket_notification_configuration(Bucket=name)["TopicConfigurations"]
    assert [one["Name"] for one in found[0]["Filter"]["Key"]["FilterRules"]] == ["Prefix", "Suffix"]
    notify(shared_cloud, name, *found)
    found[0]["Filter"]["Key"]["FilterRules"][0]["Name"] = "middle"
    with refused("InvalidArgument", "filter rule name must be either prefix or suffix"):
        notify(shared_cloud, name, *found)


def test_a_message_outlives_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    """What a committed upload has to tell is told, whatever happens between."""
    first = start_cloud(home=tmp_path / "home")
    name, topic = new_bucket(first), topic_for(first)
    subscribed(first, topic, "late@example.com")
    notify(first, name, rule(topic))
    first.settle()
    first.on_loop(lambda cloud: setattr(cloud, "wake", lambda: None))  # the process ends before it gets to it
    first.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    first.stop()
    second = start_cloud(home=tmp_path / "home")
    assert [one.get("eventName", "test") for one in told(second, "late@example.com")] == ["test", "ObjectCreated:Put"]


def test_events_on_the_bus(shared_cloud: Any) -> None:
    name, topic = new_bucket(shared_cloud, versions=True), topic_for(shared_cloud)
    events, s3 = shared_cloud.client("events"), shared_cloud.client("s3")
    sns = shared_cloud.client("sns")
    lets_in = statement("sns:Publish", topic, Principal={"Service": "events.amazonaws.com"})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(lets_in))
    subscribed(shared_cloud, topic, "bus@example.com")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": topic}])
    notify(shared_cloud, name, EventBridgeConfiguration={})
    s3.put_object(Bucket=name, Key="a b", Body=b"x", Tagging="a=b")
    s3.delete_object_tagging(Bucket=name, Key="a b")
    s3.delete_object(Bucket=name, Key="a b")
    created, untagged, deleted = told(shared_cloud, "bus@example.com")
    assert [one["detail-type"] for one in (created, untagged, deleted)] == [
        "Object Created", "Object Tags Deleted", "Object Deleted",
    ]  # fmt: skip
    assert created["resources"] == [f"arn:aws:s3:::{name}"]
    assert created["detail"]["object"]["key"] == "a b"
    assert (created["detail"]["reason"], created["detail"]["requester"]) == ("PutObject", FIRST)
    assert deleted["detail"]["deletion-type"] == "Delete Marker Created"
