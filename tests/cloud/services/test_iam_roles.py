"""Roles, whom they trust, and instance profiles."""

import json
import re
from typing import Any
from zlib import crc32

import pytest
from services_help import ACCOUNT, code_of, may, person, policy, refused, trusting

PLACE = f"arn:aws:iam::{ACCOUNT}:"
EC2 = trusting("ec2.amazonaws.com")


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def new_role(iam: Any, name: str, **more: Any) -> Any:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=EC2, **more)["Role"]


def test_a_new_role(iam: Any) -> None:
    made = new_role(iam, "ops", Path="/x/", Description="d", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "1"}])
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", made["RoleId"])
    assert (made["Arn"], made["MaxSessionDuration"]) == (PLACE + "role/x/ops", 7200)
    assert made["AssumeRolePolicyDocument"] == json.loads(EC2)
    found = iam.get_role(RoleName="ops")["Role"]
    assert found.pop("RoleLastUsed") == {}
    assert found == made
    assert refused(iam.create_role, RoleName="OPS", AssumeRolePolicyDocument=EC2) == (
        "EntityAlreadyExists",
        "Role with name OPS already exists.",
    )


def test_updated(iam: Any) -> None:
    new_role(iam, "updated", Description="old")
    iam.update_role(RoleName="updated", MaxSessionDuration=43200)
    iam.update_role_description(RoleName="updated", Description="new")
    iam.update_assume_role_policy(RoleName="updated", PolicyDocument=trusting("codebuild.amazonaws.com"))
    found = iam.get_role(RoleName="updated")["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("new", 43200)
    statement = found["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Service": ["codebuild.amazonaws.com"]}
    assert code_of(iam.update_role, RoleName="updated", MaxSessionDuration=43201) == "ValidationError"


def test_last_use(cloud: Any) -> None:
    iam = cloud.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="used", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")
    assert iam.get_role(RoleName="used")["Role"]["RoleLastUsed"]["Region"] == "us-east-1"


@pytest.mark.parametrize(
    ("principal", "message"),
    [
        ({"AWS": PLACE + "user/nobody"}, f'Invalid principal in policy: "AWS":"{PLACE}user/nobody"'),
        ({"AWS": ["*", PLACE + "role/nobody"]}, f'Invalid principal in policy: "AWS":"{PLACE}role/nobody"'),
        ({"AWS": PLACE + "user/x/learner"}, f'Invalid principal in policy: "AWS":"{PLACE}user/x/learner"'),
        ({"AWS": "somebody"}, 'Invalid principal in policy: "AWS":"somebody"'),
        ({"AWS": "arn:aws:iam::210987654321:role/nobody"}, None),
    ],
)
def test_principals_that_are_not_there(iam: Any, principal: Any, message: str | None) -> None:
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    code, found = refused(iam.create_role, RoleName="bad", AssumeRolePolicyDocument=trust)
    assert code == "MalformedPolicyDocument"
    assert message is None or found == message
    assert code_of(iam.get_role, RoleName="bad") == "NoSuchEntity"


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "*"},
        {"AWS": ACCOUNT},
        {"AWS": PLACE + "root"},
        {"AWS": [PLACE + "user/learner", "arn:aws:iam::210987654321:user/learner"]},
        {"AWS": "arn:aws:iam::111122223333:role/elsewhere"},
        {"Service": ["codepipeline.amazonaws.com", "codebuild.amazonaws.com"]},
        {"AWS": ACCOUNT, "Service": "ec2.amazonaws.com"},
    ],
)
def test_principals(iam: Any, principal: Any) -> None:
    name = f"trusts-{crc32(str(principal).encode())}"
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    assert iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["RoleName"] == name


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        policy(may("sts:AssumeRole")),
        policy({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}),
        policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}),
    ],
)
def test_trust_policies_that_are_refused(iam: Any, text: str) -> None:
    assert code_of(iam.create_role, RoleName="malformed", AssumeRolePolicyDocument=text) == "MalformedPolicyDocument"
    new_role(iam, f"keeps-{len(text)}")
    update = {"RoleName": f"keeps-{len(text)}", "PolicyDocument": text}
    assert code_of(iam.update_assume_role_policy, **update) == "MalformedPolicyDocument"
    kept = iam.get_role(RoleName=f"keeps-{len(text)}")["Role"]["AssumeRolePolicyDocument"]
    assert kept == json.loads(EC2)


def test_a_trust_policy_that_is_too_long(iam: Any) -> None:
    services = [f"s{number}.amazonaws.com" for number in range(200)]
    assert refused(iam.create_role, RoleName="long", AssumeRolePolicyDocument=trusting(*services)) == (
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_role", {}),
        ("update_role", {}),
        ("update_role_description", {"Description": "x"}),
        ("update_assume_role_policy", {"PolicyDocument": EC2}),
        ("delete_role", {}),
        ("tag_role", {"Tags": []}),
        ("untag_role", {"TagKeys": []}),
        ("list_role_tags", {}),
        ("list_role_policies", {}),
        ("list_attached_role_policies", {}),
        ("put_role_policy", {"PolicyName": "p", "PolicyDocument": policy(may("s3:*"))}),
        ("attach_role_policy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("list_instance_profiles_for_role", {}),
        ("delete_role_permissions_boundary", {}),
    ],
)
def test_a_role_that_is_not_there(iam: Any, operation: str, params: dict[str, Any]) -> None:
    assert refused(getattr(iam, operation), RoleName="nobody", **params) == (
        "NoSuchEntity",
        "The role with name nobody cannot be found.",
    )


