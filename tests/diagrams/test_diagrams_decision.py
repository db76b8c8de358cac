"""A decision's picture: who asked, what each kind of policy said, and how it ended."""

import pytest

from labsupport.diagrams.decision import decision


def statement(effect="Allow", applies=False, failed=(), sid=""):
    return {"sid": sid, "index": 0, "effect": effect, "applies": applies, "failed": list(failed)}


def policy(kind, name, outcome="none", *statements):
    return {"kind": kind, "name": name, "outcome": outcome, "statements": list(statements)}


def decided(*policies, missing=(), allowed=False, effect="implicitDeny", **more):
    principal = {"arn": "arn:aws:iam::123456789012:user/learner", "service": None, "provider": None}
    made = {"policies": policies, "missing": list(missing), "allowed": allowed, "effect": effect}
    return {"action": "s3:PutObject", "resource": "arn:aws:s3:::b/k", "principal": principal, **made, **more}


ALLOWS = statement(applies=True, sid="All")
ELSEWHERE = statement(failed=["resource"], sid="Write")
DENIES = statement("Deny", applies=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (decided(missing=["identity"]), ["✘ identity-based policies", "there is none", "✘ s3:PutObject: refused"]),
        (
            decided(policy("identity", "own", "none", ELSEWHERE), missing=["identity"]),
            ["✘ identity-based policies", "· own", "statement Write: another resource"],
        ),
        (
            decided(policy("identity", "own", "none", statement(failed=["action", "resource"])), missing=["identity"]),
            ["says nothing of this action"],
        ),
        (
            decided(
                policy("identity", "own", "allow", ALLOWS), policy("boundary", "limit", "deny", DENIES),
                effect="explicitDeny",
            ),
            ["✔ identity-based policies", "allows: statement All", "✘ permissions boundary", "denies: statement 1",
             "explicitly denied"],
        ),
        (decided(policy("identity", "own", "allow", ALLOWS), allowed=True), ["✔ s3:PutObject: allowed"]),
        (decided(resource="*"), ["✘ s3:PutObject: refused"]),
        (decided(*[policy("identity", f"p{n}") for n in range(6)], missing=["identity"]), ["· p3", "and 2 more"]),
    ],
)  # fmt: skip
def test_it_says(given, words):
    shown = decision(given)
    for one in words:
        assert one in shown.text
    assert shown.svg() is not None


def test_the_kinds_stand_in_the_order_in_which_they_are_evaluated():
    given = decided(policy("session", "s"), policy("identity", "i"), policy("scp", "o"), policy("resource", "r"))
    kinds = [line for line in decision(given).text.splitlines() if "polic" in line and not line.startswith(" ")]
    assert [one.split()[1] for one in kinds] == ["service", "resource-based", "identity-based", "session"]


@pytest.mark.parametrize(
    ("principal", "shown"),
    [
        ({"service": "codebuild.amazonaws.com", "arn": None, "provider": None}, "codebuild.amazonaws.com"),
        ({"service": None, "arn": None, "provider": None}, "somebody unknown"),
    ],
)
def test_whoever_asks_is_named(principal, shown):
    assert shown in decision(decided(principal=principal)).text
