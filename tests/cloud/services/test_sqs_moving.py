"""Dead letters that are moved back."""

from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, refused
from sqs_help import QUEUE, Queues, arn_of


@pytest.fixture
def queues(shared_cloud: Any) -> Queues:
    return Queues(shared_cloud)


def buried(queues: Queues, *bodies: str) -> tuple[str, str]:
    """A queue and its dead-letter queue, with these as dead letters."""
    url, dead = queues.with_dead_letters(1)
    queues.send(url, *bodies)
    assert len(queues.bodies(url, VisibilityTimeout=0)) == len(bodies)
    assert queues.bodies(url) == []
    return url, dead


def test_back_to_where_they_came_from(queues: Queues) -> None:
    url, dead = buried(queues, "a", "b")
    queues.sqs.start_message_move_task(SourceArn=arn_of(dead))
    queues.cloud.settle("sqs")
    (task,) = queues.sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert "TaskHandle" not in task
    got = queues.received(url, MessageSystemAttributeNames=["All"])
    assert sorted(one["Body"] for one in got) == ["a", "b"]
    assert got[0]["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in got[0]["Attributes"]


def test_elsewhere_as_new_messages(queues: Queues) -> None:
    _, dead = buried(queues, "a")
    (letter,) = queues.received(dead, VisibilityTimeout=0)
    other = queues.new()
    queues.sqs.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn_of(other))
    queues.cloud.settle("sqs")
    (got,) = queues.received(other)
    assert (got["Body"], got["MessageId"] != letter["MessageId"]) == ("a", True)


def test_slowly_until_it_is_cancelled(queues: Queues) -> None:
    url, dead = buried(queues, "a", "b", "c")
    handle = queues.sqs.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    again = refused(queues.sqs.start_message_move_task, SourceArn=arn_of(dead))
    assert again[0] == "InvalidParameterValue"
    assert again[1].startswith("There is already a task running.")
    (task,) = queues.sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"]
    assert (task["Status"], task["TaskHandle"], task["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", handle, 3)
    queues.sqs.cancel_message_move_task(TaskHandle=handle)
    queues.cloud.advance(5)
    queues.cloud.settle("sqs")
    assert int(queues.counts(url)[0]) + int(queues.counts(dead)[0]) == 3
    assert int(queues.counts(dead)[0]) >= 1
    assert code_of(queues.sqs.cancel_message_move_task, TaskHandle=handle).endswith("UnsupportedOperation")


def test_a_source_that_is_gone(queues: Queues) -> None:
    url, dead = buried(queues, "a")
    other = queues.new(RedrivePolicy=queues.attribute(url, "RedrivePolicy") or "")
    queues.sqs.delete_queue(QueueUrl=url)
    queues.sqs.start_message_move_task(SourceArn=arn_of(dead))
    queues.cloud.settle("sqs")
    (task,) = queues.sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "NonExistentQueue")
    assert queues.bodies(other) == []
    assert queues.bodies(dead) == ["a"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"SourceArn": f"{QUEUE}:nowhere"}, "ResourceNotFoundException"),
        ({"SourceArn": "PLAIN"}, "InvalidParameterValue"),
        ({"SourceArn": "DEAD", "DestinationArn": f"{QUEUE}:nowhere"}, "ResourceNotFoundException"),
        ({"SourceArn": "DEAD", "DestinationArn": "DEAD"}, "InvalidParameterValue"),
        ({"SourceArn": "DEAD", "MaxNumberOfMessagesPerSecond": 501}, "InvalidParameterValue"),
    ],
)
def test_tasks_that_are_refused(queues: Queues, params: dict[str, Any], code: str) -> None:
    url, dead = queues.with_dead_letters(1)
    names = {"PLAIN": arn_of(url), "DEAD": arn_of(dead)}
    given = {name: names.get(value, value) for name, value in params.items()}
    assert code_of(queues.sqs.start_message_move_task, **given) == code


@pytest.mark.parametrize("handle", ["x", "eyJ0YXNrSWQiOiAxfQ=="])
def test_handles_that_name_no_task(queues: Queues, handle: str) -> None:
    assert code_of(queues.sqs.cancel_message_move_task, TaskHandle=handle) == "InvalidParameterValue"


@pytest.mark.parametrize("lacking", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:SendMessage"])
def test_who_moves_needs_to_be_let_take_and_send(queues: Queues, lacking: str) -> None:
    _, dead = buried(queues, "a")
    name = f"mover-{lacking.rpartition(':')[2]}".lower()
    mover = person(queues.cloud, name, may("sqs:*"), may(lacking, effect="Deny"))("sqs")
    code, message = refused(mover.start_message_move_task, SourceArn=arn_of(dead))
    assert (code, lacking.lower() in message) == ("AccessDenied", True)
    assert ACCOUNT in message
    assert queues.sqs.list_message_move_tasks(SourceArn=arn_of(dead))["Results"] == []
