"""The store as a call sees it: records, jobs, trail and transactions over one connection."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from labsupport.cloud.store.database import Transactions, connect
from labsupport.cloud.store.group import Group
from labsupport.cloud.store.jobs import Jobs
from labsupport.cloud.store.memory import Memory
from labsupport.cloud.store.opened import Opened
from labsupport.cloud.store.records import Records
from labsupport.cloud.store.sealing import Seal
from labsupport.cloud.store.trail import Entry, Trail

MUCH = 1000  # rows; SQLite itself does it after 8,000 pages, in the midst of a call
R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")


class Store:
    def __init__(self, path: Path | str, key: bytes) -> None:
        """`key` is what records are encrypted with."""
        seal = Seal(key)
        self.db: sqlite3.Connection = connect(path, seal)
        self._memory, self._opened = Memory(), Opened()
        self.records = Records(self.db, self._memory, self._opened, seal)
        self.jobs = Jobs(self.db)
        self.trail = Trail(self.db, seal)
        self._seen = self._tidied = 0  # changes of rows at the last looks of `tidy`
        self.group = Group(self.db, self._forget)
        self._transactions = Transactions(self.group, self.trail.write_pending, self._forget)

    def transaction(self) -> AbstractContextManager[None]:
        return self._transactions

    def remembered(self, key: Any, make: Callable[[], T]) -> T:
        """Something derived from records, made once and kept until one of those that it was made from changes.

        Whoever asks gets the same object: it must not be changed.
        """
        return self._memory.remembered(key, make)

    def note(self, entry: Entry) -> None:
        if not self.in_transaction:
            self.group.join()
        self.trail.add(entry, self.in_transaction)

    def expect_no_transaction(self) -> None:
        self._transactions.expect_none()

    @property
    def in_transaction(self) -> bool:
        return self._transactions.depth > 0

    def get(self, struct: type[R], *key: str) -> R | None:
        return self.records.get(struct, *key)

    def put(self, *items: msgspec.Struct) -> None:
        self.records.put(*items)

    def delete(self, item: msgspec.Struct) -> None:
        self.records.delete(item)

    def list(self, struct: type[R], *prefix: str, **page: Any) -> Iterator[R]:
        return self.records.list(struct, *prefix, **page)

    def count(self, struct: type[msgspec.Struct], *prefix: str) -> int:
        return self.records.count(struct, *prefix)

    def reaches(self, most: int, struct: type[msgspec.Struct], *prefix: str) -> bool:
        return self.records.reaches(most, struct, *prefix)

    def tidy(self) -> None:
        """Bring what was committed into the database file, if there is much of it, and nothing was committed since this
        was last asked: that waits for the disk, for some 25 ms, and is best done while nobody calls. The first commit
        after it waits for the disk too, so that little things are left where they are."""
        self.group.commit()
        changes = self.db.total_changes
        if self._tidied + MUCH <= changes == self._seen:
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._tidied = changes
        self._seen = changes

    def has_kind(self, prefix: str) -> bool:
        """Whether any record's kind begins so (`ec2.`)."""
        sql = "SELECT 1 FROM record WHERE kind >= ? AND kind < ? LIMIT 1"
        return self.db.execute(sql, (prefix, prefix + "~")).fetchone() is not None

    def empty(self) -> None:
        """Forget everything, in one transaction."""
        with self.transaction():
            for table in ("record", "job", "trail", "log_event", "sqs_message", "sqs_dedup"):
                self.db.execute(f"DELETE FROM {table}")
            self._forget()

    def _forget(self) -> None:
        """What is kept in this process's memory may be of records that stand no more, or never stood."""
        self._memory.forget()
        self._opened.forget()
        self.records.counted.clear()

    def close(self) -> None:
        self.group.commit()
        self.db.close()
