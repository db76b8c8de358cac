"""The page `/_lab/warnings`: what in the policies of a user, group or role does nothing."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from gateway_http import send

ACCOUNT = "123456789012"
ODD = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
  {"Effect": "Allow", "Action": ["s3:GetObjects", "codecomit:GitPull"], "Resource": "*"},
  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box"}
]}"""
FINE = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
NOWHERE = FINE.replace("s3:GetObject", "s3:Nothing")


def arn(resource: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{resource}"


def asked(cloud: Any, of: str, profile: str = "learner") -> tuple[int, dict[str, Any]]:
    answer = send(cloud, "GET", f"/_lab/warnings?arn={quote(of, safe='')}", sign="lab", profile=profile)
    return answer.status, json.loads(answer.body)


@pytest.fixture(scope="module")
def holders(shared_cloud: Any) -> None:
    """A user with a policy of its own, a group's, a boundary, and one of AWS's."""
    iam = shared_cloud.client("iam")
    limit = iam.create_policy(PolicyName="warned-limit", PolicyDocument=NOWHERE)["Policy"]["Arn"]
    iam.create_user(UserName="warned", Path="/team/", PermissionsBoundary=limit)
    iam.put_user_policy(UserName="warned", PolicyName="odd", PolicyDocument=ODD)
    iam.attach_user_policy(UserName="warned", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_group(GroupName="warned")
    iam.put_group_policy(GroupName="warned", PolicyName="shared", PolicyDocument=NOWHERE)
    iam.add_user_to_group(GroupName="warned", UserName="warned")


@pytest.mark.usefixtures("holders")
def test_each_names_its_policy_the_place_and_what_is_wrong(shared_cloud: Any) -> None:
    status, found = asked(shared_cloud, arn("user/team/warned"))
    assert status == 200
    places = [(one["holder"], one["policy"], one["kind"], one["line"], one["written"]) for one in found["warnings"]]
    assert places == [
        ("user/warned", "odd", "unknownAction", 3, "s3:GetObjects"),
        ("user/warned", "odd", "unknownService", 3, "codecomit:GitPull"),
        ("user/warned", "odd", "resourceNotTaken", 4, "arn:aws:s3:::box"),
        ("group/warned", "shared", "unknownAction", 1, "s3:Nothing"),
        ("user/warned", "warned-limit", "unknownAction", 1, "s3:Nothing"),
    ]
    assert found["warnings"][0]["message"] == "AWS has no action like s3:GetObjects. Perhaps s3:GetObject is meant."


@pytest.mark.usefixtures("holders")
def test_a_policy_that_is_mended_is_warned_of_no_more(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    of = arn("group/warned")
    assert len(asked(shared_cloud, of)[1]["warnings"]) == 1
    iam.put_group_policy(GroupName="warned", PolicyName="shared", PolicyDocument=FINE)
    assert asked(shared_cloud, of) == (200, {"warnings": []})
    iam.put_group_policy(GroupName="warned", PolicyName="shared", PolicyDocument=NOWHERE)


@pytest.mark.parametrize(
    ("of", "code"),
    [
        ("", "ValidationError"),
        (arn("user/nobody-at-all"), "NoSuchEntityException"),
        (arn("user/learner", "210987654321"), "AccessDenied"),
        ("arn:aws:s3:::a-bucket-of-that-name", "InvalidInputException"),
        (arn("root"), "InvalidInputException"),
    ],
)
def test_about_whom_there_is_nothing_to_say_iam_s_own_error_says_so(shared_cloud: Any, of: str, code: str) -> None:
    status, found = asked(shared_cloud, of)
    assert (status >= 400, found["__type"]) == (True, code)


def test_who_may_not_ask_iam_may_not_ask_here(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    own = iam.create_user(UserName="warned-not")["User"]["Arn"]
    key = iam.create_access_key(UserName="warned-not")["AccessKey"]
    profile = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    lent = type("Lent", (), {"url": shared_cloud.url, "keys": lambda _self, _name: profile})()
    status, found = asked(lent, own)
    assert (status, found["__type"]) == (403, "AccessDenied")
    assert "iam:GetContextKeysForPrincipalPolicy" in found["message"]


def test_it_asks_for_a_signature(shared_cloud: Any) -> None:
    assert send(shared_cloud, "GET", f"/_lab/warnings?arn={arn('user/learner')}").status == 400
