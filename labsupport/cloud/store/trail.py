"""Every call that was made: who, what, from where, and how it was decided."""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from labsupport.cloud.store.sealing import Seal

KIND = "trail"  # what entries are sealed as


class Entry(NamedTuple):
    time: float
    account: str
    region: str
    source: str  # s3.amazonaws.com
    name: str  # PutObject
    username: str
    access_key: str
    read_only: bool
    management: bool
    error: str | None
    event: bytes  # CloudTrail's record, JSON
    decision: bytes | None  # how a refused call was decided, JSON


class Latest(NamedTuple):
    time: float
    source: str
    name: str
    username: str
    region: str


_COLUMNS = ", ".join(Entry._fields)
_INSERT = f"INSERT INTO trail ({_COLUMNS}) VALUES ({', '.join('?' * len(Entry._fields))})"


class Trail:
    def __init__(self, db: sqlite3.Connection, seal: Seal) -> None:
        self.db = db
        self.seal = seal
        self._pending: list[Entry] = []

    def add(self, entry: Entry, in_transaction: bool) -> None:
        """Keep an entry. Inside a transaction it is written at its end, whether that commits or not:
        a refused call leaves nothing behind but its trace here."""
        self._pending.append(entry)
        if not in_transaction:
            self.write_pending()

    def write_pending(self) -> None:
        pending, self._pending = self._pending, []
        for entry in pending:
            self.db.execute(_INSERT, self._sealed(entry))

    def _sealed(self, entry: Entry) -> tuple[Any, ...]:
        """As it is stored: what was asked for may hold anything."""
        close = self.seal.close
        decision = close(KIND, entry.decision) if entry.decision is not None else None
        return (*entry[:-2], close(KIND, entry.event), decision)

    def _opened(self, entry: Entry) -> Entry:
        opened = self.seal.open
        decision = opened(KIND, entry.decision) if entry.decision is not None else None
        return entry._replace(event=opened(KIND, entry.event), decision=decision)

    def newest_first(
        self, where: str = "1", values: tuple[Any, ...] = (), limit: int = 50
    ) -> Iterator[tuple[int, Entry]]:
        """Entries with their ids; `where` is SQL over the columns, written by this cloud only; `plain(event)` is
        the event as text."""
        sql = f"SELECT id, {_COLUMNS} FROM trail WHERE {where} ORDER BY id DESC LIMIT ?"
        return ((row[0], self._opened(Entry(*row[1:]))) for row in self.db.execute(sql, (*values, limit)).fetchall())

    def latest(self, where: str, values: tuple[Any, ...]) -> list[Latest]:
        """The last time of each operation by each caller, the newest first; `where` as for `newest_first`."""
        sql = (
            f"SELECT max(time), source, name, username, region FROM trail WHERE {where} GROUP BY source, name, username"
        )
        return [Latest(*row) for row in self.db.execute(f"{sql} ORDER BY 1 DESC", values)]

    def last_refused(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The last refused call: CloudTrail's record and the decision."""
        for _, entry in self.newest_first("decision IS NOT NULL", limit=1):
            return msgspec.json.decode(entry.event), msgspec.json.decode(entry.decision or b"{}")
        return None

    def forget_before(self, time: float) -> None:
        self.db.execute("DELETE FROM trail WHERE time < ?", (time,))
