"""Results into JSON: one function per shape, made once from the model."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from botocore.model import Shape

from . import values

Writer = Callable[[Any], Any]
Known = dict[str, Writer]


_SURROGATES = re.compile("[\ud800-\udfff]")


class UnknownMember(KeyError):
    """A result has a member that the model hasn't: a mistake in the code that answers."""

    def __init__(self, shape: Shape, name: object) -> None:
        super().__init__(f"{name!r} is no member of {shape.name}")


def encode(value: Any) -> bytes:
    """JSON. Half a surrogate pair, which UTF-8 can't hold (a file name from git may have one), becomes U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole_letters(value))


def _whole_letters(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_whole_letters(name): _whole_letters(item) for name, item in value.items()}
    return [_whole_letters(item) for item in value] if isinstance(value, list | tuple) else value


def writer(shape: Shape, known: Known) -> Writer | None:
    """What makes a value ready for msgspec, which writes bytes as base64 itself; None if nothing needs doing."""
    if shape.type_name == "structure":
        return _structure(shape, known)
    if shape.type_name == "list":
        return _list(shape, known)
    if shape.type_name == "map":
        return _map(shape, known)
    return _scalar(shape)


def _structure(shape: Any, known: Known) -> Writer | None:
    if shape.is_document_type:
        return None
    if shape.name in known:
        return known[shape.name]
    fields: dict[str, tuple[str, Writer | None]] = {}

    def write(value: Any) -> dict[str, Any]:
        result = {}
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                raise UnknownMember(shape, name)
            if item is not None:
                result[field[0]] = item if field[1] is None else field[1](item)
        return result

    known[shape.name] = write
    for name, member in shape.members.items():
        fields[name] = (member.serialization.get("name", name), writer(member, known))
    return write


def _list(shape: Any, known: Known) -> Writer | None:
    write_item = writer(shape.member, known)
    if write_item is None:
        return None
    return lambda value: [None if item is None else write_item(item) for item in value]


def _map(shape: Any, known: Known) -> Writer | None:
    write_item = writer(shape.value, known)
    if write_item is None:
        return None
    return lambda value: {key: write_item(item) for key, item in value.items() if item is not None}


def _scalar(shape: Shape) -> Writer | None:
    if shape.type_name == "timestamp":
        spelling = shape.serialization.get("timestampFormat", "unixtimestamp").lower()
        return values.epoch if spelling == "unixtimestamp" else values.text_writer(shape)
    if shape.type_name in ("float", "double"):
        return _float
    return None


def _float(value: float) -> float | str:
    return values.special(value) or value
