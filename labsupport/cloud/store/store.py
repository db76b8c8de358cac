"""The store as a call sees it: records, jobs, trail and transactions over one connection."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from labsupport.cloud.store.database import Transactions, connect
from labsupport.cloud.store.jobs import Jobs
from labsupport.cloud.store.records import Records
from labsupport.cloud.store.trail import Entry, Trail

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")


class Store:
    def __init__(self, path: Path | str) -> None:
        self.db: sqlite3.Connection = connect(path)
        self.records = Records(self.db)
        self.jobs = Jobs(self.db)
        self.trail = Trail(self.db)
        self._transactions = Transactions(self.db, self.trail.write_pending)
        self._remembered: dict[Any, Any] = {}
        self._remembered_at = -1

    def transaction(self) -> AbstractContextManager[None]:
        return self._transactions.transaction()

    @property
    def identity_version(self) -> int:
        """Another number whenever a record of who is who may have changed, by a write or by its rollback."""
        return self.records.identity_changes + self._transactions.rollbacks

    def remembered(self, key: Any, make: Callable[[], T]) -> T:
        """Something derived from the records of who is who, made once and kept until one of them changes."""
        if self._remembered_at != self.identity_version:
            self._remembered, self._remembered_at = {}, self.identity_version
        found: T | None = self._remembered.get(key)
        if found is None:
            found = make()
            if found is not None:  # what is asked for in vain must not fill the memory
                self._remembered[key] = found
        return found

    def note(self, entry: Entry) -> None:
        self.trail.add(entry, self.in_transaction)

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

    def has_kind(self, prefix: str) -> bool:
        """Whether any record's kind begins so (`ec2.`)."""
        sql = "SELECT 1 FROM record WHERE kind >= ? AND kind < ? LIMIT 1"
        return self.db.execute(sql, (prefix, prefix + "~")).fetchone() is not None

    def empty(self) -> None:
        """Forget everything, in one transaction."""
        self.records.identity_changes += 1
        with self.transaction():
            for table in ("record", "job", "trail", "log_event"):
                self.db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        self.db.close()
