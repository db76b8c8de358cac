"""XML into parameters, for S3's request bodies."""

import functools
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from botocore.model import Shape

from .values import Malformed, text_reader

Reader = Callable[[Any], Any]
Known = dict[str, Reader]


def decode(body: bytes) -> Element:
    """The root element. UTF-8 only, and no document type: entities are how a small body becomes a huge one."""
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise Malformed("The XML has a document type or isn't UTF-8")
    try:
        parser = ElementTree.XMLParser(encoding="utf-8")
        parser.feed(body)
        return parser.close()
    except (ElementTree.ParseError, ValueError) as error:
        raise Malformed("The XML is not well-formed") from error


def local(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]


def reader(shape: Shape, known: Known) -> Reader:
    """What turns an element (for a flattened list or map: all elements of its name) into a value of the shape."""
    if shape.type_name == "structure":
        return _structure(shape, known)
    if shape.type_name == "list":
        return _list(shape, known)
    if shape.type_name == "map":
        return _map(shape, known)
    return functools.partial(_scalar, text_reader(shape))


def _structure(shape: Any, known: Known) -> Reader:
    if shape.name in known:
        return known[shape.name]
    fields: dict[str, tuple[str, Reader, bool]] = {}
    attributes: dict[str, tuple[str, Callable[[str], Any]]] = {}

    def read(element: Element) -> dict[str, Any]:
        result: dict[str, Any] = {}
        repeated: dict[str, list[Element]] = {}
        for child in element:
            name = local(child.tag)
            field = fields.get(name)
            if field is None:
                continue
            if field[2]:
                repeated.setdefault(name, []).append(child)
            else:
                result[field[0]] = field[1](child)
        for name, children in repeated.items():
            member, read_all, _ = fields[name]
            result[member] = read_all(children)
        for key, value in element.attrib.items():
            if local(key) in attributes:
                member, read_text = attributes[local(key)]
                result[member] = read_text(value)
        return result

    known[shape.name] = read
    for name, member in shape.members.items():
        _add_member(name, member, known, fields, attributes)
    return read


def _add_member(name: str, member: Any, known: Known, fields: dict[str, Any], attributes: dict[str, Any]) -> None:
    traits = member.serialization
    if traits.get("xmlAttribute"):
        attributes[traits["name"].rpartition(":")[2]] = (name, text_reader(member))
    elif traits.get("location") is None:
        flat = member.type_name in ("list", "map") and bool(traits.get("flattened"))
        fields[traits.get("name", name)] = (name, reader(member, known), flat)


def _list(shape: Any, known: Known) -> Reader:
    read_item = reader(shape.member, known)

    def read(elements: Any) -> list[Any]:
        return [read_item(item) for item in elements]

    return read


def _map(shape: Any, known: Known) -> Reader:
    read_key, read_value = reader(shape.key, known), reader(shape.value, known)
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")

    def read(elements: Any) -> dict[str, Any]:
        result = {}
        for entry in elements:
            parts = {local(part.tag): part for part in entry}
            if key_name not in parts or value_name not in parts:
                raise Malformed("Every entry of a map needs a key and a value")
            result[read_key(parts[key_name])] = read_value(parts[value_name])
        return result

    return read


def _scalar(read: Callable[[str], Any], element: Element) -> Any:
    if len(element):
        raise Malformed("Unexpected elements where text was expected")
    return read(element.text or "")
