"""The outbox: jobs with a time, woken, taken off when done, there again for the next process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_help import after_a_kill

from labsupport.cloud.store.jobs import Job
from labsupport.cloud.store.store import Store

BUILD = Job("codebuild", "build", "1", "r", "b:1")
TIMER = Job("events", "tick", "1", "r", "rule")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "db", bytes(32))
    yield found
    found.close()


@pytest.mark.parametrize(("first", "second", "due"), [(5.0, 9.0, 5.0), (9.0, 5.0, 5.0), (5.0, 5.0, 5.0)])
def test_the_earlier_time_counts(store: Store, first: float, second: float, due: float) -> None:
    store.jobs.put(BUILD, first)
    store.jobs.put(BUILD, second)
    assert store.jobs.due(BUILD) == due
    assert store.jobs.wakes(BUILD) == 1


def test_a_job_that_is_done_is_gone(store: Store) -> None:
    store.jobs.put(BUILD, 0.0)
    assert store.jobs.done(BUILD, 0)
    assert store.jobs.due(BUILD) is None
    assert store.jobs.wakes(BUILD) is None
    assert not store.jobs.done(BUILD, 0)


def test_a_job_that_was_woken_while_it_ran_is_not_done(store: Store) -> None:
    store.jobs.put(BUILD, 0.0)
    wakes = store.jobs.wakes(BUILD)
    assert wakes == 0
    store.jobs.put(BUILD, 0.0)
    assert not store.jobs.done(BUILD, wakes)
    assert store.jobs.due(BUILD) == 0.0


@pytest.mark.parametrize(("woken", "due"), [(False, 60.0), (True, 1.0)])
def test_a_next_time_gives_way_to_a_wake_that_came_meanwhile(store: Store, woken: bool, due: float) -> None:
    store.jobs.put(BUILD, 1.0)
    if woken:
        store.jobs.put(BUILD, 30.0)
    store.jobs.again(BUILD, 0, 60.0)
    assert store.jobs.due(BUILD) == due


def test_jobs_are_told_apart_by_every_part(store: Store) -> None:
    others = [BUILD._replace(**{field: "x"}) for field in Job._fields]
    for number, job in enumerate([BUILD, *others]):
        store.jobs.put(job, float(number))
    store.jobs.done(BUILD, 0)
    assert store.jobs.all() == others


def test_the_next_process_finds_all_jobs_the_earliest_first(store: Store, tmp_path: Path) -> None:
    store.jobs.put(TIMER, 20.0)
    store.jobs.put(BUILD, 10.0)
    with after_a_kill(tmp_path / "db") as again:
        assert again.jobs.all() == [BUILD, TIMER]
        assert again.jobs.fresh == []


def test_fresh_ones_are_told_for_each_time_that_they_are_put(store: Store) -> None:
    store.jobs.put(BUILD, 0.0)
    store.jobs.put(TIMER, 0.0)
    store.jobs.put(BUILD, 0.0)
    assert store.jobs.fresh == [BUILD, TIMER, BUILD]
