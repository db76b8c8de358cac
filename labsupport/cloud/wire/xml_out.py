"""Results into XML, for query, ec2 and rest-xml: one function per shape, made once from the model.

A writer appends pieces of text to a list; the tags around a value are put together when it is made.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.model import Shape

from .json_out import UnknownMember
from .values import text_writer

Writer = Callable[[Any, list[str]], None]
Known = dict[str, Writer]  # contents of structures by name

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPECIAL_QUOTED = re.compile('[&<>"\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


def escape(text: str) -> str:
    """Text for an element. What XML can't hold at all (control characters) becomes U+FFFD."""
    return _SPECIAL.sub(_replacement, text) if _SPECIAL.search(text) else text


def _quoted(text: str) -> str:
    return f'"{_SPECIAL_QUOTED.sub(_replacement, text)}"'


def _replacement(found: re.Match[str]) -> str:
    return _ENTITIES.get(found[0], "\ufffd")


@dataclass(frozen=True)
class Style:
    """How a protocol spells timestamps without a format of their own, and the structures already made for it."""

    timestamps: str
    known: Known = field(default_factory=dict)


def element(shape: Shape, name: str, style: Style) -> Writer:
    """What writes a value as an element (or as elements, where it is flattened) of this name."""
    start, end = f"<{name}{_namespace(shape)}>", f"</{name}>"
    if shape.type_name == "structure":
        return structure(shape, name, style)
    if shape.type_name == "list":
        return _list(shape, name, start, end, style)
    if shape.type_name == "map":
        return _map(shape, name, start, end, style)
    if shape.type_name == "string":
        return lambda value, out: out.append(start + escape(str(value)) + end)
    to_text = text_writer(shape, style.timestamps)
    return lambda value, out: out.append(start + escape(to_text(value)) + end)


def _namespace(shape: Shape) -> str:
    given = shape.serialization.get("xmlNamespace")
    if not given:
        return ""
    if isinstance(given, str):
        return f" xmlns={_quoted(given)}"
    prefix = ":" + given["prefix"] if given.get("prefix") else ""
    return f" xmlns{prefix}={_quoted(given['uri'])}"


def structure(shape: Any, name: str, style: Style, leave_out: frozenset[str] = frozenset(), xmlns: str = "") -> Writer:
    """What writes a structure as an element; members to leave out are written elsewhere."""
    write = contents(shape, style, leave_out)
    attributes = {
        member: (inner.serialization["name"], text_writer(inner))
        for member, inner in shape.members.items()
        if inner.serialization.get("xmlAttribute")
    }
    opening, end = f"<{name}{xmlns or _namespace(shape)}", f"</{name}>"

    def write_element(value: Any, out: list[str]) -> None:
        out.append(opening)
        for member, (attribute, to_text) in attributes.items():
            if value.get(member) is not None:
                out.append(f" {attribute}={_quoted(to_text(value[member]))}")
        out.append(">")
        write(value, out)
        out.append(end)

    return write_element


def contents(shape: Any, style: Style, leave_out: frozenset[str] = frozenset()) -> Writer:
    """What writes a structure's members, without an element around them; some may be written elsewhere."""
    if shape.name in style.known and not leave_out:
        return style.known[shape.name]
    fields: dict[str, Writer | None] = {}

    def write(value: Any, out: list[str]) -> None:
        for name, item in value.items():
            if name not in fields:
                raise UnknownMember(shape, name)
            write_member = fields[name]
            if item is not None and write_member is not None:
                write_member(item, out)

    if not leave_out:
        style.known[shape.name] = write
    for name, member in shape.members.items():
        elsewhere = name in leave_out or member.serialization.get("xmlAttribute")
        fields[name] = None if elsewhere else element(member, member_name(name, member), style)
    return write


def member_name(name: str, member: Any) -> str:
    """The element of a member; a flattened list's elements may be named by what the list holds."""
    traits = member.serialization
    if member.type_name == "list" and traits.get("flattened"):
        return member.member.serialization.get("name") or traits.get("name", name)
    return traits.get("name") or traits.get("queryName", name)


def _list(shape: Any, name: str, start: str, end: str, style: Style) -> Writer:
    flat = shape.serialization.get("flattened")
    write_item = element(shape.member, name if flat else shape.member.serialization.get("name", "member"), style)

    def write(value: Any, out: list[str]) -> None:
        for item in value:
            write_item(item, out)

    return write if flat else _wrapped(write, start, end)


def _map(shape: Any, name: str, start: str, end: str, style: Style) -> Writer:
    flat = shape.serialization.get("flattened")
    entry = name if flat else "entry"
    write_key = element(shape.key, shape.key.serialization.get("name", "key"), style)
    write_value = element(shape.value, shape.value.serialization.get("name", "value"), style)

    def write(value: Any, out: list[str]) -> None:
        for key, item in value.items():
            if item is not None:
                out.append(f"<{entry}>")
                write_key(key, out)
                write_value(item, out)
                out.append(f"</{entry}>")

    return write if flat else _wrapped(write, start, end)


def _wrapped(write: Writer, start: str, end: str) -> Writer:
    def write_around(value: Any, out: list[str]) -> None:
        out.append(start)
        write(value, out)
        out.append(end)

    return write_around
