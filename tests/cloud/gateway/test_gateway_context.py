"""The condition keys of a call, seen through policies that ask for them."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from gateway_http import refusal

ACCOUNT = "123456789012"
_numbers = itertools.count()
Person = Callable[..., Any]


@pytest.fixture
def person(shared_cloud: Any) -> Person:
    """Makes a user who may do everything under a condition, and gives its client of a service."""
    iam = shared_cloud.client("iam")

    def make(condition: dict[str, Any], service: str = "codecommit", tags: dict[str, str] | None = None) -> Any:
        name = f"asker-{next(_numbers)}"
        iam.create_user(UserName=name, Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()])
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="conditional", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
        return shared_cloud.client(service, credentials=keys)

    return make


def allowed(call: Callable[..., Any], **params: Any) -> bool:
    try:
        call(**params)
    except ClientError as error:
        if "AccessDenied" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ({"StringLike": {"aws:username": "asker-*"}}, True),
        ({"StringLike": {"aws:userid": "AIDA*"}}, True),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/asker-*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"Null": {"aws:CalledVia": "true"}}, True),
        ({"Null": {"aws:TokenIssueTime": "true", "aws:MultiFactorAuthPresent": "true"}}, True),
        ({"Null": {"aws:SourceArn": "true"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}, True),
        ({"StringEquals": {"AWS:REQUESTEDREGION": "us-east-1"}}, True),
        ({"StringEquals": {"aws:NoSuchKey": "x"}}, False),
    ],
)
def test_keys_of_every_call(person: Person, condition: dict[str, Any], expected: bool) -> None:
    assert allowed(person(condition).list_repositories) is expected


@pytest.mark.parametrize(
    ("condition", "tags", "expected"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "blue"}}, {"team": "blue"}, True),
        ({"StringEquals": {"aws:RequestTag/team": "blue"}}, {"team": "red"}, False),
        ({"StringEquals": {"aws:RequestTag/team": "blue"}}, {}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}, {"team": "x", "cost": "y"}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x", "cost": "y"}, False),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, {"team": "x", "cost": "y"}, True),
        ({"Null": {"aws:TagKeys": "true"}}, {}, True),
        ({"Null": {"aws:TagKeys": "true"}}, {"team": "x"}, False),
    ],
)
def test_tags_in_the_request(person: Person, condition: Any, tags: dict[str, str], expected: bool) -> None:
    client = person(condition)
    assert allowed(client.create_repository, repositoryName=f"r-{next(_numbers)}", tags=tags) is expected


@pytest.mark.parametrize(("own", "expected"), [({"team": "blue"}, True), ({"team": "red"}, False), ({}, False)])
def test_tags_of_the_caller_and_of_the_resource(
    shared_cloud: Any, person: Person, own: dict[str, str], expected: bool
) -> None:
    name = f"r-{next(_numbers)}"
    shared_cloud.client("codecommit").create_repository(repositoryName=name, tags={"team": "blue"})
    client = person({"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}, tags=own)
    assert allowed(client.get_repository, repositoryName=name) is expected


def test_a_service_that_passes_a_call_on_is_named(shared_cloud: Any, person: Person) -> None:
    """SecureString: SSM asks KMS in the caller's name; here for a key whose use identity policies decide."""
    key = shared_cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    writer = shared_cloud.client("ssm")
    writer.put_parameter(Name="/context/secret", Value="s", Type="SecureString", KeyId=key)
    reading = {"Name": "/context/secret", "WithDecryption": True}
    assert allowed(person({"Null": {"aws:SourceIp": "false"}}, "ssm").get_parameter, **reading) is False
    for condition in (
        {"StringEqualsIfExists": {"kms:ViaService": "ssm.us-east-1.amazonaws.com"}},
        {"ForAllValues:StringEquals": {"aws:CalledVia": ["ssm.amazonaws.com"]}},
        {"StringEqualsIfExists": {"aws:CalledViaLast": "ssm.amazonaws.com"}},
    ):
        assert allowed(person(condition, "ssm").get_parameter, **reading), condition
    assert not allowed(person({"Bool": {"aws:ViaAWSService": "false"}}, "ssm").get_parameter, **reading)


def test_a_session_shows_its_role_its_time_and_its_tags(shared_cloud: Any) -> None:
    iam, sts = shared_cloud.client("iam"), shared_cloud.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    role = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=json.dumps({"Statement": trust}))["Role"]["Arn"]
    condition = {
        "ArnEquals": {"aws:PrincipalArn": role},
        "StringEquals": {"aws:PrincipalType": "AssumedRole", "aws:PrincipalTag/team": "blue"},
        "StringLike": {"aws:userid": "AROA*:night-shift"},
        "DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"},
        "Null": {"aws:username": "true"},
    }
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=json.dumps({"Statement": statement}))
    for team, expected in (("blue", True), ("red", False)):
        tags = [{"Key": "team", "Value": team}]
        keys = sts.assume_role(RoleArn=role, RoleSessionName="night-shift", Tags=tags)["Credentials"]
        assert allowed(shared_cloud.client("codecommit", credentials=keys).list_repositories) is expected


@pytest.mark.parametrize(
    ("service", "call", "expected"),
    [
        ("codecommit", "list_repositories", ("AccessDeniedException", 400)),
        ("iam", "list_users", ("AccessDenied", 403)),
        ("s3", "list_buckets", ("AccessDenied", 403)),
        ("ec2", "describe_instances", ("UnauthorizedOperation", 403)),
        ("sns", "list_topics", ("AuthorizationError", 403)),
    ],
)
def test_refusals_have_each_service_s_own_code(person: Person, service: str, call: str, expected: Any) -> None:
    client = person({"Bool": {"aws:SecureTransport": "true"}}, service)
    assert refusal(getattr(client, call)) == expected
