"""Which actions there are and which resources they take (AWS Service Authorization Reference). Read on first use.

All services are there by their actions' names; those that the lab has, or whose neighbours, also with the types of
resources that each action takes, and the ARN of each type.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

_FILE = Path(__file__).parent / "service_reference.json"


@cache
def services() -> dict[str, dict[str, Any]]:
    """By the prefix of a service's actions: `actions` (names, or name -> types), `resources` (type -> ARN)."""
    found: dict[str, dict[str, Any]] = msgspec.json.decode(_FILE.read_bytes())["services"]
    return found


@cache
def actions_of(prefix: str) -> dict[str, tuple[str, ...] | None]:
    """The actions of a service in AWS's spelling, each with its types of resources; None where those aren't known."""
    actions = services().get(prefix, {}).get("actions", "")
    if isinstance(actions, str):
        return dict.fromkeys(actions.split())
    return {name: tuple(types.split()) for name, types in actions.items()}


def arn_of(prefix: str, resource_type: str) -> str:
    """The ARN of a type of resource, with places such as `${Region}`."""
    return str(services().get(prefix, {}).get("resources", {}).get(resource_type, ""))
