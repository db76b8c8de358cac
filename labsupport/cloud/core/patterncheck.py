"""Is this an event pattern? Refusals in the words of AWS's matcher. Pure."""

import ipaddress
from collections.abc import Callable
from typing import Any

from labsupport.cloud.core.patterns import is_number

Json = Any
LARGEST_NUMBER = 5_000_000_000  # numbers are matched between its negative and itself


class PatternError(ValueError):
    """What is wrong with a pattern, as EventBridge words it."""


def check(pattern: Json) -> None:
    """Refuse what is no pattern: its leaves are arrays of values or of known rules. `PatternError` says why."""
    if not isinstance(pattern, dict):
        raise PatternError("Filter is not an object")
    if not pattern:
        raise PatternError("Empty objects are not allowed")
    for name, wanted in pattern.items():
        if name == "$or":
            _check_or(wanted)
        elif isinstance(wanted, dict):
            check(wanted)
        elif isinstance(wanted, list):
            _check_list(wanted)
        else:
            raise PatternError(f'"{name}" must be an object or an array')


def _check_or(wanted: Json) -> None:
    if not isinstance(wanted, list):
        raise PatternError("It must be an Array followed with $or.")
    if not all(isinstance(one, dict) for one in wanted):
        raise PatternError("Only JSON object is allowed in array of $or relationship.")
    if len(wanted) < 2:
        raise PatternError("There must have at least 2 Objects in $or relationship.")
    for one in wanted:
        check(one)


def _check_list(wanted: list[Json]) -> None:
    if not wanted:
        raise PatternError("Empty arrays are not allowed")
    for rule in wanted:
        if isinstance(rule, list):
            raise PatternError("Match value must be String, number, true, false, or null")
        if isinstance(rule, dict):
            _check_rule(rule)


def _check_rule(rule: dict[str, Json]) -> None:
    if not rule:
        raise PatternError("Match expression name not found")
    kind, argument = next(iter(rule.items()))
    if kind not in _ARGUMENTS:
        raise PatternError(f"Unrecognized match type {kind}")
    _ARGUMENTS[kind](argument)
    if len(rule) != 1:
        raise PatternError("Only one key allowed in match expression")


def _check_exists(argument: Json) -> None:
    if not isinstance(argument, bool):
        raise PatternError("exists match pattern must be either true or false.")


def _check_text(kind: str) -> Callable[[Json], None]:
    def check_text(argument: Json) -> None:
        if not isinstance(argument, str):
            raise PatternError(f"{kind} match pattern must be a string")

    return check_text


def _check_affix(kind: str) -> Callable[[Json], None]:
    def check_affix(argument: Json) -> None:
        if isinstance(argument, dict):
            _only(argument, ("equals-ignore-case",), f"{kind} match pattern")
            argument = argument["equals-ignore-case"]
        _check_text(kind)(argument)

    return check_affix


def _only(argument: dict[str, Json], known: tuple[str, ...], what: str) -> None:
    kind = next(iter(argument), "")
    if kind not in known:
        raise PatternError(f"Unsupported {what}: {kind}")
    if len(argument) != 1:
        raise PatternError("Only one key allowed in match expression")


def _check_wildcard(argument: Json) -> None:
    _check_text("wildcard")(argument)
    position, before = 0, ""
    while position < len(argument):
        character = argument[position]
        if character == "\\":
            if argument[position + 1 : position + 2] not in ("*", "\\"):
                raise PatternError(f"Invalid escape character at pos {position}")
            position += 1
        elif character == before == "*":
            raise PatternError(f"Consecutive wildcard characters at pos {position}")
        before, position = character, position + 1


def _check_anything_but(argument: Json) -> None:
    if isinstance(argument, dict):
        _only(argument, ("prefix", "suffix", "equals-ignore-case", "wildcard"), "anything-but pattern")
        ((kind, inner),) = argument.items()
        for one in inner if isinstance(inner, list) and inner else [inner]:
            _check_inner(kind, one)
        return
    values = argument if isinstance(argument, list) else [argument]
    if not values or any(not isinstance(one, str) and not is_number(one) for one in values):
        raise PatternError("Value of anything-but must be an array or single string/number value.")
    if len({isinstance(one, str) for one in values}) > 1:
        message = "Inside anything but list, either all values are number or string, mixed type is not supported"
        raise PatternError(message)


def _check_inner(kind: str, argument: Json) -> None:
    _check_wildcard(argument) if kind == "wildcard" else _check_text(kind)(argument)
    if not argument:
        raise PatternError("Null prefix/suffix not allowed")


def _check_numeric(argument: Json) -> None:
    if not isinstance(argument, list):
        raise PatternError("Value of numeric must be an array.")
    if not argument or not isinstance(argument[0], str):
        raise PatternError(f"Invalid member in numeric match: {argument[0] if argument else ']'}")
    if argument[0] not in ("=", "<", "<=", ">", ">="):
        raise PatternError(f"Unrecognized numeric range operator: {argument[0]}")
    _check_bound("equals" if argument[0] == "=" else argument[0], argument[1:2])
    if len(argument) == 2:
        return
    if argument[0] not in (">", ">="):
        raise PatternError("Too many elements in numeric expression")
    if argument[2] not in ("<", "<="):
        raise PatternError(f"Bad numeric range operator: {argument[2]}")
    _check_bound(argument[2], argument[3:4])
    if len(argument) > 4:
        raise PatternError("Too many terms in numeric range expression")
    if argument[1] >= argument[3]:
        raise PatternError("Bottom must be less than top")


def _check_bound(operator: str, bound: list[Json]) -> None:
    if not bound or not is_number(bound[0]):
        raise PatternError(f"Value of {operator} must be numeric")
    if abs(bound[0]) > LARGEST_NUMBER:
        raise PatternError("Value must be between -5.0E9 and 5.0E9, inclusive")


def _check_network(argument: Json) -> None:
    _check_text("cidr")(argument)
    if argument.count("/") != 1:
        raise PatternError("Malformed CIDR, one '/' required")
    try:
        ipaddress.ip_network(argument, strict=False)
    except ValueError:
        raise PatternError(f"Malformed CIDR, no such network: {argument}") from None


_ARGUMENTS: dict[str, Callable[[Json], None]] = {
    "exists": _check_exists,
    "prefix": _check_affix("prefix"),
    "suffix": _check_affix("suffix"),
    "anything-but": _check_anything_but,
    "numeric": _check_numeric,
    "equals-ignore-case": _check_text("equals-ignore-case"),
    "wildcard": _check_wildcard,
    "cidr": _check_network,
}
