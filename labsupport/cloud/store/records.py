"""Typed records in the database: get, put, delete, list. Their values are encrypted, their keys are not."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec

from labsupport.cloud.store.memory import Memory
from labsupport.cloud.store.opened import Opened, Place
from labsupport.cloud.store.record import SEPARATOR, joined, key_of, kind_of
from labsupport.cloud.store.sealing import Seal

R = TypeVar("R", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode


@cache
def _decoder(struct: type[R]) -> msgspec.json.Decoder[R]:
    return msgspec.json.Decoder(struct)


class Records:
    def __init__(self, db: sqlite3.Connection, memory: Memory, opened: Opened, seal: Seal) -> None:
        self.db = db
        self.seal = seal
        self.memory = memory
        self.opened = opened
        self._puts: Counter[str] = Counter()  # by kind, since the start
        self.counted: dict[tuple[str, str], tuple[int, int]] = {}  # a count, and how many puts there had been

    def get(self, struct: type[R], *key: str) -> R | None:
        place = kind_of(struct).name, joined(key)
        self.memory.read(*place)
        value = self.opened.values[place] if place in self.opened.values else self._read(place)
        return None if value is None else _decoder(struct).decode(value)

    def _read(self, place: Place) -> bytes | None:
        row = self.db.execute("SELECT value FROM record WHERE kind = ? AND key = ?", place).fetchone()
        value = self.seal.open(place[0], row[0]) if row else None
        self.opened.keep(place, value)
        return value

    def put(self, *items: Any) -> None:
        for item in items:
            place, value = (kind_of(type(item)).name, key_of(item)), _encode(item)
            self.memory.changed(*place)
            self._puts[place[0]] += 1
            self.db.execute(
                "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (*place, self.seal.close(place[0], value)),
            )
            self.opened.keep(place, value)

    def delete(self, item: msgspec.Struct) -> None:
        place = kind_of(type(item)).name, key_of(item)
        self.memory.changed(*place)
        self.db.execute("DELETE FROM record WHERE kind = ? AND key = ?", place)
        self.opened.keep(place, None)

    def list(
        self,
        struct: type[R],
        *prefix: str,
        after: str | None = None,
        starting: str = "",
        limit: int = -1,
    ) -> Iterator[R]:
        """Records whose key begins with the parts in `prefix`, in the order of their keys.

        `starting` narrows the next part of the key to a prefix of characters (S3's), `after` is that
        part from which on (exclusive) to go on with a page.
        """
        self.memory.read(kind_of(struct).name, None)
        low, high = _range(prefix, starting)
        comparison = ">="
        if after is not None and joined((*prefix, after)) >= low:
            low, comparison = joined((*prefix, after)), ">"
        rows = self.db.execute(
            f"SELECT value FROM record WHERE kind = ? AND key {comparison} ? AND key < ? ORDER BY key LIMIT ?",
            (kind_of(struct).name, low, high, limit),
        ).fetchall()
        decode, opened, kind = _decoder(struct).decode, self.seal.open, kind_of(struct).name
        return (decode(opened(kind, row[0])) for row in rows)

    def count(self, struct: type[msgspec.Struct], *prefix: str) -> int:
        """How many records have a key that begins with these parts, without reading them."""
        self.memory.read(kind_of(struct).name, None)
        sql = "SELECT count(*) FROM record WHERE kind = ? AND key >= ? AND key < ?"
        found: int = self.db.execute(sql, (kind_of(struct).name, *_range(prefix, ""))).fetchone()[0]
        return found

    def reaches(self, most: int, struct: type[msgspec.Struct], *prefix: str) -> bool:
        """Whether at least `most` records have a key that begins with these parts.

        To count takes time for each of them. So a count is kept, to which what was put since can at most have added.
        """
        kind = kind_of(struct).name
        count, puts = self.counted.get((kind, joined(prefix)), (most, 0))
        if count + self._puts[kind] - puts >= most:
            count, puts = self.count(struct, *prefix), self._puts[kind]
            self.counted[kind, joined(prefix)] = count, puts
        return count + self._puts[kind] - puts >= most


def _range(prefix: tuple[str, ...], starting: str) -> tuple[str, str]:
    low = joined((*prefix, starting)) if prefix or starting else ""
    if starting:
        return low, low + "\U0010ffff"
    return low, low[:-1] + chr(ord(SEPARATOR) + 1) if low else "\U0010ffff"
