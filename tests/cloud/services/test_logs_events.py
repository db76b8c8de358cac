"""Log events: put, read from both ends, searched; too old, too new, expired."""

from typing import Any

import pytest
from services_help import code_of, refused

HOUR = 3600 * 1000
DAY = 24 * HOUR


@pytest.fixture
def logs(shared_cloud: Any) -> Any:
    return shared_cloud.client("logs")


@pytest.fixture
def now(shared_cloud: Any) -> int:
    return int(shared_cloud.cloud.clock.epoch() * 1000)


def stream(logs: Any, group: str, name: str = "s") -> dict[str, str]:
    """A new stream, in a group that may be there already."""
    try:
        logs.create_log_group(logGroupName=group)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    logs.create_log_stream(logGroupName=group, logStreamName=name)
    return {"logGroupName": group, "logStreamName": name}


def put(logs: Any, where: dict[str, str], *events: tuple[int, str]) -> Any:
    return logs.put_log_events(**where, logEvents=[{"timestamp": at, "message": text} for at, text in events])


def texts(answer: Any) -> str:
    return " ".join(one["message"] for one in answer["events"])


def test_put_and_read(logs: Any, now: int) -> None:
    where = stream(logs, "/events/read")
    put(logs, where, (now - 2, "a"), (now - 1, "ü 🎉"))
    put(logs, where, (now - 3, "late"))
    answer = logs.get_log_events(**where)
    assert [(one["timestamp"], one["message"]) for one in answer["events"]] == [
        (now - 3, "late"),
        (now - 2, "a"),
        (now - 1, "ü 🎉"),
    ]
    assert all(one["ingestionTime"] >= now for one in answer["events"])
    (shown,) = logs.describe_log_streams(logGroupName="/events/read")["logStreams"]
    assert (shown["firstEventTimestamp"], shown["lastEventTimestamp"]) == (now - 3, now - 1)
    assert shown["lastIngestionTime"] >= now
    stored = logs.describe_log_groups(logGroupNamePrefix="/events/read")["logGroups"][0]["storedBytes"]
    assert stored == 3 * 26 + len("late") + len("a") + len("ü 🎉".encode())


def test_forward_to_the_end_and_on(logs: Any, now: int) -> None:
    where = stream(logs, "/events/forward")
    put(logs, where, *((now - 100 + number, str(number)) for number in range(5)))
    first = logs.get_log_events(**where, startFromHead=True, limit=3)
    assert texts(first) == "0 1 2"
    second = logs.get_log_events(**where, nextToken=first["nextForwardToken"], limit=3)
    assert texts(second) == "3 4"
    end = logs.get_log_events(**where, nextToken=second["nextForwardToken"])
    assert (texts(end), end["nextForwardToken"]) == ("", second["nextForwardToken"])
    put(logs, where, (now, "more"))
    assert texts(logs.get_log_events(**where, nextToken=end["nextForwardToken"])) == "more"
    back = logs.get_log_events(**where, nextToken=second["nextBackwardToken"])
    assert texts(back) == "0 1 2"


def test_backward_from_the_end(logs: Any, now: int) -> None:
    where = stream(logs, "/events/backward")
    put(logs, where, *((now - 100, str(number)) for number in range(5)))  # all of the same time
    first = logs.get_log_events(**where, limit=2)
    assert texts(first) == "3 4"
    second = logs.get_log_events(**where, nextToken=first["nextBackwardToken"], limit=2)
    assert texts(second) == "1 2"
    third = logs.get_log_events(**where, nextToken=second["nextBackwardToken"], limit=2)
    assert texts(third) == "0"
    end = logs.get_log_events(**where, nextToken=third["nextBackwardToken"])
    assert (texts(end), end["nextBackwardToken"]) == ("", third["nextBackwardToken"])


def test_an_empty_stream(logs: Any, now: int) -> None:
    where = stream(logs, "/events/empty")
    answer = logs.get_log_events(**where)
    assert answer["events"] == []
    put(logs, where, (now, "first"))
    assert texts(logs.get_log_events(**where, nextToken=answer["nextForwardToken"])) == "first"


@pytest.mark.parametrize("token", ["x", "f/1", "f/1/2/3", "f//", "z/1/2", "f/1/²", "f/-1/2", "b/1/" + "9" * 30])
def test_tokens_that_are_refused(logs: Any, token: str) -> None:
    where = {"logGroupName": "/events/tokens", "logStreamName": "s"}
    try:
        logs.get_log_events(**where)
    except logs.exceptions.ResourceNotFoundException:
        stream(logs, "/events/tokens")
    assert refused(logs.get_log_events, **where, nextToken=token) == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )
    assert (
        code_of(logs.filter_log_events, logGroupName="/events/tokens", nextToken=token) == "InvalidParameterException"
    )


def test_ranges(logs: Any, now: int) -> None:
    """The end belongs to a search, not to a reading."""
    where = stream(logs, "/events/ranges")
    put(logs, where, (now - 3, "a"), (now - 2, "b"), (now - 1, "c"))
    assert texts(logs.get_log_events(**where, startTime=now - 2)) == "b c"
    assert texts(logs.get_log_events(**where, endTime=now - 2)) == "a"
    assert texts(logs.filter_log_events(logGroupName="/events/ranges", endTime=now - 2)) == "a b"
    assert texts(logs.filter_log_events(logGroupName="/events/ranges", startTime=now - 2, endTime=2**63 - 1)) == "b c"


