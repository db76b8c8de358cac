"""Records: kept by kind and key, listed in the order of their keys."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from labsupport.cloud.store.record import record
from labsupport.cloud.store.store import Store


@record("test.thing", key=("account", "name"))
class Thing(msgspec.Struct, kw_only=True):
    account: str
    name: str
    size: int = 0
    tags: dict[str, str] = {}


@record("test.other", key=("account", "name"))
class Other(msgspec.Struct, kw_only=True):
    account: str
    name: str


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "db", bytes(32))
    yield found
    found.close()


def names(store: Store, *prefix: str, **page: object) -> list[str]:
    return [one.name for one in store.list(Thing, *prefix, **page)]


def test_a_record_comes_back_as_it_was_put(store: Store) -> None:
    thing = Thing(account="1", name="a", size=3, tags={"é": "日\n"})
    store.put(thing)
    assert store.get(Thing, "1", "a") == thing
    assert store.get(Other, "1", "a") is None
    assert store.get(Thing, "1", "b") is None


def test_putting_again_replaces(store: Store) -> None:
    store.put(Thing(account="1", name="a", size=1))
    store.put(Thing(account="1", name="a", size=2))
    assert [one.size for one in store.list(Thing)] == [2]


def test_deleting_takes_one_record_and_twice_is_no_error(store: Store) -> None:
    one, two = Thing(account="1", name="a"), Thing(account="1", name="b")
    store.put(one, two, Other(account="1", name="a"))
    store.delete(one)
    store.delete(one)
    assert names(store) == ["b"]
    assert store.count(Other) == 1


@pytest.mark.parametrize(
    ("prefix", "page", "expected"),
    [
        ((), {}, ["a", "ab", "b", "é", "a"]),
        (("1",), {}, ["a", "ab", "b", "é"]),
        (("11",), {}, ["a"]),
        (("2",), {}, []),
        (("1",), {"starting": "a"}, ["a", "ab"]),
        (("1",), {"starting": "é"}, ["é"]),
        (("1",), {"after": "a"}, ["ab", "b", "é"]),
        (("1",), {"after": "aa"}, ["ab", "b", "é"]),
        (("1",), {"after": "a", "limit": 1}, ["ab"]),
        (("1",), {"starting": "a", "after": "a"}, ["ab"]),
        (("1",), {"starting": "b", "after": "a"}, ["b"]),
        (("1",), {"after": "zz"}, ["é"]),
        (("1",), {"limit": 0}, []),
    ],
)
def test_lists(store: Store, prefix: tuple[str, ...], page: dict[str, object], expected: list[str]) -> None:
    """Account 11 must not be taken for a part of account 1, nor `ab` for a part of `a`."""
    for account, name in (("1", "b"), ("1", "a"), ("11", "a"), ("1", "é"), ("1", "ab")):
        store.put(Thing(account=account, name=name))
    assert names(store, *prefix, **page) == expected


def test_a_list_bears_that_its_records_are_deleted_meanwhile(store: Store) -> None:
    store.put(*(Thing(account="1", name=str(number)) for number in range(5)))
    for one in store.list(Thing):
        store.delete(one)
    assert store.count(Thing) == 0


def test_counts_what_begins_so(store: Store) -> None:
    store.put(Thing(account="1", name="a"), Thing(account="1", name="b"), Thing(account="12", name="a"))
    assert (store.count(Thing), store.count(Thing, "1"), store.count(Thing, "3")) == (3, 2, 0)


@pytest.mark.parametrize(("prefix", "there"), [("test.", True), ("test.thing", True), ("tes", True), ("ec2.", False)])
def test_knows_whether_a_kind_is_there(store: Store, prefix: str, there: bool) -> None:
    assert not store.has_kind(prefix)
    store.put(Thing(account="1", name="a"))
    assert store.has_kind(prefix) is there


def test_a_record_must_have_the_fields_of_its_key() -> None:
    class Bare(msgspec.Struct):
        name: str

    with pytest.raises(TypeError, match="region, zone"):
        record("test.bare", key=("name", "zone", "region"))(Bare)


def test_what_an_older_lab_wrote_gets_the_defaults_of_new_fields(store: Store) -> None:
    value = store.records.seal.close("test.thing", b'{"account": "1", "name": "a", "x": 7}')
    store.db.execute("INSERT INTO record VALUES ('test.thing', ?, ?)", ("1\0a", value))
    assert store.get(Thing, "1", "a") == Thing(account="1", name="a")


def test_whether_a_number_is_reached_is_told_without_counting_each_time(store: Store) -> None:
    sql: list[str] = []
    store.db.set_trace_callback(sql.append)
    for number in range(1, 5):
        assert not store.reaches(5, Thing, "1")
        store.put(Thing(account="1", name=str(number)))
    assert sum("count(*)" in one for one in sql) == 1
    store.put(Thing(account="1", name="4"))  # known already
    assert not store.reaches(5, Thing, "1")
    store.put(Thing(account="2", name="5"))  # another's
    assert not store.reaches(5, Thing, "1")
    store.put(Thing(account="1", name="5"))
    assert store.reaches(5, Thing, "1")
    store.delete(Thing(account="1", name="5"))
    assert not store.reaches(5, Thing, "1")


def test_what_was_counted_in_a_transaction_that_failed_is_forgotten(store: Store) -> None:
    things = [Thing(account="1", name=str(number)) for number in range(5)]
    store.put(*things)
    with suppress(ZeroDivisionError), store.transaction():
        store.delete(things[0])
        assert not store.reaches(5, Thing, "1")
        raise ZeroDivisionError
    assert store.reaches(5, Thing, "1")
