"""Whoever hands a role to a service needs iam:PassRole on it: asked of every operation that takes one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import Shape

from labsupport.cloud.core import model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller, User
from labsupport.cloud.gateway.authorise import authorise_call

ROLE = "arn:aws:iam::123456789012:role/handed-over"
# Operations with the ARN of a role in their parameters that hand nothing over, and those that look the role up.
NOT_PASSED = {
    "sts:AssumeRole": "the caller becomes the role",
    "sts:AssumeRoleWithSAML": "the caller becomes the role",
    "sts:AssumeRoleWithWebIdentity": "the caller becomes the role",
    "ec2:RunInstances": "the role stands behind the profile; EC2 looks it up",
    "ec2:AssociateIamInstanceProfile": "the role stands behind the profile; EC2 looks it up",
}


def roles_in(shape: Shape | None, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of members, at any depth, that hold a role's ARN."""
    if shape is None or shape.name in seen:
        return
    seen = (*seen, shape.name)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if (
                member.type_name == "string"
                and "role" in name.lower()
                and name.lower() not in ("rolename", "rolesessionname")
            ):
                yield name
            yield from roles_in(member, seen)
    elif shape.type_name == "list":
        yield from roles_in(shape.member, seen)
    elif shape.type_name == "map":
        yield from roles_in(shape.value, seen)


def every(cloud: Any) -> list[tuple[Any, Any]]:
    found = [cloud.on_loop(lambda running, name=name: running.service(name)) for name in cloud.cloud.service_names]
    return [(service, operation) for service in found for operation in service.operations.values()]


@pytest.fixture(scope="module")
def passer(shared_cloud: Any) -> Caller:
    """Someone who may do everything but pass a role."""
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"},
    ]
    iam = shared_cloud.client("iam")
    iam.create_user(UserName="passer")
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="passer", PolicyName="p", PolicyDocument=document)
    user = shared_cloud.on_loop(lambda cloud: cloud.store.get(User, "123456789012", "passer"))
    return Caller("user", user.account, user.arn, user.id, user.name)


def nested(shape: Any, path: list[str]) -> Any:
    """A value of this shape with the role at a path."""
    if shape.type_name == "list":
        return [nested(shape.member, path)]
    if not path:
        return ROLE
    return Anything({path[0]: nested(shape.members[path[0]], path[1:])})


class Anything(dict[str, Any]):
    """Parameters of which only the role is given: what else a resource's name needs is made up."""

    def __missing__(self, key: str) -> str:
        return "made-up"


def test_whoever_may_not_pass_the_role_is_refused_everywhere(shared_cloud: Any, passer: Caller) -> None:
    tried = 0
    for service, operation in every(shared_cloud):
        for path in operation.passes:

            def ask(cloud: Cloud, service: Any = service, operation: Any = operation, path: str = path) -> AwsError:
                call = Call(cloud, service, operation.name, passer, passer.account, "us-east-1")
                shape = model.load(service.name).operation_model(operation.name).input_shape
                params = nested(shape, path.split("."))
                with pytest.raises(AwsError) as caught:
                    authorise_call(call, operation, params)
                return caught.value

            error = shared_cloud.on_loop(ask)
            assert f"iam:PassRole on resource: {ROLE}" in error.message, f"{service.name}:{operation.name}: {error}"
            assert "with an explicit deny" in error.message
            tried += 1
    assert tried >= 8


def test_no_operation_that_takes_a_role_forgets_to_ask(shared_cloud: Any) -> None:
    forgotten = {}
    for service, operation in every(shared_cloud):
        name = f"{service.name}:{operation.name}"
        if service.name in ("iam", "codedeploy-commands", "codecommit-archive") or name in NOT_PASSED:
            continue
        roles = sorted(set(roles_in(model.load(service.name).operation_model(operation.name).input_shape)))
        last = {path.rpartition(".")[2] for path in operation.passes}
        if not set(roles) <= last:
            forgotten[name] = sorted(set(roles) - last)
    assert forgotten == {}


@pytest.mark.parametrize(("service_of", "expected"), [("codebuild.amazonaws.com", True), ("ec2.amazonaws.com", False)])
def test_the_service_that_gets_the_role_can_be_named(shared_cloud: Any, service_of: str, expected: bool) -> None:
    iam, name = shared_cloud.client("iam"), f"only-{service_of.partition('.')[0]}"
    iam.create_user(UserName=name)
    statements = [
        {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": ROLE,
         "Condition": {"StringEquals": {"iam:PassedToService": service_of}}},
    ]  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    client = shared_cloud.client("codebuild", credentials=keys)
    try:
        client.create_project(
            name=name, source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"}, serviceRole=ROLE,
            environment={
                "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL"},
        )  # fmt: skip
        refused = ""
    except client.exceptions.ClientError as error:
        refused = str(error)
    assert ("iam:PassRole" not in refused) is expected
