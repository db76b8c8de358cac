"""Form fields (`Filter.1.Value.2=x`) into parameters, for the query protocol and for EC2's variant of it."""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from botocore.model import Shape

from .values import Malformed, text_reader

Reader = Callable[[Any], Any]
Known = dict[str, Reader]
Tree = dict[str | None, Any]  # the field's own text, where it has parts as well, stands under None


def fields_of(query: str, body: bytes) -> list[tuple[str, str]]:
    """All fields of a query string and a form body, decoded, in the order sent."""
    try:
        return [*_split(query), *_split(body.decode("utf-8"))]
    except UnicodeDecodeError as error:
        raise Malformed("The request is not valid UTF-8") from error


def _split(text: str) -> list[tuple[str, str]]:
    fields = []
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name:
            fields.append((_decoded(name), _decoded(value)))
    return fields


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def tree_of(fields: list[tuple[str, str]]) -> Tree:
    """The fields' names taken apart at their dots."""
    root: Tree = {}
    for name, value in fields:
        parts = name.split(".")
        node = root
        for part in parts[:-1]:
            node = _branch(node, part)
        last = parts[-1]
        if type(node.get(last)) is dict:
            node[last][None] = value
        else:
            node[last] = value
    return root


def _branch(node: Tree, part: str) -> Tree:
    below = node.get(part)
    if type(below) is not dict:
        below = node[part] = {} if below is None else {None: below}
    return below


def reader(shape: Shape, known: Known, ec2: bool) -> Reader:
    """What turns a part of the tree into a value of the shape, or raises Malformed."""
    if shape.type_name == "structure":
        return _structure(shape, known, ec2)
    if shape.type_name == "list":
        return _list(shape, known, ec2)
    if shape.type_name == "map":
        return _map(shape, known, ec2)
    return functools.partial(_scalar, text_reader(shape))


def _structure(shape: Any, known: Known, ec2: bool) -> Reader:
    if shape.name in known:
        return known[shape.name]
    fields: dict[str | None, tuple[str, Reader]] = {}

    def read(node: Any) -> dict[str, Any]:
        if type(node) is not dict:
            raise Malformed("Unexpected text where a structure was expected")
        result = {}
        for key, below in node.items():
            field = fields.get(key)
            if field is not None:
                result[field[0]] = field[1](below)
        return result

    known[shape.name] = read
    for name, member in shape.members.items():
        fields[_field_name(name, member, ec2)] = (name, reader(member, known, ec2))
    return read


def _field_name(name: str, member: Any, ec2: bool) -> str:
    traits = member.serialization
    if ec2:
        given = traits.get("name", "")
        return traits.get("queryName") or given[:1].upper() + given[1:] or name
    if member.type_name == "list" and traits.get("flattened"):
        return member.member.serialization.get("name") or traits.get("name", name)
    return traits.get("name") or traits.get("queryName", name)


def _list(shape: Any, known: Known, ec2: bool) -> Reader:
    read_item = reader(shape.member, known, ec2)
    flat = ec2 or shape.serialization.get("flattened")
    item_name = shape.member.serialization.get("name", "member")

    def read(node: Any) -> list[Any]:
        return [read_item(below) for below in _numbered(node if flat else _inner(node, item_name))]

    return read


def _map(shape: Any, known: Known, ec2: bool) -> Reader:
    read_key, read_value = reader(shape.key, known, ec2), reader(shape.value, known, ec2)
    flat = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")

    def read(node: Any) -> dict[str, Any]:
        result = {}
        for entry in _numbered(node if flat else _inner(node, "entry")):
            if type(entry) is not dict or key_name not in entry or value_name not in entry:
                raise Malformed("Every entry of a map needs a key and a value")
            result[read_key(entry[key_name])] = read_value(entry[value_name])
        return result

    return read


def _inner(node: Any, name: str) -> Any:
    """What stands under a list's or map's own name; an empty one is sent as a name without a value."""
    if type(node) is dict and name in node:
        return node[name]
    if node == "":
        return {}
    raise Malformed("Unexpected list element termination")


def _numbered(node: Any) -> list[Any]:
    if type(node) is not dict:
        if node == "":
            return []
        raise Malformed("Unexpected text where a list was expected")
    try:
        return [node[index] for index in sorted(node, key=_position)]
    except ValueError as error:
        raise Malformed("Key is not valid. Members of a list are numbered from 1") from error


def _position(index: Any) -> int:
    if index is None or not (index.isascii() and index.isdigit() and len(index) < 10):
        raise ValueError(index)
    return int(index)


def _scalar(read: Callable[[str], Any], node: Any) -> Any:
    if type(node) is dict:
        node = node.get(None)
    if node is None:
        raise Malformed("Unexpected complex element termination")
    return read(node)
