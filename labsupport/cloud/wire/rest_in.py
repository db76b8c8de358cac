"""Requests of the REST protocols into parameters: path, query string, headers and body."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
from botocore.model import OperationModel, Shape

from ..core.http import HttpRequest
from . import json_in, uri, xml_in
from .values import Malformed, text_reader

Part = Callable[[HttpRequest, dict[str, Any]], None]  # adds what it finds to the parameters
Known = dict[str, Callable[[Any], Any]]


def reader(operation: OperationModel, known: Known, xml: bool) -> Callable[[HttpRequest], dict[str, Any]]:
    """What turns a request into the operation's parameters; a streamed body is left alone."""
    shape = operation.input_shape
    parts = [] if shape is None else [*_label_parts(operation), *_query_parts(shape), *_header_parts(shape)]
    if shape is not None:
        parts += _body_parts(shape, known, xml)

    def read(request: HttpRequest) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for part in parts:
            part(request, result)
        return result

    return read


def located(shape: Any, *places: str) -> dict[str, Any]:
    """The members that travel at one of these places of a request or response, by name on the wire."""
    return {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
        if member.serialization.get("location") in places
    }


def _label_parts(operation: OperationModel) -> list[Part]:
    pattern, labels = uri.compile_path(uri.split(operation.http["requestUri"])[0])
    members = located(operation.input_shape, "uri")
    fields = [(members[label][0], text_reader(members[label][1])) for label in labels if label in members]
    if not fields:
        return []

    def part(request: HttpRequest, result: dict[str, Any]) -> None:
        found = pattern.fullmatch(request.raw_path)
        if not found:
            raise Malformed("Couldn't parse the specified URI.", "uri")
        for (name, read), raw in zip(fields, found.groups(), strict=True):
            result[name] = read(uri.label_text(raw))

    return [part]


def _query_parts(shape: Any) -> list[Part]:
    members = located(shape, "querystring")
    fields = {wire: (name, _query_reader(member)) for wire, (name, member) in members.items() if not _is_map(member)}
    rest = [(name, member) for name, member in members.values() if _is_map(member)]
    if not members:
        return []

    def part(request: HttpRequest, result: dict[str, Any]) -> None:
        if not request.query:
            return
        given: dict[str, list[str]] = {}
        for name, value in uri.parameters(request.query):
            given.setdefault(name, []).append(value)
        for wire, texts in given.items():
            if wire in fields:
                result[fields[wire][0]] = fields[wire][1](texts)
        for name, member in rest:
            others = {wire: texts for wire, texts in given.items() if wire not in fields}
            result[name] = others if member.value.type_name == "list" else {k: v[0] for k, v in others.items()}

    return [part]


def _is_map(shape: Shape) -> bool:
    return shape.type_name == "map"


def _query_reader(shape: Any) -> Callable[[list[str]], Any]:
    if shape.type_name == "list":
        read_item = text_reader(shape.member)
        return lambda texts: [read_item(text) for text in texts]
    read = text_reader(shape)
    return lambda texts: read(texts[0])


def _header_parts(shape: Any) -> list[Part]:
    fields = {wire.lower(): (name, _header_reader(member)) for wire, (name, member) in located(shape, "header").items()}
    groups = [(wire.lower(), name) for wire, (name, _) in located(shape, "headers").items()]

    def part(request: HttpRequest, result: dict[str, Any]) -> None:
        headers = request.headers
        for wire, text in headers.items():
            if wire in fields:
                name, read = fields[wire]
                result[name] = read(text)
        for prefix, name in groups:
            found = {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}
            if found:
                result[name] = found

    return [part] if fields or groups else []


def _header_reader(shape: Any) -> Callable[[str], Any]:
    if shape.serialization.get("jsonvalue"):
        return _json_value
    if shape.type_name != "list":
        return text_reader(shape)
    read_item = text_reader(shape.member)
    dates = shape.member.type_name == "timestamp"
    return lambda text: [read_item(item) for item in (_dates(text) if dates else listed(text))]


def _json_value(text: str) -> Any:
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError) as error:
        raise Malformed("The header is not JSON in base64") from error


def _dates(text: str) -> list[str]:
    """HTTP dates have a comma each."""
    parts = [part.strip() for part in text.split(",")]
    if not text[:1].isalpha():
        return parts
    return [", ".join(parts[index : index + 2]) for index in range(0, len(parts), 2)]


def listed(text: str) -> list[str]:
    """The items of a header's list; an item with commas or quotes stands in quotes."""
    items, item, quoted, escaped = [], "", False, False
    for letter in text:
        if escaped or (quoted and letter not in '"\\') or letter not in '",\\':
            item, escaped = item + letter, False
        elif letter == "\\":
            item, escaped = (item, True) if quoted else (item + letter, False)
        elif letter == '"':
            quoted = not quoted
        else:
            items.append(item.strip())
            item = ""
    return [*items, item.strip()]


def _body_parts(shape: Any, known: Known, xml: bool) -> list[Part]:
    payload = shape.serialization.get("payload")
    if payload is None:
        return [] if _nothing_in_body(shape) else [_whole_body(shape, known, xml)]
    member = shape.members[payload]
    if member.serialization.get("streaming") or member.serialization.get("eventstream"):
        return []
    if member.type_name in ("blob", "string"):
        return [_raw_body(payload, member.type_name == "string")]
    return [_structured_body(payload, member, known, xml)]


def _nothing_in_body(shape: Any) -> bool:
    return all(member.serialization.get("location") for member in shape.members.values())


def _whole_body(shape: Any, known: Known, xml: bool) -> Part:
    read = body_reader(shape, known, xml)
    return lambda request, result: result.update(read(request.body)) if request.body else None


def _structured_body(name: str, member: Shape, known: Known, xml: bool) -> Part:
    read = body_reader(member, known, xml)

    def part(request: HttpRequest, result: dict[str, Any]) -> None:
        if request.body:
            result[name] = read(request.body)

    return part


def _raw_body(name: str, is_text: bool) -> Part:
    def part(request: HttpRequest, result: dict[str, Any]) -> None:
        if request.body:
            result[name] = _utf8(request.body) if is_text else request.body

    return part


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("The request body is not valid UTF-8") from error


def body_reader(shape: Shape, known: Known, xml: bool) -> Callable[[bytes], Any]:
    """What turns a body into a value of the shape."""
    if not xml:
        read_json = json_in.reader(shape, known)
        return lambda body: read_json(json_in.decode(body))
    read_xml = xml_in.reader(shape, known)
    root = shape.serialization.get("name", shape.name)

    def read(body: bytes) -> Any:
        try:
            element = xml_in.decode(body)
            if xml_in.local(element.tag) != root:
                raise Malformed(f"The root element is not {root}")
            return read_xml(element)
        except Malformed as error:
            raise Malformed(str(error), "body") from error

    return read
