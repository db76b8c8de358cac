"""The policy simulator's panel: what it asks IAM, what it shows, and what it says where IAM refuses the question."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from labsupport import home
from labsupport.panels import simulator
from labsupport.panels.live import still

ALICE = "arn:aws:iam::123456789012:user/alice"
BUILD = "arn:aws:iam::123456789012:role/build"
MATCHED = {
    "SourcePolicyId": "read<all>",
    "SourcePolicyType": "IAM Policy",
    "StartPosition": {"Line": 3, "Column": 1},
    "EndPosition": {"Line": 7, "Column": 2},
}


class Iam:
    """Alice may do everything, the role nothing; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Any:
        answers = {"list_users": {"Users": [{"Arn": ALICE}]}, "list_roles": {"Roles": [{"Arn": BUILD}]}}
        return type("Pages", (), {"paginate": lambda self: [answers[operation]]})()

    def get_context_keys_for_principal_policy(self, PolicySourceArn: str) -> dict[str, Any]:
        return {"ContextKeyNames": ["aws:SourceIp"] if PolicySourceArn == BUILD else []}

    def simulate_principal_policy(self, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        if params["ActionNames"] == ["nonsense"]:
            answer = {"Error": {"Code": "InvalidInput", "Message": "Invalid Action: nonsense"}}
            raise ClientError(answer, "SimulatePrincipalPolicy")
        return {"EvaluationResults": [self.decided(params["PolicySourceArn"])]}

    def decided(self, holder: str) -> dict[str, Any]:
        """The role's missing key stands where IAM puts it for a definite resource."""
        asked = {"EvalActionName": "s3:GetObject", "EvalResourceName": "*"}
        if holder == ALICE:
            return {**asked, "EvalDecision": "allowed", "MatchedStatements": [MATCHED]}
        return {
            **asked,
            "EvalDecision": "implicitDeny",
            "MissingContextValues": [],
            "ResourceSpecificResults": [{"MissingContextValues": ["aws:SourceIp"]}],
            "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
        }


def warned(arn: str) -> list[dict[str, Any]]:
    """What the lab says about the role's policies."""
    if arn == "arn:aws:iam::123456789012:user/locked":
        raise home.Unreachable("The cloud did not answer.")
    odd = {"policy": "own", "holder": "role/build", "line": 4, "message": "AWS has no action like s3:Gett<Object>."}
    return [odd] if arn == BUILD else []


@pytest.fixture
def iam():
    return Iam()


@pytest.fixture
def press(iam):
    """Presses a button of the panel with what its form holds; gives what is shown then."""
    panel = simulator.simulator(lambda service: iam, "role/build", warned)

    def pressed(what, **fields):
        form = {"holder": BUILD, "action": "s3:GetObject", "resource": "*", "context": ""}
        return panel._press(what, {**form, **fields})

    return pressed


def test_it_begins_with_the_one_that_is_named_and_offers_all(iam):
    html = simulator.simulator(lambda service: iam, "role/build").view.html
    assert f'<option value="{BUILD}" selected>role/build' in html
    assert f'<option value="{ALICE}">user/alice' in html
    assert "Its policies ask for aws:SourceIp." in html


def test_a_denial_says_what_was_missing(press):
    shown = press("decide")
    assert "✘ role/build, s3:GetObject: denied: nothing allows it" in shown.text
    for reason in ("boundary does not allow it ✘", "organization's policies allow it ✔", "asked for: aws:SourceIp"):
        assert reason in shown.text


def test_an_allowance_names_its_statement_and_nothing_is_taken_for_html(press):
    shown = press("decide", holder=ALICE, resource="arn:aws:s3:::b/k")
    assert "✔ user/alice, s3:GetObject on arn:aws:s3:::b/k: allowed" in shown.text
    assert "read&lt;all&gt;, statement from line 3 to line 7" in shown.html


def test_everybody_is_asked_about_and_those_who_may_stand_first(press, iam):
    shown = press("everybody")
    assert [one["PolicySourceArn"] for one in iam.asked] == [ALICE, BUILD]
    assert shown.html.index("user/alice</td><td>✔") < shown.html.index("role/build</td><td>✘")


def test_a_decision_is_drawn_and_the_picture_stays_in_the_notebook(press):
    shown = press("decide")
    assert "✘ permissions boundary" in still(shown.html)
    assert "<svg" in still(shown.html)
    assert "<svg" not in press("everybody").html


def test_where_only_the_policies_own_allowance_is_missing_it_says_so():
    answer = {
        "EvalDecision": "implicitDeny",
        "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True},
    }
    assert simulator.reasons(answer) == [
        "no statement of its policies allows it", "the permissions boundary allows it ✔",
    ]  # fmt: skip


def test_what_in_its_policies_does_nothing_is_said_from_the_beginning(iam):
    shown = simulator.simulator(lambda service: iam, "role/build", warned).view
    assert "⚠ has no effect: own of role/build, line 4: AWS has no action like s3:Gett<Object>." in shown.text
    assert "⚠ In its policies this has no effect" in shown.html
    assert "s3:Gett&lt;Object&gt;" in still(shown.html)


def test_a_warning_about_a_policy_whose_text_is_not_known_names_no_line():
    one = {"policy": "own", "holder": "role/build", "line": None, "message": "It does nothing."}
    assert simulator.warning(one) == "own of role/build: It does nothing."


@pytest.mark.parametrize("what", ["decide", "everybody"])
def test_whoever_is_chosen_next_is_described_anew(press, what):
    before, after = press(what).html, press(what, holder=ALICE).html
    for words in ("has no effect", "Its policies ask for"):
        assert words in before
        assert words not in after


@pytest.mark.parametrize("what", ["decide", "everybody"])
def test_where_the_cloud_does_not_answer_it_says_so(press, what):
    assert "The cloud did not answer." in press(what, holder="arn:aws:iam::123456789012:user/locked").text


@pytest.mark.parametrize("what", ["decide", "everybody"])
def test_a_question_that_iam_refuses_ends_in_its_sentence(press, what):
    shown = press(what, action="nonsense")
    assert "Invalid Action: nonsense" in shown.text
    assert "lab-box" not in shown.html


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("no entry", []),
        ("aws:MultiFactorAuthPresent=true", [("aws:MultiFactorAuthPresent", ["true"], "boolean")]),
        ("a=1\n b = x", [("a", ["1"], "string"), ("b", ["x"], "string")]),
        ("aws:TagKeys=one, two", [("aws:TagKeys", ["one", "two"], "stringList")]),
        ("s3:prefix=", [("s3:prefix", [""], "string")]),
    ],
)
def test_context_is_read_line_by_line(text, found):
    read = [(one["ContextKeyName"], one["ContextKeyValues"], one["ContextKeyType"]) for one in simulator.entries(text)]
    assert read == found


def test_what_was_typed_is_shown_again_and_a_notebook_keeps_no_form(press):
    shown = press("decide", context="s3:prefix=<a>")
    assert "s3:prefix=&lt;a&gt;</textarea>" in shown.html
    assert "<form" not in still(shown.html)
    assert "role/build, s3:GetObject" in still(shown.html)
