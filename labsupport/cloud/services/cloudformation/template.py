"""A template's structure, checked before anything is done (User Guide: "Template sections"). Pure."""

import re
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.base import invalid, not_here
from labsupport.cloud.services.cloudformation.reading import read

Template = dict[str, Any]
SECTIONS = ("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions",
            "Transform", "Hooks", "Resources", "Outputs")  # fmt: skip
RESOURCE_KEYS = ("Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
                 "CreationPolicy", "UpdatePolicy")  # fmt: skip
PARAMETER_KEYS = ("Type", "Default", "AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue",
                  "Description", "ConstraintDescription", "NoEcho")  # fmt: skip
PSEUDO = ("AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId",
          "AWS::StackName", "AWS::URLSuffix")  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9]{1,255}")
_PARAMETER_TYPES = re.compile(
    r"String|Number|List<Number>|List<String>|CommaDelimitedList|AWS::SSM::Parameter::(Name|Value<.+>)"
    r"|(List<)?AWS::(EC2|Route53)::[A-Za-z:]+>?"
)
_POLICIES = ("Delete", "Retain", "Snapshot", "RetainExceptOnCreate")
_MOST = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200}


def parse(text: str) -> Template:
    """The template of a text, its sections filled in. ValidationError says what is wrong with it, and where."""
    template = read(text)
    unknown = [name for name in template if name not in SECTIONS]
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise invalid(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    for name in ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"):
        _check_section(template, name)
    if not template["Resources"]:
        raise invalid("Template format error: At least one Resources member must be defined.")
    _refuse_transforms(template)
    _check_parameters(template["Parameters"])
    _check_mappings(template["Mappings"])
    _check_resources(template["Resources"])
    _check_outputs(template["Outputs"])
    _check_references(template)
    return template


def _check_section(template: Template, name: str) -> None:
    section = template.setdefault(name, {})
    if not isinstance(section, dict):
        raise invalid(f"Template format error: [/{name}] object is of the wrong type. Expected a map.")
    if len(section) > _MOST.get(name, 500):
        raise invalid(
            f"Template format error: Number of {name.lower()}, {len(section)}, is greater than maximum allowed, {_MOST[name]}"
        )
    for logical in section:
        if not _ID.fullmatch(logical) and name != "Mappings":
            kind = {"Parameters": "Parameter", "Resources": "Resource", "Outputs": "Output"}.get(name, name)
            raise invalid(f"Template format error: {kind} name {logical} is non alphanumeric.")


def _refuse_transforms(template: Template) -> None:
    transform = template.get("Transform")
    if transform:
        shown = transform if isinstance(transform, str) else ", ".join(map(str, transform))
        raise not_here(f"The transform {shown}")
    if template.get("Hooks"):
        raise not_here("The section Hooks")


def _check_parameters(parameters: Template) -> None:
    for name, declared in parameters.items():
        place = f"/Parameters/{name}"
        if not isinstance(declared, dict):
            raise invalid(f"Template format error: [{place}] object is of the wrong type. Expected a map.")
        unknown = [key for key in declared if key not in PARAMETER_KEYS]
        if unknown:
            raise invalid(f"Invalid template parameter property '{unknown[0]}'")
        kind = declared.get("Type")
        if kind is None:
            raise invalid(f"Template format error: Every Parameters object must contain a Type member: {name}")
        if not isinstance(kind, str) or not _PARAMETER_TYPES.fullmatch(kind):
            raise invalid(f"Template format error: Unrecognized parameter type: {kind}")
        if not isinstance(declared.get("AllowedValues", []), list):
            raise invalid(f"Template format error: [{place}/AllowedValues] is of the wrong type. Expected a list.")


def _check_mappings(mappings: Template) -> None:
    for name, tops in mappings.items():
        good = isinstance(tops, dict) and all(isinstance(second, dict) for second in tops.values())
        if not good:
            raise invalid(f"Template format error: Every Mappings attribute must be a map of maps: {name}")


def _check_resources(resources: Template) -> None:
    unknown_types = []
    for name, declared in resources.items():
        place = f"/Resources/{name}"
        if not isinstance(declared, dict):
            raise invalid(f"Template format error: [{place}] object is of the wrong type. Expected a map.")
        if not isinstance(declared.get("Type"), str):
            raise invalid(f"Template format error: [{place}] Every Resources object must contain a Type member.")
        unknown = [key for key in declared if key not in RESOURCE_KEYS]
        if unknown:
            raise invalid(f"Invalid template resource property '{unknown[0]}'")
        _check_options(place, declared)
        if not schemas.exists_at_aws(declared["Type"]):
            unknown_types.append(declared["Type"])
    if unknown_types:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(sorted(set(unknown_types)))}]")


