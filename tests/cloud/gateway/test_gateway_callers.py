"""Every way in which a caller is not who they say, in each protocol's own words, over HTTP by boto3."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from gateway_http import refusal

Refusal = tuple[str, int]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "codecommit": ("list_repositories", {}),
    "kms": ("list_keys", {}),
    "iam": ("list_users", {}),
    "cloudformation": ("list_exports", {}),
    "s3": ("list_buckets", {}),
    "ec2": ("describe_instances", {}),
}
EXPECTED: dict[str, dict[str, Refusal]] = {
    "unknown": {
        "json": ("UnrecognizedClientException", 400),
        "query": ("InvalidClientTokenId", 403),
        "s3": ("InvalidAccessKeyId", 403),
        "ec2": ("AuthFailure", 401),
    },
    "wrong secret": {
        "json": ("InvalidSignatureException", 400),
        "query": ("SignatureDoesNotMatch", 403),
        "s3": ("SignatureDoesNotMatch", 403),
        "ec2": ("AuthFailure", 401),
    },
    "wrong token": {
        "json": ("UnrecognizedClientException", 400),
        "query": ("InvalidClientTokenId", 403),
        "s3": ("InvalidToken", 400),
        "ec2": ("AuthFailure", 401),
    },
    "expired": {
        "json": ("ExpiredTokenException", 400),
        "query": ("ExpiredToken", 403),
        "s3": ("ExpiredToken", 400),
        "ec2": ("RequestExpired", 400),
    },
    "skewed": {
        "json": ("InvalidSignatureException", 400),
        "query": ("SignatureDoesNotMatch", 403),
        "s3": ("RequestTimeTooSkewed", 403),
        "ec2": ("RequestExpired", 400),
    },
    "unsigned": {
        "json": ("MissingAuthenticationTokenException", 400),
        "query": ("MissingAuthenticationToken", 403),
        "s3": ("AccessDenied", 403),
        "ec2": ("MissingParameter", 400),
    },
}
FAMILY = {"codecommit": "json", "kms": "json", "iam": "query", "cloudformation": "query", "s3": "s3", "ec2": "ec2"}


@pytest.fixture(params=list(CALLS))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tried(cloud: Any, service: str, key: str, secret: str, token: str | None = None, **config: Any) -> Refusal:
    settings = Config(retries={"total_max_attempts": 1}, **config)
    client = boto().client(
        service, endpoint_url=cloud.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, config=settings,
    )  # fmt: skip
    operation, params = CALLS[service]
    return refusal(getattr(client, operation), **params)


@cache
def boto() -> boto3.Session:
    return boto3.Session()


def signed_at(minutes: int) -> Any:
    """A client whose clock is so many minutes ahead; the cloud's own, in this process too, stays right."""
    moment = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(tzinfo=None)
    return patch("botocore.auth.get_current_datetime", lambda **_: moment)


def own(cloud: Any) -> tuple[str, str]:
    keys = cloud.keys()
    return keys["aws_access_key_id"], keys["aws_secret_access_key"]


@pytest.fixture(scope="module")
def session(shared_cloud: Any) -> dict[str, str]:
    """Temporary keys of a role."""
    iam, name = shared_cloud.client("iam"), "visited"
    trust = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"},'
        ' "Action": "sts:AssumeRole"}}'
    )
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    answer = shared_cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="visit")
    return dict(answer["Credentials"])


def test_the_right_keys_are_taken(shared_cloud: Any, service: str) -> None:
    operation, params = CALLS[service]
    assert getattr(shared_cloud.client(service), operation)(**params)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_key_that_nobody_issued(shared_cloud: Any, service: str) -> None:
    assert tried(shared_cloud, service, "AKIAIOSFODNN7EXAMPLE", "x" * 40) == EXPECTED["unknown"][FAMILY[service]]


def test_a_wrong_secret(shared_cloud: Any, service: str) -> None:
    key, _ = own(shared_cloud)
    assert tried(shared_cloud, service, key, "x" * 40) == EXPECTED["wrong secret"][FAMILY[service]]


@pytest.mark.parametrize("token", [None, "another"])
def test_a_session_without_its_token(
    shared_cloud: Any, service: str, session: dict[str, str], token: str | None
) -> None:
    found = tried(shared_cloud, service, session["AccessKeyId"], session["SecretAccessKey"], token)
    assert found == EXPECTED["wrong token"][FAMILY[service]]


def test_a_long_term_key_with_a_token(shared_cloud: Any, service: str, session: dict[str, str]) -> None:
    found = tried(shared_cloud, service, *own(shared_cloud), session["SessionToken"])
    assert found == EXPECTED["wrong token"][FAMILY[service]]


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong(shared_cloud: Any, service: str, minutes: int) -> None:
    with signed_at(minutes):
        found = tried(shared_cloud, service, *own(shared_cloud))
    assert found == EXPECTED["skewed"][FAMILY[service]]


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_that_is_a_little_wrong(shared_cloud: Any, service: str, minutes: int) -> None:
    operation, params = CALLS[service]
    with signed_at(minutes):
        getattr(shared_cloud.client(service), operation)(**params)


def test_a_request_without_a_signature(shared_cloud: Any, service: str) -> None:
    found = tried(shared_cloud, service, "a", "b", signature_version=UNSIGNED)
    assert found == EXPECTED["unsigned"][FAMILY[service]]


def test_an_inactive_key_and_one_of_a_user_that_is_gone(shared_cloud: Any, service: str) -> None:
    iam, name = shared_cloud.client("iam"), f"leaver-{service}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    keys = key["AccessKeyId"], key["SecretAccessKey"]
    iam.update_access_key(UserName=name, AccessKeyId=keys[0], Status="Inactive")
    assert tried(shared_cloud, service, *keys) == EXPECTED["unknown"][FAMILY[service]]
    iam.update_access_key(UserName=name, AccessKeyId=keys[0], Status="Active")
    operation, params = CALLS[service]
    credentials = {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1]}
    client = boto().client(service, endpoint_url=shared_cloud.url, region_name="us-east-1", **credentials)
    getattr(client, operation)(**params)
    iam.delete_access_key(UserName=name, AccessKeyId=keys[0])
    assert tried(shared_cloud, service, *keys) == EXPECTED["unknown"][FAMILY[service]]


def test_a_session_ends_with_its_time(cloud: Any) -> None:
    sts = cloud.client("sts")
    keys = sts.get_session_token(DurationSeconds=900)["Credentials"]
    triple = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    assert cloud.client("codecommit", credentials=keys).list_repositories()["repositories"] == []
    cloud.advance(901)
    for service, family in FAMILY.items():
        assert tried(cloud, service, *triple) == EXPECTED["expired"][family], service


def test_a_role_made_anew_does_not_inherit_old_sessions(cloud: Any) -> None:
    iam, sts = cloud.client("iam"), cloud.client("sts")
    trust = '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}'
    role = iam.create_role(RoleName="again", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    keys = sts.assume_role(RoleArn=role, RoleSessionName="visit")["Credentials"]
    assert cloud.client("sts", credentials=keys).get_caller_identity()["Account"] == "123456789012"
    iam.delete_role(RoleName="again")
    iam.create_role(RoleName="again", AssumeRolePolicyDocument=trust)
    assert refusal(cloud.client("sts", credentials=keys).get_caller_identity) == ("InvalidClientTokenId", 403)
