"""Who else sends to queues: buckets, topics, rules of EventBridge. Each has to be let in by the queue's policy."""

import json
from typing import Any

import pytest
from identity_help import SECOND
from s3_help import new_bucket
from services_help import ACCOUNT, policy, refused, visit
from sqs_help import QUEUE, Queues, arn_of


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


def messages(queues: Queues, url: str) -> list[Any]:
    queues.cloud.settle()
    return [json.loads(one) for one in queues.drained(url)]


# Buckets


def notify(queues: Queues, bucket: str, url: str) -> None:
    rule = {"QueueArn": arn_of(url), "Events": ["s3:ObjectCreated:*"]}
    queues.cloud.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
    )


def test_a_bucket_tells_a_queue(queues: Queues) -> None:
    bucket, url = new_bucket(queues.cloud), queues.opened("uploads", "s3")
    notify(queues, bucket, url)
    (test,) = messages(queues, url)
    assert (test["Event"], test["Bucket"], test["Service"]) == ("s3:TestEvent", bucket, "Amazon S3")
    queues.cloud.client("s3").put_object(Bucket=bucket, Key="in/a b.txt", Body=b"hello")
    (told,) = messages(queues, url)
    (record,) = told["Records"]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "in/a+b.txt")


@pytest.mark.parametrize(
    ("name", "services", "condition", "taken"),
    [
        ("nobody", ["events"], {}, False),
        ("source", ["s3"], {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::BUCKET"}}, True),
        ("account", ["s3"], {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ("other-source", ["s3"], {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::another"}}, False),
        ("other-account", ["s3"], {"StringEquals": {"aws:SourceAccount": SECOND}}, False),
    ],
)
def test_the_queue_has_to_let_the_bucket_in(
    queues: Queues, name: str, services: list[str], condition: dict[str, Any], taken: bool
) -> None:
    bucket = new_bucket(queues.cloud)
    given = json.loads(json.dumps(condition).replace("BUCKET", bucket))
    url = queues.opened(f"lets-in-{name}", *services, **given)
    if taken:
        notify(queues, bucket, url)
    else:
        code, message = refused(notify, queues, bucket, url)
        assert (code, message) == ("InvalidArgument", "Unable to validate the following destination configurations")
    assert len(messages(queues, url)) == int(taken)


def test_a_key_has_to_let_the_bucket_in_too(queues: Queues) -> None:
    root = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
    s3 = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "*",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
    }  # fmt: skip
    bucket, url = new_bucket(queues.cloud), queues.opened("sealed-uploads", "s3")
    for statements, taken in (([root], False), ([root, s3], True)):
        key = queues.cloud.client("kms").create_key(Policy=policy(*statements))["KeyMetadata"]["Arn"]
        queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
        if taken:
            notify(queues, bucket, url)
        else:
            assert refused(notify, queues, bucket, url)[0] == "InvalidArgument"


def test_a_fifo_queue_takes_nothing_of_a_bucket(queues: Queues) -> None:
    assert refused(notify, queues, new_bucket(queues.cloud), queues.new(fifo=True))[0] == "InvalidArgument"


# Topics


def subscribe(queues: Queues, topic: str, url: str, profile: str = "learner", **attributes: str) -> str:
    made = queues.cloud.client("sns", profile).subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn_of(url), Attributes=attributes, ReturnSubscriptionArn=True
    )
    return str(made["SubscriptionArn"])


COLOR = {"color": {"DataType": "String", "StringValue": "blue"}}


def test_a_topic_fans_out_to_queues(queues: Queues) -> None:
    sns = queues.cloud.client("sns")
    topic = sns.create_topic(Name="fan")["TopicArn"]
    from_topic = {"ArnEquals": {"aws:SourceArn": topic}}
    whole, raw, picky = (queues.opened(f"fan-{name}", "sns", **from_topic) for name in ("whole", "raw", "picky"))
    deaf = queues.opened("fan-deaf", "s3")
    arns = [
        subscribe(queues, topic, whole),
        subscribe(queues, topic, raw, RawMessageDelivery="true"),
        subscribe(queues, topic, picky, FilterPolicy='{"color": ["red"]}'),
        subscribe(queues, topic, deaf),
    ]
    shown = sns.get_subscription_attributes(SubscriptionArn=arns[1])["Attributes"]
    assert (shown["RawMessageDelivery"], shown["PendingConfirmation"]) == ("true", "false")
    made = sns.publish(TopicArn=topic, Subject="Hello", Message="to all", MessageAttributes=COLOR)
    (envelope,) = messages(queues, whole)
    assert {name: envelope[name] for name in ("Type", "MessageId", "TopicArn", "Subject", "Message")} == {
        "Type": "Notification", "MessageId": made["MessageId"], "TopicArn": topic, "Subject": "Hello",
        "Message": "to all",
    }  # fmt: skip
    assert envelope["MessageAttributes"] == {"color": {"Type": "String", "Value": "blue"}}
    (plain,) = queues.received(raw, MessageAttributeNames=["All"])
    assert (plain["Body"], plain["MessageAttributes"]) == ("to all", COLOR)
    assert (queues.drained(picky), queues.drained(deaf)) == ([], [])


def test_another_accounts_queue_is_asked_first(queues: Queues) -> None:
    """Who subscribes a queue of somebody else needs that one's consent: its confirmation lies in the queue."""
    sns = queues.cloud.client("sns", "second")
    topic = sns.create_topic(Name="theirs")["TopicArn"]
    url = queues.opened("asked", "sns")
    subscription = subscribe(queues, topic, url, "second")
    sns.publish(TopicArn=topic, Message="too early")
    (asked,) = messages(queues, url)
    assert (asked["Type"], asked["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert subscription in visit(asked["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="now")
    assert [one["Message"] for one in messages(queues, url)] == ["now"]


# EventBridge


@pytest.mark.parametrize("fifo", [False, True])
def test_a_rule_sends_to_a_queue(queues: Queues, fifo: bool) -> None:
    name = "from-bus.fifo" if fifo else "from-bus"
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
    url = queues.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn_of(url), "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }  # fmt: skip
    events = queues.cloud.client("events")
    events.put_rule(Name=name, EventPattern=f'{{"source": ["{name}"]}}')
    group = {"SqsParameters": {"MessageGroupId": "g"}} if fifo else {}
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn_of(url), **group}])
    entry = {"Source": name, "DetailType": "order", "Detail": '{"id": 1}'}
    events.put_events(Entries=[entry])
    assert messages(queues, url) == []
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    events.put_events(Entries=[entry])
    (got,) = messages(queues, url)
    assert (got["source"], got["detail-type"], got["detail"]) == (name, "order", {"id": 1})


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"Arn": f"{QUEUE}:q.fifo"}, "Parameter(s) SqsParameters must be specified for target: 1."),
        ({"Arn": f"{QUEUE}:q", "SqsParameters": {"MessageGroupId": "g"}}, "Parameter(s) SqsParameters not valid"),
    ],
)
def test_targets_that_are_refused(queues: Queues, target: dict[str, Any], says: str) -> None:
    events = queues.cloud.client("events")
    events.put_rule(Name="to-queue", EventPattern='{"source": ["x"]}')
    code, message = refused(events.put_targets, Rule="to-queue", Targets=[{"Id": "1", **target}])
    assert code == "ValidationException"
    assert says in message


