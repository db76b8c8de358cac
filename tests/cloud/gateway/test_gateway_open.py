"""`--auth open`, for other people's test suites: nothing is refused, whoever calls."""

from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from gateway_http import refusal, send


@pytest.fixture
def wide(open_cloud: Any) -> Any:
    return open_cloud


def client(cloud: Any, service: str, key: str = "testing", token: str | None = None, **config: Any) -> Any:
    return boto3.client(
        service, endpoint_url=cloud.url, region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key="testing", aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )  # fmt: skip


@pytest.mark.parametrize(("key", "token"), [("testing", None), ("AKIAIOSFODNN7EXAMPLE", "a token")])
def test_a_key_that_nobody_issued_is_the_account_s_root(wide: Any, key: str, token: str | None) -> None:
    found = client(wide, "sts", key, token).get_caller_identity()
    assert (found["Account"], found["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:root")


def test_a_known_key_is_its_user_whatever_it_signs_with(wide: Any) -> None:
    key = wide.keys()["aws_access_key_id"]
    found = client(wide, "sts", key).get_caller_identity()
    assert found["Arn"] == "arn:aws:iam::111122223333:user/learner"


def test_a_request_without_a_signature_is_taken(wide: Any) -> None:
    for service, operation in (("codecommit", "list_repositories"), ("iam", "list_users"), ("s3", "list_buckets")):
        answer = getattr(client(wide, service, signature_version=UNSIGNED), operation)()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_policies_refuse_nothing(wide: Any) -> None:
    iam = client(wide, "iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    client(wide, "codecommit", key["AccessKeyId"]).create_repository(repositoryName="free")
    deny = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
    iam.put_user_policy(UserName="nobody", PolicyName="deny", PolicyDocument=deny)
    client(wide, "codecommit", key["AccessKeyId"]).delete_repository(repositoryName="free")


def test_what_is_wrong_in_itself_is_refused_as_ever(wide: Any) -> None:
    found = refusal(client(wide, "codecommit").get_repository, repositoryName="none")
    assert found == ("RepositoryDoesNotExistException", 400)


@pytest.mark.parametrize("account", ["111122223333", "555555555555"])
def test_a_role_that_is_not_there_gives_a_session_in_its_account(wide: Any, account: str) -> None:
    role = f"arn:aws:iam::{account}:role/path/imagined"
    answer = client(wide, "sts").assume_role(RoleArn=role, RoleSessionName="tests")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/imagined/tests"
    keys = answer["Credentials"]
    within = client(wide, "sts", keys["AccessKeyId"], keys["SessionToken"]).get_caller_identity()
    assert (within["Account"], within["Arn"]) == (account, answer["AssumedRoleUser"]["Arn"])
    client(wide, "codecommit", keys["AccessKeyId"]).create_repository(repositoryName=f"of-{account}")
    arn = client(wide, "codecommit", keys["AccessKeyId"]).get_repository(repositoryName=f"of-{account}")
    assert arn["repositoryMetadata"]["accountId"] == account


def test_addresses_in_answers_follow_the_host_header(wide: Any) -> None:
    client(wide, "codecommit").create_repository(repositoryName="hosted")
    headers = {"Host": "cloud.test:4566", "X-Amz-Target": "CodeCommit_20150413.GetRepository"}
    answer = send(wide, "POST", "/", headers, b'{"repositoryName": "hosted"}')
    assert b"http://cloud.test:4566/v1/repos/hosted" in answer.body


@pytest.mark.parametrize("path", ["/_lab/why", "/_lab/mailbox"])
def test_the_lab_s_own_pages_ask_for_no_signature(wide: Any, path: str) -> None:
    assert send(wide, "GET", path).status == 200


def test_reset_asks_for_no_signature(wide: Any) -> None:
    client(wide, "codecommit").create_repository(repositoryName="gone")
    assert send(wide, "POST", "/_lab/reset").status == 200
    assert client(wide, "codecommit").list_repositories()["repositories"] == []
