"""Messages of queues: sent, received, kept, deleted."""

import asyncio
import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from services_help import code_of, refused
from sqs_help import Queues

BINARY = {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"}
ATTRIBUTES = {
    "color": {"DataType": "String", "StringValue": "blue"},
    "count": {"DataType": "Number.int", "StringValue": "12"},
    "shop.picture": BINARY,
}


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


def test_a_message_goes_through(queues: Queues) -> None:
    """boto3 compares the digests of bodies by itself."""
    url = queues.new()
    sent = queues.sqs.send_message(
        QueueUrl=url, MessageBody="grüße", MessageAttributes=ATTRIBUTES,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}},
    )  # fmt: skip
    (got,) = queues.received(url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])
    assert (got["MessageId"], got["Body"], got["MessageAttributes"]) == (sent["MessageId"], "grüße", ATTRIBUTES)
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    system = got["Attributes"]
    assert (system["ApproximateReceiveCount"], system["AWSTraceHeader"]) == ("1", "Root=1")
    assert system["SenderId"].startswith("AIDA") or system["SenderId"].isdigit()
    assert int(system["SentTimestamp"]) <= int(system["ApproximateFirstReceiveTimestamp"])
    assert queues.received(url) == []
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert queues.counts(url) == ("0", "0", "0")


def test_the_digest_of_attributes_is_aws_s(queues: Queues) -> None:
    """As AWS answered for this message."""
    given = {"Foo": {"DataType": "String", "StringValue": "Bar"}}
    sent = queues.sqs.send_message(QueueUrl=queues.new(), MessageBody="msg", MessageAttributes=given)
    assert sent["MD5OfMessageAttributes"] == "ae7155c6026991b6d54b11589678bf9c"
    assert sent["MD5OfMessageBody"] == "6e2baaf3b97dbeef01c0043275f9a0e7"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], set()),
        (["All"], {"color", "count", "shop.picture"}),
        ([".*"], {"color", "count", "shop.picture"}),
        (["color", "nothing"], {"color"}),
        (["shop.*"], {"shop.picture"}),
        (["nothing"], set()),
    ],
)
def test_attributes_are_given_where_they_are_asked_for(queues: Queues, names: list[str], expected: set[str]) -> None:
    url = queues.new()
    queues.send(url, "x", MessageAttributes=ATTRIBUTES)
    (got,) = queues.received(url, MessageAttributeNames=names)
    assert set(got.get("MessageAttributes", {})) == expected
    assert ("MD5OfMessageAttributes" in got) is bool(expected)
    assert "Attributes" not in got


@pytest.mark.parametrize("names", [{"AttributeNames": ["SenderId"]}, {"MessageSystemAttributeNames": ["SenderId"]}])
def test_system_attributes_are_given_where_they_are_asked_for(queues: Queues, names: dict[str, list[str]]) -> None:
    url = queues.new()
    queues.send(url, "x")
    (got,) = queues.received(url, **names)
    assert set(got["Attributes"]) == {"SenderId"}


def test_a_message_comes_back_unless_it_is_deleted(queues: Queues) -> None:
    url = queues.new(VisibilityTimeout="40")
    queues.send(url, "x")
    (first,) = queues.received(url)
    queues.cloud.advance(39)
    assert queues.received(url) == []
    assert queues.counts(url) == ("0", "1", "0")
    queues.cloud.advance(1.5)
    (second,) = queues.received(url, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])  # an older receipt deletes nothing
    assert queues.counts(url) == ("0", "1", "0")
    queues.cloud.advance(41)
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    queues.sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert queues.counts(url) == ("0", "0", "0")


def test_a_receiver_keeps_a_message_for_longer_or_gives_it_back(queues: Queues) -> None:
    url = queues.new()
    queues.send(url, "x")
    (got,) = queues.received(url, VisibilityTimeout=10)
    mine = {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]}
    queues.sqs.change_message_visibility(**mine, VisibilityTimeout=100)
    queues.cloud.advance(50)
    assert queues.received(url) == []
    code, message = refused(queues.sqs.change_message_visibility, **mine, VisibilityTimeout=43_200)
    assert (code, message) == (
        "InvalidParameterValue", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
    )  # fmt: skip
    queues.sqs.change_message_visibility(**mine, VisibilityTimeout=0)
    assert len(queues.received(url)) == 1
    assert code_of(queues.sqs.change_message_visibility, **mine, VisibilityTimeout=5).endswith("MessageNotInflight")
    queues.sqs.purge_queue(QueueUrl=url)
    code, message = refused(queues.sqs.change_message_visibility, **mine, VisibilityTimeout=5)
    assert code == "InvalidParameterValue"
    assert "Message does not exist or is not available for visibility timeout change." in message