# What nobody takes


def test_an_event_that_no_target_takes_is_kept(queues: Queues) -> None:
    events, dead = queues.cloud.client("events"), queues.opened("unsent-events", "events")
    deaf = queues.new()
    events.put_rule(Name="unsent", EventPattern='{"source": ["unsent"]}')
    config = {"Arn": arn_of(dead)}
    targets = [
        {"Id": "1", "Arn": arn_of(deaf), "DeadLetterConfig": config},
        {"Id": "2", "Arn": f"{QUEUE}:nowhere", "DeadLetterConfig": config},
        {"Id": "3", "Arn": arn_of(deaf)},
    ]
    events.put_targets(Rule="unsent", Targets=targets)
    events.put_events(Entries=[{"Source": "unsent", "DetailType": "order", "Detail": '{"id": 1}'}])
    queues.cloud.settle()
    got = queues.received(dead, MessageAttributeNames=["All"])
    assert [json.loads(one["Body"])["detail"] for one in got] == [{"id": 1}] * 2
    told = {one["MessageAttributes"]["TARGET_ARN"]["StringValue"]: one["MessageAttributes"] for one in got}
    refused_by = told[arn_of(deaf)]
    assert refused_by["RULE_ARN"]["StringValue"] == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/unsent"
    assert (refused_by["ERROR_CODE"]["StringValue"], refused_by["RETRY_ATTEMPTS"]["StringValue"]) == (
        "NO_PERMISSIONS", "0",
    )  # fmt: skip
    assert "sqs:sendmessage" in refused_by["ERROR_MESSAGE"]["StringValue"]
    assert told[f"{QUEUE}:nowhere"]["ERROR_CODE"]["StringValue"] in ("NO_RESOURCE", "NO_PERMISSIONS")


def test_a_notification_that_is_not_taken_is_kept(queues: Queues) -> None:
    sns, dead, deaf = queues.cloud.client("sns"), queues.opened("unsent-news", "sns"), queues.new()
    topic = sns.create_topic(Name="unsent")["TopicArn"]
    policy_of_it = json.dumps({"deadLetterTargetArn": arn_of(dead)})
    arn = subscribe(queues, topic, deaf, RedrivePolicy=policy_of_it)
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RedrivePolicy"] == policy_of_it
    sns.publish(TopicArn=topic, Message="kept")
    assert [one["Message"] for one in messages(queues, dead)] == ["kept"]
    off = {"SubscriptionArn": arn, "AttributeName": "RedrivePolicy"}
    sns.set_subscription_attributes(**off, AttributeValue="")
    sns.publish(TopicArn=topic, Message="lost")
    assert messages(queues, dead) == []
    for wrong in ("{", '{"deadLetterTargetArn": "x"}', json.dumps({"deadLetterTargetArn": f"{QUEUE}:q.fifo"})):
        code, _ = refused(sns.set_subscription_attributes, **off, AttributeValue=wrong)
        assert code == "InvalidParameter"