def test_listed(iam: Any) -> None:
    names = [f"listed-{number}" for number in range(5)]
    for name in names:
        new_role(iam, name, Path="/listed/", Tags=[{"Key": "a", "Value": "1"}])
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/listed/", PaginationConfig={"PageSize": 2})
    seen = [[one["RoleName"] for one in page["Roles"]] for page in pages]
    assert seen == [names[:2], names[2:4], names[4:]]
    assert "Tags" not in iam.list_roles(PathPrefix="/listed/")["Roles"][0]


def test_tags(iam: Any) -> None:
    new_role(iam, "tagged")
    iam.tag_role(RoleName="tagged", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_role(RoleName="tagged", TagKeys=["b"])
    assert iam.list_role_tags(RoleName="tagged")["Tags"] == [{"Key": "a", "Value": "1"}]
    assert iam.get_role(RoleName="tagged")["Role"]["Tags"] == [{"Key": "a", "Value": "1"}]


def test_deleted_only_when_empty(iam: Any) -> None:
    new_role(iam, "full")
    iam.create_instance_profile(InstanceProfileName="full")
    iam.add_role_to_instance_profile(InstanceProfileName="full", RoleName="full")
    iam.attach_role_policy(RoleName="full", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.put_role_policy(RoleName="full", PolicyName="p", PolicyDocument=policy(may("s3:*")))
    profile = {"InstanceProfileName": "full", "RoleName": "full"}
    managed = {"RoleName": "full", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    for reason, clear in (
        ("must remove roles from instance profile first", lambda: iam.remove_role_from_instance_profile(**profile)),
        ("must detach all policies first", lambda: iam.detach_role_policy(**managed)),
        ("must delete policies first", lambda: iam.delete_role_policy(RoleName="full", PolicyName="p")),
    ):
        assert refused(iam.delete_role, RoleName="full") == ("DeleteConflict", f"Cannot delete entity, {reason}.")
        clear()
    iam.delete_role(RoleName="full")
    assert new_role(iam, "Full")["RoleName"] == "Full"


# Instance profiles


def test_instance_profiles(iam: Any) -> None:
    made = iam.create_instance_profile(InstanceProfileName="web", Path="/p/", Tags=[{"Key": "a", "Value": "1"}])
    profile = made["InstanceProfile"]
    assert re.fullmatch(r"AIPA[A-Z2-7]{17}", profile["InstanceProfileId"])
    assert (profile["Arn"], profile["Roles"]) == (PLACE + "instance-profile/p/web", [])
    assert refused(iam.create_instance_profile, InstanceProfileName="WEB") == (
        "EntityAlreadyExists",
        "Instance Profile WEB already exists.",
    )
    for name in ("web-role", "other-role"):
        new_role(iam, name)
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web-role")
    second = {"InstanceProfileName": "web", "RoleName": "other-role"}
    assert refused(iam.add_role_to_instance_profile, **second) == (
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    found = iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    assert [one["RoleName"] for one in found["Roles"]] == ["web-role"]
    of_role = iam.list_instance_profiles_for_role(RoleName="web-role")["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in of_role] == ["web"]
    assert [one["InstanceProfileName"] for one in iam.list_instance_profiles(PathPrefix="/p/")["InstanceProfiles"]] == [
        "web"
    ]
    assert code_of(iam.delete_instance_profile, InstanceProfileName="web") == "DeleteConflict"
    assert code_of(iam.remove_role_from_instance_profile, **second) == "NoSuchEntity"
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web-role")
    iam.tag_instance_profile(InstanceProfileName="web", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_instance_profile(InstanceProfileName="web", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="web")["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_instance_profile(InstanceProfileName="web")
    assert refused(iam.get_instance_profile, InstanceProfileName="web") == (
        "NoSuchEntity",
        "Instance Profile web cannot be found.",
    )
    iam.create_instance_profile(InstanceProfileName="web")


def test_a_role_is_passed_to_a_profile(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    arn = new_role(iam, "passed")["Arn"]
    iam.create_instance_profile(InstanceProfileName="takes")
    profile = {"InstanceProfileName": "takes", "RoleName": "passed"}
    without = person(shared_cloud, "no-pass", may("iam:AddRoleToInstanceProfile"))("iam")
    code, message = refused(without.add_role_to_instance_profile, **profile)
    assert (code, f"iam:PassRole on resource: {arn}" in message) == ("AccessDenied", True)
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    allowed = may("iam:AddRoleToInstanceProfile"), may("iam:PassRole", resource=arn, **to_ec2)
    person(shared_cloud, "may-pass", *allowed)("iam").add_role_to_instance_profile(**profile)
    assert iam.get_instance_profile(InstanceProfileName="takes")["InstanceProfile"]["Roles"]
