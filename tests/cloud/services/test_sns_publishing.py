"""Messages: who may publish, who gets them, and as what."""

import json
from typing import Any
from zlib import crc32

import pytest
from services_help import code_of, news, open_topic, policy, refused, service_role, subscribed, text_of

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import service_principal


@pytest.fixture
def sns(shared_cloud: Any) -> Any:
    return shared_cloud.client("sns")


def attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    if isinstance(value, list):
        return {"DataType": "String.Array", "StringValue": json.dumps(value)}
    return {"DataType": "Number", "StringValue": str(value)}


def test_subjects_and_senders(sns: Any, shared_cloud: Any) -> None:
    topic = sns.create_topic(Name="letters", Attributes={"DisplayName": "Shop"})["TopicArn"]
    subscribed(shared_cloud, topic, "letters@example.com")
    sns.publish(TopicArn=topic, Message="one", Subject="Ünïcode")
    sns.publish(TargetArn=topic, Message="two")
    first, second = news(shared_cloud, "letters@example.com")
    assert (first["subject"], text_of(first)) == ("Ünïcode", "one")
    assert (second["subject"], text_of(second)) == ("AWS Notification Message", "two")
    assert first["sender"] == "Shop <no-reply@sns.amazonaws.com>"


def test_a_message_for_each_protocol(sns: Any, shared_cloud: Any) -> None:
    topic = sns.create_topic(Name="protocols")["TopicArn"]
    subscribed(shared_cloud, topic, "plain@example.com")
    arn = subscribed(shared_cloud, topic, "json@example.com", "email-json")
    message = json.dumps({"default": "for all", "email": "for people"})
    attributes = {"n": attribute(3), "b": {"DataType": "Binary", "BinaryValue": b"\xff"}}
    sent = sns.publish(TopicArn=topic, Message=message, MessageStructure="json", MessageAttributes=attributes)
    assert text_of(news(shared_cloud, "plain@example.com")[-1]) == "for people"
    envelope = json.loads(news(shared_cloud, "json@example.com")[-1]["body"])
    assert arn.rpartition(":")[2] in envelope.pop("UnsubscribeURL")
    assert envelope.pop("Timestamp").endswith("Z")
    assert envelope == {
        "Type": "Notification",
        "MessageId": sent["MessageId"],
        "TopicArn": topic,
        "Message": "for all",
        "MessageAttributes": {"n": {"Type": "Number", "Value": "3"}, "b": {"Type": "Binary", "Value": "/w=="}},
    }


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        ({"Message": "x", "Subject": ""}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "x", "Subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "x", "Subject": "x" * 101}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "x", "MessageStructure": "xml"}, "InvalidParameter", "Invalid parameter: MessageStructure"),
        (
            {"Message": "x", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            {"Message": '{"email": "x"}', "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
        (
            {"Message": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
            "ParameterValueInvalid",
            "",
        ),
        ({"Message": "x", "MessageAttributes": {"a": {"DataType": "String"}}}, "ParameterValueInvalid", ""),
    ],
)
def test_messages_that_are_refused(sns: Any, params: dict[str, Any], code: str, message: str) -> None:
    topic = sns.create_topic(Name="strict-messages")["TopicArn"]
    found = refused(sns.publish, TopicArn=topic, **params)
    assert found[0] == code
    assert not message or found[1] == message


def test_no_topic(sns: Any) -> None:
    assert code_of(sns.publish, Message="x") == "InvalidParameter"
    assert code_of(sns.publish, Message="x", PhoneNumber="+431234567") == "NotSimulated"


@pytest.mark.parametrize(
    ("policy", "attributes", "wanted"),
    [
        ({"kind": ["a", "b"]}, {"kind": "b"}, True),
        ({"kind": ["a", "b"]}, {"kind": "c"}, False),
        ({"kind": ["a"]}, {}, False),
        ({"kind": [{"exists": False}]}, {}, True),
        ({"kind": [{"anything-but": "a"}]}, {"kind": "b"}, True),
        ({"price": [{"numeric": [">", 10]}]}, {"price": 11}, True),
        ({"price": [{"numeric": [">", 10]}]}, {"price": "11"}, False),
        ({"names": [{"prefix": "x"}]}, {"names": ["a", "xy"]}, True),
        ({"kind": ["a"], "price": [1]}, {"kind": "a", "price": 2}, False),
        ({}, {}, True),
    ],
)
def test_filters_of_attributes(
    sns: Any, shared_cloud: Any, policy: Any, attributes: dict[str, Any], wanted: bool
) -> None:
    topic = sns.create_topic(Name="filters")["TopicArn"]
    address = f"filter-{crc32(json.dumps([policy, attributes]).encode())}@example.com"
    subscribed(shared_cloud, topic, address, Attributes={"FilterPolicy": json.dumps(policy)})
    values = {name: attribute(value) for name, value in attributes.items()}
    sns.publish(TopicArn=topic, Message="x", MessageAttributes=values)
    assert len(news(shared_cloud, address)) == int(wanted)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [('{"order": {"state": "paid"}}', True), ('{"order": {"state": "open"}}', False), ("paid", False), ("[1]", False)],
)
def test_filters_of_the_body(sns: Any, shared_cloud: Any, message: str, wanted: bool) -> None:
    topic, address = sns.create_topic(Name="bodies")["TopicArn"], f"body-{len(message)}-{wanted}@example.com"
    attributes = {"FilterPolicyScope": "MessageBody", "FilterPolicy": '{"order": {"state": ["paid"]}}'}
    subscribed(shared_cloud, topic, address, Attributes=attributes)
    sns.publish(TopicArn=topic, Message=message)
    assert len(news(shared_cloud, address)) == int(wanted)


def test_a_batch(sns: Any, shared_cloud: Any) -> None:
    topic, address = sns.create_topic(Name="batch")["TopicArn"], "batch@example.com"
    subscribed(shared_cloud, topic, address)
    entries = [
        {"Id": "1", "Message": "one"},
        {"Id": "2", "Message": "two", "Subject": "a\nb"},
        {"Id": "3", "Message": "three"},
    ]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["1", "3"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("2", "InvalidParameter", True)
    ]
    assert [text_of(one) for one in news(shared_cloud, address)] == ["one", "three"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "Message": "x"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "1", "Message": "x"}, {"Id": "1", "Message": "y"}], "BatchEntryIdsNotDistinct"),
        ([{"Id": str(number), "Message": "x" * 131_073} for number in range(2)], "BatchRequestTooLong"),
    ],
)
def test_batches_that_are_refused(sns: Any, entries: list[Any], code: str) -> None:
    topic = sns.create_topic(Name="batches")["TopicArn"]
    assert code_of(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == code


def as_service(cloud: Any, principal: str, topic: str, source_arn: str = "") -> str:
    """Publish as an AWS service does; the error's code, or "" where it was let in."""

    def publish(inner: Any) -> str:
        caller = service_principal(principal, "123456789012")
        call = Call(inner, inner.service("sns"), "", caller, "123456789012", "us-east-1", source_arn=source_arn)
        try:
            inner.way_in.perform(call, "publish", {"TopicArn": topic, "Message": "x"})
        except Exception as error:
            return str(error).partition(":")[0]
        return ""

    found: str = cloud.on_loop(publish)
    return found


def test_a_service_needs_the_topics_policy(shared_cloud: Any) -> None:
    closed = shared_cloud.client("sns").create_topic(Name="closed")["TopicArn"]
    opened = open_topic(shared_cloud, "opened", "events")
    assert as_service(shared_cloud, "events", closed) == "AuthorizationErrorException"
    assert as_service(shared_cloud, "events", opened) == ""
    assert as_service(shared_cloud, "codepipeline", opened) == "AuthorizationErrorException"


def test_a_service_for_one_source_only(shared_cloud: Any) -> None:
    sns, source = shared_cloud.client("sns"), "arn:aws:events:us-east-1:123456789012:rule/mine"
    topic = sns.create_topic(Name="one-source")["TopicArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }  # fmt: skip
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))
    assert as_service(shared_cloud, "events", topic, source) == ""
    assert as_service(shared_cloud, "events", topic, source + "2") == "AuthorizationErrorException"


def test_mail_goes_to_the_topics_account(cloud: Any) -> None:
    """Whoever publishes from another account, the address is the subscriber's."""
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="across")["TopicArn"]
    sns.add_permission(TopicArn=topic, Label="second", AWSAccountId=["210987654321"], ActionName=["Publish"])
    subscribed(cloud, topic, "across@example.com")
    cloud.client("sns", "second").publish(TopicArn=topic, Message="from afar")
    assert [text_of(one) for one in news(cloud, "across@example.com")] == ["from afar"]


def test_a_role_may_publish(cloud: Any) -> None:
    """What a service role is allowed holds for its sessions."""
    topic = cloud.client("sns").create_topic(Name="roles")["TopicArn"]
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    arn = service_role(cloud, "publisher", "codepipeline", statement)
    trust = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    cloud.client("iam").update_assume_role_policy(RoleName="publisher", PolicyDocument=policy(trust))
    session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    assert cloud.client("sns", credentials=session).publish(TopicArn=topic, Message="x")["MessageId"]
    assert code_of(cloud.client("sns", credentials=session).delete_topic, TopicArn=topic) == "AuthorizationError"
