"""Intrinsic functions, resolved against a scope (Template Reference: "Intrinsic function reference"). Pure."""

import base64
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.template import SUB, Template

ZONES = ("a", "b", "c")


class _NoValue:
    """AWS::NoValue: the property or item that has it is left out."""


NO_VALUE = _NoValue()


@dataclass(slots=True)
class Scope:
    """What a value may refer to.

    `values` are parameters and pseudo parameters; `ref` and `attribute` answer for resources; `export`
    for other stacks' exports; `secret` for dynamic references. `conditions` is filled by `evaluate_conditions`.
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
            raise invalid(f"Template error: {name} is not a function that this template may use")
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


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    logical, attribute = _listed(parts, "Fn::GetAtt", (2,))
    return scope.attribute(logical, resolve(attribute, scope))


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
        if name in own:
            return _text(own[name])
        found = scope.attribute(*name.split(".", 1)) if "." in name else _ref(name, scope)
        return _text(found)

    return str(SUB.sub(filled, text))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = _listed(argument, "Fn::Join", (2,))
    found = resolve(items, scope)
    if not isinstance(found, list) or any(isinstance(one, dict | list) for one in found):
        raise invalid(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined."
        )
    return str(resolve(delimiter, scope)).join(map(_text, found))


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = resolve(_listed(argument, "Fn::Split", (2,)), scope)
    if not isinstance(text, str) or not delimiter:
        raise invalid(
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split."
        )
    return text.split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = resolve(_listed(argument, "Fn::Select", (2,)), scope)
    items = items.split(",") if isinstance(items, str) else items
    if not str(index).isdigit() or not isinstance(items, list) or int(index) >= len(items):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    found = resolve(_listed(argument, "Fn::FindInMap", (3, 4)), scope)
    name, top, second = (str(one) for one in found[:3])
    try:
        return scope.template["Mappings"][name][top][second]
    except KeyError:
        if len(found) == 4 and isinstance(found[3], dict) and "DefaultValue" in found[3]:
            return found[3]["DefaultValue"]
        raise invalid(f"Template error: Unable to get mapping for {name}::{top}::{second}") from None


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = _listed(argument, "Fn::If", (3,))
    if name not in scope.conditions:
        raise invalid(f"Template error: unresolved condition dependency {name}")
    return resolve(yes if scope.conditions[name] else no, scope)


def _import(argument: Any, scope: Scope) -> str:
    return scope.export(_text(resolve(argument, scope)))


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text(resolve(argument, scope)).encode()).decode()


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.values["AWS::Region"]
    return [f"{region}{letter}" for letter in ZONES]


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = resolve(_listed(argument, "Fn::Cidr", (2, 3)), scope)
    try:
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits[0] if bits else 8))
        return [str(next(subnets)) for _ in range(int(count))]
    except (ValueError, StopIteration, TypeError):
        raise invalid(f"Template error: Fn::Cidr cannot cut {count} blocks out of {block}") from None


def _length(argument: Any, scope: Scope) -> int:
    found = resolve(argument, scope)
    if not isinstance(found, list):
        raise invalid("Template error: Fn::Length requires a list.")
    return len(found)


def _to_json(argument: Any, scope: Scope) -> str:
    return json.dumps(resolve(argument, scope), separators=(",", ":"))


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
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
}


def evaluate_conditions(scope: Scope) -> None:
    """Every condition of the template, in whatever order they stand."""
    for name in scope.template["Conditions"]:
        _condition(name, scope, ())


def _condition(name: str, scope: Scope, path: tuple[str, ...]) -> bool:
    if name in path:
        raise invalid(f"Template format error: Circular dependency between conditions: [{', '.join(path)}]")
    if name not in scope.conditions:
        scope.conditions[name] = _truth(scope.template["Conditions"][name], scope, (*path, name))
    return scope.conditions[name]


def _truth(expression: Any, scope: Scope, path: tuple[str, ...]) -> bool:
    if not isinstance(expression, dict) or len(expression) != 1:
        raise invalid(f"Template format error: Every Conditions member must be a condition function: {path[0]}")
    ((name, argument),) = expression.items()
    if name == "Condition":
        return _condition(argument, scope, path)
    if name == "Fn::Equals":
        first, second = resolve(_listed(argument, name, (2,)), scope)
        return _text(first) == _text(second)
    if name not in ("Fn::And", "Fn::Or", "Fn::Not") or not isinstance(argument, list):
        raise invalid(f"Template format error: {name} is no condition function ({path[0]})")
    found = [_truth(one, scope, path) for one in argument]
    if name == "Fn::Not":
        return not _listed(found, name, (1,))[0]
    return all(_listed(found, name, tuple(range(2, 11)))) if name == "Fn::And" else any(found)
