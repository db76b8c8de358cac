"""What was derived from records, kept until one of the records that it was made from changes.

The policies of a caller and the rules of an event bus are asked for by every call and change rarely. While such a
value is made, the records that are read for it are noted, those that were looked for in vain too.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Source = tuple[str, str | None]  # a record's kind and key; no key: all records of the kind
MOST = 4096  # values; more than that are callers that will not come again


class Memory:
    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Any, set[Source]]] = {}
        self._made_from: dict[Source, set[Any]] = {}
        self._reading: list[set[Source]] = []  # for each value that is being made now

    def remembered(self, key: Any, make: Callable[[], T]) -> T:
        """The value kept under `key`, or a new one. `None` is not kept: what is asked for in vain would fill it."""
        found = self._kept.get(key)
        value: T
        value, sources = found or self._made(make)
        if found is None and value is not None:
            self._keep(key, value, sources)
        if self._reading:
            self._reading[-1] |= sources
        return value

    def read(self, kind: str, key: str | None) -> None:
        """A record was read, or all of a kind: the value that is being made depends on it."""
        if self._reading:
            self._reading[-1].add((kind, key))

    def changed(self, kind: str, key: str) -> None:
        """A record was put or deleted: what was made from it, or from all of its kind, is made anew when asked for."""
        for source in ((kind, key), (kind, None)):
            for user in self._made_from.pop(source, ()):
                self._kept.pop(user, None)

    def forget(self) -> None:
        """After a rollback: a value may have been made from what has been taken back."""
        self._kept.clear()
        self._made_from.clear()

    def _made(self, make: Callable[[], T]) -> tuple[T, set[Source]]:
        self._reading.append(set())
        try:
            value = make()
        finally:
            sources = self._reading.pop()
        return value, sources

    def _keep(self, key: Any, value: Any, sources: set[Source]) -> None:
        if len(self._kept) >= MOST:
            self.forget()
        self._kept[key] = value, sources
        for source in sources:
            self._made_from.setdefault(source, set()).add(key)
