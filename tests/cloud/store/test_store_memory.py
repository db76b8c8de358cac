"""What is remembered from records: kept until one of its sources changes, by a write or by taking it back."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from labsupport.cloud.store import memory
from labsupport.cloud.store.record import record
from labsupport.cloud.store.store import Store


@record("test.memory", key=("account", "name"))
class Thing(msgspec.Struct, kw_only=True):
    account: str = "1"
    name: str
    value: int = 0


@record("test.other", key=("name",))
class Other(msgspec.Struct, kw_only=True):
    name: str


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "db", bytes(32))
    made.put(Thing(name="a"), Thing(name="b"), Other(name="a"))
    return made


class Counted:
    """Makes a value from records, and counts how often it had to."""

    def __init__(self, store: Store, make: Callable[[], object]) -> None:
        self.store, self.make, self.times = store, make, 0

    def _make(self) -> object:
        self.times += 1
        return self.make()

    def __call__(self) -> object:
        return self.store.remembered("value", self._make)


def value(store: Store, name: str) -> int:
    found = store.get(Thing, "1", name)
    return found.value if found else -1


def roll_back(store: Store) -> None:
    with pytest.raises(ValueError), store.transaction():
        raise ValueError


@pytest.mark.parametrize(
    ("reads", "change", "made"),
    [
        ("one", lambda store: store.put(Thing(name="a", value=7)), 2),
        ("one", lambda store: store.delete(Thing(name="a")), 2),
        ("one", lambda store: store.put(Thing(name="b", value=7)), 1),
        ("one", lambda store: store.put(Other(name="a")), 1),
        ("one", lambda store: store.get(Thing, "1", "a"), 1),
        ("one", roll_back, 2),
        ("one", lambda store: store.empty(), 2),
        ("absent", lambda store: store.put(Thing(name="z")), 2),
        ("absent", lambda store: store.put(Thing(name="y")), 1),
        ("all", lambda store: store.put(Thing(name="z")), 2),
        ("all", lambda store: store.delete(Thing(name="b")), 2),
        ("all", lambda store: store.put(Other(name="z")), 1),
        ("count", lambda store: store.put(Thing(name="z")), 2),
    ],
)
def test_it_is_made_anew_when_a_source_changes(
    store: Store, reads: str, change: Callable[[Store], object], made: int
) -> None:
    makers: dict[str, Callable[[], object]] = {
        "one": lambda: value(store, "a"),
        "absent": lambda: value(store, "z"),
        "all": lambda: [one.name for one in store.list(Thing, "1")],
        "count": lambda: store.count(Thing),
    }
    asked = Counted(store, makers[reads])
    asked(), asked()
    assert asked.times == 1
    change(store)
    assert asked() == makers[reads]()
    assert asked.times == made


def test_what_is_made_from_something_remembered_changes_with_it(store: Store) -> None:
    def outer() -> int:
        return 10 * store.remembered("inner", lambda: value(store, "a"))

    for _ in range(2):  # the second time the inner value is there already
        assert store.remembered("outer", outer) == 0
        store.put(Thing(name="b"))
    store.put(Thing(name="a", value=3))
    assert store.remembered("outer", outer) == 30


def test_what_a_transaction_made_and_took_back_is_not_kept(store: Store) -> None:
    def make_and_fail() -> None:
        with store.transaction():
            store.put(Thing(name="a", value=9))
            assert store.remembered("value", lambda: value(store, "a")) == 9
            raise ValueError

    with pytest.raises(ValueError):
        make_and_fail()
    assert store.remembered("value", lambda: value(store, "a")) == 0


def test_a_maker_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.remembered("value", lambda: value(store, "a") / 0)
    asked = Counted(store, lambda: 1)
    asked()
    store.put(Thing(name="a", value=1))  # the failed one's source is not the new value's
    asked()
    assert asked.times == 1


def test_nothing_found_is_asked_for_again_and_the_rest_is_bounded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(store, lambda: None)
    asked(), asked()
    assert asked.times == 2
    monkeypatch.setattr(memory, "MOST", 3)
    for number in range(10):
        store.remembered(number, lambda: 1)
    assert len(store._memory._kept) <= 3
