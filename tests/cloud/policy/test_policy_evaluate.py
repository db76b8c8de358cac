"""AWS's order of evaluation: who must have allowed, who may deny, within an account and across two."""

from dataclasses import replace
from typing import Any

import pytest
from policy_help import (
    ANONYMOUS,
    FEDERATED,
    FEDERATED_ARN,
    KEY,
    ME,
    OTHER,
    PUT,
    ROLE_ARN,
    ROOT,
    SERVICE,
    SESSION,
    SESSION_ARN,
    STRANGER,
    USER,
    USER_ARN,
    WEB,
    allow,
    deny,
    granting,
    outcome,
    policy,
    request,
)

from labsupport.cloud.policy.evaluate import evaluate
from labsupport.cloud.policy.records import Principal

YES, NO, SILENT = allow(), deny(), allow("ec2:*")
ALLOW = ("allow", "identity")
NO_IDENTITY = ("implicitDeny", "identity")

OWN = [
    ([], {}, NO_IDENTITY),
    ([SILENT], {}, NO_IDENTITY),
    ([YES], {}, ALLOW),
    ([SILENT, YES], {}, ALLOW),
    ([YES, NO], {}, ("explicitDeny", "identity")),
    ([NO, YES], {}, ("explicitDeny", "identity")),
    ([YES, deny("ec2:*")], {}, ALLOW),
    ([YES, deny(resource="arn:aws:s3:::box/other")], {}, ALLOW),
    ([YES, deny(Condition={"Bool": {"lab:x": "true"}})], {}, ALLOW),
    ([YES], {"boundary": YES}, ALLOW),
    ([YES], {"boundary": SILENT}, ("implicitDeny", "boundary")),
    ([YES], {"boundary": NO}, ("explicitDeny", "boundary")),
    ([], {"boundary": YES}, NO_IDENTITY),
    ([YES], {"session": [YES]}, ALLOW),
    ([YES], {"session": [SILENT, YES]}, ALLOW),
    ([YES], {"session": [SILENT]}, ("implicitDeny", "session")),
    ([YES], {"session": [YES, NO]}, ("explicitDeny", "session")),
    ([], {"session": [YES]}, NO_IDENTITY),
    ([YES], {"boundary": SILENT, "session": [SILENT]}, ("implicitDeny", "boundary")),
    ([YES], {"scps": [[YES]]}, ALLOW),
    ([YES], {"scps": []}, ALLOW),
    ([YES], {"scps": [[YES], [YES], [SILENT, YES]]}, ALLOW),
    ([YES], {"scps": [[YES], [SILENT]]}, ("implicitDeny", "scp")),
    ([YES], {"scps": [[YES], []]}, ("implicitDeny", "scp")),
    ([YES], {"scps": [[YES], [YES, NO]]}, ("explicitDeny", "scp")),
    ([], {"scps": [[YES]]}, NO_IDENTITY),
    ([NO], {"scps": [[NO]]}, ("explicitDeny", "scp")),
    ([YES], {"boundary": NO, "scps": [[SILENT]]}, ("explicitDeny", "boundary")),
]


@pytest.mark.parametrize(("identity", "limits", "expected"), OWN)
def test_policies_of_the_caller(identity: list[Any], limits: dict[str, Any], expected: tuple[str, str]) -> None:
    decision = evaluate(
        request(),
        [policy("identity", statement) for statement in identity],
        boundary=policy("boundary", limits["boundary"]) if "boundary" in limits else None,
        session=[policy("session", statement) for statement in limits.get("session", [])],
        scps=[[policy("scp", one) for one in level] for level in limits["scps"]] if "scps" in limits else None,
    )
    assert outcome(decision) == expected
    assert decision.allowed is (expected[0] == "allow")


RESOURCE = ("allow", "resource")
NO_RESOURCE = ("implicitDeny", "resource")
BY_USER, BY_ROLE = granting({"AWS": USER_ARN}), granting({"AWS": ROLE_ARN})
BY_SESSION, BY_ACCOUNT = granting({"AWS": SESSION_ARN}), granting({"AWS": ME})
BY_FEDERATED, BY_ANYONE = granting({"AWS": FEDERATED_ARN}), granting("*")
BY_STRANGER = granting({"AWS": STRANGER.arn})

