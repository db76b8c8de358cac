"""How IAM's simulator decided: the same picture as a real decision's, from SimulatePrincipalPolicy's answer.

The answer tells less than the lab's own record: the statements that decide, and whether a boundary and the organization
allow the action. AWS: IAM API Reference, "EvaluationResult".
"""

from typing import Any

from labsupport.diagrams.decision import KINDS, Box, lines_of, path
from labsupport.diagrams.render import Picture

Answer = dict[str, Any]
ENDS = {"allowed": "allowed", "explicitDeny": "explicitly denied", "implicitDeny": "refused"}
SHOWN = 4  # statements that the picture names


def simulated(answer: Answer, holder: str) -> Picture:
    """The path of one of the answer's `EvaluationResults`, for the user or role with that ARN."""
    organization, boundary = limits(answer)
    boxes = [("who", lines_of("asks", holder), "")]
    boxes += _limit("scp", organization)
    boxes.append(_policies(answer))
    boxes += _limit("boundary", boundary)
    return path([*boxes, ("end", _end(answer), _state(answer["EvalDecision"] == "allowed"))])


def limits(answer: Answer) -> tuple[bool | None, bool | None]:
    """Whether the organization and the boundary allow it; None where there is none."""
    organization = answer.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations")
    boundary = answer.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary")
    return organization, boundary


def statement(matched: Answer) -> str:
    """A matched statement, by its place in its policy's text."""
    start, end = matched.get("StartPosition"), matched.get("EndPosition")
    if not start or not end:
        return "a statement"
    if start["Line"] == end["Line"]:
        return f"statement in line {start['Line']}, from column {start['Column']}"
    return f"statement from line {start['Line']} to line {end['Line']}"


def _limit(kind: str, allowed: bool | None) -> list[Box]:
    if allowed is None:
        return []
    return [(kind, [KINDS[kind], "allows it" if allowed else "does not allow it"], _state(allowed))]


def _policies(answer: Answer) -> Box:
    """The statements that decide. Of a denial that is explicit they may be a limit's too: the answer doesn't say."""
    found = answer.get("MatchedStatements", [])
    if answer["EvalDecision"] == "implicitDeny":
        return _nothing_allows(answer)
    denied = answer["EvalDecision"] == "explicitDeny"
    mark, word = ("✘", "denies") if denied else ("✔", "allows")
    lines = ["statements that deny it" if denied else KINDS["identity"]]
    for one in found[:SHOWN]:
        lines += lines_of(f"{mark} {one['SourcePolicyId']}", f"{word}: {statement(one)}")
    lines += [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "identity", lines, _state(not denied)


def _nothing_allows(answer: Answer) -> Box:
    if False in limits(answer):
        return "identity", [KINDS["identity"], "IAM does not tell: a limit refuses already"], ""
    return "identity", [KINDS["identity"], "no statement allows it"], "Failed"


def _end(answer: Answer) -> list[str]:
    resource = answer["EvalResourceName"]
    return lines_of(
        f"{answer['EvalActionName']}: {ENDS[answer['EvalDecision']]}", "" if resource == "*" else f"on {resource}"
    )


def _state(good: bool) -> str:
    return "Succeeded" if good else "Failed"
