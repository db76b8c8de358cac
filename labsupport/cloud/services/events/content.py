"""What a target gets: the event, a part of it, a constant, or a text made from its parts. Pure.

EventBridge User Guide: "Amazon EventBridge input transformation".
"""

import json
import re
from typing import Any

Json = Any
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9._-]+)>")
_STRING_OR_PLACEHOLDER = re.compile(r'"(?:[^"\\]|\\.)*"|<([A-Za-z0-9._-]+)>')
_STEP = re.compile(r"""\.([^.\[\]"'*]+)|\[([0-9]{1,6})\]|\['([^']+)'\]""")
_PATH = re.compile(rf"\$(?:{_STEP.pattern})*")
PREDEFINED = (
    "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time", "aws.events.event.json",
    "aws.events.event",
)  # fmt: skip


def content(target: dict[str, Json], event: dict[str, Json], rule_arn: str) -> str:
    """The text for a target (PutTargets' form) of an event that a rule has matched."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(at(event, target["InputPath"]))
    if "InputTransformer" in target:
        return _transformed(target["InputTransformer"], event, rule_arn)
    return json.dumps(event)


def _transformed(transformer: dict[str, Json], event: dict[str, Json], rule_arn: str) -> str:
    values = {name: at(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event.json": event,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
    }
    template: str = transformer["InputTemplate"]
    if template.lstrip()[:1] not in ("{", "["):
        return _PLACEHOLDER.sub(lambda match: _plain(values.get(match[1])), template)
    return _STRING_OR_PLACEHOLDER.sub(lambda match: _in_json(match, values), template)


def _in_json(match: re.Match[str], values: dict[str, Json]) -> str:
    """Bare, a placeholder becomes a JSON value; within a string, its text."""
    if match[1] is not None:
        found = values.get(match[1])
        return json.dumps("" if found is None else found)
    return _PLACEHOLDER.sub(lambda inner: json.dumps(_plain(values.get(inner[1])))[1:-1], match[0])


def _plain(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def at(event: Json, path: str) -> Json:
    """`$.detail.state`, `$.resources[0]` in an event; `None` where it isn't there."""
    for name, number, quoted in _STEP.findall(path.removeprefix("$")):
        if number:
            event = event[int(number)] if isinstance(event, list) and int(number) < len(event) else None
        else:
            event = event.get(name or quoted) if isinstance(event, dict) else None
    return event


def is_path(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


def placeholders(template: str) -> list[str]:
    return _PLACEHOLDER.findall(template)
