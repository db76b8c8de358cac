"""Clients from before the end of 2023 speak the query protocol to SQS: botocore's own serializer and parser do here."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from services_help import refused

from labsupport.cloud.core import model

TEXT = {"DataType": "String", "StringValue": "blue & green"}
BINARY = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}


def old_model() -> dict[str, Any]:
    """SQS's model as it was: with the query protocol's names, which the lab adds to today's."""
    extras = json.loads((Path(model.__file__).parent / "models" / "sqs.extras.json").read_text())["merge"]
    extras = json.loads(json.dumps(extras).replace('"queryName"', '"locationName"'))
    merged = model._merged(copy.deepcopy(Loader().load_service_model("sqs", "service-2")), extras)
    merged["metadata"] |= {"protocol": "query", "protocols": ["query"]}
    for name in ("awsQueryCompatible", "jsonVersion", "targetPrefix"):
        merged["metadata"].pop(name)
    return merged


@pytest.fixture(scope="module")
def old(shared_cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    place = folder / "sqs" / "2012-11-05"
    place.mkdir(parents=True)
    (place / "service-2.json").write_text(json.dumps(old_model()))
    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.insert(0, str(folder))
    keys = shared_cloud.keys()
    once = Config(retries={"total_max_attempts": 1})
    where = {"region_name": "us-east-1", "endpoint_url": shared_cloud.url, "config": once}
    client = session.create_client("sqs", **where, **keys)
    yield client
    client.close()


def test_a_message_goes_through(old: Any) -> None:
    url = old.create_queue(QueueName="old", Attributes={"DelaySeconds": "0"}, tags={"team": "blue"})["QueueUrl"]
    assert old.list_queues(QueueNamePrefix="old")["QueueUrls"] == [url]
    assert old.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}
    given = {"text": TEXT, "binary": BINARY}
    sent = old.send_message(QueueUrl=url, MessageBody="<hello>", MessageAttributes=given)
    (got,) = old.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert (got["MessageId"], got["Body"], got["MessageAttributes"]) == (sent["MessageId"], "<hello>", given)
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    old.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=5)
    old.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    found = old.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["ApproximateNumberOfMessagesNotVisible"], found["DelaySeconds"]) == ("0", "0")


def test_batches(old: Any) -> None:
    url = old.create_queue(QueueName="old-batches")["QueueUrl"]
    entries = [{"Id": "a", "MessageBody": "x"}, {"Id": "b", "MessageBody": "x", "DelaySeconds": 901}]
    made = old.send_message_batch(QueueUrl=url, Entries=entries)
    assert [one["Id"] for one in made["Successful"]] == ["a"]
    assert [(one["Id"], one["Code"]) for one in made["Failed"]] == [("b", "InvalidParameterValue")]


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("get_queue_url", {"QueueName": "nothing"}, "AWS.SimpleQueueService.NonExistentQueue"),
        ("create_queue", {"QueueName": "a b"}, "InvalidParameterValue"),
        ("list_message_move_tasks", {"SourceArn": "arn:aws:sqs:us-east-1:123456789012:nothing"},
         "ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_errors_have_their_old_codes(old: Any, operation: str, params: dict[str, Any], code: str) -> None:
    assert refused(getattr(old, operation), **params)[0] == code
