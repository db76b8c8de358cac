"""Tags, whichever way a service writes them (AWS General Reference: "Tag naming limits and requirements")."""

from collections.abc import Iterable
from typing import Any

from labsupport.cloud.core.errors import AwsError

MOST = 50


def from_list(tags: Iterable[dict[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """`[{"Key": …, "Value": …}]` as a dict; `key` and `value` are the service's spelling."""
    return {tag[key]: tag.get(value) or "" for tag in tags or []}


def to_list(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def check(tags: dict[str, str], too_many: AwsError, reserved: AwsError) -> None:
    """At most 50, and none of AWS's own (`aws:`); the errors are the service's."""
    if len(tags) > MOST:
        raise too_many
    if any(name.lower().startswith("aws:") for name in tags):
        raise reserved


def merged(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    return {**old, **new}


def without(tags: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    gone = set(names)
    return {name: value for name, value in tags.items() if name not in gone}
