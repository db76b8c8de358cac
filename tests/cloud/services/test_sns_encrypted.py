"""Encrypted topics: whoever publishes needs the right to the key."""

from typing import Any
from zlib import crc32

import pytest
from services_help import (
    ACCOUNT,
    code_of,
    may,
    news,
    open_topic,
    person,
    policy,
    refused,
    service_role,
    subscribed,
    text_of,
)


@pytest.fixture
def key(shared_cloud: Any) -> str:
    arn: str = shared_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


def sealed(cloud: Any, name: str, key: str) -> str:
    arn: str = cloud.client("sns").create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    return arn


def test_published_with_the_right_to_the_key(shared_cloud: Any, key: str) -> None:
    topic = sealed(shared_cloud, "sealed", key)
    assert shared_cloud.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    subscribed(shared_cloud, topic, "sealed@example.com")
    without = person(shared_cloud, "keyless", may("sns:Publish"))("sns")
    code, message = refused(without.publish, TopicArn=topic, Message="x")
    assert code == "KMSAccessDenied"
    assert f"kms:GenerateDataKey on resource: {key}" in message
    entries = [{"Id": "1", "Message": "x"}]
    assert code_of(without.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == "KMSAccessDenied"
    both = person(shared_cloud, "keyed", may("sns:Publish"), may("kms:GenerateDataKey*", "kms:Decrypt", resource=key))
    both("sns").publish(TopicArn=topic, Message="hello")
    assert [text_of(one) for one in news(shared_cloud, "sealed@example.com")] == ["hello"]


@pytest.mark.parametrize(
    ("actions", "condition", "allowed"),
    [
        (["kms:GenerateDataKey*"], {}, False),
        (["kms:Decrypt"], {}, False),
        (["kms:GenerateDataKey*", "kms:Decrypt"], {}, True),
        (["kms:GenerateDataKey*", "kms:Decrypt"], {"kms:ViaService": "sns.us-east-1.amazonaws.com"}, True),
        (["kms:GenerateDataKey*", "kms:Decrypt"], {"kms:ViaService": "s3.us-east-1.amazonaws.com"}, False),
        (["kms:GenerateDataKey*", "kms:Decrypt"], {"kms:EncryptionContext:aws:sns:topicArn": "TOPIC"}, True),
        (["kms:GenerateDataKey*", "kms:Decrypt"], {"kms:EncryptionContext:aws:sns:topicArn": "other"}, False),
    ],
)
def test_what_a_publisher_needs_of_the_key(
    shared_cloud: Any, key: str, actions: list[str], condition: dict[str, str], allowed: bool
) -> None:
    name = f"needs-{crc32(repr((actions, condition)).encode())}"
    topic = sealed(shared_cloud, name, key)
    wanted = {one: value.replace("TOPIC", topic) for one, value in condition.items()}
    limits = {"StringEquals": wanted} if wanted else {}
    publisher = person(shared_cloud, name, may("sns:Publish"), may(*actions, resource=key, **limits))("sns")
    if allowed:
        publisher.publish(TopicArn=topic, Message="x")
    else:
        assert code_of(publisher.publish, TopicArn=topic, Message="x") == "KMSAccessDenied"


@pytest.mark.parametrize("in_policy", [True, False])
def test_a_service_needs_the_key_policys_leave(shared_cloud: Any, in_policy: bool) -> None:
    """EventBridge publishes as itself: its principal has to be in the topic's policy and in the key's."""
    name, kms = f"by-service-{in_policy}".lower(), shared_cloud.client("kms")
    root = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    service = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*",
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/*"}},
    }  # fmt: skip
    text = policy(root, service) if in_policy else policy(root)
    topic = open_topic(shared_cloud, name, "events")
    key = kms.create_key(Policy=text)["KeyMetadata"]["Arn"]
    encrypted = {"AttributeName": "KmsMasterKeyId", "AttributeValue": key}
    shared_cloud.client("sns").set_topic_attributes(TopicArn=topic, **encrypted)
    subscribed(shared_cloud, topic, f"{name}@example.com")
    events = shared_cloud.client("events")
    events.put_rule(Name=name, EventPattern=f'{{"source": ["{name}"]}}')
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": topic, "Input": '"hello"'}])
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": "{}"}])
    shared_cloud.settle("events")
    assert len(news(shared_cloud, f"{name}@example.com")) == int(in_policy)


@pytest.mark.parametrize(
    ("fault", "code"), [("disabled", "KMSDisabled"), ("deleted", "KMSInvalidState"), ("unknown", "KMSNotFound")]
)
def test_a_key_that_cannot_be_used(shared_cloud: Any, key: str, fault: str, code: str) -> None:
    kms = shared_cloud.client("kms")
    if fault == "disabled":
        kms.disable_key(KeyId=key)
    if fault == "deleted":
        kms.schedule_key_deletion(KeyId=key)
    if fault == "unknown":
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/8b1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46"
    topic = sealed(shared_cloud, f"sealed-{fault}", key)
    assert code_of(shared_cloud.client("sns").publish, TopicArn=topic, Message="x") == code


def test_events_under_a_role_of_the_target(shared_cloud: Any, key: str) -> None:
    """A target's own role publishes where the topic's policy knows nothing of EventBridge."""
    topic = sealed(shared_cloud, "by-role", key)
    subscribed(shared_cloud, topic, "by-role@example.com")
    allowed = may("sns:Publish", resource=topic), may("kms:GenerateDataKey", "kms:Decrypt", resource=key)
    role = service_role(shared_cloud, "event-publisher", "events", *allowed)
    events = shared_cloud.client("events")
    events.put_rule(Name="by-role", EventPattern='{"source": ["by-role"]}')
    events.put_targets(Rule="by-role", Targets=[{"Id": "1", "Arn": topic, "RoleArn": role, "Input": "1"}])
    events.put_events(Entries=[{"Source": "by-role", "DetailType": "t", "Detail": "{}"}])
    shared_cloud.settle("events")
    assert [text_of(one) for one in news(shared_cloud, "by-role@example.com")] == ["1"]
