"""A stack's parameters: what is given, what is kept, what is allowed (User Guide: "Parameters")."""

import re
from typing import Any

from labsupport.cloud.core.call import Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.template import Template

Given = list[dict[str, Any]]
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def chosen(template: Template, given: Given, before: dict[str, str]) -> dict[str, str]:
    """The text of every parameter: given, kept from before (UsePreviousValue), or the default."""
    declared = template["Parameters"]
    values: dict[str, str] = {}
    for one in given:
        name = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            if name not in before:
                raise invalid(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                )
            values[name] = before[name]
        elif "ParameterValue" in one:
            values[name] = one["ParameterValue"]
    unknown = sorted(set(values) - set(declared))
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for name, rule in declared.items():
        if name not in values and "Default" in rule:
            values[name] = _plain(rule["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, rule in declared.items():
        check(name, rule, values[name])
    return values


def _plain(value: Any) -> str:
    return ",".join(map(_plain, value)) if isinstance(value, list) else str(value)


def check(name: str, rule: dict[str, Any], value: str) -> None:
    """A value against its parameter's constraints, each part of a list by itself."""
    kind = rule["Type"]
    parts = value.split(",") if kind.startswith("List<") or kind == "CommaDelimitedList" else [value]
    for part in parts:
        problem = _problem(rule, part.strip() if len(parts) > 1 else part)
        if problem:
            text = rule.get("ConstraintDescription")
            raise invalid(f"Parameter {name} failed to satisfy constraint: {text or problem}")
    if kind in ("Number", "List<Number>") and not all(_is_number(part.strip()) for part in parts):
        raise invalid(f"Parameter '{name}' must be a number.")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None


def _problem(rule: dict[str, Any], value: str) -> str:
    allowed = [_plain(one) for one in rule.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"Parameter must be one of AllowedValues: [{', '.join(allowed)}]"
    pattern = rule.get("AllowedPattern")
    if pattern and not _fits(pattern, value):
        return f"Parameter must match pattern {pattern}"
    for key, what, wrong in (("MinLength", "at least", -1), ("MaxLength", "at most", 1)):
        if key in rule and (len(value) - int(rule[key])) * wrong > 0:
            return f"Member must have length {what} {rule[key]}"
    for key, what, wrong in (("MinValue", "at least", -1), ("MaxValue", "at most", 1)):
        if key in rule and _is_number(value) and (float(value) - float(rule[key])) * wrong > 0:
            return f"Parameter must be {what} {rule[key]}"
    return ""


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value[:4096]) is not None
    except re.error:
        raise invalid(f"Template format error: the pattern {pattern} is not a valid regular expression.") from None


def resolved(template: Template, values: dict[str, str], ssm: Client) -> dict[str, Any]:
    """What Ref gives for each parameter: lists split, Parameter Store's values fetched as the caller."""
    return {name: _resolved(rule["Type"], values[name], ssm) for name, rule in template["Parameters"].items()}


def _resolved(kind: str, value: str, ssm: Client) -> Any:
    match = _SSM_VALUE.fullmatch(kind)
    if match:
        try:
            return _listed(match[1], ssm.get_parameter(Name=value)["Parameter"]["Value"])
        except AwsError as error:
            if error.code != "ParameterNotFound":
                raise
            raise invalid(f"Unable to fetch parameters [{value}] from parameter store for this account.") from None
    return _listed(kind, value)


def _listed(kind: str, value: str) -> Any:
    is_list = kind.startswith("List<") or kind == "CommaDelimitedList"
    return [part.strip() for part in value.split(",")] if is_list else value
