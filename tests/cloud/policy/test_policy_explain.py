"""AWS's sentences, the story of a decision, and the statement that would mend it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from policy_help import (
    ANONYMOUS,
    KEY,
    ME,
    OTHER,
    PUT,
    ROLE_ARN,
    SERVICE,
    SESSION,
    SESSION_ARN,
    STRANGER,
    USER,
    USER_ARN,
    allow,
    deny,
    granting,
    policy,
    request,
)

from labsupport.cloud.policy.evaluate import Decision, evaluate
from labsupport.cloud.policy.explain import message, missing_statement, narrative
from labsupport.cloud.policy.records import Principal

REPO = f"arn:aws:codecommit:eu-west-1:{ME}:repo"
PUSH = request("codecommit:GitPush", REPO)
YES, SILENT = allow(), allow("ec2:*")


def denied_by(kind: Any) -> Decision:
    if kind == "identity":
        return evaluate(PUSH, [policy(kind, deny())])
    if kind in ("resource", "trust"):
        statement = granting({"AWS": ME}, "sts:*" if kind == "trust" else "*", Effect="Deny")
        if kind == "trust":
            del statement["Resource"]
        asked = request("sts:AssumeRole", ROLE_ARN) if kind == "trust" else PUSH
        return evaluate(asked, [policy("identity", YES)], [policy(kind, statement)])
    return limited_by(kind, deny())


def limited_by(kind: str, statement: dict[str, Any]) -> Decision:
    limit = policy(kind, statement)  # type: ignore[arg-type]
    return evaluate(
        PUSH,
        [policy("identity", YES)],
        boundary=limit if kind == "boundary" else None,
        session=[limit] if kind == "session" else [],
        scps=[[limit]] if kind == "scp" else None,
    )


START = f"User: {USER_ARN} is not authorized to perform: codecommit:GitPush on resource: {REPO} "
DENIED = [
    ("identity", "with an explicit deny in an identity-based policy"),
    ("resource", "with an explicit deny in a resource-based policy"),
    ("boundary", "with an explicit deny in a permissions boundary"),
    ("session", "with an explicit deny in a session policy"),
    ("scp", "with an explicit deny in a service control policy"),
]


@pytest.mark.parametrize(("kind", "end"), DENIED)
def test_the_sentence_of_a_denial(kind: str, end: str) -> None:
    assert message(denied_by(kind), USER_ARN) == START + end


def test_the_sentence_of_a_denial_by_a_trust_policy() -> None:
    start = f"User: {USER_ARN} is not authorized to perform: sts:AssumeRole on resource: {ROLE_ARN} "
    assert message(denied_by("trust"), USER_ARN) == start + "with an explicit deny in the role trust policy"


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("identity", "with an explicit deny in an identity-based policy: arn:x"),
        ("boundary", "with an explicit deny in a permissions boundary: arn:x"),
        ("scp", "with an explicit deny in a service control policy: arn:x"),
        ("rcp", "with an explicit deny in a resource control policy: arn:x"),
        ("endpoint", "with an explicit deny in a VPC endpoint policy"),
        ("resource", "with an explicit deny in a resource-based policy"),
    ],
)
def test_a_policy_that_denies_is_named_by_its_arn(kind: Any, end: str) -> None:
    named = kind in ("rcp", "endpoint", "resource")
    denying = replace(policy(kind, deny(Principal="*") if named else deny()), arn="arn:x")
    given: dict[str, Any] = {f"{kind}s": [[denying]]} if kind in ("scp", "rcp") else {kind: denying}
    given = {name: [value] if name in ("identity", "endpoint", "resource") else value for name, value in given.items()}
    decision = evaluate(PUSH, **{"identity": [policy("identity", YES)], **given})
    assert message(decision, USER_ARN) == START + end


ALLOWS = "allows the codecommit:GitPush action"
LACKING = [
    (evaluate(PUSH, []), f"because no identity-based policy {ALLOWS}"),
    (evaluate(PUSH, [], mode="resource_required"), f"because no resource-based policy {ALLOWS}"),
    (limited_by("boundary", SILENT), f"because no permissions boundary {ALLOWS}"),
    (limited_by("session", SILENT), f"because no session policy {ALLOWS}"),
    (
        evaluate(PUSH, [policy("identity", YES)], endpoint=[policy("endpoint", granting({"AWS": OTHER}))]),
        f"because no VPC endpoint policy {ALLOWS}",
    ),
    (evaluate(PUSH, [policy("identity", YES)], rcps=[[]]), f"because no resource control policy {ALLOWS}"),
    (limited_by("scp", SILENT), f"because no service control policy {ALLOWS}"),
]


@pytest.mark.parametrize(("decision", "end"), LACKING)
def test_the_sentence_of_a_missing_permission(decision: Decision, end: str) -> None:
    assert message(decision, USER_ARN) == START + end


OTHER_SENTENCES = [
    (
        request(),
        USER_ARN,
        f'User: {USER_ARN} is not authorized to perform: s3:PutObject on resource: "{KEY}" '
        "because no identity-based policy allows the s3:PutObject action",
    ),
    (
        request("codecommit:ListRepositories", "*"),
        USER_ARN,
        f"User: {USER_ARN} is not authorized to perform: codecommit:ListRepositories "
        "because no identity-based policy allows the codecommit:ListRepositories action",
    ),
    (
        request("sns:Publish", "arn:aws:sns:eu-west-1:1:t", SERVICE),
        "codepipeline.amazonaws.com",
        "User: codepipeline.amazonaws.com is not authorized to perform: sns:Publish on resource: "
        "arn:aws:sns:eu-west-1:1:t because no resource-based policy allows the sns:Publish action",
    ),
]


@pytest.mark.parametrize(("asked", "label", "expected"), OTHER_SENTENCES)
def test_other_sentences(asked: Any, label: str, expected: str) -> None:
    assert message(evaluate(asked, []), label) == expected


def stored(decision: Decision) -> dict[str, Any]:
    """As the store gives it back."""
    result = json.loads(json.dumps(decision.as_dict()))
    assert isinstance(result, dict)
    return result


def test_the_record_says_what_matched_and_what_did_not() -> None:
    statement = allow(
        "s3:Put*",
        ["arn:aws:s3:::box/${aws:username}/*", "arn:aws:s3:::other"],
        Sid="Home",
        Condition={"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "${lab:none}"]}},
    )
    asked = request(context={"aws:username": "ann", "aws:requestedregion": "us-east-1"})
    record = stored(evaluate(asked, [policy("identity", statement, deny("ec2:*"))]))
    first, second = record["policies"][0]["statements"]
    assert first["failed"] == ["resource", "condition"]
    assert first["resources"][0] == {
        "written": "arn:aws:s3:::box/${aws:username}/*",
        "resolved": "arn:aws:s3:::box/ann/*",
        "matched": False,
    }
    condition = first["conditions"][0]
    assert (condition["expected"], condition["actual"]) == (["eu-west-1", None], ["us-east-1"])
    assert (second["failed"], second["applies"]) == (["action"], False)
    assert record["context"] == {"aws:username": ["ann"], "aws:requestedregion": ["us-east-1"]}
    assert record["missingContext"] == ["lab:none"]
    assert (record["allowed"], record["effect"], record["reason"]) == (False, "implicitDeny", "identity")


def test_policies_are_recorded_in_the_order_of_evaluation() -> None:
    decision = evaluate(
        request(who=SESSION),
        [policy("identity", YES)],
        [policy("resource", granting("*"))],
        policy("boundary", YES),
        [policy("session", YES)],
        [[policy("scp", YES)]],
    )
    kinds = [entry["kind"] for entry in decision.trace()]
    assert kinds == ["scp", "resource", "identity", "boundary", "session"]
    assert {entry["outcome"] for entry in decision.trace()} == {"allow"}


def story(decision: Decision) -> str:
    return "\n".join(narrative(stored(decision)))


def test_a_near_miss_is_told() -> None:
    almost = allow(PUT, "arn:aws:s3:::box/*", Sid="Almost", Condition={"Bool": {"aws:SecureTransport": "true"}})
    elsewhere = allow(PUT, "arn:aws:s3:::${aws:username}/*")
    text = story(evaluate(request(), [policy("identity", almost, elsewhere, name="deploy")]))
    assert "“Almost” of deploy" in text
    assert "aws:SecureTransport is true (Bool): the request has no such key" in text
    assert "a variable in it has no value in this request" in text
    assert '"Action": "s3:PutObject", "Resource": "arn:aws:s3:::box/key"' in text


def test_a_denial_is_told_with_its_statement() -> None:
    text = story(evaluate(request(), [policy("identity", YES, deny(Sid="Never"), name="guard")]))
    assert "“Never” of guard (identity-based policy of user/ann) denies it" in text
    assert "change statement “Never” of guard" in text


def test_an_allowed_call_is_told() -> None:
    assert "Statement number 1 of identity-policy" in story(evaluate(request(), [policy("identity", YES)]))
    assert missing_statement(stored(evaluate(request(), [policy("identity", YES)])))["where"] == ""


def test_a_call_into_another_account_is_told() -> None:
    text = story(evaluate(request(owner=OTHER), [policy("identity", YES)]))
    assert f"belongs to account {OTHER}" in text


def test_no_statement_helps_against_a_denial() -> None:
    found = missing_statement(stored(evaluate(request(), [policy("identity", deny())])))
    assert (found["statement"], found["kind"], found["holder"]) == (None, "identity", "user/ann")


REMEDIES = [
    (request(), {}, ("identity", {"Effect": "Allow", "Action": PUT, "Resource": KEY}, "user/ann")),
    (
        request(who=SESSION),
        {},
        ("identity", {"Effect": "Allow", "Action": PUT, "Resource": KEY}, "role/build"),
    ),
    (
        request(who=SERVICE),
        {},
        (
            "resource",
            {"Effect": "Allow", "Principal": {"Service": SERVICE.service}, "Action": PUT, "Resource": KEY},
            KEY,
        ),
    ),
    (
        request(who=ANONYMOUS),
        {},
        ("resource", {"Effect": "Allow", "Principal": "*", "Action": PUT, "Resource": KEY}, KEY),
    ),
    (
        request("kms:Decrypt", "arn:aws:kms:eu-west-1:1:key/a", SESSION),
        {"mode": "resource_required"},
        (
            "resource",
            {"Effect": "Allow", "Principal": {"AWS": ROLE_ARN}, "Action": "kms:Decrypt", "Resource": "*"},
            "arn:aws:kms:eu-west-1:1:key/a",
        ),
    ),
]


@pytest.mark.parametrize(("asked", "more", "expected"), REMEDIES)
def test_the_smallest_statement(asked: Any, more: dict[str, Any], expected: tuple[str, Any, str]) -> None:
    found = missing_statement(stored(evaluate(asked, [], **more)))
    assert (found["kind"], found["statement"], found["holder"]) == expected


def mended(decision: Decision) -> Decision:
    """The same question after `missing_statement` has been followed."""
    found = missing_statement(stored(decision))
    added: dict[str, list[Any]] = {}
    for step in [found, *found["also"]]:
        added.setdefault(step["kind"], []).append(policy(step["kind"], step["statement"]))
    asked = decision.asked
    boundary = added["boundary"][0] if "boundary" in added else asked.boundary
    return evaluate(
        asked.request,
        [*asked.identity, *added.get("identity", [])],
        [*asked.resource, *added.get("resource", []), *added.get("trust", [])],
        boundary,
        [*asked.session, *added.get("session", [])],
        None if asked.scps is None else [[*level, *added.get("scp", [])] for level in asked.scps],
        asked.mode,
    )


@pytest.mark.parametrize("who", [USER, SESSION, SERVICE, ANONYMOUS, STRANGER], ids=lambda who: who.kind)
@pytest.mark.parametrize("owner", [None, ME, OTHER])
@pytest.mark.parametrize("mode", ["either", "resource_required"])
@pytest.mark.parametrize("limits", ["", "boundary", "session", "scp", "boundary session scp"])
def test_following_the_advice_allows_the_call(who: Principal, owner: str | None, mode: Any, limits: str) -> None:
    decision = evaluate(
        request(who=who, owner=owner),
        [],
        boundary=policy("boundary", SILENT) if "boundary" in limits else None,
        session=[policy("session", SILENT)] if "session" in limits else [],
        scps=[[policy("scp", YES)], [policy("scp", SILENT)]] if "scp" in limits else None,
        mode=mode,
    )
    assert not decision.allowed
    assert mended(decision).allowed


def test_the_advice_for_a_trust_policy_can_be_saved() -> None:
    trust = policy("trust", {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"})
    asked = request("sts:AssumeRole", ROLE_ARN)
    found = missing_statement(stored(evaluate(asked, [], [trust], mode="resource_required")))
    assert found["statement"] == {"Effect": "Allow", "Principal": {"AWS": USER_ARN}, "Action": "sts:AssumeRole"}
    assert mended(evaluate(asked, [], [trust], mode="resource_required")).allowed


def test_the_caller_is_named_by_its_session() -> None:
    assert narrative(stored(evaluate(request(who=SESSION), [])))[0] == f"{SESSION_ARN} asked for {PUT} on {KEY}."


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            allow("s3:PutObjects"),
            "Statement number 1 of identity-policy (identity-based policy of user/ann) cannot allow it. "
            "AWS has no action like s3:PutObjects. Perhaps s3:PutObject is meant.",
        ),
        (allow(PUT, "arn:aws:s3:::box", Sid="Write"), f"“Write” of identity-policy (identity-based policy of user/ann) "
         f"cannot allow it. {PUT} never acts on arn:aws:s3:::box: it takes "),
    ],
)  # fmt: skip
def test_a_slip_in_a_policy_that_explains_the_refusal_is_told(statement: dict[str, Any], words: str) -> None:
    assert words in story(evaluate(request(), [policy("identity", statement)]))


@pytest.mark.parametrize(
    "decision",
    [
        evaluate(request(), [policy("identity", allow("s3:GetObjects"))]),  # another action was meant
        evaluate(request(), [policy("identity", allow(PUT, "arn:aws:s3:::other/*"))]),  # a resource of the right kind
        evaluate(request(), [policy("identity", allow("s3:PutObjects"), deny())]),  # the denial explains it
        evaluate(request(), [policy("identity", allow("s3:PutObjects"), allow())]),
        evaluate(request(), [policy("identity", allow(PUT, KEY, Condition={"Bool": {"aws:SecureTransport": "true"}}))]),
        evaluate(  # what is missing is the boundary's
            request(),
            [policy("identity", allow(), allow("s3:PutObjects"))],
            boundary=policy("boundary", allow("ec2:*")),
        ),
    ],
)
def test_a_slip_that_explains_nothing_is_not_told(decision: Decision) -> None:
    assert stored(decision)["remarks"] == []


def test_records_of_earlier_days_are_told_as_ever() -> None:
    kept = stored(evaluate(request(), [policy("identity", allow("s3:PutObjects"))]))
    del kept["remarks"]
    assert any("This would allow it" in line for line in narrative(kept))
