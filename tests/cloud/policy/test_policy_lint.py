"""Warnings about policies that AWS takes and that do nothing."""

from typing import Any

import pytest
from policy_help import allow, deny, document

from labsupport.cloud.core import reference
from labsupport.cloud.policy.document import parse
from labsupport.cloud.policy.lint import warnings, why_not

REPO = "arn:aws:codecommit:eu-west-1:111111111111:repo"
BOX = "arn:aws:s3:::box"
CASES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (allow(), []),
    (allow("s3:*", BOX), []),
    (allow("s3:GetObject", f"{BOX}/*"), []),
    (allow("s3:GetObject", BOX), [("resourceNotTaken", BOX)]),
    (allow(["s3:GetObject", "s3:ListBucket"], [BOX, f"{BOX}/*"]), []),
    (allow("S3:getobject", f"{BOX}/${{aws:username}}/*"), []),
    (allow("s3:GetObjects"), [("unknownAction", "s3:GetObjects")]),
    (allow(["s3:Gett*", "s3:Get*"]), [("unknownAction", "s3:Gett*")]),
    (allow("codecomit:GitPush"), [("unknownService", "codecomit:GitPush")]),
    (allow("s3:ListBucket", f"{BOX}/*"), [("resourceNotTaken", f"{BOX}/*")]),
    (allow("s3:ListBucket", f"{BOX}*"), []),
    (allow("codecommit:GitPush", REPO), []),
    (allow("codecommit:GitPush", "arn:aws:codecommit:*:*:*"), []),
    (allow("codecommit:GitPush", BOX), [("resourceNotTaken", BOX)]),
    (allow("codecommit:ListRepositories", REPO), [("resourceNotTaken", REPO)]),
    (allow("codecommit:*", REPO), []),
    (allow("*", REPO), []),
    (allow("*:*", REPO), []),
    (allow("a4b:ApproveSkill", BOX), []),
    (deny("s3:GetObject", BOX), [("resourceNotTaken", BOX)]),
    ({"Effect": "Allow", "NotAction": "s3:Nothing", "Resource": BOX}, [("unknownAction", "s3:Nothing")]),
    ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": BOX}, []),
    (allow("iam:PassRole", "arn:aws:iam::111111111111:role/x"), []),
    (
        allow("iam:PassRole", "arn:aws:iam::111111111111:user/x"),
        [("resourceNotTaken", "arn:aws:iam::111111111111:user/x")],
    ),
    (allow("kms:Decrypt", "arn:aws:kms:?u-west-1:1*1:key/*"), []),
]


@pytest.mark.parametrize(("statement", "expected"), CASES)
def test_warnings(statement: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = warnings(parse(document(allow("s3:GetObject"), statement), "identity"))
    assert [(one.kind, one.written) for one in found] == expected
    assert all(one.statement == 1 and one.as_dict()["message"] for one in found)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("s3:GetObjects", "s3:GetObject"),
        ("s3:putobjectt", "s3:PutObject"),
        ("codecommit:Push", "codecommit:GitPush"),
        ("codecomit:GitPush", "codecommit:GitPush"),
        ("codecomit:gitpull", "codecommit:GitPull"),
        ("s3:Gett*", ""),
        ("s3:Frobnicate", ""),
        ("nothing-like-it:GetObject", ""),
    ],
)
def test_a_misspelt_action_s_warning_says_what_is_meant(written: str, meant: str) -> None:
    (found,) = warnings(parse(document(allow(written)), "identity"))
    assert found.message.endswith(f" Perhaps {meant} is meant." if meant else ".")
    assert ("Perhaps" in found.message) == bool(meant)


TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("statement", "action", "message"),
    [
        (allow("s3:GetObjects"), "s3:GetObject", "no action like s3:GetObjects. Perhaps s3:GetObject is"),
        (allow("s3:GetObjects"), "s3:PutObject", ""),
        (allow("codecomit:GitPush"), "codecommit:GitPush", "No service's actions begin with codecomit."),
        (allow("s3:GetObject", BOX), "s3:GetObject", f"s3:GetObject never acts on {BOX}: it takes arn:"),
        (allow("s3:*", f"{BOX}/*"), "s3:ListBucket", "s3:ListBucket never acts on"),
        (allow("s3:*", [BOX, f"{BOX}/*"]), "s3:ListBucket", ""),
        (allow("s3:*", "*"), "s3:ListBucket", ""),
        (allow("s3:*", BOX), "s3:ListAllMyBuckets", 'concerns no single resource, so arn:aws:s3:::box never matches'),
        (allow("ec2:*", BOX), "s3:GetObject", ""),
        (deny("s3:GetObject", BOX), "s3:GetObject", ""),
        ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": BOX}, "s3:GetObject", ""),
        ({"Effect": "Allow", "NotAction": "ec2:*", "Resource": BOX}, "s3:GetObject", ""),
    ],
)  # fmt: skip
def test_what_keeps_a_statement_from_allowing_an_action(statement: dict[str, Any], action: str, message: str) -> None:
    found = why_not(parse(document(statement), "identity").statements[0], action)
    assert len(found) == bool(message)
    assert all(message in one.message for one in found)


def test_a_trust_policy_names_no_resource_that_could_be_wrong() -> None:
    assert why_not(parse(document(TRUST), "trust").statements[0], "sts:AssumeRole") == []


def test_every_service_of_the_reference_has_actions() -> None:
    assert len(reference.services()) > 400
    assert all(reference.actions_of(prefix) for prefix in reference.services())
