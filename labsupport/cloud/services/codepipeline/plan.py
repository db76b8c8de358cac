"""What an execution does next, decided from its state alone. Pure: doing it is `running.py`'s."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Params = dict[str, Any]


class Seen(NamedTuple):
    """The newest try of an action in the current stage."""

    name: str
    status: str  # InProgress, Succeeded, Failed, Abandoned


class Next(NamedTuple):
    """`start`: names of actions to begin now. `stage`: "" while it goes on, else Succeeded or Failed."""

    start: tuple[str, ...] = ()
    stage: str = ""


def groups(actions: Iterable[Params]) -> list[list[str]]:
    """The action names of a stage by run order: groups one after another, the actions in each at the same time."""
    by_order: dict[int, list[str]] = {}
    for action in actions:
        by_order.setdefault(action.get("runOrder", 1), []).append(action["name"])
    return [by_order[order] for order in sorted(by_order)]


def next_step(actions: Sequence[Params], seen: Iterable[Seen], may_start: bool = True) -> Next:
    """A group begins when the one before has succeeded; a failure ends the stage once its neighbours are done.

    An execution that is being stopped (`may_start` false) begins nothing: its stage ends as Stopped once nothing
    runs any more, unless all of it has succeeded by then.
    """
    latest = {one.name: one.status for one in seen}
    for group in groups(actions):
        states = [latest.get(name, "") for name in group]
        if "InProgress" in states:
            return Next()
        if "Failed" in states or "Abandoned" in states:
            return Next(stage="Failed" if may_start else "Stopped")
        missing = tuple(name for name, state in zip(group, states, strict=True) if not state)
        if missing:
            return Next(start=missing) if may_start else Next(stage="Stopped")
    return Next(stage="Succeeded")


def retried(actions: Sequence[Params], seen: Iterable[Seen], mode: str) -> set[str]:
    """The actions that a retry of a failed stage forgets: the failed ones, or all of the stage."""
    if mode == "ALL_ACTIONS":
        return {action["name"] for action in actions}
    return {one.name for one in seen if one.status in ("Failed", "Abandoned")}


class Waiting(NamedTuple):
    order: int
    stage: str  # the stage that it waits to enter


class Entry(NamedTuple):
    """Who enters its stage now, and who is overtaken by whom."""

    enter: tuple[int, ...] = ()
    superseded: tuple[tuple[int, int], ...] = ()


def entries(waiting: Iterable[Waiting], busy: set[str], shut: set[str], mode: str) -> Entry:
    """Which waiting executions go on, by their order numbers.

    SUPERSEDED: a stage holds one execution; of those that wait before it the newest goes on, and the
    others are overtaken. QUEUED: one at a time, the oldest first. PARALLEL: nobody waits for another.
    """
    if mode == "PARALLEL":
        return Entry(enter=tuple(one.order for one in waiting if one.stage not in shut))
    by_stage: dict[str, list[int]] = {}
    for one in waiting:
        by_stage.setdefault(one.stage, []).append(one.order)
    enter, superseded = [], []
    for stage, orders in by_stage.items():
        first, *others = sorted(orders, reverse=mode == "SUPERSEDED")
        if mode == "SUPERSEDED":
            superseded += [(order, first) for order in others]
        if stage not in busy and stage not in shut:
            enter.append(first)
    return Entry(tuple(enter), tuple(superseded))
