"""Versions of the database: brought up to date one transaction at a time; one of a newer lab is left alone."""

import sqlite3
from pathlib import Path

import pytest

from labsupport.cloud.store import migrations
from labsupport.cloud.store.migrations import MIGRATIONS, TooNew, migrate
from labsupport.cloud.store.store import Store


def version(db: sqlite3.Connection) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_a_fresh_database_gets_every_migration_and_a_second_look_changes_nothing(tmp_path: Path) -> None:
    Store(tmp_path / "db").close()
    store = Store(tmp_path / "db")
    assert version(store.db) == len(MIGRATIONS) > 0
    assert store.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_database_of_a_newer_lab_is_refused_and_not_touched(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(TooNew, match=f"version {len(MIGRATIONS) + 1}; this lab knows versions up to"):
        Store(tmp_path / "db")
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
