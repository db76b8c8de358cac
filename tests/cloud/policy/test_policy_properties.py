"""What must hold for any policy and any request."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from policy_help import (
    ANONYMOUS,
    FEDERATED,
    ME,
    OTHER,
    ROLE_ARN,
    ROOT,
    SERVICE,
    SESSION,
    USER,
    USER_ARN,
    document,
    policy,
)

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy.document import Kind, parse
from labsupport.cloud.policy.evaluate import Decision, evaluate, is_unlimited
from labsupport.cloud.policy.explain import message, missing_statement, narrative
from labsupport.cloud.policy.operators import OPERATORS
from labsupport.cloud.policy.records import Policies, Policy, Principal, Request

KINDS: list[Kind] = ["identity", "resource", "trust", "boundary", "session", "scp"]
ACTIONS = ["s3:GetObject", "s3:PutObject", "kms:Decrypt"]
RESOURCES = ["*", "arn:aws:s3:::box/ann/k", "arn:aws:s3:::box/*", "arn:aws:kms:eu-west-1:1:key/a"]
KEYS = ["aws:username", "aws:sourceip", "aws:tagkeys", "aws:currenttime", "lab:none"]
VALUES = ["ann", "a*", "10.0.0.0/8", "10.1.1.1", "2026-01-01T00:00:00Z", "true", "7", "${aws:username}", "", "*"]
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def one_or_many(values: list[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=3)


operators = st.builds(
    lambda quantifier, name, end: f"{quantifier}{name}{'' if name == 'Null' else end}",
    st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from([operator.name for operator in OPERATORS.values() if not operator.name.startswith("Date")]),
    st.sampled_from(["", "IfExists"]),
)
conditions = st.dictionaries(
    operators, st.dictionaries(st.sampled_from(KEYS), one_or_many(VALUES), max_size=2), max_size=2
)
actions = one_or_many([*ACTIONS, "*", "s3:*", "kms:De?rypt"])
resources = one_or_many([*RESOURCES, "arn:aws:s3:::box/${aws:username}/*", "arn:aws:s3:::${lab:none}"])
principals = st.sampled_from(
    ["*", {"AWS": ME}, {"AWS": OTHER}, {"AWS": [USER_ARN, ROLE_ARN]}, {"Service": "codepipeline.amazonaws.com"}]
)
asked = st.builds(
    Request,
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES) | st.lists(st.sampled_from(VALUES), max_size=3)),
    st.sampled_from([USER, SESSION, ROOT, FEDERATED, SERVICE, ANONYMOUS]),
    st.sampled_from([None, ME, OTHER]),
)


@st.composite
def statements(draw: Any, effect: str | None = None, named: bool = False) -> dict[str, Any]:
    statement = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(actions),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(resources),
        "Condition": draw(conditions),
    }
    if named:
        statement[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(principals)
    return statement


@st.composite
def situations(draw: Any) -> dict[str, Any]:
    """Arguments of `evaluate`, apart from the request."""

    def some(kind: Kind) -> list[Policy]:
        texts = draw(st.lists(statements(named=kind == "resource"), max_size=3))
        return [Policy(kind, kind, None, "holder", parse(document(text), kind)) for text in texts]

    boundary = some("boundary")
    return {
        "identity": some("identity"),
        "resource": some("resource"),
        "boundary": boundary[0] if boundary else None,
        "session": some("session"),
        "scps": draw(st.none() | st.just([some("scp")])),
        "mode": draw(st.sampled_from(["either", "resource_required"])),
    }


def with_statement(situation: dict[str, Any], kind: Kind, statement: dict[str, Any]) -> dict[str, Any]:
    added = Policy(kind, "added", None, "holder", parse(document(statement), kind))
    return {**situation, kind: [*situation[kind], added]}


@SETTINGS
@given(asked, situations())
def test_evaluating_and_explaining_never_fail(request: Request, situation: dict[str, Any]) -> None:
    decision = evaluate(request, **situation)
    record = json.loads(json.dumps(decision.as_dict()))
    assert narrative(record)
    assert decision.allowed is (decision.effect == "allow")
    if not decision.allowed:
        assert missing_statement(record)["where"]
        assert message(decision, "x").startswith("User: x is not authorized to perform: ")


@SETTINGS
@given(asked, situations())
def test_the_trace_agrees_with_the_decision(request: Request, situation: dict[str, Any]) -> None:
    decision = evaluate(request, **situation)
    denying = any(entry["outcome"] == "deny" for entry in decision.trace())
    assert denying is (decision.effect == "explicitDeny")


@SETTINGS
@given(asked, situations(), st.sampled_from(["identity", "session", "resource"]))
def test_a_denial_always_wins(request: Request, situation: dict[str, Any], kind: Any) -> None:
    everything = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    if kind == "resource":
        everything["Principal"] = "*"
    assert evaluate(request, **with_statement(situation, kind, everything)).effect == "explicitDeny"


@SETTINGS
@given(asked, situations(), statements(effect="Allow"), st.sampled_from(["identity", "session"]))
def test_another_permission_never_takes_access_away(
    request: Request, situation: dict[str, Any], statement: dict[str, Any], kind: Any
) -> None:
    before = evaluate(request, **situation).allowed
    assume(kind != "session" or situation["session"])  # the first session policy is a limit
    assert evaluate(request, **with_statement(situation, kind, statement)).allowed >= before


@SETTINGS
@given(asked, situations(), statements(effect="Allow", named=True))
def test_another_grant_by_the_resource_never_takes_access_away(
    request: Request, situation: dict[str, Any], statement: dict[str, Any]
) -> None:
    before = evaluate(request, **situation).allowed
    assert evaluate(request, **with_statement(situation, "resource", statement)).allowed >= before


@SETTINGS
@given(asked, situations(), statements(effect="Deny"))
def test_another_denial_never_gives_access(
    request: Request, situation: dict[str, Any], statement: dict[str, Any]
) -> None:
    before = evaluate(request, **situation).allowed
    assert evaluate(request, **with_statement(situation, "identity", statement)).allowed <= before


@SETTINGS
@given(asked, st.lists(statements(), min_size=1, max_size=4))
def test_one_document_decides_as_its_statements_apart(request: Request, texts: list[dict[str, Any]]) -> None:
    def decide(sources: list[dict[str, Any]]) -> Decision:
        return evaluate(request, [Policy("identity", "p", None, "h", parse(one, "identity")) for one in sources])

    together, apart = decide([document(*texts)]), decide([document(text) for text in texts])
    assert (together.effect, together.reason_kind) == (apart.effect, apart.reason_kind)


def normal(statement: dict[str, Any]) -> dict[str, Any]:
    """The same statement with lists everywhere, each in order and once, and keys and operators in lower case."""

    def listed(value: Any) -> list[Any]:
        return sorted(set(value if isinstance(value, list) else [value]))

    shown = {
        name: listed(statement[name])
        for name in ("Action", "NotAction", "Resource", "NotResource")
        if name in statement
    }
    conditions: dict[str, dict[str, Any]] = {}
    for operator, entries in statement["Condition"].items():
        conditions[operator.lower()] = {key.upper(): listed(values) for key, values in entries.items()}
    return {"Condition": conditions, **shown, "Effect": statement["Effect"]}


@SETTINGS
@given(asked, st.lists(statements(), min_size=1, max_size=4))
def test_a_document_and_its_normal_form_decide_alike(request: Request, texts: list[dict[str, Any]]) -> None:
    def decide(sources: list[dict[str, Any]]) -> Decision:
        return evaluate(request, [Policy("identity", "p", None, "h", parse(document(*sources), "identity"))])

    assert decide(texts).effect == decide([normal(one) for one in reversed(texts)]).effect


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Version",
                    "Statement",
                    "Effect",
                    "Action",
                    "Resource",
                    "Principal",
                    "Condition",
                    "Sid",
                    "AWS",
                    "Bool",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def refused(text: Any, kind: Kind) -> AwsError | None:
    try:
        parse(text, kind)
    except AwsError as error:
        return error
    return None


@SETTINGS
@given(json_values | st.dictionaries(st.integers(), st.text()), st.sampled_from(KINDS))
def test_no_value_breaks_the_parser(value: Any, kind: Kind) -> None:
    for text in (value, json.dumps(value), {"Version": "2012-10-17", "Statement": value}):
        error = refused(text, kind)
        assert error is None or (error.code == "MalformedPolicyDocument" and error.message)


@SETTINGS
@given(st.text(), st.sampled_from(KINDS))
def test_no_text_breaks_the_parser(text: str, kind: Kind) -> None:
    for element in ("Action", "Resource", "Sid", "Version", "Effect"):
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", element: text}
        error = refused({"Version": "2012-10-17", "Statement": statement}, kind)
        assert error is None or error.code == "MalformedPolicyDocument"


ADMINISTRATOR = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@SETTINGS
@given(st.lists(statements(), max_size=2), actions, asked, st.sampled_from([USER, SESSION]))
def test_the_unlimited_are_allowed_all_within_their_account(
    others: list[dict[str, Any]], action: Any, request: Request, principal: Principal
) -> None:
    identity = [policy("identity", *others, {**ADMINISTRATOR, "Action": action})]
    assume(is_unlimited(request.action, Policies(identity)))
    request.principal, request.resource_account = principal, principal.account
    assert evaluate(request, identity).allowed


@pytest.mark.parametrize(
    ("statements", "unlimited"),
    [
        ([ADMINISTRATOR], True),
        ([{**ADMINISTRATOR, "Action": "s3:Get*"}], True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], True),
        ([{**ADMINISTRATOR, "Action": "s3:Put*"}], False),
        ([{**ADMINISTRATOR, "Resource": "arn:aws:s3:::box/*"}], False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::box/*"}], False),
        ([{**ADMINISTRATOR, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}], False),
        ([ADMINISTRATOR, {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::other/*"}], False),
        ([ADMINISTRATOR, {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}], True),
    ],
)
def test_who_is_unlimited(statements: list[dict[str, Any]], unlimited: bool) -> None:
    one = Policies([policy("identity", *statements)])
    assert is_unlimited("s3:GetObject", one) is unlimited
    assert not is_unlimited("s3:GetObject", one, boundary=one)
    assert not is_unlimited("s3:GetObject", one, session=one)
    assert not is_unlimited("s3:GetObject", one, scps=[one])
