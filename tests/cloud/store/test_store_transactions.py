"""Transactions: all or nothing, nested as savepoints, never across an await; the trail survives."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from store_help import after_a_kill
from test_store_records import Thing

from labsupport.cloud.store.jobs import Job
from labsupport.cloud.store.store import MUCH, Store
from labsupport.cloud.store.trail import Entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    found = Store(path, bytes(32))
    yield found
    found.close()


@contextmanager
def failing(store: Store, error: type[BaseException] = ValueError) -> Iterator[None]:
    """A transaction that ends with an error, which its caller takes."""
    with suppress(error), store.transaction():
        yield
        raise error()


def thing(name: str) -> Thing:
    return Thing(account="1", name=name)


def names(store: Store) -> list[str]:
    return [one.name for one in store.list(Thing)]


def entry(name: str, decision: bytes | None = None) -> Entry:
    return Entry(1.0, "1", "r", "s3.amazonaws.com", name, "u", "AKIA", False, True, None, b'{"a": 1}', decision)


def noted(store: Store) -> list[str]:
    return [one.name for _, one in store.trail.newest_first()]


def test_a_transaction_stands_only_once_it_has_committed(store: Store, path: Path) -> None:
    with store.transaction():
        store.put(thing("a"))
        assert store.in_transaction
        with after_a_kill(path) as found:
            assert names(found) == []
    assert not store.in_transaction
    with after_a_kill(path) as found:
        assert names(found) == ["a"]


def test_nobody_else_opens_the_database_meanwhile(store: Store, path: Path) -> None:
    other = sqlite3.connect(path, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT * FROM record")
    other.close()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_an_error_takes_everything_back(store: Store, error: type[BaseException]) -> None:
    store.put(thing("before"))
    job = Job("s", "t", "1", "r", "k")
    with failing(store, error):
        store.put(thing("a"))
        store.delete(thing("before"))
        store.jobs.put(job, 5.0)
    assert names(store) == ["before"]
    assert store.jobs.due(job) is None
    assert not store.in_transaction


def test_an_inner_transaction_is_taken_back_alone(store: Store) -> None:
    with store.transaction():
        store.put(thing("outer"))
        with failing(store):
            store.put(thing("inner"))
            with store.transaction():
                store.put(thing("innermost"))
        assert names(store) == ["outer"]
        with store.transaction():
            store.put(thing("second"))
    assert names(store) == ["outer", "second"]


def test_the_outer_transaction_takes_back_what_inner_ones_have_committed(store: Store) -> None:
    with failing(store), store.transaction():
        store.put(thing("inner"))
    assert names(store) == []


def test_the_trail_survives_a_rollback(store: Store) -> None:
    with failing(store):
        store.note(entry("Outer"))
        with failing(store):
            store.note(entry("Inner"))
    assert noted(store) == ["Inner", "Outer"]


def test_the_trail_is_written_with_the_transaction_that_commits(store: Store, path: Path) -> None:
    with store.transaction():
        store.note(entry("Call"))
        assert noted(store) == []
    assert noted(store) == ["Call"]
    store.note(entry("Outside"))
    with after_a_kill(path) as again:
        assert noted(again) == ["Outside", "Call"]


def test_the_last_refusal_is_the_newest_call_with_a_decision(store: Store) -> None:
    assert store.trail.last_refused() is None
    for one in (entry("A", b'{"n": 1}'), entry("B", b'{"n": 2}'), entry("C")):
        store.note(one)
    assert store.trail.last_refused() == ({"a": 1}, {"n": 2})


def test_a_transaction_left_open_across_an_await_is_noticed(store: Store) -> None:
    async def wrong() -> None:
        with store.transaction():
            store.put(thing("wrong"))
            await asyncio.sleep(0)

    async def other() -> None:
        with store.transaction():
            store.put(thing("other"))

    async def both() -> list[object]:
        return await asyncio.gather(wrong(), other(), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first is None
    assert isinstance(second, RuntimeError)
    assert "across an await" in str(second)
    assert names(store) == ["wrong"]


def test_what_has_committed_survives_that_nobody_closes_the_database(store: Store, path: Path) -> None:
    with store.transaction():
        store.put(thing("a"))
    store.db.execute("BEGIN")
    store.put(thing("half"))
    with after_a_kill(path) as found:
        assert names(found) == ["a"]
    store.db.execute("ROLLBACK")


def test_empty_forgets_everything_at_once(store: Store) -> None:
    store.put(thing("a"))
    store.note(entry("A", b"{}"))
    store.jobs.put(Job("s", "t", "1", "r", "k"), 0.0)
    store.db.execute("INSERT INTO log_event VALUES ('s', 1, 1, 1, 'm')")
    store.empty()
    for table in ("record", "job", "trail", "log_event"):
        assert store.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_the_database_is_tidied_once_it_rests(store: Store, path: Path) -> None:
    begun = path.stat().st_size
    for number in range(MUCH):
        store.put(thing(f"{number:04} {'x' * 100}"))
        store.tidy()  # something has changed since it looked last
    assert path.stat().st_size == begun
    store.tidy()
    rested = path.stat().st_size
    assert rested > begun + MUCH * 100
    store.tidy()
    assert (path.stat().st_size, len(names(store))) == (rested, MUCH)


def test_a_few_changes_are_not_worth_the_wait(store: Store, path: Path) -> None:
    begun = path.stat().st_size
    store.put(thing("x" * 100_000))
    for _ in range(3):
        store.tidy()
    assert path.stat().st_size == begun
