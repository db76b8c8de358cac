"""Policy variables: `${aws:username}`, defaults, and the three that stand for a character.

A text of a policy is compiled once into a `Template`: plain pieces and variables. Wildcards are written as two
control characters that a policy cannot contain (`document.parse` refuses them), so that a `*` that comes out of a
variable's value stays a plain asterisk. AWS: "IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

STAR = "\x01"
"""Any number of characters, inside a compiled text."""
ONE = "\x02"
"""Exactly one character, inside a compiled text."""

_WILDCARDS = str.maketrans({"*": STAR, "?": ONE})
_HARMLESS = str.maketrans({STAR: "�", ONE: "�"})
_SHOWN = str.maketrans({STAR: "*", ONE: "?"})
_FIND = re.compile(r"\$\{([^{}]*)\}")
_INSIDE = re.compile(r"\s*([^',]+?)\s*(?:,\s*'([^']*)'\s*)?")
_CHARACTERS = ("*", "?", "$")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place that the request's context fills: its key in lower case, and what stands there without one."""

    key: str
    default: str | None
    written: str


Template = tuple[str | Variable, ...]


def compile_text(text: str, *, variables: bool, wildcards: bool) -> Template:
    """The pieces of a policy's text. `variables` is false for the language's version 2008-10-17."""
    if not variables or "${" not in text:
        return (_plain(text, wildcards),)
    pieces: list[str | Variable] = []
    end = 0
    for found in _FIND.finditer(text):
        pieces.append(_plain(text[end : found.start()], wildcards))
        pieces.append(_piece(found, wildcards))
        end = found.end()
    pieces.append(_plain(text[end:], wildcards))
    return _joined(pieces)


def resolve(template: Template, context: Mapping[str, object]) -> str | None:
    """The text with the request's values in it, or None if a variable has no value and no default.

    A key with several values has none that could stand in a text.
    """
    parts = []
    for piece in template:
        value = piece if isinstance(piece, str) else value_of(piece, context)
        if value is None:
            return None
        parts.append(value)
    return "".join(parts)


def value_of(variable: Variable, context: Mapping[str, object]) -> str | None:
    """What the request puts in the variable's place."""
    value = context.get(variable.key)
    if isinstance(value, (list, tuple)):
        value = value[0] if len(value) == 1 else None
    if value is None:
        value = variable.default
    if value is None:
        return None
    text = "true" if value is True else "false" if value is False else str(value)
    return text.translate(_HARMLESS)


def keys_in(template: Template) -> set[str]:
    """The condition keys that a template reads, in lower case."""
    return {piece.key for piece in template if isinstance(piece, Variable)}


def is_fixed(template: Template) -> bool:
    """Whether the text is the same for every request."""
    return all(isinstance(piece, str) for piece in template)


def shown(text: str) -> str:
    """A compiled text as a reader would write it."""
    return text.translate(_SHOWN)


def _plain(text: str, wildcards: bool) -> str:
    return text.translate(_WILDCARDS) if wildcards else text


def _piece(found: re.Match[str], wildcards: bool) -> str | Variable:
    inside = found.group(1)
    if inside in _CHARACTERS:
        return inside
    parts = _INSIDE.fullmatch(inside)
    if parts is None:
        return _plain(found.group(0), wildcards)
    return Variable(parts.group(1).lower(), parts.group(2), found.group(0))


def _joined(pieces: list[str | Variable]) -> Template:
    """Neighbouring plain pieces in one."""
    result: list[str | Variable] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        elif piece != "" or not result:
            result.append(piece)
    return tuple(result)
