"""A template's structure, checked before anything is done (User Guide: "Template sections"). Pure."""

import re
from functools import lru_cache
from typing import Any

from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.reading import read
from labsupport.cloud.services.cloudformation.references import check_references
from labsupport.cloud.services.cloudformation.shapes import check_functions, check_rules

Template = dict[str, Any]
SECTIONS = ("AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions",
            "Transform", "Hooks", "Resources", "Outputs")  # fmt: skip
RESOURCE_KEYS = ("Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
                 "CreationPolicy", "UpdatePolicy", "Description")  # fmt: skip
PARAMETER_KEYS = ("Type", "Default", "AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue",
                  "MaxValue", "Description", "ConstraintDescription", "NoEcho")  # fmt: skip
_SINGULAR = {"Parameters": "Parameter", "Resources": "Resource", "Outputs": "Output", "Conditions": "Condition"}
_ID = re.compile(r"[A-Za-z0-9]{1,255}")
_PARAMETER_TYPES = re.compile(
    r"String|Number|List<Number>|List<String>|CommaDelimitedList"
    r"|AWS::SSM::Parameter::Name"
    r"|AWS::SSM::Parameter::Value<(String|CommaDelimitedList|List<(String|AWS::[A-Za-z0-9:]+)>|AWS::[A-Za-z0-9:]+)>"
    r"|AWS::(EC2|Route53)::[A-Za-z:]+|List<AWS::(EC2|Route53)::[A-Za-z:]+>"
)
_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "Snapshot", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}
_MOST = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200}
_LONGEST_DESCRIPTION = 1024  # bytes
_KEPT_TEMPLATES = 64


@lru_cache(_KEPT_TEMPLATES)
def parse(text: str) -> Template:
    """The template of a text, its sections filled in; not to be changed. ValidationError says what is wrong, and where.

    What AWS takes passes here, also what this lab cannot make: that is said where a stack is asked for.
    """
    template = read(text)
    unknown = [name for name in template if name not in SECTIONS]
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    _check_head(template)
    for name in ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"):
        _check_section(template, name)
    if not template["Resources"]:
        raise invalid("Template format error: At least one Resources member must be defined.")
    _check_parameters(template["Parameters"])
    _check_mappings(template["Mappings"])
    _check_resources(template["Resources"], bool(transforms(template)))
    _check_outputs(template["Outputs"], bool(transforms(template)))
    check_rules(template["Rules"])
    if not transforms(template):  # a macro may bring the functions and resources that are missing before it ran
        check_functions(template)
        check_references(template)
    return template


def transforms(template: Template) -> list[str]:
    """The macros that the whole template goes through."""
    declared = template.get("Transform", [])
    found = declared if isinstance(declared, list) else [declared]
    return [str(one.get("Name", one)) if isinstance(one, dict) else str(one) for one in found]


