"""Queues: names, attributes, listing, tags, permissions; with boto3 and the CLI."""

import json
from typing import Any

import pytest
from cli_help import Cli
from identity_help import SECOND
from services_help import ACCOUNT, code_of, may, policy, refused
from sqs_help import Queues, arn_of

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


def test_a_new_queue(queues: Queues) -> None:
    url = queues.sqs.create_queue(QueueName="new")["QueueUrl"]
    assert url == f"{queues.cloud.url}/{ACCOUNT}/new"
    assert queues.sqs.get_queue_url(QueueName="new")["QueueUrl"] == url
    found = queues.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found.pop("CreatedTimestamp") == found.pop("LastModifiedTimestamp")
    assert found == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:new",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "VisibilityTimeout": "30",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }


def test_a_new_fifo_queue(queues: Queues) -> None:
    url = queues.new(fifo=True)
    found = queues.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {name: found[name] for name in found if "Fifo" in name or "Dedup" in name} == {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    }
    queues.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    )
    assert queues.attribute(url, "FifoThroughputLimit") == "perMessageGroupId"


def test_its_address_is_the_one_that_was_called(queues: Queues) -> None:
    named = queues.cloud.client("sqs", endpoint_url=queues.cloud.url.replace("127.0.0.1", "localhost"))
    url = named.create_queue(QueueName="address")["QueueUrl"]
    assert url.startswith("http://localhost:")
    for one in (url, f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/address"):
        queues.send(one, "x")
    assert queues.counts(url) == ("2", "0", "0")


def test_where_nothing_is_refused(open_cloud: Any) -> None:
    keys = {"AccessKeyId": "anything", "SecretAccessKey": "x", "SessionToken": None}
    sqs = open_cloud.client("sqs", credentials=keys)
    url = sqs.create_queue(QueueName="open")["QueueUrl"]
    assert url == f"{open_cloud.url}/111122223333/open"
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (got,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    sqs.tag_queue(QueueUrl=url, Tags={"a": "b"})


def test_a_queue_is_made_once(queues: Queues) -> None:
    create = queues.sqs.create_queue
    url = create(QueueName="once", Attributes={"DelaySeconds": "5", "Policy": anybody("once")})["QueueUrl"]
    assert create(QueueName="once")["QueueUrl"] == url
    spaced = json.dumps(json.loads(anybody("once")), indent=2)
    again = {"DelaySeconds": "5", "VisibilityTimeout": "30", "Policy": spaced}
    assert create(QueueName="once", Attributes=again, tags={"a": "b"})["QueueUrl"] == url
    assert "Tags" not in queues.sqs.list_queue_tags(QueueUrl=url)
    code, message = refused(create, QueueName="once", Attributes={"DelaySeconds": "6"})
    assert code == "QueueAlreadyExists"
    assert message == "A queue already exists with the same name and a different value for attribute DelaySeconds"
    with pytest.raises(queues.sqs.exceptions.QueueNameExists):
        create(QueueName="once", Attributes={"MessageRetentionPeriod": "60"})


def anybody(name: str) -> str:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    return policy({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue})


def test_a_name_is_free_a_minute_after_its_queue(queues: Queues) -> None:
    url = queues.sqs.create_queue(QueueName="again")["QueueUrl"]
    queues.send(url, "x")
    queues.sqs.delete_queue(QueueUrl=url)
    assert refused(queues.sqs.get_queue_url, QueueName="again") == GONE
    assert refused(queues.sqs.send_message, QueueUrl=url, MessageBody="x") == GONE
    code, message = refused(queues.sqs.create_queue, QueueName="again")
    assert code == "AWS.SimpleQueueService.QueueDeletedRecently"
    assert message.startswith("You must wait 60 seconds after deleting a queue")
    queues.cloud.advance(60)
    queues.sqs.create_queue(QueueName="again")
    assert queues.received(url) == []


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("", {}, "1 to 80 in length"),
        ("a b", {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
        ("x" * 81, {}, "1 to 80 in length"),
        ("x.fifo", {}, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
        ("x", {"FifoQueue": "true"}, "must end with .fifo suffix and be 1 to 80 in length."),
        (".fifo", {"FifoQueue": "true"}, "must end with .fifo suffix"),
    ],
)
def test_names_that_are_refused(queues: Queues, name: str, attributes: dict[str, str], message: str) -> None:
    code, found = refused(queues.sqs.create_queue, QueueName=name, Attributes=attributes)
    assert code == "InvalidParameterValue"
    assert message in found


RANGES = [
    ("DelaySeconds", 0, 900), ("MaximumMessageSize", 1024, 1_048_576), ("MessageRetentionPeriod", 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20), ("VisibilityTimeout", 0, 43_200),
]  # fmt: skip


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_numbers_have_ranges(queues: Queues, name: str, low: int, high: int) -> None:
    url, setting = queues.new(), queues.sqs.set_queue_attributes
    for value in (low, high):
        setting(QueueUrl=url, Attributes={name: str(value)})
        assert queues.attribute(url, name) == str(value)
    for wrong in (str(low - 1), str(high + 1), "x", ""):
        assert refused(setting, QueueUrl=url, Attributes={name: wrong}) == (
            "InvalidAttributeValue", f"Invalid value for the parameter {name}.",
        )  # fmt: skip
    assert queues.attribute(url, name) == str(high)


def redrive(arn: str, most: Any = 3) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most})}