def _check_options(place: str, declared: Template) -> None:
    if not isinstance(declared.get("Properties", {}), dict):
        raise invalid(f"Template format error: [{place}/Properties] object is of the wrong type. Expected a map.")
    for key in ("DeletionPolicy", "UpdateReplacePolicy"):
        if key in declared and declared[key] not in _POLICIES:
            raise invalid(
                f"Template format error: Unrecognized {key} {declared[key]} for resource {place.rsplit('/')[-1]}"
            )
    depends = declared.get("DependsOn", [])
    names = [depends] if isinstance(depends, str) else depends
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise invalid(f"Template format error: DependsOn of {place} must be a string or a list of strings.")
    if "Condition" in declared and not isinstance(declared["Condition"], str):
        raise invalid(f"Template format error: Every Condition member must be a string: {place}")
    if declared.get("CreationPolicy"):
        raise not_here(f"A CreationPolicy ({place})")


def _check_outputs(outputs: Template) -> None:
    for name, declared in outputs.items():
        if not isinstance(declared, dict) or "Value" not in declared:
            raise invalid(f"Template format error: Every Outputs object must contain a Value object: {name}")
        unknown = [key for key in declared if key not in ("Value", "Description", "Export", "Condition")]
        if unknown:
            raise invalid(f"Invalid template output property '{unknown[0]}'")
        if "Export" in declared and not (isinstance(declared["Export"], dict) and "Name" in declared["Export"]):
            raise invalid(
                f"Template format error: Output {name} is malformed. The Name field of every Export member must be specified."
            )


def depends_on(declared: Template) -> list[str]:
    names = declared.get("DependsOn", [])
    return [names] if isinstance(names, str) else names


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Every (kind, name) that a value refers to: Ref, GetAtt, Condition, with those inside Sub."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if len(value) == 1:
            ((name, argument),) = value.items()
            yield from _of_function(name, argument)
        for item in value.values():
            yield from references(item)


def _of_function(name: str, argument: Any) -> Iterator[tuple[str, str]]:
    if name == "Ref" and isinstance(argument, str):
        yield "Ref", argument
    elif name == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if isinstance(parts, list) and parts and isinstance(parts[0], str):
            yield "Fn::GetAtt", parts[0]
    elif name == "Fn::If" and isinstance(argument, list) and argument and isinstance(argument[0], str):
        yield "Fn::If", argument[0]
    elif name == "Fn::Sub":
        yield from _in_sub(argument)


SUB = re.compile(r"\$\{(!?)([^}]*)\}")


def _in_sub(argument: Any) -> Iterator[tuple[str, str]]:
    text, given = (argument, {}) if isinstance(argument, str) else (argument[0] if argument else "", {})
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        given = argument[1]
    for literal, name in SUB.findall(text) if isinstance(text, str) else []:
        if literal or name.strip() in given:
            continue
        name = name.strip()
        yield ("Fn::GetAtt", name.split(".")[0]) if "." in name else ("Ref", name)


def _check_references(template: Template) -> None:
    resources, parameters, conditions = template["Resources"], template["Parameters"], template["Conditions"]
    for section in ("Resources", "Outputs"):
        known = {*resources, *parameters, *PSEUDO}
        missing = set()
        for name, declared in template[section].items():
            for kind, target in references(declared):
                if kind == "Ref" and target not in known:
                    missing.add(target)
                elif kind == "Fn::GetAtt" and target not in resources:
                    raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {target}")
                elif kind == "Fn::If" and target not in conditions:
                    raise invalid(
                        f"Template validation error: Template error: unresolved condition dependency {target} in {section}"
                    )
            if "Condition" in declared and declared["Condition"] not in conditions:
                raise invalid(
                    f"Template format error: Condition '{declared['Condition']}' for resource '{name}' is not defined."
                )
        if missing:
            shown = ", ".join(sorted(missing))
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{shown}] in the {section} block of the template"
            )
    for name, declared in resources.items():
        unknown = [one for one in depends_on(declared) if one not in resources]
        if unknown:
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}] in the Resources block of the template"
            )
    _check_conditions(template)


def _check_conditions(template: Template) -> None:
    for name, expression in template["Conditions"].items():
        for kind, target in references(expression):
            if kind == "Fn::GetAtt" or (kind == "Ref" and target in template["Resources"]):
                raise invalid(
                    f"Template format error: Unresolved dependencies [{target}]. Cannot reference resources in the Conditions block of the template"
                )
            if kind == "Ref" and target not in template["Parameters"] and target not in PSEUDO:
                raise invalid(
                    f"Template format error: Unresolved dependencies [{target}]. Cannot reference resources in the Conditions block of the template"
                )
        for target in _named_conditions(expression):
            if target not in template["Conditions"]:
                raise invalid(f"Template format error: Unresolved condition dependency {target} in condition {name}")


def _named_conditions(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _named_conditions(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Condition" and isinstance(item, str):
                yield item
            else:
                yield from _named_conditions(item)
