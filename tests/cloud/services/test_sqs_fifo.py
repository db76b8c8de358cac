"""FIFO queues and dead-letter queues."""

import json
from typing import Any

import pytest
from services_help import code_of, refused
from sqs_help import Queues, arn_of


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


def test_the_order_of_a_group_is_kept(queues: Queues) -> None:
    url = queues.new(fifo=True, ContentBasedDeduplication="true")
    for n in range(4):
        for group in "ab":
            queues.send(url, f"{group}{n}", MessageGroupId=group)
    first = queues.received(url, 3, MessageSystemAttributeNames=["All"])
    assert [one["Body"] for one in first] == ["a0", "b0", "a1"]
    numbers = [one["Attributes"]["SequenceNumber"] for one in first]
    assert numbers == sorted(numbers)
    assert {len(one) for one in numbers} == {20}
    assert queues.received(url) == []  # both groups have one with a receiver
    for one in (first[0], first[2]):
        queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    assert queues.bodies(url) == ["a2", "a3"]
    queues.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first[1]["ReceiptHandle"], VisibilityTimeout=0)
    assert queues.bodies(url) == ["b0", "b1", "b2", "b3"]


def test_a_receipt_of_a_fifo_queue_expires(queues: Queues) -> None:
    url = queues.new(fifo=True, ContentBasedDeduplication="true")
    queues.send(url, "x", MessageGroupId="g")
    (got,) = queues.received(url, VisibilityTimeout=5)
    queues.cloud.advance(6)
    mine = {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]}
    assert refused(queues.sqs.delete_message, **mine) == (
        "InvalidParameterValue",
        f"Value {got['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
    )
    assert code_of(queues.sqs.change_message_visibility, **mine, VisibilityTimeout=5) == "InvalidParameterValue"
    assert queues.bodies(url) == ["x"]


@pytest.mark.parametrize("by", ["id", "content"])
def test_the_same_message_is_put_once_in_five_minutes(queues: Queues, by: str) -> None:
    url = queues.new(fifo=True, ContentBasedDeduplication="true" if by == "content" else "false")
    ids = {"MessageDeduplicationId": "one"} if by == "id" else {}

    def send(group: str) -> tuple[str, str]:
        sent = queues.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId=group, **ids)
        return sent["MessageId"], sent["SequenceNumber"]

    first = send("a")
    assert (send("a"), send("b")) == (first, first)
    assert queues.drained(url) == ["x"]
    queues.cloud.advance(200)
    assert send("a") == first  # deleted or not
    queues.cloud.advance(100)
    assert send("a") != first
    assert queues.drained(url) == ["x"]


def test_deduplication_for_each_group(queues: Queues) -> None:
    url = queues.new(fifo=True, ContentBasedDeduplication="true", DeduplicationScope="messageGroup")
    for group in "aab":
        queues.send(url, "x", MessageGroupId=group)
    assert queues.drained(url) == ["x", "x"]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({}, "MissingParameter", "The request must contain the parameter MessageGroupId."),
        ({"MessageGroupId": "g"}, "InvalidParameterValue",
         "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
         "explicitly"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2}, "InvalidParameterValue",
         "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for "
         "this queue type."),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d" * 129}, "InvalidParameterValue",
         f"Value {'d' * 129} for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only "
         "include alphanumeric and punctuation characters. 1 to 128 in length."),
    ],
)  # fmt: skip
def test_what_a_fifo_queue_asks_for(queues: Queues, params: dict[str, Any], code: str, message: str) -> None:
    url = queues.new(fifo=True)
    assert refused(queues.sqs.send_message, QueueUrl=url, MessageBody="x", **params) == (code, message)


def test_a_batch_to_a_fifo_queue(queues: Queues) -> None:
    url = queues.new(fifo=True)
    send = queues.sqs.send_message_batch
    assert refused(send, QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}]) == (
        "InvalidParameterValue", "The request must contain the parameter MessageGroupId.",
    )  # fmt: skip
    entries = [
        {"Id": str(n), "MessageBody": f"m{n}", "MessageGroupId": "g", "MessageDeduplicationId": f"d{n}"}
        for n in range(5)
    ]
    made = send(QueueUrl=url, Entries=entries)["Successful"]
    assert [one["SequenceNumber"] for one in made] == sorted(one["SequenceNumber"] for one in made)
    assert queues.drained(url) == [f"m{n}" for n in range(5)]