NOWHERE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere"


@pytest.mark.parametrize(
    ("attributes", "code", "message"),
    [
        ({"Colour": "blue"}, "InvalidAttributeName", "Unknown Attribute Colour."),
        ({"QueueArn": "x"}, "InvalidAttributeName", "Unknown Attribute QueueArn."),
        ({"FifoQueue": "true"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
        ({"ContentBasedDeduplication": "true"}, "InvalidAttributeName", "Unknown Attribute ContentBasedDeduplication."),
        ({"SqsManagedSseEnabled": "maybe"}, "InvalidAttributeValue", "SqsManagedSseEnabled"),
        ({"Policy": "{"}, "InvalidAttributeValue", "Invalid value for the parameter Policy."),
        ({"Policy": '{"Statement": [{"Effect": "Allow"}]}'}, "InvalidAttributeValue", "Policy"),
        ({"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/aws/sqs"}, "InvalidAttributeName",
         "You can use one type of server-side encryption (SSE) at one time."),
        ({"RedrivePolicy": "x"}, "InvalidParameterValue", "Redrive policy is not a valid JSON map."),
        ({"RedrivePolicy": '{"maxReceiveCount": 1}'}, "InvalidParameterValue",
         "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (redrive("dummy"), "InvalidParameterValue", "Invalid value for deadLetterTargetArn."),
        (redrive(NOWHERE, 0), "InvalidParameterValue", "valid values are from 1 to 1000 both inclusive."),
        (redrive(NOWHERE, 1001), "InvalidParameterValue", "valid values are from 1 to 1000 both inclusive."),
        (redrive(NOWHERE), "InvalidParameterValue", "Dead letter target does not exist."),
        ({"RedriveAllowPolicy": '{"redrivePermission": "some"}'}, "InvalidParameterValue", "redrivePermission"),
        ({"RedriveAllowPolicy": '{"redrivePermission": "byQueue"}'}, "InvalidParameterValue", "sourceQueueArns"),
    ],
)  # fmt: skip
def test_attributes_that_are_refused(queues: Queues, attributes: dict[str, str], code: str, message: str) -> None:
    url = queues.new()
    found = refused(queues.sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes)
    assert found[0] == code
    assert message in found[1]


def test_a_fifo_queue_stays_one(queues: Queues) -> None:
    url, setting = queues.new(fifo=True), queues.sqs.set_queue_attributes
    assert refused(setting, QueueUrl=url, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )
    code = code_of(setting, QueueUrl=url, Attributes={"FifoThroughputLimit": "perMessageGroupId"})
    assert code == "InvalidAttributeValue"


def test_attributes_are_taken_off_by_empty_ones(queues: Queues) -> None:
    dead = queues.new()
    url = queues.new(KmsMasterKeyId="alias/aws/sqs", **redrive(arn_of(dead)))
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": anybody(url.rsplit("/", 1)[-1])})
    assert queues.attribute(url, "SqsManagedSseEnabled") == "false"
    assert queues.attribute(url, "KmsDataKeyReusePeriodSeconds") == "300"
    names = ("Policy", "RedrivePolicy", "KmsMasterKeyId")
    assert all(queues.attribute(url, name) for name in names)
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes=dict.fromkeys(names, ""))
    assert not any(queues.attribute(url, name) for name in names)
    assert queues.attribute(url, "SqsManagedSseEnabled") == "true"


def test_which_attributes_are_asked_for(queues: Queues) -> None:
    url = queues.new()
    assert queues.sqs.get_queue_attributes(QueueUrl=url)["Attributes"] == {}
    assert refused(queues.sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"]) == (
        "InvalidAttributeName", "Unknown Attribute Colour.",
    )  # fmt: skip


def test_listing(queues: Queues) -> None:
    urls = [queues.sqs.create_queue(QueueName=f"listed-{n}")["QueueUrl"] for n in range(5)]
    assert queues.sqs.list_queues(QueueNamePrefix="listed-")["QueueUrls"] == urls
    assert "QueueUrls" not in queues.sqs.list_queues(QueueNamePrefix="nothing-")
    pages = queues.sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix="listed-", PaginationConfig={"PageSize": 2}
    )
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:4], urls[4:]]
    for params in ({"MaxResults": 1001}, {"NextToken": "nonsense", "MaxResults": 5}):
        assert code_of(queues.sqs.list_queues, **params) == "InvalidParameterValue"
    other = queues.cloud.client("sqs", region_name="eu-west-1")
    assert "QueueUrls" not in other.list_queues(QueueNamePrefix="listed-")


@pytest.mark.parametrize("url", ["x", "http://127.0.0.1/1/q", f"http://127.0.0.1/{ACCOUNT}"])
def test_addresses_that_name_no_queue(queues: Queues, url: str) -> None:
    assert code_of(queues.sqs.get_queue_attributes, QueueUrl=url) == "InvalidAddress"


