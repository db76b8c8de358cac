"""What the parts of a template refer to, and whether it is there (User Guide: "Intrinsic functions"). Pure."""

import re
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid

Template = dict[str, Any]
PSEUDO = ("AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId",
          "AWS::StackName", "AWS::URLSuffix")  # fmt: skip
SUB = re.compile(r"\$\{(!?)([^}]*)\}")


def functions(value: Any, conditions: dict[str, bool] | None = None) -> Iterator[tuple[str, Any]]:
    """(name, argument) of every map of one member in a value: each that may be a function.

    With `conditions`, of an Fn::If only the branch that is taken.
    """
    if isinstance(value, list):
        for item in value:
            yield from functions(item, conditions)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((name, argument),) = value.items()
            yield name, argument
            value = {name: _taken(name, argument, conditions)}
        for item in value.values():
            yield from functions(item, conditions)


def references(value: Any, conditions: dict[str, bool] | None = None) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that a value refers to: Ref, Fn::GetAtt, Fn::If, Fn::FindInMap, with those inside Fn::Sub."""
    for name, argument in functions(value, conditions):
        yield from _of_function(name, argument)


def _taken(name: str, argument: Any, conditions: dict[str, bool] | None) -> Any:
    if name != "Fn::If" or conditions is None or not isinstance(argument, list) or len(argument) != 3:
        return argument
    return argument[1] if conditions.get(argument[0], True) else argument[2]


def _of_function(name: str, argument: Any) -> Iterator[tuple[str, str]]:
    first = argument[0] if isinstance(argument, list) and argument else None
    if name == "Ref" and isinstance(argument, str):
        yield "Ref", argument
    elif name == "Fn::GetAtt":
        target = argument.split(".")[0] if isinstance(argument, str) else first
        if isinstance(target, str):
            yield "Fn::GetAtt", target
    elif name in ("Fn::If", "Fn::FindInMap") and isinstance(first, str):
        yield name, first
    elif name == "Fn::Sub":
        yield from _in_sub(argument)


def _in_sub(argument: Any) -> Iterator[tuple[str, str]]:
    text, given = argument, {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        text, given = argument
    for literal, name in SUB.findall(text) if isinstance(text, str) else []:
        name = name.strip()
        if not literal and name not in given:
            yield ("Fn::GetAtt", name.split(".")[0]) if "." in name else ("Ref", name)


def check_references(template: Template) -> None:
    """Refuse what refers to nothing."""
    for section in ("Resources", "Outputs"):
        _check_section(template, section)
    for name, expression in template["Conditions"].items():
        _check_condition(template, name, expression)


def _check_section(template: Template, section: str) -> None:
    known = {*template["Resources"], *template["Parameters"], *PSEUDO}
    missing = set()
    for name, declared in template[section].items():
        found = list(references(declared))
        missing |= {target for kind, target in found if kind == "Ref" and target not in known}
        for kind, target in found:
            _check_one(template, section, kind, target)
        _check_own_condition(template, section, name, declared)
        if section == "Resources":
            depends = declared.get("DependsOn", [])
            missing |= set([depends] if isinstance(depends, str) else depends) - set(template["Resources"])
    if missing:
        where = f"[{', '.join(sorted(missing))}] in the {section} block of the template"
        raise invalid(f"Template format error: Unresolved resource dependencies {where}")


def _check_one(template: Template, section: str, kind: str, target: str) -> None:
    if kind == "Fn::GetAtt" and target not in template["Resources"]:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {target}")
    if kind == "Fn::If" and target not in template["Conditions"]:
        raise invalid(
            f"Template error: unresolved condition dependency {target} in the {section} block of the template"
        )
    if kind == "Fn::FindInMap" and target not in template["Mappings"]:
        raise invalid(f"Template error: Mapping named '{target}' is not present in the 'Mappings' section of template.")


def _check_own_condition(template: Template, section: str, name: str, declared: Template) -> None:
    condition = declared.get("Condition")
    if condition is not None and condition not in template["Conditions"]:
        kind = "resource" if section == "Resources" else "output"
        raise invalid(f"Template format error: Condition '{condition}' for {kind} '{name}' is not defined.")


def _check_condition(template: Template, name: str, expression: Any) -> None:
    for kind, target in references(expression):
        good = target in template["Parameters"] or target in PSEUDO
        if kind == "Fn::GetAtt" or (kind == "Ref" and not good):
            why = "Cannot reference resources in the Conditions block of the template"
            raise invalid(f"Template format error: Unresolved dependencies [{target}]. {why}")
        _check_one(template, "Conditions", kind, target)
    for target in named_conditions(expression):
        if target not in template["Conditions"]:
            raise invalid(f"Template format error: Unresolved condition dependency {target} in condition {name}")


def named_conditions(value: Any) -> Iterator[str]:
    """The conditions that a condition is made of."""
    if isinstance(value, list):
        for item in value:
            yield from named_conditions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Condition" and isinstance(item, str):
                yield item
            else:
                yield from named_conditions(item)
