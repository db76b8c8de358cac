"""What an execution does next, and who enters a stage: tables over the pure functions."""

from typing import Any

import pytest

from labsupport.cloud.services.codepipeline.plan import Entry, Next, Seen, Waiting, entries, groups, next_step, retried

A, B, C = ({"name": name} for name in "abc")
SERIES = [
    {"name": "a", "runOrder": 1},
    {"name": "b", "runOrder": 2},
    {"name": "c", "runOrder": 2},
    {"name": "d", "runOrder": 10},
]


def seen(**states: str) -> list[Seen]:
    full = {"P": "InProgress", "S": "Succeeded", "F": "Failed", "A": "Abandoned"}
    return [Seen(name, full[state]) for name, state in states.items()]


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ([A, B], [["a", "b"]]),
        (SERIES, [["a"], ["b", "c"], ["d"]]),
        ([{"name": "late", "runOrder": 3}, {"name": "early"}], [["early"], ["late"]]),
        ([], []),
    ],
)
def test_groups(actions: list[Any], found: list[list[str]]) -> None:
    assert groups(actions) == found


@pytest.mark.parametrize(
    ("states", "step", "while_stopping"),
    [
        ({}, Next(("a",)), Next((), "Stopped")),
        ({"a": "P"}, Next(), Next()),
        ({"a": "S"}, Next(("b", "c")), Next((), "Stopped")),
        ({"a": "F"}, Next((), "Failed"), Next((), "Stopped")),
        ({"a": "A"}, Next((), "Failed"), Next((), "Stopped")),
        ({"a": "S", "b": "P", "c": "P"}, Next(), Next()),
        ({"a": "S", "b": "P", "c": "S"}, Next(), Next()),
        ({"a": "S", "b": "F", "c": "P"}, Next(), Next()),
        ({"a": "S", "b": "F", "c": "S"}, Next((), "Failed"), Next((), "Stopped")),
        ({"a": "S", "b": "S"}, Next(("c",)), Next((), "Stopped")),
        ({"a": "S", "b": "S", "c": "S"}, Next(("d",)), Next((), "Stopped")),
        ({"a": "S", "b": "S", "c": "S", "d": "P"}, Next(), Next()),
        ({"a": "S", "b": "S", "c": "S", "d": "S"}, Next((), "Succeeded"), Next((), "Succeeded")),
    ],
)
def test_the_next_step(states: dict[str, str], step: Next, while_stopping: Next) -> None:
    assert next_step(SERIES, seen(**states)) == step
    assert next_step(SERIES, seen(**states), may_start=False) == while_stopping


def test_every_way_through_a_stage_ends() -> None:
    """From each state, whatever happens to the running actions, the stage ends after a few steps."""
    for outcomes in ("SSSS", "SFSS", "SSFS", "FSSS", "SSSF", "SFFS"):
        states: dict[str, str] = {}
        ended = ""
        for _ in range(10):
            step = next_step(SERIES, seen(**states))
            if step.stage:
                ended = step.stage
                break
            states |= dict.fromkeys(step.start, "P")
            running = [name for name, state in states.items() if state == "P"]
            assert running
            states[running[0]] = outcomes["abcd".index(running[0])]
        assert ended == ("Failed" if "F" in outcomes else "Succeeded")


@pytest.mark.parametrize(
    ("mode", "states", "forgotten"),
    [
        ("FAILED_ACTIONS", {"a": "S", "b": "F", "c": "S"}, {"b"}),
        ("FAILED_ACTIONS", {"a": "S", "b": "A", "c": "F"}, {"b", "c"}),
        ("ALL_ACTIONS", {"a": "S", "b": "F", "c": "S"}, {"a", "b", "c", "d"}),
    ],
)
def test_what_a_retry_forgets(mode: str, states: dict[str, str], forgotten: set[str]) -> None:
    assert retried(SERIES, seen(**states), mode) == forgotten


def waits(**orders: list[int]) -> list[Waiting]:
    return [Waiting(order, stage) for stage, found in orders.items() for order in found]


@pytest.mark.parametrize(
    ("mode", "waiting", "busy", "shut", "entry"),
    [
        ("SUPERSEDED", {"s": [1]}, "", "", Entry((1,))),
        ("SUPERSEDED", {"s": [1]}, "s", "", Entry()),
        ("SUPERSEDED", {"s": [1]}, "", "s", Entry()),
        ("SUPERSEDED", {"s": [1, 3, 2]}, "", "", Entry((3,), ((2, 3), (1, 3)))),
        ("SUPERSEDED", {"s": [1, 2]}, "s", "", Entry((), ((1, 2),))),
        ("SUPERSEDED", {"s": [1, 2]}, "", "s", Entry((), ((1, 2),))),
        ("SUPERSEDED", {"s": [4], "t": [2, 3]}, "s", "", Entry((3,), ((2, 3),))),
        ("QUEUED", {"s": [3, 1, 2]}, "", "", Entry((1,))),
        ("QUEUED", {"s": [3, 1, 2]}, "s", "", Entry()),
        ("QUEUED", {"s": [3], "t": [1, 2]}, "", "", Entry((3, 1))),
        ("QUEUED", {"s": [3], "t": [1, 2]}, "", "t", Entry((3,))),
        ("PARALLEL", {"s": [1, 2], "t": [3]}, "st", "", Entry((1, 2, 3))),
        ("PARALLEL", {"s": [1, 2], "t": [3]}, "", "s", Entry((3,))),
        ("SUPERSEDED", {}, "s", "t", Entry()),
    ],
)
def test_who_enters(mode: str, waiting: dict[str, list[int]], busy: str, shut: str, entry: Entry) -> None:
    assert entries(waits(**waiting), set(busy), set(shut), mode) == entry
