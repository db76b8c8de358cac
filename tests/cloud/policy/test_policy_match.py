"""Wildcards of actions and ARNs; NotAction and NotResource."""

import pytest
from policy_help import allow, decides, request

from labsupport.cloud.policy.match import arn_test, resource_test, text_test
from labsupport.cloud.policy.variables import ONE, STAR

ACTIONS = [
    ("s3:PutObject", "s3:PutObject", True),
    ("s3:putobject", "s3:PutObject", True),
    ("S3:PUTOBJECT", "s3:PutObject", True),
    ("s3:Put*", "s3:PutObject", True),
    ("s3:Put*", "s3:GetObject", False),
    ("s3:*Object", "s3:PutObject", True),
    ("s3:*Object", "s3:PutObjectAcl", False),
    ("s3:?utObject", "s3:PutObject", True),
    ("s3:??tObject", "s3:PutObject", True),
    ("s3:?PutObject", "s3:PutObject", False),
    ("s3:*", "s3:PutObject", True),
    ("s3:*", "s3express:PutObject", False),
    ("*", "s3:PutObject", True),
    ("*:*", "s3:PutObject", True),
    ("s3:P*t*t", "s3:PutObject", True),
    ("kms:*", "s3:PutObject", False),
    (["kms:*", "s3:PutObject"], "s3:PutObject", True),
]


@pytest.mark.parametrize(("pattern", "action", "expected"), ACTIONS)
def test_actions(pattern: str | list[str], action: str, expected: bool) -> None:
    assert decides(allow(pattern), request(action)) is expected


@pytest.mark.parametrize(("pattern", "action", "expected"), ACTIONS)
def test_not_action_is_the_opposite(pattern: str | list[str], action: str, expected: bool) -> None:
    statement = {"Effect": "Allow", "NotAction": pattern, "Resource": "*"}
    assert decides(statement, request(action)) is not expected


LOGS = "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/build:log-stream:one"
RESOURCES = [
    ("*", "*", True),
    ("*", "arn:aws:s3:::box", True),
    ("arn:aws:s3:::*", "*", False),
    ("arn:aws:s3:::box", "arn:aws:s3:::box", True),
    ("arn:aws:s3:::box", "arn:aws:s3:::box/key", False),
    ("arn:aws:s3:::box/*", "arn:aws:s3:::box/a/b:c", True),
    ("arn:aws:s3:::box/*", "arn:aws:s3:::box", False),
    ("arn:aws:s3:::box/*", "arn:aws:s3:::box/", True),
    ("arn:aws:s3:::box*", "arn:aws:s3:::boxes/key", True),
    ("arn:aws:s3:::Box", "arn:aws:s3:::box", False),
    ("arn:aws:s3:::b?x", "arn:aws:s3:::box", True),
    ("arn:aws:s3:::b?x", "arn:aws:s3:::bx", False),
    ("arn:aws:s3:::*/secret", "arn:aws:s3:::box/a/secret", True),
    ("arn:aws:s3:::*/secret", "arn:aws:s3:::box/secrets", False),
    ("arn:aws:codecommit:*:*:repo", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:codecommit:*:111111111111:*", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:codecommit:*:111111111111:*", "arn:aws:codecommit:eu-west-1:222222222222:repo", False),
    ("arn:aws:codecommit:eu-*-1:*:repo", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:codecommit:eu-*-1:*:repo", "arn:aws:codecommit:us-west-1:111111111111:repo", False),
    ("arn:aws:codecommit:eu-west-?:*:repo", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:codecommit:eu-west-1:11111111111?:repo", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:codecommit", "arn:aws:codecommit:eu-west-1:111111111111:repo", True),
    ("arn:aws:logs:*:*:log-group:/aws/*", LOGS, True),
    ("arn:aws:logs:*:*:log-group:/aws/build:*", LOGS, True),
    ("arn:aws:logs:*:*:log-group:/aws/build", LOGS, False),
    ("arn:aws:logs:eu-west-1:111111111111:*", LOGS, True),
    ("arn:aws:logs:*:log-group:/aws/*", LOGS, True),
    ("arn:aws:logs:e*-1:log-group:/aws/*", LOGS, False),
    ("arn:aws:iam::*:role/x", "arn:aws:iam::111111111111:role/x", True),
    ("arn:aws:iam::*:role/x", "arn:aws:iam::111111111111:role/y", False),
    ("arn:*:s3:::box", "arn:aws-cn:s3:::box", True),
    ("arn:aws:s3:::box", "arn:aws-cn:s3:::box", False),
    ("arn:aws:s3:::a.b", "arn:aws:s3:::axb", False),
    ("arn:aws:s3:::box/[1-9]", "arn:aws:s3:::box/1", False),
    ("arn:aws:s3:::box/line*", "arn:aws:s3:::box/line\nbreak", True),
    (["arn:aws:s3:::x", "arn:aws:s3:::box"], "arn:aws:s3:::box", True),
]


@pytest.mark.parametrize(("pattern", "resource", "expected"), RESOURCES)
def test_resources(pattern: str | list[str], resource: str, expected: bool) -> None:
    assert decides(allow(resource=pattern), request(resource=resource)) is expected


@pytest.mark.parametrize(("pattern", "resource", "expected"), RESOURCES)
def test_not_resource_is_the_opposite(pattern: str | list[str], resource: str, expected: bool) -> None:
    statement = {"Effect": "Allow", "Action": "*", "NotResource": pattern}
    assert decides(statement, request(resource=resource)) is not expected


def test_an_arn_operator_wants_all_six_parts() -> None:
    assert not arn_test(f"arn:aws:sns:{STAR}")("arn:aws:sns:r:1:t")
    assert not arn_test(f"arn:aws:sns:{STAR}:1:t{ONE}")("not an arn")


@pytest.mark.parametrize("make", [text_test, resource_test, arn_test])
def test_many_wildcards_take_no_time(make: object) -> None:
    """With backtracking this would take longer than the universe has."""
    pattern = f"arn:aws:s3:{STAR}:{STAR}:" + f"a{STAR}" * 400 + "b"
    assert not make(pattern)("arn:aws:s3:::" + "a" * 4000)  # type: ignore[operator]