SAME_ACCOUNT: list[tuple[Principal, Any, dict[str, Any], tuple[str, str]]] = [
    (USER, BY_USER, {}, RESOURCE),
    (USER, BY_ANYONE, {}, RESOURCE),
    (USER, BY_ACCOUNT, {}, NO_IDENTITY),
    (USER, BY_ACCOUNT, {"identity": YES}, ALLOW),
    (USER, BY_STRANGER, {}, NO_IDENTITY),
    (USER, BY_STRANGER, {"identity": YES}, ALLOW),
    (USER, BY_USER, {"boundary": SILENT}, RESOURCE),
    (USER, BY_ANYONE, {"boundary": SILENT}, RESOURCE),
    (USER, BY_USER, {"boundary": NO}, ("explicitDeny", "boundary")),
    (USER, BY_USER, {"identity": NO}, ("explicitDeny", "identity")),
    (USER, BY_ACCOUNT, {"identity": YES, "boundary": SILENT}, ("implicitDeny", "boundary")),
    (USER, {**BY_USER, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
    (USER, {**BY_ACCOUNT, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
    (USER, {**BY_STRANGER, "Effect": "Deny"}, {"identity": YES}, ALLOW),
    (SESSION, BY_ROLE, {}, RESOURCE),
    (SESSION, BY_ROLE, {"boundary": YES}, RESOURCE),
    (SESSION, BY_ROLE, {"boundary": SILENT}, ("implicitDeny", "boundary")),
    (SESSION, BY_ROLE, {"session": SILENT}, ("implicitDeny", "session")),
    (SESSION, BY_ROLE, {"session": YES, "boundary": YES}, RESOURCE),
    (SESSION, BY_SESSION, {"boundary": SILENT, "session": SILENT}, RESOURCE),
    (SESSION, BY_SESSION, {"session": NO}, ("explicitDeny", "session")),
    (SESSION, BY_ANYONE, {"boundary": SILENT, "session": SILENT}, RESOURCE),
    (SESSION, BY_ACCOUNT, {"session": YES}, NO_IDENTITY),
    (SESSION, {**BY_ROLE, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
    (SESSION, {**BY_SESSION, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
    (FEDERATED, BY_FEDERATED, {}, RESOURCE),
    (FEDERATED, BY_USER, {}, ("implicitDeny", "session")),
    (FEDERATED, BY_USER, {"session": YES}, RESOURCE),
    (FEDERATED, BY_ACCOUNT, {"identity": YES}, ("implicitDeny", "session")),
    (FEDERATED, BY_ACCOUNT, {"identity": YES, "session": YES}, ALLOW),
    (ROOT, BY_STRANGER, {}, ("allow", "root")),
    (ROOT, {**BY_ACCOUNT, "Effect": "Deny"}, {}, ("explicitDeny", "resource")),
    (ROOT, BY_STRANGER, {"scps": SILENT}, ("implicitDeny", "scp")),
    (ROOT, BY_STRANGER, {"scps": NO}, ("explicitDeny", "scp")),
    (USER, BY_USER, {"scps": SILENT}, ("implicitDeny", "scp")),
]


def decide(who: Principal, own: Any, limits: dict[str, Any], **more: Any) -> tuple[str, str]:
    return outcome(
        evaluate(
            request(who=who, **{name: more.pop(name) for name in ("owner", "context", "action") if name in more}),
            [policy("identity", limits["identity"])] if "identity" in limits else [],
            [policy("resource", own)] if own else [],
            policy("boundary", limits["boundary"]) if "boundary" in limits else None,
            [policy("session", limits["session"])] if "session" in limits else [],
            [[policy("scp", limits["scps"])]] if "scps" in limits else None,
            **more,
        )
    )


@pytest.mark.parametrize(("who", "own", "limits", "expected"), SAME_ACCOUNT)
@pytest.mark.parametrize("owner", [None, ME])
def test_resource_policies_in_the_same_account(
    who: Principal, own: Any, limits: dict[str, Any], expected: tuple[str, str], owner: str | None
) -> None:
    assert decide(who, own, limits, owner=owner) == expected


ACROSS: list[tuple[Principal, Any, dict[str, Any], tuple[str, str]]] = [
    (USER, None, {}, NO_IDENTITY),
    (USER, None, {"identity": YES}, NO_RESOURCE),
    (USER, BY_USER, {}, NO_IDENTITY),
    (USER, BY_ANYONE, {}, NO_IDENTITY),
    (USER, BY_USER, {"identity": YES}, ALLOW),
    (USER, BY_ACCOUNT, {"identity": YES}, ALLOW),
    (USER, BY_ANYONE, {"identity": YES}, ALLOW),
    (USER, BY_STRANGER, {"identity": YES}, NO_RESOURCE),
    (USER, granting({"AWS": OTHER}), {"identity": YES}, NO_RESOURCE),
    (USER, BY_USER, {"identity": YES, "boundary": SILENT}, ("implicitDeny", "boundary")),
    (USER, BY_USER, {"identity": YES, "scps": SILENT}, ("implicitDeny", "scp")),
    (USER, {**BY_ACCOUNT, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
    (SESSION, BY_SESSION, {"identity": YES, "session": SILENT}, ("implicitDeny", "session")),
    (SESSION, BY_ROLE, {"identity": YES}, ALLOW),
    (SESSION, BY_SESSION, {}, NO_IDENTITY),
    (ROOT, None, {}, NO_RESOURCE),
    (ROOT, BY_ACCOUNT, {}, RESOURCE),
]


@pytest.mark.parametrize(("who", "own", "limits", "expected"), ACROSS)
def test_across_accounts_both_sides_must_allow(
    who: Principal, own: Any, limits: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert decide(who, own, limits, owner=OTHER) == expected


DECIDES_ALONE: list[tuple[Principal, Any, dict[str, Any], tuple[str, str]]] = [
    (USER, None, {"identity": YES}, NO_RESOURCE),
    (USER, BY_STRANGER, {"identity": YES}, NO_RESOURCE),
    (USER, BY_ACCOUNT, {"identity": YES}, ALLOW),
    (USER, BY_ACCOUNT, {}, NO_IDENTITY),
    (USER, BY_USER, {}, RESOURCE),
    (SESSION, BY_ROLE, {}, RESOURCE),
    (SESSION, BY_ROLE, {"boundary": SILENT}, ("implicitDeny", "boundary")),
    (SESSION, BY_ACCOUNT, {"identity": YES, "session": SILENT}, ("implicitDeny", "session")),
    (ROOT, None, {}, NO_RESOURCE),
    (ROOT, BY_ACCOUNT, {}, RESOURCE),
    (ROOT, BY_USER, {}, NO_RESOURCE),
    (SERVICE, granting({"Service": SERVICE.service}), {}, RESOURCE),
    (SERVICE, BY_ACCOUNT, {}, NO_RESOURCE),
    (USER, {**BY_USER, "Effect": "Deny"}, {"identity": YES}, ("explicitDeny", "resource")),
]


@pytest.mark.parametrize(("who", "own", "limits", "expected"), DECIDES_ALONE)
def test_where_the_resource_policy_must_agree(
    who: Principal, own: Any, limits: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert decide(who, own, limits, mode="resource_required") == expected


BY_SERVICE = granting({"Service": SERVICE.service})
OUTSIDERS: list[tuple[Principal, Any, dict[str, Any], tuple[str, str]]] = [
    (SERVICE, None, {}, NO_RESOURCE),
    (SERVICE, BY_SERVICE, {}, RESOURCE),
    (SERVICE, BY_ANYONE, {}, RESOURCE),
    (SERVICE, BY_SERVICE, {"scps": NO}, RESOURCE),
    (SERVICE, granting({"Service": "codebuild.amazonaws.com"}), {}, NO_RESOURCE),
    (SERVICE, {**BY_SERVICE, "Effect": "Deny"}, {}, ("explicitDeny", "resource")),
    (ANONYMOUS, None, {}, NO_RESOURCE),
    (ANONYMOUS, BY_ANYONE, {}, RESOURCE),
    (ANONYMOUS, BY_ACCOUNT, {}, NO_RESOURCE),
    (WEB, granting({"Federated": "accounts.google.com"}), {}, RESOURCE),
]


@pytest.mark.parametrize(("who", "own", "limits", "expected"), OUTSIDERS)
@pytest.mark.parametrize("owner", [None, ME])
def test_services_and_the_unknown_have_resource_policies_only(
    who: Principal, own: Any, limits: dict[str, Any], expected: tuple[str, str], owner: str | None
) -> None:
    assert decide(who, own, limits, owner=owner) == expected


def test_a_service_linked_role_is_not_bound_by_service_control_policies() -> None:
    linked = replace(SESSION, role_arn=f"arn:aws:iam::{ME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX")
    assert decide(linked, None, {"identity": YES, "scps": NO}) == ALLOW
    assert decide(SESSION, None, {"identity": YES, "scps": NO}) == ("explicitDeny", "scp")


def test_a_confused_deputy_is_held_off_by_its_source() -> None:
    conditions = {"StringEquals": {"aws:SourceAccount": ME}, "ArnLike": {"aws:SourceArn": f"arn:aws:x:*:{ME}:p/*"}}
    own = {**BY_SERVICE, "Condition": conditions}
    mine = {"aws:sourceaccount": ME, "aws:sourcearn": f"arn:aws:x:eu-west-1:{ME}:p/1"}
    theirs = {"aws:sourceaccount": OTHER, "aws:sourcearn": f"arn:aws:x:eu-west-1:{OTHER}:p/1"}
    assert decide(SERVICE, own, {}, context=mine) == RESOURCE
    assert decide(SERVICE, own, {}, context=theirs) == NO_RESOURCE
    assert decide(SERVICE, own, {}) == NO_RESOURCE


ROLE_RESOURCE = "arn:aws:iam::111111111111:role/build"
TRUST = [
    (USER, {"AWS": USER_ARN}, [], ME, ("allow", "trust")),
    (USER, {"AWS": ME}, [], ME, NO_IDENTITY),
    (USER, {"AWS": ME}, [YES], ME, ALLOW),
    (USER, {"AWS": OTHER}, [YES], ME, ("implicitDeny", "trust")),
    (STRANGER, {"AWS": OTHER}, [YES], ME, ALLOW),
    (STRANGER, {"AWS": OTHER}, [], ME, NO_IDENTITY),
    (STRANGER, {"AWS": ME}, [YES], ME, ("implicitDeny", "trust")),
    (SERVICE, {"Service": SERVICE.service}, [], ME, ("allow", "trust")),
    (SERVICE, {"Service": "codebuild.amazonaws.com"}, [], ME, ("implicitDeny", "trust")),
    (WEB, {"Federated": "accounts.google.com"}, [], ME, ("allow", "trust")),
]


@pytest.mark.parametrize(("who", "principal", "identity", "owner", "expected"), TRUST)
def test_trust_policies(
    who: Principal, principal: Any, identity: list[Any], owner: str, expected: tuple[str, str]
) -> None:
    trust = policy("trust", {"Effect": "Allow", "Principal": principal, "Action": "sts:*"})
    asked = request("sts:AssumeRole", ROLE_RESOURCE, replace(who, account=who.account or owner), owner)
    policies = [policy("identity", statement) for statement in identity]
    assert outcome(evaluate(asked, policies, [trust], mode="resource_required")) == expected


def except_for(principal: Any, effect: str) -> dict[str, Any]:
    return {"Effect": effect, "NotPrincipal": principal, "Action": "*", "Resource": "*"}


NOT_PRINCIPAL = [
    ("Deny", {"AWS": [USER_ARN, ME]}, USER, {"identity": YES}, ALLOW),
    ("Deny", {"AWS": USER_ARN}, SESSION, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": [ROLE_ARN, ME]}, SESSION, {"identity": YES}, ALLOW),
    ("Deny", {"AWS": [SESSION_ARN, ROLE_ARN, ME]}, SESSION, {"identity": YES}, ALLOW),
    ("Deny", {"AWS": [SESSION_ARN, ME]}, SESSION, {"identity": YES}, ALLOW),
    ("Deny", {"AWS": ME}, SESSION, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": OTHER}, USER, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": ME}, USER, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": USER_ARN}, USER, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": [f"{USER_ARN}-bob", ME]}, USER, {"identity": YES}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": ME}, ROOT, {}, ("allow", "root")),
    ("Deny", {"AWS": "*"}, USER, {"identity": YES}, ALLOW),
    ("Deny", {"AWS": [FEDERATED_ARN, ME]}, FEDERATED, {"identity": YES, "session": YES}, ALLOW),
    ("Deny", {"AWS": [USER_ARN, ME]}, ANONYMOUS, {}, ("explicitDeny", "resource")),
    ("Deny", {"AWS": [USER_ARN, ME]}, SERVICE, {}, ("explicitDeny", "resource")),
    ("Deny", {"Service": SERVICE.service}, SERVICE, {}, NO_RESOURCE),
    ("Allow", {"AWS": ME}, USER, {}, NO_IDENTITY),
    ("Deny", {"AWS": [USER_ARN, ME]}, USER, {"identity": YES, "boundary": YES}, ("explicitDeny", "resource")),
    ("Allow", {"AWS": OTHER}, USER, {}, RESOURCE),
    ("Allow", {"AWS": USER_ARN}, USER, {}, NO_IDENTITY),
    ("Allow", {"AWS": OTHER}, ANONYMOUS, {}, RESOURCE),
]


@pytest.mark.parametrize(("effect", "principal", "who", "limits", "expected"), NOT_PRINCIPAL)
def test_not_principal(
    effect: str, principal: Any, who: Principal, limits: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert decide(who, except_for(principal, effect), limits) == expected


RCP_YES, RCP_NO = granting("*"), {**granting("*"), "Effect": "Deny"}
GUARDS: list[tuple[Principal, Any, dict[str, Any], tuple[str, str]]] = [
    (USER, YES, {"rcps": [[RCP_YES]]}, ALLOW),
    (USER, YES, {"rcps": []}, ALLOW),
    (USER, YES, {"rcps": [[RCP_YES], [RCP_YES, RCP_NO]]}, ("explicitDeny", "rcp")),
    (USER, YES, {"rcps": [[RCP_YES], []]}, ("implicitDeny", "rcp")),
    (ROOT, YES, {"rcps": [[RCP_NO]]}, ("explicitDeny", "rcp")),
    (SERVICE, YES, {"rcps": [[RCP_NO]]}, ("explicitDeny", "rcp")),
    (USER, NO, {"rcps": [[RCP_NO]]}, ("explicitDeny", "rcp")),
    (USER, YES, {"endpoint": [RCP_YES]}, ALLOW),
    (USER, YES, {"endpoint": [RCP_NO]}, ("explicitDeny", "endpoint")),
    (USER, YES, {"endpoint": [granting("*", "ec2:*")]}, ("implicitDeny", "endpoint")),
    (USER, YES, {"endpoint": [granting({"AWS": OTHER})]}, ("implicitDeny", "endpoint")),
    (USER, YES, {"endpoint": [RCP_NO], "scps": [[NO]]}, ("explicitDeny", "scp")),
]


@pytest.mark.parametrize(("who", "identity", "limits", "expected"), GUARDS)
def test_guards_of_resources_and_endpoints(
    who: Principal, identity: Any, limits: dict[str, Any], expected: tuple[str, str]
) -> None:
    given: dict[str, Any] = {
        f"{kind}s": [[policy(kind, one) for one in level] for level in limits[f"{kind}s"]]
        for kind in ("scp", "rcp")
        if f"{kind}s" in limits
    }
    if "endpoint" in limits:
        given["endpoint"] = [policy("endpoint", one) for one in limits["endpoint"]]
    assert outcome(evaluate(request(who=who), [policy("identity", identity)], **given)) == expected


def test_everything_missing_is_named() -> None:
    decision = evaluate(
        request(owner=OTHER),
        [],
        boundary=policy("boundary", SILENT),
        session=[policy("session", SILENT)],
        scps=[[policy("scp", SILENT)]],
    )
    assert decision.missing == ("scp", "identity", "boundary", "session", "resource")


def test_many_statements_are_searched_for_every_action_anew() -> None:
    held = [policy("identity", allow(f"s3:Get{number}")) for number in range(3)]
    actions = [f"s3:Get{number}" for number in range(1500)]
    allowed = [action for action in actions if evaluate(request(action), held).allowed]
    assert allowed == actions[:3]


def test_the_question_stays_as_it_was() -> None:
    asked = request(PUT, KEY, context={"aws:username": "ann"})
    assert evaluate(asked, [policy("identity", YES)]).request is asked
