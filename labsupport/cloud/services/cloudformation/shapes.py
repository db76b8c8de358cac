"""Whether functions are written as functions are: their arguments' shapes, before any value is known. Pure.

The sentences are AWS's (Template Reference: "Intrinsic function reference"); what an argument comes to is checked
once more when it is resolved.
"""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.references import functions

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _function(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    name = next(iter(value))
    return name == "Ref" or name.startswith("Fn::")


def _value(value: Any) -> bool:
    return _plain(value) or _function(value)


def _items(value: Any) -> bool:
    return isinstance(value, list) or _function(value)


def _list_of(*checks: Check) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, list) or len(value) != len(checks):
            return False
        return all(one(item) for one, item in zip(checks, value, strict=True))

    return check


def _get_att(value: Any) -> bool:
    if isinstance(value, str):
        return all(value.partition("."))
    return _list_of(_text, lambda name: _text(name) or _function(name))(value)


def _sub(value: Any) -> bool:
    return isinstance(value, str) or _list_of(lambda text: isinstance(text, str), lambda own: isinstance(own, dict))(
        value
    )


def _cidr(value: Any) -> bool:
    return _function(value) or (isinstance(value, list) and len(value) in (2, 3) and all(map(_value, value)))


def _conditions(least: int, most: int) -> Check:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(_condition, value))


def _condition(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in CONDITION_FUNCTIONS


CONDITION_FUNCTIONS = ("Condition", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals")
RULE_FUNCTIONS = (
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
)
_SHAPES: dict[str, tuple[Check, str]] = {
    "Ref": (_text, "every Ref object must have a single String value."),
    "Fn::GetAtt": (
        _get_att,
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    "Fn::Sub": (
        _sub,
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, "
        "and an optional second argument to specify a mapping of values to replace in the string",
    ),
    "Fn::Join": (
        _list_of(lambda text: isinstance(text, str), _items),
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined "
        "or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
    ),
    "Fn::Split": (
        _list_of(_text, _value),
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a "
        "function that returns a string to be split.",
    ),
    "Fn::Select": (
        _list_of(_value, _items),
        "every Fn::Select object requires two parameters, (1) an integer index and (2) a list to select from.",
    ),
    "Fn::FindInMap": (
        _list_of(_value, _value, _value),
        "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return "
        "value",
    ),
    "Fn::If": (
        lambda value: isinstance(value, list) and len(value) == 3 and _text(value[0]),
        "Fn::If requires a list argument with three parameters",
    ),
    "Fn::ImportValue": (
        _value,
        "the attribute in Fn::ImportValue must be a string or a function that returns a string",
    ),
    "Fn::Base64": (_value, "every Fn::Base64 object must have a String-typed value."),
    "Fn::GetAZs": (_value, "every Fn::GetAZs object must have a String-typed value."),
    "Fn::Cidr": (
        _cidr,
        "every Fn::Cidr object requires an IP block, a count of blocks, and optionally a number of bits.",
    ),
    "Fn::And": (
        _conditions(2, 10),
        "every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
    ),
    "Fn::Or": (
        _conditions(2, 10),
        "every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.",
    ),
    "Fn::Not": (_conditions(1, 1), "every Fn::Not object requires one boolean parameter."),
    "Fn::Equals": (_list_of(_value, _value), "every Fn::Equals object requires a list of 2 string parameters."),
}
_NOT_IN_CONDITIONS = ("Fn::GetAtt", "Fn::ImportValue", "Fn::GetAZs", "Fn::Cidr", "Fn::Base64")


def check_functions(template: dict[str, Any]) -> None:
    """Every function of resources, outputs and conditions. Raises ValidationError for the first that is malformed."""
    for section in ("Resources", "Outputs", "Conditions"):
        for declared in template[section].values():
            for function in functions(_part(section, declared)):
                _check(*function)
    for name, expression in template["Conditions"].items():
        if not _condition(expression):
            must = "Conditions can only be boolean operations on parameters and other conditions"
            raise invalid(f"Template format error: {must}: {name}")
        for used, _ in functions(expression):
            _check_in_condition(used)


def _part(section: str, declared: Any) -> Any:
    if section == "Resources":
        return declared.get("Properties", {})
    return [declared["Value"], declared.get("Export", {}).get("Name", "")] if section == "Outputs" else declared


def _check(name: str, argument: Any) -> None:
    if name in _SHAPES:
        fits, sentence = _SHAPES[name]
        if not fits(argument):
            raise invalid(f"Template error: {sentence}")
    elif name == "Fn::Transform":
        return
    elif name.startswith("Fn::"):
        known = ", ".join(sorted(one for one in _SHAPES if one.startswith("Fn::")))
        raise invalid(
            f"Template format error: Encountered unsupported function: {name} Supported functions are: [{known}]"
        )


def _check_in_condition(name: str) -> None:
    if name in _NOT_IN_CONDITIONS:
        raise invalid(f"Template format error: {name} cannot be used in the Conditions block of the template")


def check_rules(rules: dict[str, Any]) -> None:
    """The section Rules: a condition, and assertions that have to hold (User Guide: "Rules")."""
    for name, rule in rules.items():
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list) or not rule["Assertions"]:
            raise invalid(f"Template format error: Rule {name} must contain a list of Assertions.")
        unknown = [key for key in rule if key not in ("RuleCondition", "Assertions")]
        if unknown:
            raise invalid(f"Template format error: Invalid rule property '{unknown[0]}' in rule {name}")
        for one in rule["Assertions"]:
            if not isinstance(one, dict) or "Assert" not in one or set(one) - {"Assert", "AssertDescription"}:
                raise invalid(f"Template format error: Every assertion of rule {name} must contain an Assert member.")
