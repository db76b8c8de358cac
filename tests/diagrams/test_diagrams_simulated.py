"""The picture of a simulated decision, from SimulatePrincipalPolicy's answers."""

from typing import Any

import pytest

from labsupport.diagrams.simulated import simulated, statement

ROLE = "arn:aws:iam::123456789012:role/guard-pipeline"
BOX = "arn:aws:s3:::box/key"


def matched(name: str, start: int = 3, end: int = 7) -> dict[str, Any]:
    places = {"StartPosition": {"Line": start, "Column": 5}, "EndPosition": {"Line": end, "Column": 6}}
    return {"SourcePolicyId": name, "SourcePolicyType": "IAM Policy", **places}


def answer(
    decision: str,
    *names: str,
    organization: bool | None = None,
    boundary: bool | None = None,
    resource: str = "*",
) -> dict[str, Any]:
    found: dict[str, Any] = {"EvalActionName": "s3:GetObject", "EvalResourceName": resource, "EvalDecision": decision}
    found["MatchedStatements"] = [matched(name) for name in names]
    if organization is not None:
        found["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": organization}
    if boundary is not None:
        found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": boundary}
    return found


ASKS = ["· asks", f"    {ROLE}"]
REFUSED = "✘ s3:GetObject: refused"
CASES = [
    (
        answer("allowed", "own", resource=BOX),
        ["✔ identity-based policies", "    ✔ own", "    allows: statement from line 3 to line 7",
         "✔ s3:GetObject: allowed", f"    on {BOX}"],
    ),
    (answer("implicitDeny"), ["✘ identity-based policies", "    no statement allows it", REFUSED]),
    (
        answer("implicitDeny", boundary=True),
        ["✘ identity-based policies", "    no statement allows it", "✔ permissions boundary", "    allows it", REFUSED],
    ),
    (
        answer("implicitDeny", boundary=False),
        ["· identity-based policies", "    IAM does not tell: a limit refuses already",
         "✘ permissions boundary", "    does not allow it", REFUSED],
    ),
    (
        answer("explicitDeny", "no-s3", organization=False),
        ["✘ service control policies", "    does not allow it", "✘ statements that deny it", "    ✘ no-s3",
         "    denies: statement from line 3 to line 7", "✘ s3:GetObject: explicitly denied"],
    ),
    (
        answer("allowed", "a", "b", "c", "d", "e", "f", organization=True, boundary=True),
        ["✔ service control policies", "    allows it", "✔ identity-based policies",
         *[line for name in "abcd" for line in (f"    ✔ {name}", "    allows: statement from line 3 to line 7")],
         "    and 2 more", "✔ permissions boundary", "    allows it", "✔ s3:GetObject: allowed"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "told"), CASES)
def test_it_tells_the_path_in_the_order_of_evaluation(given: dict[str, Any], told: list[str]) -> None:
    shown = simulated(given, ROLE)
    assert shown.text.splitlines() == [*ASKS, *told]
    svg = shown.svg()
    assert svg is not None
    assert 'role="img"' in svg
    assert all(line.strip().split(" ", 1)[-1].split()[0] in svg for line in told)


def test_without_a_program_that_draws_the_words_stand_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labsupport.diagrams.render.program", lambda: None)
    html = simulated(answer("implicitDeny"), ROLE)._repr_html_()
    assert html.startswith("<pre>")
    assert "no statement allows it" in html


def test_a_statement_is_named_by_its_place() -> None:
    assert statement(matched("own", 1, 1)) == "statement in line 1, from column 5"
    assert statement({"SourcePolicyId": "own"}) == "a statement"
