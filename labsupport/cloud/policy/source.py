"""A policy's text as its reader sees it: where each statement stands, and which condition keys it names."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labsupport.cloud.policy.conditions import Value
from labsupport.cloud.policy.document import Document, Statement
from labsupport.cloud.policy.variables import Template, Variable

_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Position:
    """A line and a column, both counted from 1."""

    line: int
    column: int


def positions(text: str) -> list[tuple[Position, Position]]:
    """Where each statement of a policy that has been read begins and ends, as IAM's simulators count it.

    The end is the column after the closing brace; a lone statement without a list begins after its opening one.
    AWS: the examples of the AWS CLI's `simulate-custom-policy`.
    """
    for name, start, _ in _members(text, _after(text, 0)):
        if name != "Statement":
            continue
        if text[start] == "[":
            return [(_position(text, first), _position(text, end)) for first, end in _items(text, start)]
        return [(_position(text, start + 1), _position(text, _decode(text, start)[1]))]
    return []


def key_names(document: Document) -> list[str]:
    """The condition keys that a document names, in its order and spelling, variables included, each once."""
    found: dict[str, str] = {}
    for statement in document.statements:
        for name in keys_of_statement(statement):
            found.setdefault(name.lower(), name)
    return list(found.values())


def keys_of_statement(statement: Statement) -> Iterator[str]:
    """The condition keys of one statement, as written."""
    for pattern in statement.resources:
        yield from _variables(pattern.template)
    for condition in statement.conditions:
        yield condition.key
        yield from _of_values(condition.values)


def _of_values(values: Iterable[Value]) -> Iterator[str]:
    for value in values:
        yield from _variables(value.template)


def _variables(template: Template) -> Iterator[str]:
    for piece in template:
        if isinstance(piece, Variable):
            yield piece.written[2:-1].partition(",")[0].strip()


def _members(text: str, start: int) -> Iterator[tuple[Any, int, int]]:
    """Name, start and end of each member of the object whose opening brace stands before `start`."""
    place = _blank(text, start)
    while text[place] != "}":
        name, place = _decode(text, place)
        begin = _after(text, _blank(text, place))
        place = _decode(text, begin)[1]
        yield name, begin, place
        place = _next(text, place)


def _items(text: str, start: int) -> Iterator[tuple[int, int]]:
    place = _after(text, start)
    while text[place] != "]":
        end = _decode(text, place)[1]
        yield place, end
        place = _next(text, end)


def _next(text: str, place: int) -> int:
    """The next member's or item's place: past the blanks, and past a comma."""
    place = _blank(text, place)
    return _after(text, place) if text[place] == "," else place


def _after(text: str, place: int) -> int:
    return _blank(text, place + 1)


def _blank(text: str, place: int) -> int:
    while text[place].isspace():
        place += 1
    return place


def _position(text: str, place: int) -> Position:
    return Position(text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place))