@pytest.mark.parametrize("by", ["queue", "message"])
def test_delayed_messages(queues: Queues, by: str) -> None:
    url = queues.new(DelaySeconds="30" if by == "queue" else "0")
    queues.send(url, "later", **({"DelaySeconds": 30} if by == "message" else {}))
    queues.send(url, "now", DelaySeconds=0)
    assert queues.counts(url) == ("1", "0", "1")
    assert queues.drained(url) == ["now"]
    queues.cloud.advance(31)
    assert queues.drained(url) == ["later"]


def test_messages_are_kept_for_the_retention_period(queues: Queues) -> None:
    url = queues.new(MessageRetentionPeriod="120")
    queues.send(url, "old")
    queues.cloud.advance(100)
    queues.send(url, "new")
    assert queues.counts(url) == ("2", "0", "0")
    queues.cloud.advance(21)
    assert queues.counts(url) == ("1", "0", "0")
    assert queues.drained(url) == ["new"]


# Waiting


def waited(queues: Queues, url: str, meanwhile: Any, **more: Any) -> list[dict[str, Any]]:
    """What a long poll gets, with something done while it waits."""
    found: list[dict[str, Any]] = []
    params = {"QueueUrl": url, "WaitTimeSeconds": 20, **more}
    client = queues.cloud.own_client("sqs")
    polling = threading.Thread(target=lambda: found.append(client.receive_message(**params)))
    polling.start()
    arn = ":".join(("arn:aws:sqs:us-east-1", *url.split("/")[-2:]))

    async def until_it_waits(cloud: Any) -> None:
        while not cloud.rooms.get("sqs", {}).get(arn):
            await asyncio.sleep(0)

    queues.cloud.on_loop(until_it_waits)
    meanwhile()
    polling.join(20)
    assert not polling.is_alive()
    return list(found[0].get("Messages", []))


@pytest.mark.parametrize("fifo", [False, True])
def test_a_long_poll_gets_what_comes(queues: Queues, fifo: bool) -> None:
    url = queues.new(fifo=fifo, ContentBasedDeduplication="true") if fifo else queues.new()
    group = {"MessageGroupId": "g"} if fifo else {}
    (got,) = waited(queues, url, lambda: queues.send(url, "x", **group))
    assert got["Body"] == "x"


def test_a_long_poll_gets_what_becomes_visible(queues: Queues) -> None:
    url = queues.new()
    queues.send(url, "x", DelaySeconds=10)
    (got,) = waited(queues, url, lambda: queues.cloud.advance(10))
    assert got["Body"] == "x"


def test_a_long_poll_ends_after_its_time(queues: Queues) -> None:
    assert waited(queues, queues.new(), lambda: queues.cloud.advance(20)) == []
    with_wait = queues.new(ReceiveMessageWaitTimeSeconds="15")
    assert queues.sqs.receive_message(QueueUrl=with_wait, WaitTimeSeconds=0).get("Messages") is None


def test_a_long_poll_of_a_queue_that_is_deleted(queues: Queues) -> None:
    url = queues.new()
    errors: list[str] = []

    def poll() -> None:
        try:
            queues.cloud.own_client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
        except ClientError as error:
            errors.append(error.response["Error"]["Code"])

    polling = threading.Thread(target=poll)
    polling.start()
    queues.cloud.on_loop(lambda cloud: None)
    queues.sqs.delete_queue(QueueUrl=url)
    polling.join(20)
    assert errors == ["AWS.SimpleQueueService.NonExistentQueue"]


# Batches


def test_batches(queues: Queues) -> None:
    url = queues.new()
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(9)]
    entries.append({"Id": "bad", "MessageBody": "x", "DelaySeconds": 901})
    made = queues.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [one["Id"] for one in made["Successful"]] == [str(n) for n in range(9)]
    (failed,) = made["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidParameterValue", True)
    got = queues.received(url)
    assert sorted(one["Body"] for one in got) == [f"m{n}" for n in range(9)]
    handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(got)]
    shown = queues.sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**handles[0], "VisibilityTimeout": 0}, {**handles[1], "VisibilityTimeout": 43_201}]
    )
    assert ([one["Id"] for one in shown["Successful"]], [one["Id"] for one in shown["Failed"]]) == (["0"], ["1"])
    assert queues.counts(url) == ("1", "8", "0")
    gone = queues.sqs.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "x", "ReceiptHandle": "nonsense"}])
    assert len(gone["Successful"]) == 9
    assert [(one["Id"], one["Code"]) for one in gone["Failed"]] == [("x", "ReceiptHandleIsInvalid")]
    assert queues.counts(url) == ("0", "0", "0")


