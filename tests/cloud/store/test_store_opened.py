"""What is read again without going to the database is what stands there, whatever was written or taken back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from labsupport.cloud.store import opened
from labsupport.cloud.store.record import record
from labsupport.cloud.store.store import Store


@record("test.opened", key=("name",))
class Thing(msgspec.Struct, kw_only=True):
    name: str
    value: int = 0
    names: list[str] = []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "db", bytes(32))
    made.put(Thing(name="a"))
    yield made
    made.close()


def fail(store: Store) -> None:
    """A step that is taken back, after it has read what it wrote."""
    with suppress(ValueError), store.transaction():
        store.put(Thing(name="a", value=7), Thing(name="b"))
        assert (store.get(Thing, "a"), store.get(Thing, "b")) == (Thing(name="a", value=7), Thing(name="b"))
        raise ValueError


def fail_inside(store: Store) -> None:
    with store.transaction():
        store.put(Thing(name="b", value=1))
        fail(store)


def lose_and_take_back(store: Store) -> None:
    with suppress(ValueError), store.transaction():
        store.delete(Thing(name="a"))
        assert store.get(Thing, "a") is None
        raise ValueError


def fail_to_commit(store: Store) -> None:
    store.db.execute("PRAGMA foreign_keys = ON")
    store.db.execute("CREATE TABLE whole (id INTEGER PRIMARY KEY)")
    store.db.execute("CREATE TABLE part (of INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED)")
    with suppress(sqlite3.IntegrityError), store.transaction():
        store.put(Thing(name="a", value=7), Thing(name="b"))
        store.db.execute("INSERT INTO part VALUES (1)")
    assert not store.in_transaction
    assert not store.db.in_transaction


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.put(Thing(name="a", value=1)),
        lambda store: store.put(Thing(name="b")),
        lambda store: store.delete(Thing(name="a")),
        lambda store: store.delete(Thing(name="b")),
        fail,
        fail_inside,
        lose_and_take_back,
        fail_to_commit,
        lambda store: store.empty(),
    ],
)
def test_what_is_got_is_what_stands_in_the_database(store: Store, change: Callable[[Store], None]) -> None:
    for name in ("a", "b"):
        store.get(Thing, name)
    change(store)
    listed = {one.name: one for one in store.list(Thing)}
    for _ in range(2):
        assert {name: one for name in ("a", "b") if (one := store.get(Thing, name))} == listed


def test_whoever_gets_a_record_has_one_of_their_own(store: Store) -> None:
    first = store.get(Thing, "a")
    assert first
    first.names.append("changed, and not put")
    assert store.get(Thing, "a") == Thing(name="a")


def test_what_is_put_may_be_changed_afterwards(store: Store) -> None:
    thing = Thing(name="a", value=1)
    store.put(thing)
    thing.value = 2
    assert store.get(Thing, "a") == Thing(name="a", value=1)


def test_a_record_that_was_read_is_not_read_from_the_database_again(store: Store) -> None:
    asked: list[str] = []
    store.get(Thing, "a"), store.get(Thing, "absent")
    store.db.set_trace_callback(asked.append)
    assert (store.get(Thing, "a"), store.get(Thing, "absent")) == (Thing(name="a"), None)
    assert asked == []


def test_no_more_is_kept_than_there_is_room_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MOST", 2000)
    for number in range(20):
        store.put(Thing(name=f"name{number}", names=["x" * 200]))
        store.get(Thing, f"absent{number}")
        assert sum(len(value or b"") for value in store._opened.values.values()) <= 2000
        assert len(store._opened.values) <= 8
    assert store.get(Thing, "name3") == Thing(name="name3", names=["x" * 200])