def _check_head(template: Template) -> None:
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise invalid(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    text = template.get("Description", "")
    if not isinstance(text, str):
        raise invalid("Template format error: Description is of the wrong type. Expected a string.")
    if len(text.encode(errors="replace")) > _LONGEST_DESCRIPTION:
        raise invalid(f"Template format error: 'Description' length is greater than {_LONGEST_DESCRIPTION}.")


def _check_section(template: Template, name: str) -> None:
    section = template.setdefault(name, {})
    if not isinstance(section, dict):
        raise invalid(f"Template format error: [/{name}] object is of the wrong type. Expected a map.")
    if len(section) > _MOST.get(name, 500):
        number = f"Number of {name.lower()}, {len(section)}, is greater than maximum allowed, {_MOST.get(name, 500)}"
        raise invalid(f"Template format error: {number}")
    for logical in section:
        if not _ID.fullmatch(logical) and name in _SINGULAR and not logical.startswith("Fn::"):
            raise invalid(f"Template format error: {_SINGULAR[name]} name {logical} is non alphanumeric.")


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
        _check_constraints(name, declared)


def _check_constraints(name: str, declared: Template) -> None:
    allowed = declared.get("AllowedValues", [])
    if not isinstance(allowed, list) or any(isinstance(one, list | dict) for one in allowed):
        place = f"[/Parameters/{name}/AllowedValues]"
        raise invalid(f"Template format error: {place} is of the wrong type. Expected a list of strings.")
    for key in ("Default", "Description", "ConstraintDescription", "AllowedPattern", "NoEcho"):
        if isinstance(declared.get(key), list | dict):
            raise invalid(f"Template format error: Every {key} member must be a string: /Parameters/{name}")
    for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        if key in declared and not is_number(declared[key]):
            raise invalid(f"Template format error: Every {key} member must be a number: /Parameters/{name}")


def is_number(value: Any) -> bool:
    """A number, or a text that is one, of a size that can be reckoned with."""
    return not isinstance(value, bool) and re.fullmatch(r"[-+]?[0-9]{1,300}(\.[0-9]+)?", str(value)) is not None


def _check_mappings(mappings: Template) -> None:
    for name, tops in mappings.items():
        if not isinstance(tops, dict) or not all(isinstance(second, dict) for second in tops.values()):
            raise invalid(f"Template format error: Every Mappings attribute must be a map of maps: {name}")
        for second in tops.values():
            for key, value in second.items():
                items = value if isinstance(value, list) else [value]
                if any(isinstance(one, list | dict) for one in items):
                    raise invalid(f"Template format error: Every Mappings attribute must be a String or a List: {key}")


def _check_resources(resources: Template, transformed: bool) -> None:
    unknown_types = set()
    for name, declared in resources.items():
        if transformed and name.startswith("Fn::"):
            continue
        place = f"/Resources/{name}"
        if not isinstance(declared, dict):
            raise invalid(f"Template format error: [{place}] object is of the wrong type. Expected a map.")
        if not isinstance(declared.get("Type"), str):
            raise invalid(f"Template format error: [{place}] Every Resources object must contain a Type member.")
        unknown = [key for key in declared if key not in RESOURCE_KEYS]
        if unknown and not transformed:
            raise invalid(f"Invalid template resource property '{unknown[0]}'")
        _check_options(place, declared, transformed)
        if not transformed and not schemas.exists_at_aws(declared["Type"]):
            unknown_types.add(declared["Type"])
    if unknown_types:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(sorted(unknown_types))}]")


def _check_options(place: str, declared: Template, transformed: bool) -> None:
    if not isinstance(declared.get("Properties", {}), dict):
        raise invalid(f"Template format error: [{place}/Properties] object is of the wrong type. Expected a map.")
    for key, known in _POLICIES.items():
        if key in declared and declared[key] not in known and not transformed:
            raise invalid(f"Template format error: Unrecognized {key} {declared[key]} for resource {place[11:]}")
        if declared.get(key) == "Snapshot" and schemas.of(declared["Type"]):
            kind = declared["Type"]
            raise invalid(f"Template error: resource type {kind} does not support {_words(key)} Snapshot")
    if not all(isinstance(one, str) for one in depends_on(declared)):
        raise invalid(f"Template format error: DependsOn of {place} must be a string or a list of strings.")
    if "Condition" in declared and not isinstance(declared["Condition"], str):
        raise invalid(f"Template format error: Every Condition member must be a string: {place}")


def _words(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r" \1", key).lower()


def _check_outputs(outputs: Template, transformed: bool) -> None:
    for name, declared in outputs.items():
        if transformed and name.startswith("Fn::"):
            continue
        if not isinstance(declared, dict) or "Value" not in declared:
            raise invalid(f"Template format error: Every Outputs object must contain a Value object: {name}")
        unknown = [key for key in declared if key not in ("Value", "Description", "Export", "Condition")]
        if unknown:
            raise invalid(f"Invalid template output property '{unknown[0]}'")
        for key in ("Description", "Condition"):
            if not isinstance(declared.get(key, ""), str):
                raise invalid(f"Template format error: Every {key} member must be a string: /Outputs/{name}")
        export = declared.get("Export", {"Name": ""})
        if not isinstance(export, dict) or list(export) != ["Name"]:
            must = "The Name field of every Export member must be specified."
            raise invalid(f"Template format error: Output {name} is malformed. {must}")


def depends_on(declared: Template) -> list[Any]:
    names = declared.get("DependsOn", [])
    return names if isinstance(names, list) else [names]
