"""JSON into parameters: one function per shape, made once from the model."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from botocore.model import Shape

from .values import Malformed, blob_of, moment_at, moment_of, whole

Reader = Callable[[Any], Any]
Known = dict[str, Reader]  # structures by name, so that a shape may hold itself


def decode(body: bytes) -> Any:
    """The JSON of a body; an empty one counts as an empty object."""
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("The request body is not valid JSON") from error


def reader(shape: Shape, known: Known) -> Reader:
    """What turns decoded JSON into a value of the shape, or raises Malformed."""
    make = _MAKERS.get(shape.type_name)
    return make(shape, known) if make else _SCALARS[shape.type_name]


def _structure(shape: Shape, known: Known) -> Reader:
    if shape.is_document_type:
        return _anything
    if shape.name in known:
        return known[shape.name]
    fields: dict[str, tuple[str, Reader]] = {}

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _refusal(value, "a structure")
        result = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is not None and item is not None:
                result[field[0]] = field[1](item)
        return result

    known[shape.name] = read
    for name, member in shape.members.items():
        if member.serialization.get("location"):  # a REST request has it in its path, query or headers
            continue
        fields[member.serialization.get("name", name)] = (name, reader(member, known))
    return read


def _list(shape: Shape, known: Known) -> Reader:
    read_item = reader(shape.member, known)

    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Malformed("Expected list or null")
        return [None if item is None else read_item(item) for item in value]

    return read


def _map(shape: Shape, known: Known) -> Reader:
    read_item = reader(shape.value, known)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Malformed("Expected map or null")
        return {key: None if item is None else read_item(item) for key, item in value.items()}

    return read


def _timestamp(shape: Shape, _: Known) -> Reader:
    spelling = shape.serialization.get("timestampFormat", "unixtimestamp").lower()
    return _moment if spelling == "unixtimestamp" else _dated


def _string(value: Any) -> str:
    if type(value) is not str:
        raise _refusal(value, "a String")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _refusal(value, "a Boolean")
    return value


def _integer(value: Any) -> int:
    if type(value) is int:
        return whole(value, "integer")
    return whole(_truncated(value), "integer")


def _long(value: Any) -> int:
    if type(value) is int:
        return whole(value, "long")
    return whole(_truncated(value), "long")


def _truncated(value: Any) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    raise _refusal(value, "an Integer")


def _float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return _finite(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _refusal(value, "a Double")


def _finite(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise Malformed("The number is out of the range of a Double") from error


def _moment(value: Any) -> datetime:
    if type(value) is float or type(value) is int:
        return moment_at(value)
    raise Malformed(f"{_kind(value)} can not be converted to milliseconds since epoch")


def _dated(value: Any) -> datetime:
    return moment_of(_string(value))


def _blob(value: Any) -> bytes:
    return blob_of(_string(value))


def _anything(value: Any) -> Any:
    return value


def _refusal(value: Any, wanted: str) -> Malformed:
    if type(value) is dict:
        return Malformed("Start of structure or map found where not expected.")
    if type(value) is list:
        return Malformed("Start of list found where not expected")
    if wanted == "a structure":
        return Malformed("Unexpected field type")
    return Malformed(f"{_kind(value)} can not be converted to {wanted}")


def _kind(value: Any) -> str:
    if type(value) is bool:
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}.get(type(value), "VALUE")


_MAKERS: dict[str, Callable[[Any, Known], Reader]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "timestamp": _timestamp,
}
_SCALARS: dict[str, Reader] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _long,
    "float": _float,
    "double": _float,
    "blob": _blob,
}
