"""How a request was decided: who asked, which policies were looked at, what each said, and the outcome.

It draws the lab's record of a decision (`/_lab/why`). The order is that of IAM's "Policy evaluation logic".
"""

import textwrap
from itertools import pairwise
from typing import Any

from labsupport.diagrams.dot import STATES, edge, graph, node
from labsupport.diagrams.render import Picture

Decided = dict[str, Any]
Box = tuple[str, list[str], str]  # its name, what stands in it, and its state
ORDER = ("rcp", "scp", "endpoint", "resource", "trust", "identity", "boundary", "session")
KINDS = {
    "rcp": "resource control policies",
    "scp": "service control policies",
    "endpoint": "VPC endpoint policy",
    "resource": "resource-based policy",
    "trust": "role trust policy",
    "identity": "identity-based policies",
    "boundary": "permissions boundary",
    "session": "session policy",
}
FAILED = {
    "action": "another action",
    "resource": "another resource",
    "principal": "another caller",
    "condition": "a condition is not met",
}
SHOWN = 4  # policies of a kind that the picture names
WIDE = 60  # characters in a line


def decision(decided: Decided) -> Picture:
    """The path of a decision, as /_lab/why gives it under `decision`."""
    kinds = [kind for kind in ORDER if _of(decided, kind) or kind in decided["missing"]]
    boxes = [("who", lines_of("asks", _caller(decided)), "")]
    boxes += [(kind, _kind(decided, kind), _verdict(decided, kind)) for kind in kinds]
    boxes.append(("end", _end(decided), "Succeeded" if decided["allowed"] else "Failed"))
    return path(boxes)


def path(boxes: list[Box]) -> Picture:
    """Boxes one below the other, from who asks to the outcome."""
    source = graph(
        ["rankdir=TB ranksep=0.25"]
        + [node(name, "\n".join(lines), state) for name, lines, state in boxes]
        + [edge(one[0], two[0]) for one, two in pairwise(boxes)]
    )
    return Picture(source, "\n".join(_told(*box[1:]) for box in boxes))


def _of(decided: Decided, kind: str) -> list[Decided]:
    return [policy for policy in decided["policies"] if policy["kind"] == kind]


def _verdict(decided: Decided, kind: str) -> str:
    if any(policy["outcome"] == "deny" for policy in _of(decided, kind)) or kind in decided["missing"]:
        return "Failed"
    return "Succeeded" if any(policy["outcome"] == "allow" for policy in _of(decided, kind)) else ""


def _kind(decided: Decided, kind: str) -> list[str]:
    found = _of(decided, kind)
    lines = [KINDS.get(kind, kind)]
    for policy in found[:SHOWN]:
        lines += lines_of(*_policy(policy))
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more")
    return lines if found else [*lines, "there is none"]


def _policy(policy: Decided) -> tuple[str, str]:
    """What a policy says, and by which of its statements."""
    for outcome, effect, mark, word in (("deny", "Deny", "✘", "denies"), ("allow", "Allow", "✔", "allows")):
        deciding = [one for one in policy["statements"] if one["applies"] and one["effect"] == effect]
        if policy["outcome"] == outcome and deciding:
            return f"{mark} {policy['name']}", f"{word}: {_statement(deciding[0])}"
    nearest = min(policy["statements"], key=lambda one: len(one["failed"]) or 99, default=None)
    if nearest is None or "action" in nearest["failed"]:
        return f"· {policy['name']}", "says nothing of this action"
    why = ", ".join(FAILED.get(part, part) for part in nearest["failed"])
    return f"· {policy['name']}", f"{_statement(nearest)}: {why}" if why else "does not apply"


def _statement(one: Decided) -> str:
    return f"statement {one['sid'] or one['index'] + 1}"


def _caller(decided: Decided) -> str:
    principal = decided["principal"]
    return str(principal["service"] or principal["arn"] or principal["provider"] or "somebody unknown")


def _end(decided: Decided) -> list[str]:
    refused = "explicitly denied" if decided["effect"] == "explicitDeny" else "refused"
    thing = "" if decided["resource"] == "*" else f"on {decided['resource']}"
    return lines_of(f"{decided['action']}: {'allowed' if decided['allowed'] else refused}", thing)


def lines_of(head: str, more: str) -> list[str]:
    """A heading and a text below it, of lines that a box has room for."""
    return [head, *textwrap.wrap(more, WIDE, max_lines=3, placeholder=" …")]


def _told(lines: list[str], state: str) -> str:
    head, *more = lines
    mark = STATES.get(state, STATES[""])[0]
    return "\n".join([f"{mark} {head}", *[f"    {line}" for line in more]])
