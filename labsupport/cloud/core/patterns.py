"""Event patterns: does an event match? (EventBridge User Guide: "Comparison operators for use in event patterns").

SNS's filter policies are the same language over a message's attributes. Pure.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

Json = Any
_NOTHING = object()
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def matches(pattern: dict[str, Json], event: dict[str, Json]) -> bool:
    """Whether every field that the pattern names has one of the values it lists. The pattern has passed `check`."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(matches(one, event) for one in wanted):
                return False
        elif not _field(wanted, event.get(name, _NOTHING)):
            return False
    return True


def _field(wanted: Json, value: Json) -> bool:
    """A pattern below an array holds for any of its objects; a list of values, for any leaf."""
    if isinstance(wanted, dict):
        below = [one for one in _flat(value) if isinstance(one, dict)]
        return any(matches(wanted, one) for one in below or [{}])
    leaves = [one for one in _flat(value) if not isinstance(one, dict)]
    return any(_one(rule, leaf) for leaf in leaves or [_NOTHING] for rule in wanted)


def _flat(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _one(rule: Json, value: Json) -> bool:
    if not isinstance(rule, dict):
        return _equal(rule, value)
    ((kind, argument),) = rule.items()
    if kind == "exists":
        return (value is not _NOTHING) is argument
    return value is not _NOTHING and _RULES[kind](argument, value)


def _equal(rule: Json, value: Json) -> bool:
    """The same JSON value. Numbers by their worth (3 is 3.0), as AWS's matcher has it."""
    if is_number(rule) or is_number(value):
        return is_number(rule) and is_number(value) and rule == value
    return type(rule) is type(value) and rule == value


def is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(argument: Json, value: Json) -> bool:
    return isinstance(value, str) and _folded(argument, value).startswith(_text(argument))


def _suffix(argument: Json, value: Json) -> bool:
    return isinstance(value, str) and _folded(argument, value).endswith(_text(argument))


def _text(argument: Json) -> str:
    """`"us-"`, or `{"equals-ignore-case": "US-"}` without its case."""
    text: str = argument["equals-ignore-case"].lower() if isinstance(argument, dict) else argument
    return text


def _folded(argument: Json, value: str) -> str:
    return value.lower() if isinstance(argument, dict) else value


def _anything_but(argument: Json, value: Json) -> bool:
    if isinstance(argument, dict):
        ((kind, inner),) = argument.items()
        return not any(_RULES[kind](one, value) for one in (inner if isinstance(inner, list) else [inner]))
    return not any(_equal(one, value) for one in (argument if isinstance(argument, list) else [argument]))


def _numeric(argument: Json, value: Json) -> bool:
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return is_number(value) and all(_COMPARE[operator](value, bound) for operator, bound in pairs)


def _ignore_case(argument: Json, value: Json) -> bool:
    return isinstance(value, str) and value.lower() == argument.lower()


def _wildcard(argument: Json, value: Json) -> bool:
    return isinstance(value, str) and _expression(argument).fullmatch(value) is not None


def _expression(wildcard: str) -> re.Pattern[str]:
    """`*` is any text; a backslash takes the meaning from the character after it."""
    tokens = re.findall(r"\\(.)|(\*)|([^\\*]+)", wildcard, re.DOTALL)
    parts = [".*" if star else re.escape(escaped or plain) for escaped, star, plain in tokens]
    return re.compile("".join(parts), re.DOTALL)


def _cidr(argument: Json, value: Json) -> bool:
    try:
        return isinstance(value, str) and ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False)
    except ValueError:
        return False


_RULES: dict[str, Callable[[Json, Json], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
}
