"""Versions of the database: brought up to date one transaction at a time; one of a newer lab is left alone."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from labsupport.cloud.store import migrations
from labsupport.cloud.store.migrations import MIGRATIONS, TooNew, migrate
from labsupport.cloud.store.record import record
from labsupport.cloud.store.sealing import WrongKey
from labsupport.cloud.store.store import Store


def version(db: sqlite3.Connection) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_a_fresh_database_gets_every_migration_and_a_second_look_changes_nothing(tmp_path: Path) -> None:
    Store(tmp_path / "db", bytes(32)).close()
    store = Store(tmp_path / "db", bytes(32))
    assert version(store.db) == len(MIGRATIONS) > 0
    assert store.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_database_of_a_newer_lab_is_refused_and_not_touched(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(TooNew, match=f"version {len(MIGRATIONS) + 1}; this lab knows versions up to"):
        Store(tmp_path / "db", bytes(32))
    db = sqlite3.connect(tmp_path / "db")
    assert version(db) == len(MIGRATIONS) + 1
    assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()


def test_a_migration_that_fails_leaves_the_version_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("the disk is full")

    monkeypatch.setattr(migrations, "MIGRATIONS", [MIGRATIONS[0], second])
    db = memory()
    with pytest.raises(sqlite3.OperationalError):
        migrate(db)
    assert version(db) == 1
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    db.close()


def test_only_what_is_missing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    changes = [lambda _, number=number: done.append(number) for number in range(3)]
    monkeypatch.setattr(migrations, "MIGRATIONS", changes)
    db = memory()
    db.execute("PRAGMA user_version = 1")
    migrate(db)
    assert (done, version(db)) == ([1, 2], 3)
    db.close()


def test_what_an_older_lab_wrote_plainly_is_encrypted_without_a_trace(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db", isolation_level=None)
    MIGRATIONS[0](db)
    db.execute("PRAGMA user_version = 1")
    values = [("test.thing", f"1\0{number}", f'{{"account": "1", "name": "secret-{number}"}}') for number in range(200)]
    db.executemany("INSERT INTO record VALUES (?, ?, CAST(? AS BLOB))", values)
    db.execute("DELETE FROM record WHERE key > ?", ("1\x0050",))  # their pages keep what stood in them
    db.close()
    assert b"secret-" in (tmp_path / "db").read_bytes()
    store = Store(tmp_path / "db", bytes(32))
    assert [one.name for one in store.list(Thing, "1", limit=1)] == ["secret-0"]
    store.close()
    assert [path.name for path in tmp_path.iterdir() if b"secret-" in path.read_bytes()] == []


def test_under_another_key_nothing_is_opened(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", bytes(32))
    store.put(Thing(account="1", name="a"))
    store.close()
    with pytest.raises(sqlite3.DatabaseError, match="another key file"):
        Store(tmp_path / "db", bytes([1]) * 32)
    again = Store(tmp_path / "db", bytes(32))
    again.db.execute("UPDATE record SET value = zeroblob(60)")
    with pytest.raises(WrongKey, match=r"test\.thing"):
        again.get(Thing, "1", "a")
    again.close()


@record("test.thing", key=("account", "name"))
class Thing(msgspec.Struct):
    account: str
    name: str