@pytest.mark.parametrize(
    ("entries", "code", "message"),
    [
        ([], "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."),
        ([(str(n), "x") for n in range(11)], "TooManyEntriesInBatchRequest",
         "Maximum number of entries per request are 10. You have sent 11."),
        ([("a", "x"), ("a", "y")], "BatchEntryIdsNotDistinct", "Id a repeated."),
        ([("a:b", "x")], "InvalidBatchEntryId", "A batch entry id can only contain"),
        ([("a", "x" * 600_000), ("b", "y" * 600_000)], "BatchRequestTooLong",
         "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes."),
    ],
)  # fmt: skip
def test_batches_that_are_refused(queues: Queues, entries: list[tuple[str, str]], code: str, message: str) -> None:
    given = [{"Id": name, "MessageBody": body} for name, body in entries]
    found = refused(queues.sqs.send_message_batch, QueueUrl=queues.new(), Entries=given)
    assert found[0] == f"AWS.SimpleQueueService.{code}"
    assert message in found[1]


# What is refused


def value(kind: str, text: str) -> dict[str, Any]:
    return {"MessageAttributes": {"a": {"DataType": kind, "StringValue": text}}}


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"MessageBody": ""}, "MissingParameter", "The request must contain the parameter MessageBody."),
        ({"MessageBody": "a\x00"}, "InvalidMessageContents", "Invalid binary character '#x0'"),
        ({"MessageBody": "x" * 1025}, "InvalidParameterValue",
         "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."),
        ({"DelaySeconds": 901}, "InvalidParameterValue",
         "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."),
        ({"MessageDeduplicationId": "x"}, "InvalidParameterValue", "is not valid for this queue type"),
        ({"MessageGroupId": "a b"}, "InvalidParameterValue", "alphanumeric and punctuation characters"),
        (value("String", ""), "InvalidParameterValue",
         "Message (user) attribute 'a' must contain a non-empty value of type 'String'."),
        (value("Text", "x"), "InvalidParameterValue", "Binary, Number, String."),
        (value("Number", "x"), "InvalidParameterValue",
         "Can't cast the value of message (user) attribute 'a' to a number."),
        ({"MessageAttributes": {"a..b": ATTRIBUTES["color"]}}, "InvalidParameterValue", "'a..b'"),
        ({"MessageAttributes": {"AWS.x": ATTRIBUTES["color"]}}, "InvalidParameterValue", "AWS keeps for itself"),
        ({"MessageAttributes": {f"n{n}": ATTRIBUTES["color"] for n in range(11)}}, "InvalidParameterValue",
         "Number of message attributes [11] exceeds the allowed maximum [10]."),
        ({"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "Number", "StringValue": "1"}}},
         "InvalidParameterValue", "AWSTraceHeader"),
    ],
)  # fmt: skip
def test_messages_that_are_refused(queues: Queues, params: dict[str, Any], code: str, message: str) -> None:
    url = queues.new(MaximumMessageSize="1024")
    found = refused(queues.sqs.send_message, **{"QueueUrl": url, "MessageBody": "x", **params})
    assert found[0] == code
    assert message in found[1]
    assert queues.counts(url) == ("0", "0", "0")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"MaxNumberOfMessages": 11},
         "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
        ({"WaitTimeSeconds": 21}, "WaitTimeSeconds must be >= 0 and <= 20."),
        ({"VisibilityTimeout": 43_201}, "VisibilityTimeout must be >= 0 and <= 43200."),
    ],
)  # fmt: skip
def test_receives_that_are_refused(queues: Queues, params: dict[str, Any], message: str) -> None:
    code, found = refused(queues.sqs.receive_message, QueueUrl=queues.new(), **params)
    assert code == "InvalidParameterValue"
    assert message in found


def test_a_receipt_is_of_one_queue(queues: Queues) -> None:
    here, there = queues.new(), queues.new()
    queues.send(here, "x")
    (got,) = queues.received(here)
    code, message = refused(queues.sqs.delete_message, QueueUrl=there, ReceiptHandle=got["ReceiptHandle"])
    assert code == "ReceiptHandleIsInvalid"
    assert message == f'The input receipt handle "{got["ReceiptHandle"]}" is not a valid receipt handle.'
    for handle in ("", "x", "eHh4"):
        assert code_of(queues.sqs.delete_message, QueueUrl=here, ReceiptHandle=handle) == "ReceiptHandleIsInvalid"


def test_a_large_message(queues: Queues) -> None:
    url = queues.new()
    body = json.dumps({"text": "x" * 1_000_000})
    queues.send(url, body)
    assert queues.bodies(url) == [body]
    assert code_of(queues.sqs.send_message, QueueUrl=url, MessageBody="x" * 1_048_577) == "InvalidParameterValue"
