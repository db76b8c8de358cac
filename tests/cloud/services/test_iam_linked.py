"""Service-linked roles: whom they trust, that nobody changes them, and how they go."""

import json
from typing import Any

import pytest
from identity_help import PLACE
from services_help import code_of, may, person, policy, refused, trusting

POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def test_the_life_of_a_linked_role(iam: Any, shared_cloud: Any) -> None:
    made = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com", Description="for ECS")["Role"]
    assert made["Arn"] == PLACE + "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}
    name = {"RoleName": "AWSServiceRoleForECS"}
    attached = iam.list_attached_role_policies(**name)["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [POLICY]
    assert refused(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com") == (
        "InvalidInput",
        "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.",
    )
    protected = (
        "UnmodifiableEntity",
        "Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by "
        "AWS",
    )
    for operation, params in (
        (iam.delete_role, {}),
        (iam.update_role, {"MaxSessionDuration": 7200}),
        (iam.update_assume_role_policy, {"PolicyDocument": trusting("ec2.amazonaws.com")}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": policy(may("*"))}),
        (iam.attach_role_policy, {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (iam.detach_role_policy, {"PolicyArn": POLICY}),
        (iam.put_role_permissions_boundary, {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ):
        assert refused(operation, **name, **params) == protected
    task = iam.delete_service_linked_role(**name)["DeletionTaskId"]
    assert task.startswith("task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/")
    shared_cloud.settle("iam")
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert code_of(iam.get_role, **name) == "NoSuchEntity"
    assert code_of(iam.get_service_linked_role_deletion_status, DeletionTaskId="task/none") == "NoSuchEntity"
    assert iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]["RoleId"] != made["RoleId"]


def test_what_is_refused(iam: Any) -> None:
    iam.create_role(RoleName="ordinary", AssumeRolePolicyDocument=trusting("ec2.amazonaws.com"))
    assert code_of(iam.delete_service_linked_role, RoleName="ordinary") == "InvalidInput"
    assert refused(iam.attach_role_policy, RoleName="ordinary", PolicyArn=POLICY) == (
        "PolicyNotAttachable",
        "Cannot attach a Service Role Policy to a Customer Role.",
    )
    suffix = {"AWSServiceName": "ssm.amazonaws.com", "CustomSuffix": "x"}
    assert code_of(iam.create_service_linked_role, **suffix) == "InvalidInput"
    assert code_of(iam.create_service_linked_role, AWSServiceName="lex.amazonaws.com") == "NotSimulated"


def test_who_may_make_one(shared_cloud: Any) -> None:
    """By the service's name, as AWS's own policies write it."""
    only = {"StringLike": {"iam:AWSServiceName": "organizations.amazonaws.com"}}
    maker = person(shared_cloud, "maker", may("iam:CreateServiceLinkedRole", **only))("iam")
    assert code_of(maker.create_service_linked_role, AWSServiceName="events.amazonaws.com") == "AccessDenied"
    made = maker.create_service_linked_role(AWSServiceName="organizations.amazonaws.com")["Role"]
    assert json.dumps(made["AssumeRolePolicyDocument"]).count("organizations.amazonaws.com") == 1
