"""Intrinsic functions, resolved against a scope (Template Reference: "Intrinsic function reference"). Pure."""

import base64
import ipaddress
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.references import SUB
from labsupport.cloud.services.cloudformation.template import Template

ZONES = ("a", "b", "c")
_MOST_BLOCKS = 256


class _NoValue:
    """AWS::NoValue: the property or item that has it is left out."""


NO_VALUE = _NoValue()


@dataclass(slots=True)
class Scope:
    """What a value may refer to.

    `values` are parameters and pseudo parameters; `ref` and `attribute` answer for resources; `export`
    for other stacks' exports. `conditions` is filled by `evaluate_conditions`.
    """

    template: Template
    values: dict[str, Any]
    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    export: Callable[[str], str]
    conditions: dict[str, bool] = field(default_factory=dict)


def resolve(value: Any, scope: Scope) -> Any:
    """A value with every function in it resolved."""
    if isinstance(value, list):
        return [item for item in (resolve(one, scope) for one in value) if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            return _ref(argument, scope)
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, scope)
        if name.startswith("Fn::"):
            raise invalid(f"Template format error: Encountered unsupported function: {name}")
    found = {key: resolve(item, scope) for key, item in value.items()}
    return {key: item for key, item in found.items() if item is not NO_VALUE}


def _ref(name: Any, scope: Scope) -> Any:
    if not isinstance(name, str):
        raise invalid("Template error: every Ref object must have a single String value.")
    if name == "AWS::NoValue":
        return NO_VALUE
    return scope.values[name] if name in scope.values else scope.ref(name)


def _listed(argument: Any, name: str, sizes: tuple[int, ...]) -> list[Any]:
    if not isinstance(argument, list) or len(argument) not in sizes:
        wanted = " or ".join(map(str, sizes))
        raise invalid(f"Template error: every {name} object requires a list of {wanted} parameters.")
    return argument