def test_too_old_and_too_new(logs: Any, now: int) -> None:
    where = stream(logs, "/events/rejected")
    answer = put(
        logs, where, (now - 15 * DAY, "old"), (now - 14 * DAY - HOUR, "old"), (now, "good"), (now + 3 * HOUR, "new")
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 3}
    assert texts(logs.get_log_events(**where)) == "good"
    assert "rejectedLogEventsInfo" not in put(logs, where, (now, "fine"))


def test_expired(cloud: Any) -> None:
    logs = cloud.client("logs")
    where, now = stream(logs, "/g"), int(cloud.cloud.clock.epoch() * 1000)
    put(logs, where, (now - 2 * DAY, "old"))
    put(logs, where, (now - 1000, "new"))
    logs.put_retention_policy(logGroupName="/g", retentionInDays=1)
    assert texts(logs.get_log_events(**where)) == "new"
    answer = put(logs, where, (now - 2 * DAY, "expired"), (now, "good"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    cloud.advance(86_400)
    assert texts(logs.filter_log_events(logGroupName="/g")) == ""
    logs.delete_retention_policy(logGroupName="/g")
    assert texts(logs.get_log_events(**where)) == "old new good"


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([(0, "a"), (-1, "b")], "Log events in a single PutLogEvents request must be in chronological order."),
        (
            [(-DAY - HOUR, "a"), (0, "b")],
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
        ([(0, "x" * 600_000), (0, "x" * 600_000)], "Upload too large: 1200052 bytes exceeds limit of 1048576"),
    ],
)
def test_batches_that_are_refused(logs: Any, now: int, events: list[tuple[int, str]], message: str) -> None:
    where = stream(logs, "/events/batches", f"s{len(message)}")
    params = {"logEvents": [{"timestamp": now + at, "message": text} for at, text in events]}
    assert refused(logs.put_log_events, **where, **params) == ("InvalidParameterException", message)
    assert logs.get_log_events(**where)["events"] == []


def test_search(logs: Any, now: int) -> None:
    one, two = stream(logs, "/events/search", "one"), stream(logs, "/events/search", "two")
    put(logs, one, (now - 4, "ERROR 1"), (now - 2, "ok"))
    put(logs, two, (now - 3, "ERROR 2"), (now - 1, "ERROR 3"))

    def search(**params: Any) -> Any:
        return logs.filter_log_events(logGroupName="/events/search", **params)

    assert texts(search()) == "ERROR 1 ERROR 2 ok ERROR 3"
    found = search(filterPattern="ERROR -2")["events"]
    assert [(one["logStreamName"], one["message"]) for one in found] == [("one", "ERROR 1"), ("two", "ERROR 3")]
    assert len({event["eventId"] for event in search()["events"]}) == 4
    assert all(len(event["eventId"]) == 56 for event in search()["events"])
    assert texts(search(logStreamNames=["one"])) == "ERROR 1 ok"
    assert texts(search(logStreamNamePrefix="t")) == "ERROR 2 ERROR 3"
    assert texts(search(startFromHead=False)) == "ERROR 3 ok ERROR 2 ERROR 1"
    both = {"logStreamNames": ["one"], "logStreamNamePrefix": "t"}
    assert code_of(search, **both) == "InvalidParameterException"
    assert code_of(search, filterPattern='"') == "InvalidParameterException"
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/events/search"
    assert texts(logs.filter_log_events(logGroupIdentifier=arn, filterPattern="ok")) == "ok"


@pytest.mark.parametrize("head", [True, False])
def test_pages_of_a_search(logs: Any, now: int, head: bool) -> None:
    group = f"/events/pages-{head}"
    one, two = stream(logs, group, "one"), stream(logs, group, "two")
    put(logs, one, *((now - 100 + number, f"a{number}") for number in range(0, 10, 2)))
    put(logs, two, *((now - 100 + number, f"a{number}") for number in range(1, 10, 2)))
    first = logs.filter_log_events(logGroupName=group, limit=4, startFromHead=head)
    put(logs, one, (now - 200, "earlier"), (now, "later"))  # comes in between
    second = logs.filter_log_events(logGroupName=group, limit=4, nextToken=first["nextToken"])
    third = logs.filter_log_events(logGroupName=group, limit=4, nextToken=second["nextToken"])
    order = [f"a{number}" for number in range(10)]
    wanted = [*order, "later"] if head else [*order[::-1], "earlier"]
    assert " ".join([texts(first), texts(second), texts(third)]).split() == wanted
    assert "nextToken" not in third


def test_kept_over_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    where = stream(first.client("logs"), "/g")
    put(first.client("logs"), where, (int(first.cloud.clock.epoch() * 1000), "kept"))
    first.stop()
    assert texts(start_cloud(home=first.home).client("logs").get_log_events(**where)) == "kept"
