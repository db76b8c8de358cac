"""A refused call, explained for people: what `lab why` and `lab.why()` print."""

import json
from typing import Any

Found = dict[str, Any]  # what the cloud's /_lab/why answers


def title(found: Found) -> str:
    """The refused action, as policies spell it: `s3:PutObject`."""
    return f"{found['event']['eventSource'].split('.')[0]}:{found['event']['eventName']}"


def story(found: Found) -> list[str]:
    """What was asked and what was looked at, a sentence or two each; how to allow it is told by `remedies`."""
    lines: list[str] = found["explanation"]
    return lines[: len(lines) - len(remedies(found))]


def remedies(found: Found) -> list[tuple[str, str]]:
    """Each place that needs a statement, and that statement as JSON; none where no statement helps."""
    missing = found["missing"]
    steps = [missing, *missing.get("also", [])] if missing.get("statement") else []
    return [(step["where"], json.dumps(step["statement"], indent=2)) for step in steps]


def words(found: Found) -> str:
    """All of it as text. Lines are not wrapped: that is for who shows them, and knows the width."""
    parts = [found["event"]["errorMessage"], "\n".join(f"• {line}" for line in story(found))]
    parts += [f"This would allow it, in {where}:\n{statement}" for where, statement in remedies(found)]
    return "\n\n".join(parts)
