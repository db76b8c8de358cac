"""The text of a template as plain data (CloudFormation User Guide: "CloudFormation template format").

The short forms of functions (`!Ref`) become the long ones here, so that nothing else knows of them.
"""

import json
from collections.abc import Callable
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.files.yamlfile import DocumentError, Limits, load

LARGEST = 1_000_000  # bytes; AWS's limit for a template in S3
_LIMITS = Limits(size=LARGEST, depth=64, nodes=100_000)
_NAME = "template"


def _named(name: str) -> Callable[[Any], Any]:
    return lambda value: {name: value}


def _get_att(value: Any) -> Any:
    """`!GetAtt Resource.Attribute.Nested` names its resource up to the first point."""
    return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}


_FUNCTIONS = [
    "And",
    "Base64",
    "Cidr",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetStackOutput",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "RefAll",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
]
TAGS: dict[str, Callable[[Any], Any]] = {
    "!Ref": _named("Ref"),
    "!Condition": _named("Condition"),
    "!GetAtt": _get_att,
    **{f"!{name}": _named(f"Fn::{name}") for name in _FUNCTIONS},
}


def read(text: str) -> dict[str, Any]:
    """A template's value. Raises ValidationError in AWS's words, with line and column where the text can't be read."""
    if len(text.encode(errors="replace")) > LARGEST:
        raise invalid(f"Template may not exceed {LARGEST} bytes in size.")
    value = _value(text)
    if not isinstance(value, dict):
        raise invalid("Template format error: unsupported structure.")
    _refuse_null(value, "")
    return value


def _value(text: str) -> Any:
    if text.lstrip().startswith("{") and (found := _json(text)) is not None:
        return found
    try:
        return load(text, _NAME, TAGS, _LIMITS)
    except DocumentError as error:
        kind = "JSON" if text.lstrip().startswith("{") else "YAML"
        place = f" (line {error.line}, column {error.column})" if error.line else ""
        hint = f" ({error.hint})" if error.hint else ""
        raise invalid(f"Template format error: {kind} not well-formed.{place}: {error.cause}{hint}") from None


def _json(text: str) -> Any:
    """JSON proper, where tabs may stand; `None` for anything else, which is then read (and explained) as YAML."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if _depth_exceeds(value, _LIMITS.depth):
        raise invalid(f"Template format error: the template goes deeper than the {_LIMITS.depth} levels that are read.")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _depth_exceeds(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _refuse_null(value: Any, path: str) -> None:
    if value is None:
        raise invalid(f"Template format error: [{path}] 'null' values are not allowed in templates")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_null(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_null(item, f"{path}/{index}")
