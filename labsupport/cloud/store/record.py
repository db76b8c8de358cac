"""Records: what the store keeps. A record is a `msgspec.Struct` with a kind and a key."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)
SEPARATOR = "\0"


class Kind(msgspec.Struct, frozen=True):
    name: str
    key: tuple[str, ...]


def record(name: str, key: tuple[str, ...]) -> Callable[[type[R]], type[R]]:
    """Declare a struct as a record: `@record("codecommit.repository", key=("account", "region", "name"))`.

    The key's fields are strings; records list in the order of their keys (UTF-8 binary order), and a
    leading part of the key selects a range.
    """

    def declare(struct: type[R]) -> type[R]:
        missing = set(key) - {field.name for field in msgspec.structs.fields(struct)}
        if missing:
            raise TypeError(f"{struct.__name__} has no field {', '.join(sorted(missing))}")
        struct.__record__ = Kind(name, key)  # type: ignore[attr-defined]
        return struct

    return declare


def kind_of(struct: type[msgspec.Struct]) -> Kind:
    return struct.__record__  # type: ignore[attr-defined]


def key_of(item: msgspec.Struct) -> str:
    return SEPARATOR.join([getattr(item, name) for name in kind_of(type(item)).key])


def joined(parts: tuple[Any, ...]) -> str:
    return SEPARATOR.join(parts)
