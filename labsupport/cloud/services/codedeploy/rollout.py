"""Which instances a deployment may begin with now, and when it is decided. Pure.

User Guide, "CodeDeploy instance health": an instance that is being deployed to, or where that has failed, is not
healthy.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """The instances to begin with, or the deployment's outcome: Succeeded, Failed, Stopped."""

    start: list[str]
    outcome: str = ""


def next_step(statuses: Mapping[str, str], minimum: int, stopping: bool = False) -> Step:
    """`statuses` are those of the instances in their order, `minimum` how many have to stay healthy."""
    pending = [name for name, status in statuses.items() if status == "Pending"]
    active = sum(status == "InProgress" for status in statuses.values())
    failed = sum(status == "Failed" for status in statuses.values())
    if stopping:
        return Step([], "" if active else "Stopped")
    room = len(statuses) - failed - active - minimum
    start = pending[: max(room, 0)]
    if start or active:
        return Step(start)
    succeeded = any(status == "Succeeded" for status in statuses.values())
    healthy = len(statuses) - failed >= minimum
    return Step([], "Succeeded" if succeeded and healthy and not pending else "Failed")
