"""The properties of resource types, from AWS's registry schemas, and checks of a resource against them. Pure."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from labsupport.cloud.services.cloudformation.base import invalid

Schema = dict[str, Any]
_HERE = Path(__file__).parent
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


_NAMES = {  # of types that are identified by an ARN or an address
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}


@cache
def _all() -> dict[str, Schema]:
    found: dict[str, Schema] = msgspec.json.decode((_HERE / "resource_schemas.json").read_bytes())
    return found


@cache
def _names() -> dict[str, list[str]]:
    """Names of resource types at AWS, by service: to tell what AWS doesn't know from what isn't here."""
    found: dict[str, list[str]] = msgspec.json.decode((_HERE / "resource_names.json").read_bytes())
    return found


def exists_at_aws(name: str) -> bool:
    if name.startswith("Custom::"):
        return True
    parts = name.split("::")
    return (
        len(parts) == 3 and parts[0] in ("AWS", "Alexa") and (parts[2] in _names().get(parts[1], ()) or name in _all())
    )


def of(name: str) -> Schema | None:
    """The schema of a type that the lab can make."""
    return _all().get(name)


def creates_only(name: str, changed: set[str]) -> bool:
    """Whether any of the changed properties can be set at creation only, so that the resource has to be replaced."""
    only = {path.split("/")[2] for path in (of(name) or {}).get("createOnlyProperties", [])}
    return bool(only & changed)


def identifiers(name: str) -> list[str]:
    """The properties by which a template may name a resource of this type; none where AWS makes up its name."""
    if name in _NAMES:
        return [_NAMES[name]]
    schema = of(name) or {}
    made_up = {path.split("/")[2] for path in schema.get("readOnlyProperties", [])}
    found = [path.split("/")[2] for path in schema.get("primaryIdentifier", [])]
    return [] if made_up & set(found) else found


def shaped(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties with their scalars as the schema has them: AWS takes `"true"` for true and 5 for `"5"`."""
    schema = of(name)
    return _shaped(schema, schema, properties) if schema else properties


def _shaped(root: Schema, schema: Schema, value: Any) -> Any:
    schema = _followed(root, schema)
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {key: _shaped(root, inner.get(key, {}), item) for key, item in value.items()}
    if isinstance(value, list):
        items = schema.get("items")
        return [_shaped(root, items if isinstance(items, dict) else {}, one) for one in value]
    kind = schema.get("type")
    return _SHAPERS[kind](value) if isinstance(kind, str) and kind in _SHAPERS else value


def _to_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _to_truth(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower(), value)


def _to_number(value: Any) -> Any:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return float(value) if "." in value else int(value)


_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_SHAPERS: dict[str, Callable[[Any], Any]] = {
    "string": _to_text,
    "boolean": _to_truth,
    "integer": _to_number,
    "number": _to_number,
}


def check(logical: str, name: str, properties: dict[str, Any]) -> None:
    """Refuse properties that the type doesn't have, lacks, or has of another kind; with AWS's sentence and place."""
    schema = of(name)
    if schema is None:
        return
    problem = _problem(schema, schema, properties, "#")
    if problem:
        raise invalid(f"Properties validation failed for resource {logical} with message:\n{problem}")


def _problem(root: Schema, schema: Schema, value: Any, place: str) -> str:
    schema = _followed(root, schema)
    kinds = schema.get("type", [])
    allowed = tuple(one for kind in ([kinds] if isinstance(kinds, str) else kinds) for one in _KINDS.get(kind, ()))
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        wanted = kinds if isinstance(kinds, str) else " or ".join(kinds)
        return f"{place}: expected type: {wanted.capitalize()}, found: {_kind_of(value)}"
    if isinstance(value, dict) and "properties" in schema:
        return _problem_of_object(root, schema, value, place)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return next(
            filter(
                None, (_problem(root, schema["items"], one, f"{place}/{number}") for number, one in enumerate(value))
            ),
            "",
        )
    if "enum" in schema and value not in schema["enum"]:
        return f"{place}: {value} is not a valid enum value"
    return ""


def _problem_of_object(root: Schema, schema: Schema, value: dict[str, Any], place: str) -> str:
    read_only = {path.split("/")[2] for path in root.get("readOnlyProperties", [])} if place == "#" else set()
    for name in value:
        if name in read_only or (name not in schema["properties"] and schema.get("additionalProperties") is False):
            return f"{place}: extraneous key [{name}] is not permitted"
    for name in schema.get("required", []):
        if name not in value:
            return f"{place}: required key [{name}] not found"
    found = (
        _problem(root, schema["properties"].get(name, {}), item, f"{place}/{name}") for name, item in value.items()
    )
    return next(filter(None, found), "")


def _followed(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _kind_of(value: Any) -> str:
    return {dict: "JSONObject", list: "JSONArray", str: "String", bool: "Boolean"}.get(type(value), "Number")