def _text(value: Any, name: str) -> str:
    """A value as text, where the function wants one."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise invalid(f"Template error: {name} needs a String, and has been given {_kind(value)}.")
    return str(value)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "a map" if isinstance(value, dict) else "AWS::NoValue"


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    logical, attribute = _listed(parts, "Fn::GetAtt", (2,))
    return scope.attribute(_text(logical, "Fn::GetAtt"), _text(resolve(attribute, scope), "Fn::GetAtt"))


def _sub(argument: Any, scope: Scope) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else _listed(argument, "Fn::Sub", (2,))
    if not isinstance(text, str) or not isinstance(given, dict):
        message = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments."
        raise invalid(f"{message} Specify a string as first argument, and an optional map as second.")
    own = {name: resolve(value, scope) for name, value in given.items()}

    def filled(match: Any) -> str:
        literal, name = match.groups()
        if literal:
            return "${" + name + "}"
        name = name.strip()
        found = own[name] if name in own else _named(name, scope)
        return ",".join(_text(one, "Fn::Sub") for one in (found if isinstance(found, list) else [found]))

    return str(SUB.sub(filled, text))


def _named(name: str, scope: Scope) -> Any:
    return scope.attribute(*name.split(".", 1)) if "." in name else _ref(name, scope)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = _two(argument, "Fn::Join", scope)
    if not isinstance(items, list):
        raise invalid("Template error: every Fn::Join object requires a string delimiter and a list of strings.")
    return _text(delimiter, "Fn::Join").join(_text(one, "Fn::Join") for one in items)


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = _two(argument, "Fn::Split", scope)
    if delimiter == "":
        raise invalid("Template error: every Fn::Split object requires a delimiter that is not empty.")
    return _text(text, "Fn::Split").split(_text(delimiter, "Fn::Split"))


def _two(argument: Any, name: str, scope: Scope) -> list[Any]:
    return _listed(resolve(_listed(argument, name, (2,)), scope), name, (2,))


def _select(argument: Any, scope: Scope) -> Any:
    index, items = _two(argument, "Fn::Select", scope)
    if not isinstance(items, list):
        raise invalid("Template error: Fn::Select requires a list to select from.")
    number = _text(index, "Fn::Select")
    if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(items)):
        raise invalid(f"Template error: Fn::Select  cannot select nonexistent value at index {number}")
    return items[int(number)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    found = resolve(_listed(argument, "Fn::FindInMap", (3,)), scope)
    name, top, second = (_text(one, "Fn::FindInMap") for one in _listed(found, "Fn::FindInMap", (3,)))
    mappings = scope.template["Mappings"]
    if name not in mappings:
        raise invalid(f"Template error: Mapping named '{name}' is not present in the 'Mappings' section of template.")
    try:
        return mappings[name][top][second]
    except KeyError:
        raise invalid(f"Template error: Unable to get mapping for {name}::{top}::{second}") from None


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = _listed(argument, "Fn::If", (3,))
    if not isinstance(name, str) or name not in scope.conditions:
        raise invalid(f"Template error: unresolved condition dependency {name}")
    return resolve(yes if scope.conditions[name] else no, scope)


def _import(argument: Any, scope: Scope) -> str:
    return scope.export(_text(resolve(argument, scope), "Fn::ImportValue"))


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text(resolve(argument, scope), "Fn::Base64").encode()).decode()


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = _text(resolve(argument, scope), "Fn::GetAZs") or scope.values["AWS::Region"]
    return [f"{region}{letter}" for letter in ZONES]


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = _listed(resolve(_listed(argument, "Fn::Cidr", (2, 3)), scope), "Fn::Cidr", (2, 3))
    try:
        network = ipaddress.ip_network(_text(block, "Fn::Cidr"))
        number, size = int(_text(count, "Fn::Cidr")), int(_text(bits[0], "Fn::Cidr")) if bits else 8
        blocks = list(itertools.islice(network.subnets(new_prefix=network.max_prefixlen - size), min(number, 257)))
    except ValueError:
        blocks, number = [], 0
    if not 1 <= number <= _MOST_BLOCKS or len(blocks) < number:
        raise invalid(f"Template error: Fn::Cidr cannot cut {count} blocks out of {block}")
    return [str(one) for one in blocks]


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _zones,
    "Fn::Cidr": _cidr,
}


def evaluate_conditions(scope: Scope) -> None:
    """Every condition of the template, in whatever order they stand."""
    for name in scope.template["Conditions"]:
        _condition(name, scope, ())


def _condition(name: Any, scope: Scope, path: tuple[str, ...]) -> bool:
    if not isinstance(name, str) or name not in scope.template["Conditions"]:
        raise invalid(f"Template format error: Unresolved condition dependency {name}")
    if name in path:
        raise invalid(f"Template format error: Circular dependency between conditions: [{', '.join(path)}]")
    if name not in scope.conditions:
        scope.conditions[name] = truth(scope.template["Conditions"][name], scope, (*path, name))
    return scope.conditions[name]


Test = Callable[[Any, Scope], bool]


def truth(expression: Any, scope: Scope, path: tuple[str, ...], more: dict[str, Test] | None = None) -> bool:
    """Whether a condition holds. `more` are further functions that may stand here (those of Rules)."""
    if not isinstance(expression, dict) or len(expression) != 1:
        raise invalid(f"Template format error: Every Conditions member must be a condition function: {path[0]}")
    ((name, argument),) = expression.items()
    if more and name in more:
        return more[name](argument, scope)
    if name == "Condition":
        return _condition(argument, scope, path)
    if name == "Fn::Equals":
        first, second = _two(argument, name, scope)
        return first == second if isinstance(first, list) else _text(first, name) == _text(second, name)
    if name not in ("Fn::And", "Fn::Or", "Fn::Not"):
        raise invalid(f"Template format error: {name} is no condition function ({path[0]})")
    sizes = (1,) if name == "Fn::Not" else tuple(range(2, 11))
    found = [truth(one, scope, path, more) for one in _listed(argument, name, sizes)]
    if name == "Fn::Not":
        return not found[0]
    return all(found) if name == "Fn::And" else any(found)
