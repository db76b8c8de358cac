"""Group commit: what several calls did stands together or not at all, and nobody is told of it before."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from disk import full_disk
from store_help import after_a_kill
from test_store_transactions import entry, failing, names, noted, path, store, thing

from labsupport.cloud.store.store import Store

__all__ = ["path", "store"]


@contextmanager
def joining(store: Store) -> Iterator[None]:
    store.group.joining = True
    yield
    store.group.joining = False


def put(store: Store, *wanted: str) -> None:
    for name in wanted:
        with store.transaction():
            store.put(thing(name))


@pytest.fixture
def told(store: Store) -> list[bool]:
    found: list[bool] = []
    store.group.tell_once_committed(found.append)
    return found


def test_a_group_stands_once_it_is_committed(store: Store, path: Path, told: list[bool]) -> None:
    with joining(store):
        put(store, "a", "b")
        store.note(entry("Read"))
    assert names(store) == ["a", "b"]
    assert told == []
    with after_a_kill(path) as found:
        assert (names(found), noted(found)) == ([], [])
    assert store.group.commit()
    assert told == [True]
    with after_a_kill(path) as found:
        assert (names(found), noted(found)) == (["a", "b"], ["Read"])


def test_who_fails_is_taken_back_alone(store: Store, told: list[bool]) -> None:
    with joining(store):
        with failing(store):
            put(store, "first to fail")
            store.note(entry("First"))
        put(store, "a")
        with failing(store):
            put(store, "second to fail")
            store.note(entry("Second"))
        put(store, "b")
    assert told == []
    assert store.group.commit()
    assert names(store) == ["a", "b"]
    assert noted(store) == ["Second", "First"]


OTHERS: dict[str, Callable[[Store], object]] = {
    "transaction": lambda store: put(store, "other"),
    "note": lambda store: store.note(entry("Other")),
    "tidying": lambda store: store.tidy(),
    "emptying": lambda store: store.empty(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_who_does_not_join_rests_on_what_is_committed(store: Store, path: Path, told: list[bool], other: str) -> None:
    with joining(store):
        put(store, "a")
    statements: list[str] = []
    store.db.set_trace_callback(statements.append)
    OTHERS[other](store)
    assert told == [True]
    assert statements[0] == "COMMIT"
    assert not store.db.in_transaction


def test_a_store_that_is_closed_has_committed(path: Path) -> None:
    store = Store(path, bytes(32))
    with joining(store):
        put(store, "a")
    store.close()
    again = Store(path, bytes(32))
    assert names(again) == ["a"]
    again.close()


def test_where_the_disk_is_full_at_the_end_nothing_of_a_group_stands(
    store: Store, path: Path, told: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    put(store, "before")
    with joining(store):
        put(store, "a")
        assert store.get(type(thing("a")), "1", "a") is not None
        with full_disk(path):
            assert not store.group.commit()
    assert told == [False]
    assert "could not be committed" in caplog.text
    assert store.get(type(thing("a")), "1", "a") is None
    put(store, "after")
    assert names(store) == ["after", "before"]


def test_where_the_disk_is_full_in_the_midst_nothing_of_a_group_stands(store: Store, told: list[bool]) -> None:
    """SQLite then takes back the whole transaction by itself."""
    put(store, "before")
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    with joining(store):
        put(store, "a")
        store.db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            put(store, "b" * 50_000)
        store.note(entry("Failed"))
        assert told == [False]
        store.db.execute("PRAGMA max_page_count = 1000000")
        put(store, "c")
    assert store.group.commit()
    assert names(store) == ["before", "c"]
    assert noted(store) == ["Failed"]