def test_the_delay_of_a_fifo_queue_counts_for_what_is_in_it(queues: Queues) -> None:
    url = queues.new(fifo=True, DelaySeconds="600", ContentBasedDeduplication="true")
    queues.send(url, "x", MessageGroupId="g")
    assert queues.counts(url) == ("0", "0", "1")
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
    assert queues.drained(url) == ["x"]


def test_a_receive_is_repeated_with_the_same_answer(queues: Queues) -> None:
    url = queues.new(fifo=True, ContentBasedDeduplication="true")
    queues.send(url, "a", "b", MessageGroupId="g")
    attempt = {"ReceiveRequestAttemptId": "one", "VisibilityTimeout": 100}
    assert queues.bodies(url, 1, **attempt) == ["a"]
    queues.cloud.advance(90)
    (again,) = queues.received(url, 1, **attempt, MessageSystemAttributeNames=["All"])
    assert (again["Body"], again["Attributes"]["ApproximateReceiveCount"]) == ("a", "1")
    assert queues.bodies(url, ReceiveRequestAttemptId="two") == []
    queues.cloud.advance(90)  # hidden for the whole time again
    assert queues.bodies(url) == []
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert queues.bodies(url, **attempt) == ["b"]
    for wrong in ("a b", "x" * 129):
        assert code_of(queues.sqs.receive_message, QueueUrl=url, ReceiveRequestAttemptId=wrong) == (
            "InvalidParameterValue"
        )
    plain = queues.new()
    assert code_of(queues.sqs.receive_message, QueueUrl=plain, ReceiveRequestAttemptId="x") == "InvalidParameterValue"


# Dead letters


@pytest.mark.parametrize("fifo", [False, True])
def test_what_is_received_too_often_goes_aside(queues: Queues, fifo: bool) -> None:
    more = {"ContentBasedDeduplication": "true"} if fifo else {}
    url, dead = queues.with_dead_letters(2, fifo=fifo, **more)
    group = {"MessageGroupId": "g"} if fifo else {}
    queues.send(url, "bad", **group)
    for _ in range(2):
        assert queues.bodies(url, VisibilityTimeout=0) == ["bad"]
    queues.send(url, "good", **group)
    assert queues.bodies(url) == ["good"]
    (letter,) = queues.received(dead, MessageSystemAttributeNames=["All"])
    assert letter["Body"] == "bad"
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(url)
    assert letter["Attributes"]["ApproximateReceiveCount"] == "3"  # across all queues
    assert queues.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    assert queues.sqs.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == []


def test_a_dead_letter_queue_that_is_gone_takes_none(queues: Queues) -> None:
    url, dead = queues.with_dead_letters(1)
    queues.sqs.delete_queue(QueueUrl=dead)
    queues.send(url, "x")
    for _ in range(3):
        assert queues.bodies(url, VisibilityTimeout=0) == ["x"]


def test_a_standard_message_keeps_its_age_as_a_dead_letter(queues: Queues) -> None:
    url, dead = queues.with_dead_letters(1)
    queues.send(url, "x")
    queues.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"MessageRetentionPeriod": "100"})
    queues.cloud.advance(90)
    queues.received(url, VisibilityTimeout=0)
    assert queues.received(url) == []
    assert queues.counts(dead) == ("1", "0", "0")
    queues.cloud.advance(11)
    assert queues.counts(dead) == ("0", "0", "0")


@pytest.mark.parametrize(
    ("allow", "taken"),
    [
        ({"redrivePermission": "allowAll"}, True),
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["SOURCE"]}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:123456789012:other"]}, False),
    ],
)
def test_whose_dead_letters_a_queue_takes(queues: Queues, allow: dict[str, Any], taken: bool) -> None:
    url, dead = queues.new(), queues.new()
    text = json.dumps(allow).replace("SOURCE", arn_of(url))
    queues.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": text})
    redrive = json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})
    setting = {"QueueUrl": url, "Attributes": {"RedrivePolicy": redrive}}
    if taken:
        queues.sqs.set_queue_attributes(**setting)
        assert json.loads(queues.attribute(url, "RedrivePolicy") or "") == json.loads(redrive)
    else:
        assert code_of(queues.sqs.set_queue_attributes, **setting) == "InvalidParameterValue"


def test_dead_letters_stay_among_their_kind(queues: Queues) -> None:
    redrive = json.dumps({"deadLetterTargetArn": arn_of(queues.new()), "maxReceiveCount": 1})
    url = queues.new(fifo=True)
    code, message = refused(queues.sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": redrive})
    assert code == "InvalidParameterValue"
    assert "Dead-letter queue must be same type of queue as the source." in message
