"""The one connection and its transactions."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

from labsupport.cloud.store.group import Group
from labsupport.cloud.store.migrations import migrate
from labsupport.cloud.store.sealing import Seal, WrongKey
from labsupport.cloud.store.trail import KIND

PATIENCE = 3.0  # seconds for a process that is about to leave it


def connect(path: Path | str, seal: Seal) -> sqlite3.Connection:
    """Open (or make) the database, for this process alone: `database is locked` where another one has it.

    In WAL mode a commit survives the end of the process, killed or not.
    """
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, cached_statements=256)
    try:
        _prepare(db, seal)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, seal: Seal) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")  # else each commit takes and leaves four locks
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA wal_autocheckpoint = 8000")  # pages; a checkpoint waits for the disk, see `Store.tidy`
    db.execute("PRAGMA cache_size = -8000")
    db.create_function("sealed", 2, seal.close)
    db.create_function("plain", 1, lambda event: seal.open(KIND, event).decode(), deterministic=True)
    if migrate(db):
        db.execute("VACUUM")  # nothing of an older form stays in pages that are no longer used
    row = db.execute("SELECT kind, value FROM record LIMIT 1").fetchone()
    try:
        if row is not None:
            seal.open(*row)
    except WrongKey:
        raise sqlite3.DatabaseError("it was encrypted under another key file") from None


class Transactions:
    """Nested transactions on one connection, `with` it: the outermost commits, be it with others (`Group`), an inner
    one is a savepoint.

    A transaction never spans an `await`: the loop would run somebody else's call inside it. Where
    that happened, the next one notices.
    """

    def __init__(self, group: Group, survivors: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        """`survivors` writes what must be kept whether the transaction commits or not (the trail)."""
        self.db = group.db
        self.group = group
        self.depth = 0
        self._owner: object = None
        self._survivors = survivors
        self._rolled_back = rolled_back

    def __enter__(self) -> None:
        if self.depth == 0:
            self.group.begin()
            self._owner = _task()
        elif self._owner is not _task():
            raise _left_open()
        else:
            self.db.execute(f"SAVEPOINT s{self.depth}")
        self.depth += 1

    def expect_none(self) -> None:
        """For a call that begins in no task, by which its transactions could be told from another one's."""
        if self.depth:
            raise _left_open()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._roll_back()
        elif self.depth > 1:
            self.depth -= 1
            self.db.execute(f"RELEASE s{self.depth}")
        else:
            self._commit()

    def _commit(self) -> None:
        try:
            self._survivors()
            self.group.end()
        except BaseException:
            self._roll_back()
            raise
        self.depth = 0

    def _roll_back(self) -> None:
        self.depth -= 1
        if self.depth:
            self.db.execute(f"ROLLBACK TO s{self.depth}")
            self.db.execute(f"RELEASE s{self.depth}")
        else:
            self.group.take_back()
        self._rolled_back()
        if self.depth == 0:
            self.group.join()
            self._survivors()


def _left_open() -> RuntimeError:
    return RuntimeError("A transaction was left open across an await.")


def _task() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