def test_purging(queues: Queues) -> None:
    url = queues.new()
    queues.send(url, "a", "b")
    queues.received(url, 1)
    queues.sqs.purge_queue(QueueUrl=url)
    assert queues.counts(url) == ("0", "0", "0")
    code, message = refused(queues.sqs.purge_queue, QueueUrl=url)
    assert code == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert message == f"Only one PurgeQueue operation on {url.rsplit('/', 1)[-1]} is allowed every 60 seconds."
    queues.cloud.advance(60)
    queues.sqs.purge_queue(QueueUrl=url)


def test_tags(queues: Queues) -> None:
    url = queues.sqs.create_queue(QueueName="tagged", tags={"team": "blue"})["QueueUrl"]
    queues.sqs.tag_queue(QueueUrl=url, Tags={"team": "red", "level": ""})
    assert queues.sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "red", "level": ""}
    queues.sqs.untag_queue(QueueUrl=url, TagKeys=["team", "nothing"])
    assert queues.sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"level": ""}
    for tags in ({"aws:x": "y"}, {str(n): "x" for n in range(50)}, {"x" * 129: ""}):
        assert code_of(queues.sqs.tag_queue, QueueUrl=url, Tags=tags) == "InvalidParameterValue"


def test_permissions(queues: Queues) -> None:
    url = queues.new()
    given = {"QueueUrl": url, "Label": "one"}
    queues.sqs.add_permission(**given, AWSAccountIds=[ACCOUNT, SECOND], Actions=["ReceiveMessage"])
    found = json.loads(queues.attribute(url, "Policy") or "")
    assert found == {
        "Version": "2008-10-17",
        "Id": f"{arn_of(url)}/SQSDefaultPolicy",
        "Statement": [{
            "Sid": "one", "Effect": "Allow", "Action": "SQS:ReceiveMessage", "Resource": arn_of(url),
            "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in (ACCOUNT, SECOND)]},
        }],
    }  # fmt: skip
    add = queues.sqs.add_permission
    assert refused(add, **given, AWSAccountIds=[ACCOUNT], Actions=["*"]) == (
        "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: Already exists.",
    )  # fmt: skip
    queues.sqs.remove_permission(**given)
    assert queues.attribute(url, "Policy") is None
    assert refused(queues.sqs.remove_permission, **given) == (
        "InvalidParameterValue", "Value one for parameter Label is invalid. Reason: can't find label.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Label": "a b"}, "InvalidParameterValue"),
        ({"AWSAccountIds": ["me"]}, "InvalidParameterValue"),
        ({"Actions": ["Fly"]}, "InvalidParameterValue"),
        ({"Actions": ["DeleteQueue"]}, "InvalidParameterValue"),
        ({"Actions": ["SendMessage"] * 8}, "OverLimit"),
    ],
)
def test_permissions_that_are_refused(queues: Queues, params: dict[str, Any], code: str) -> None:
    given = {"QueueUrl": queues.new(), "Label": "x", "AWSAccountIds": [ACCOUNT], "Actions": ["SendMessage"], **params}
    assert code_of(queues.sqs.add_permission, **given) == code


def test_with_the_cli(shared_cloud: Any, cli: Cli) -> None:
    """Version 1 sends to AWS's old address of queues unless it is told another one; older ones speak query."""
    address = ("--endpoint-url", shared_cloud.url) if cli.heeds_endpoint_url else ()

    def sqs(*words: str, fails: bool = False) -> str:
        return cli.run(shared_cloud, "sqs", *words, *address, fails=fails)

    name = f"by-cli-{cli.version[0]}"
    url = json.loads(sqs("create-queue", "--queue-name", name, "--attributes", "DelaySeconds=0"))["QueueUrl"]
    color = '{"color": {"DataType": "String", "StringValue": "blue"}}'
    sqs("send-message", "--queue-url", url, "--message-body", "hello", "--message-attributes", color)
    wanted = ("--attribute-names", "All", "--message-attribute-names", "All")
    got = json.loads(sqs("receive-message", "--queue-url", url, *wanted))["Messages"][0]
    assert (got["Body"], got["MessageAttributes"]["color"]["StringValue"]) == ("hello", "blue")
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    said = sqs("get-queue-url", "--queue-name", "nothing", fails=True)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in said


def test_who_is_named_in_a_policy_is_known(queues: Queues) -> None:
    """A queue's policy goes by ids, and shows names."""
    iam = queues.cloud.client("iam")
    arn = iam.create_user(UserName="named-by-queue")["User"]["Arn"]
    url = queues.new()
    text = policy({**may("sqs:SendMessage", resource=arn_of(url)), "Principal": {"AWS": arn}})
    queues.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    assert arn in (queues.attribute(url, "Policy") or "")
    iam.delete_user(UserName="named-by-queue")
    assert arn not in (queues.attribute(url, "Policy") or "")
    setting = {"QueueUrl": url, "Attributes": {"Policy": text}}
    assert code_of(queues.sqs.set_queue_attributes, **setting) == "InvalidAttributeValue"
