"""The section Rules: what a template's parameters have to be among themselves (User Guide: "Rules"). Pure."""

from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid, not_here
from labsupport.cloud.services.cloudformation.functions import Scope, Test, resolve, truth


def check(scope: Scope) -> None:
    """Refuse parameters by which an assertion fails whose rule applies."""
    for name, rule in scope.template["Rules"].items():
        if "RuleCondition" in rule and not truth(rule["RuleCondition"], scope, (name,), _TESTS):
            continue
        for one in rule["Assertions"]:
            if not truth(one["Assert"], scope, (name,), _TESTS):
                why = one.get("AssertDescription") or f"an assertion of rule {name} does not hold"
                raise invalid(f"Template validation error: Rule {name} failed: {why}")


def _strings(value: Any, scope: Scope, name: str) -> list[str]:
    if isinstance(value, dict) and "Fn::RefAll" in value:
        return _all_of_type(value["Fn::RefAll"], scope)
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Fn::ValueOf", "Fn::ValueOfAll"):
        raise not_here(f"The rule function {next(iter(value))}")
    found = resolve(value, scope)
    if not isinstance(found, list) or any(isinstance(one, dict | list) for one in found):
        raise invalid(f"Template error: {name} requires a list of strings.")
    return [str(one) for one in found]


def _all_of_type(kind: Any, scope: Scope) -> list[str]:
    """`Fn::RefAll`: the values of all parameters of a type."""
    names = [name for name, rule in scope.template["Parameters"].items() if rule["Type"] == kind]
    values = [scope.values.get(name, "") for name in names]
    return [str(two) for one in values for two in (one if isinstance(one, list) else [one])]


def _pair(argument: Any, name: str) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid(f"Template error: every {name} object requires a list of 2 parameters.")
    return argument


def _contains(argument: Any, scope: Scope) -> bool:
    strings, one = _pair(argument, "Fn::Contains")
    return str(resolve(one, scope)) in _strings(strings, scope, "Fn::Contains")


def _each_equals(argument: Any, scope: Scope) -> bool:
    strings, one = _pair(argument, "Fn::EachMemberEquals")
    wanted = str(resolve(one, scope))
    return all(each == wanted for each in _strings(strings, scope, "Fn::EachMemberEquals"))


def _each_in(argument: Any, scope: Scope) -> bool:
    strings, others = _pair(argument, "Fn::EachMemberIn")
    return set(_strings(strings, scope, "Fn::EachMemberIn")) <= set(_strings(others, scope, "Fn::EachMemberIn"))


_TESTS: dict[str, Test] = {
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
}
