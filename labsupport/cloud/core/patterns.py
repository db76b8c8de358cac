"""Event patterns: does an event match? (EventBridge User Guide: "Creating event patterns"). Pure.

SNS's filter policies are the same language over a message's attributes.
"""

import ipaddress
import re
from collections.abc import Callable
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


class PatternError(ValueError):
    """What is wrong with a pattern, as EventBridge words it."""


def matches(pattern: dict[str, Json], event: dict[str, Json]) -> bool:
    """Whether every field that the pattern names has one of the values it lists."""
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(matches(one, event) for one in wanted):
                return False
        elif not _field(wanted, event.get(name, _NOTHING)):
            return False
    return True


def _field(wanted: Json, value: Json) -> bool:
    if isinstance(wanted, dict):
        if isinstance(value, list):  # a pattern below an array holds for any of its elements
            return any(isinstance(one, dict) and matches(wanted, one) for one in value)
        return matches(wanted, value if isinstance(value, dict) else {})
    values = value if isinstance(value, list) else [value]
    return any(_one(rule, one) for rule in wanted for one in values or [_NOTHING])


def _one(rule: Json, value: Json) -> bool:
    if not isinstance(rule, dict):
        return (type(rule) is type(value) and rule == value) or _same_number(rule, value)
    ((kind, argument),) = rule.items()
    if kind == "exists":
        return (value is not _NOTHING) is bool(argument)
    return value is not _NOTHING and _RULES[kind](argument, value)


def _same_number(rule: Json, value: Json) -> bool:
    return _is_number(rule) and _is_number(value) and rule == value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _prefix(argument: Json, value: Json) -> bool:
    if isinstance(argument, dict):
        return isinstance(value, str) and value.lower().startswith(argument["equals-ignore-case"].lower())
    return isinstance(value, str) and value.startswith(argument)


def _suffix(argument: Json, value: Json) -> bool:
    if isinstance(argument, dict):
        return isinstance(value, str) and value.lower().endswith(argument["equals-ignore-case"].lower())
    return isinstance(value, str) and value.endswith(argument)


def _anything_but(argument: Json, value: Json) -> bool:
    if isinstance(argument, dict):
        ((kind, inner),) = argument.items()
        return not any(_RULES[kind](one, value) for one in (inner if isinstance(inner, list) else [inner]))
    return value not in (argument if isinstance(argument, list) else [argument])


def _numeric(argument: Json, value: Json) -> bool:
    if not _is_number(value):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARE[operator](value, bound) for operator, bound in pairs)


def _ignore_case(argument: Json, value: Json) -> bool:
    return isinstance(value, str) and value.lower() == argument.lower()


def _wildcard(argument: Json, value: Json) -> bool:
    parts = [re.escape(part) for part in argument.split("*")]
    return isinstance(value, str) and re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def _cidr(argument: Json, value: Json) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False)
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


def check(pattern: Json) -> None:
    """Refuse what is no pattern: leaves are arrays of values or of known rules."""
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError(
            "Filter is not an object" if not isinstance(pattern, dict) else "Empty objects are not allowed"
        )
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            for one in wanted:
                check(one)
        elif isinstance(wanted, dict):
            check(wanted)
        elif not isinstance(wanted, list):
            raise PatternError(f'"{name}" must be an object or an array')
        else:
            _check_list(name, wanted)


def _check_list(name: str, wanted: list[Json]) -> None:
    if not wanted:
        raise PatternError("Empty arrays are not allowed")
    for rule in wanted:
        if isinstance(rule, list):
            raise PatternError("Match value must be String, number, true, false, or null")
        if isinstance(rule, dict):
            _check_rule(rule)


def _check_rule(rule: dict[str, Json]) -> None:
    if len(rule) != 1:
        raise PatternError("Only one key allowed in match expression")
    ((kind, argument),) = rule.items()
    if kind == "exists":
        if not isinstance(argument, bool):
            raise PatternError("exists match pattern must be either true or false.")
        return
    if kind not in _RULES:
        raise PatternError(f"Unrecognized match type {kind}")
    if not _ARGUMENTS[kind](argument):
        raise PatternError(f"{kind} match pattern has a value of the wrong form")


def _is_affix(argument: Json) -> bool:
    is_folded = isinstance(argument, dict) and list(argument) == ["equals-ignore-case"]
    return isinstance(argument, str) or (is_folded and isinstance(argument["equals-ignore-case"], str))


def _is_exclusion(argument: Json) -> bool:
    if isinstance(argument, dict):
        if len(argument) != 1 or next(iter(argument)) not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            return False
        inner = next(iter(argument.values()))
        return all(isinstance(one, str) for one in (inner if isinstance(inner, list) else [inner]))
    return all(not isinstance(one, dict | list) for one in (argument if isinstance(argument, list) else [argument]))


def _is_range(argument: Json) -> bool:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        return False
    return all(
        isinstance(operator, str) and operator in _COMPARE and _is_number(bound)
        for operator, bound in zip(argument[::2], argument[1::2], strict=True)
    )


def _is_network(argument: Json) -> bool:
    try:
        ipaddress.ip_network(argument, strict=False)
    except (ValueError, TypeError):
        return False
    return isinstance(argument, str)


_ARGUMENTS: dict[str, Callable[[Json], bool]] = {
    "prefix": _is_affix,
    "suffix": _is_affix,
    "anything-but": _is_exclusion,
    "numeric": _is_range,
    "equals-ignore-case": lambda argument: isinstance(argument, str),
    "wildcard": lambda argument: isinstance(argument, str) and "**" not in argument,
    "cidr": _is_network,
}
