"""A stack's parameters: what is given, what is kept, what is allowed (User Guide: "Parameters")."""

import re
import warnings
from typing import Any

from labsupport.cloud.core.call import Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.template import Template, is_number

Given = list[dict[str, Any]]
LONGEST = 4096  # bytes of a value
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def chosen(template: Template, given: Given, before: dict[str, str]) -> dict[str, str]:
    """The text of every parameter: given, kept from before (UsePreviousValue), or the default."""
    declared = template["Parameters"]
    values = _given(given, before)
    unknown = sorted(set(values) - set(declared))
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for name, rule in declared.items():
        if name not in values and "Default" in rule:
            values[name] = plain(rule["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, rule in declared.items():
        check(name, rule, values[name])
    return values


def _given(given: Given, before: dict[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for one in given:
        name = one.get("ParameterKey")
        if not name:
            raise invalid("Parameters must have a ParameterKey.")
        if one.get("UsePreviousValue"):
            if one.get("ParameterValue"):
                both = f"Invalid input for parameter key {name}."
                raise invalid(f"{both} Cannot specify usePreviousValue as true and a parameter value at the same time")
            if name not in before:
                why = "Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                raise invalid(f"Invalid input for parameter key {name}. {why}")
            values[name] = before[name]
        elif "ParameterValue" in one:
            values[name] = one["ParameterValue"]
    return values


def plain(value: Any) -> str:
    """A template's scalar as a parameter's text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_list(kind: str) -> bool:
    return kind.startswith("List<") or kind == "CommaDelimitedList"


def check(name: str, rule: dict[str, Any], value: str) -> None:
    """A value against its parameter's constraints, each part of a list by itself."""
    kind = rule["Type"]
    if len(value.encode(errors="replace")) > LONGEST:
        raise invalid(f"Parameter '{name}' must have at most {LONGEST} bytes.")
    parts = [part.strip() for part in value.split(",")] if is_list(kind) else [value]
    for part in parts:
        if kind in ("Number", "List<Number>") and not is_number(part):
            raise invalid(f"Parameter '{name}' must be a number.")
        problem = _problem(rule, part)
        if problem:
            text = rule.get("ConstraintDescription")
            told = f"Parameter {name} failed to satisfy constraint: {text}" if text else f"Parameter '{name}' {problem}"
            raise invalid(told)


def _problem(rule: dict[str, Any], value: str) -> str:
    if rule.get("AllowedValues") and value not in [plain(one) for one in rule["AllowedValues"]]:
        return "must be one of AllowedValues"
    pattern = rule.get("AllowedPattern")
    if pattern is not None and not _fits(str(pattern), value):
        return f"must match pattern {pattern}"
    if "MinLength" in rule and len(value) < float(rule["MinLength"]):
        return f"must contain at least {rule['MinLength']} characters"
    if "MaxLength" in rule and len(value) > float(rule["MaxLength"]):
        return f"must contain at most {rule['MaxLength']} characters"
    if "MinValue" in rule and is_number(value) and float(value) < float(rule["MinValue"]):
        return f"must be a number not less than {rule['MinValue']}"
    if "MaxValue" in rule and is_number(value) and float(value) > float(rule["MaxValue"]):
        return f"must be a number not greater than {rule['MaxValue']}"
    return ""


def _fits(pattern: str, value: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what other languages mean by the same expression
            return re.fullmatch(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        raise invalid(f"Template format error: the pattern {pattern} is not a valid regular expression.") from None


def resolved(template: Template, values: dict[str, str], ssm: Client) -> dict[str, Any]:
    """What Ref gives for each parameter: lists split, Parameter Store's values fetched as the caller."""
    return {name: _resolved(rule["Type"], values[name], ssm) for name, rule in template["Parameters"].items()}


def _resolved(kind: str, value: str, ssm: Client) -> Any:
    match = _SSM_VALUE.fullmatch(kind)
    if match:
        return _listed(match[1], _fetched(value, ssm))
    if kind == "AWS::SSM::Parameter::Name":
        _fetched(value, ssm)
    return _listed(kind, value)


def _fetched(name: str, ssm: Client) -> str:
    try:
        found = ssm.get_parameter(Name=name)["Parameter"]
    except AwsError as error:
        if error.code not in ("ParameterNotFound", "ParameterVersionNotFound", "ValidationException"):
            raise
        raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.") from None
    if found["Type"] == "SecureString":
        raise invalid(f"Parameters [{name}] referenced by template have types not supported by CloudFormation.")
    return str(found["Value"])


def _listed(kind: str, value: str) -> Any:
    return [part.strip() for part in value.split(",")] if is_list(kind) else value
