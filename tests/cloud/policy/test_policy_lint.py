"""Warnings about policies that AWS takes and that do nothing."""

from typing import Any

import pytest
from policy_help import allow, deny, document

from labsupport.cloud.core import reference
from labsupport.cloud.policy.document import parse
from labsupport.cloud.policy.lint import warnings

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


def test_every_service_of_the_reference_has_actions() -> None:
    assert len(reference.services()) > 400
    assert all(reference.actions_of(prefix) for prefix in reference.services())
