"""The models' regular expressions, which are Java's, as Python's.

What Java means and Python doesn't: `\\w`, `\\d` and `\\s` are ASCII, `.` stops at every line terminator,
`\\p{L}` is a Unicode category, `[\\w-_]` holds a hyphen, and a pattern always has to match the whole value.
A pattern that can't be said faithfully in Python, or that could take forever over a hostile value, gives None.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator

_ESCAPE = re.compile(r"\\(?:[pP]\{\^?\w+\}|[pP]\w|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|.)", re.DOTALL)
_LINE_ENDS = r"\n\r\x85\u2028\u2029"
_SEPARATORS = r" \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_ASCII = {
    "d": "0-9",
    "w": "a-zA-Z0-9_",
    "s": r" \t\n\x0b\f\r",
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
}
_NAMED = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Digit": "0-9",
    "XDigit": "0-9a-fA-F",
    "ASCII": r"\x00-\x7f",
    "Space": r" \t\n\x0b\f\r",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "Graph": "!-~",
    "Print": " -~",
    "Punct": r"!-/:-@\[-`{-~",
    "Z": _SEPARATORS,
}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "a": r"\x07", "e": r"\x1b"}


# Two repeats over the same letters, one inside the other: a value of forty blanks would take years.
EXPLOSIVE = frozenset(
    {
        r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$",
        r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$",
    }
)


class _Untranslatable(Exception):
    """This part has no counterpart in Python."""


@functools.cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern for `fullmatch`, or None where it can't be held against a value."""
    translated = None if pattern in EXPLOSIVE else translate(pattern)
    try:
        return None if translated is None else re.compile(translated)
    except re.error:
        return None


def translate(pattern: str) -> str | None:
    """The same pattern in Python's spelling; None if there is none."""
    try:
        return "".join(_outside(pattern))
    except _Untranslatable:
        return None


def _outside(pattern: str) -> Iterator[str]:
    position = 0
    dotall = bool(re.match(r"\(\?[a-z]*s", pattern))
    while position < len(pattern):
        letter = pattern[position]
        if letter == "\\":
            found = _escape_at(pattern, position)
            yield _escaped_outside(found)
            position += len(found)
        elif letter == "[":
            text, position = _class(pattern, position + 1)
            yield text
        elif letter == "." and not dotall:
            yield f"[^{_LINE_ENDS}]"
            position += 1
        elif _misplaced_anchor(pattern, position):
            raise _Untranslatable(pattern)
        elif pattern.startswith("(?<", position) and pattern[position + 3] not in "=!":
            yield "(?P<"
            position += 3
        else:
            yield letter
            position += 1


def _misplaced_anchor(pattern: str, position: int) -> bool:
    """A start or end in the middle: nothing can match. EC2's model has one, and AWS takes values all the same."""
    letter, before = pattern[position], pattern[:position]
    if letter == "^":
        return bool(before) and before[-1] not in "(|:=!)"
    return letter == "$" and pattern[position + 1 : position + 2] not in ("", ")", "|")


def _escape_at(pattern: str, position: int) -> str:
    found = _ESCAPE.match(pattern, position)
    if not found:
        raise _Untranslatable(pattern)
    return found[0]


def _escaped_outside(escape: str) -> str:
    kind = escape[1]
    if kind in "bBA" or kind.isdigit():
        return escape
    if kind == "z":
        return r"\Z"
    return f"[{_members(escape)}]"


def _members(escape: str) -> str:
    """What an escape stands for, as the inside of a Python class."""
    kind, rest = escape[1], escape[2:].strip("{}")
    if kind in _ASCII:
        return _ASCII[kind]
    if kind in "pP":
        return _category(rest, negated=kind == "P")
    if kind in "ux":
        return f"\\U{int(rest, 16):08x}"
    if kind in _CONTROLS:
        return _CONTROLS[kind]
    if kind.isalnum():
        raise _Untranslatable(escape)
    return re.escape(kind)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """A class in brackets from behind its `[`, and where it ends."""
    negated = pattern.startswith("^", position)
    position += negated
    items: list[str] = []
    while not pattern.startswith("]", position):
        if position >= len(pattern) or pattern[position] == "[" or pattern.startswith("&&", position):
            raise _Untranslatable(pattern)
        item, position = _item(pattern, position)
        if pattern.startswith("-", position) and _ends_range(pattern, position + 1) and _single(item):
            last, position = _item(pattern, position + 1)
            item = f"{item}-{last}"
        items.append(item)
    return f"[{'^' if negated else ''}{_joined(items)}]", position + 1


def _item(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position] != "\\":
        return re.escape(pattern[position]), position + 1
    found = _escape_at(pattern, position)
    position += len(found)
    if found[1] in "pP":
        return "\\" + found[1] + found[2:].strip("{}"), position
    if re.fullmatch(r"\\u[dD][89abAB]..", found):
        low = _escape_at(pattern, position)
        pair = bytes.fromhex(found[2:] + low[2:]).decode("utf-16-be")
        return f"\\U{ord(pair):08x}", position + len(low)
    return _members(found), position


def _ends_range(pattern: str, position: int) -> bool:
    """Whether a hyphen before this place makes a range: not at the class's end, nor before a class of its own."""
    return pattern[position : position + 1] not in ("]", "") and not re.match(r"\\[wWdDsSpP]", pattern[position:])


def _single(item: str) -> bool:
    """One letter, not a class of its own: `\\w-_` is a hyphen between two items."""
    return item not in _ASCII.values() and item[:2] not in ("\\p", "\\P")


def _joined(items: list[str]) -> str:
    words = {r"\pL", r"\pN", "_"}
    if words <= set(items):
        items = [r"\w", *(item for item in items if item not in words)]
    return "".join(_category(item[2:], item[1] == "P") if item[:2] in (r"\p", r"\P") else item for item in items)


def _category(name: str, negated: bool) -> str:
    if name in _NAMED and not negated:
        return _NAMED[name]
    ranges = _categories().get(name)
    if ranges is None:
        raise _Untranslatable(name)
    return _spelled(_complement(ranges) if negated else ranges)


def _complement(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = [0, *(last + 1 for _, last in ranges)]
    ends = [*(first - 1 for first, _ in ranges), 0x10FFFF]
    return [(first, last) for first, last in zip(starts, ends, strict=True) if first <= last]


def _spelled(ranges: list[tuple[int, int]]) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    """Every Unicode category's ranges, by its one or two letters. Takes a tenth of a second, once."""
    found: dict[str, list[tuple[int, int]]] = {}
    category = unicodedata.category
    for code in range(0x110000):
        name = category(chr(code))
        for key in (name, name[0]):
            ranges = found.setdefault(key, [])
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    return found
