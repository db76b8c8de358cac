"""Ways to more rights than were given, each of which must fail, and leave everything as it was."""

import json
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, SECOND, assume, enabled_device, new_role, trusts
from services_help import code_of, may, person, policy, refused, trusting

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALL = policy(may("*"))


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def everything(cloud: Any) -> list[Any]:
    """All records, but for what a call leaves behind in any case."""
    found: list[Any] = cloud.on_loop(
        lambda inner: inner.store.db.execute("SELECT kind, key, value FROM record ORDER BY kind, key").fetchall()
    )
    return found


# Privilege escalation inside an account. The attacker holds what the test names, and no more.

TARGETS = {
    "a version of a policy that one holds": (
        "create_policy_version",
        {"PolicyArn": PLACE + "policy/held", "PolicyDocument": ALL, "SetAsDefault": True},
        ["iam:CreatePolicy", "iam:GetPolicy", "iam:ListPolicyVersions"],
    ),
    "another default version": (
        "set_default_policy_version",
        {"PolicyArn": PLACE + "policy/held", "VersionId": "v1"},
        ["iam:CreatePolicyVersion"],
    ),
    "a policy attached to oneself": (
        "attach_user_policy",
        {"UserName": "mallory", "PolicyArn": ADMIN},
        ["iam:AttachRolePolicy", "iam:AttachGroupPolicy", "iam:PutGroupPolicy"],
    ),
    "an inline policy of one's own": (
        "put_user_policy",
        {"UserName": "mallory", "PolicyName": "x", "PolicyDocument": ALL},
        ["iam:PutRolePolicy", "iam:GetUserPolicy"],
    ),
    "the boundary taken off": (
        "delete_user_permissions_boundary",
        {"UserName": "mallory"},
        ["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
    ),
    "another boundary": (
        "put_user_permissions_boundary",
        {"UserName": "mallory", "PermissionsBoundary": ADMIN},
        ["iam:DeleteRolePermissionsBoundary"],
    ),
    "a role's boundary taken off": (
        "delete_role_permissions_boundary",
        {"RoleName": "strong"},
        ["iam:PutRolePermissionsBoundary", "iam:UpdateRole"],
    ),
    "a role that trusts oneself": (
        "update_assume_role_policy",
        {"RoleName": "strong", "PolicyDocument": trusts(ACCOUNT)},
        ["iam:UpdateRole", "iam:TagRole", "iam:PassRole"],
    ),
    "a group of administrators": (
        "add_user_to_group",
        {"UserName": "mallory", "GroupName": "admins"},
        ["iam:CreateGroup", "iam:RemoveUserFromGroup"],
    ),
    "an administrator's key": (
        "create_access_key",
        {"UserName": "learner"},
        ["iam:ListAccessKeys", "iam:UpdateAccessKey"],
    ),
    "an administrator's password": (
        "update_login_profile",
        {"UserName": "learner", "Password": "Correct-Horse-7"},
        ["iam:GetLoginProfile", "iam:ChangePassword"],
    ),
    "an administrator's MFA taken off": (
        "deactivate_mfa_device",
        {"UserName": "learner", "SerialNumber": PLACE + "mfa/of-learner"},
        ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"],
    ),
    "a provider that vouches for anybody": (
        "add_client_id_to_open_id_connect_provider",
        {"OpenIDConnectProviderArn": PLACE + "oidc-provider/idp.example", "ClientID": "mine"},
        ["iam:TagOpenIDConnectProvider"],
    ),
}


@pytest.fixture(scope="module")
def mallory(shared_cloud: Any) -> Any:
    """A user with a boundary and a policy whose older version allows everything."""
    iam = shared_cloud.client("iam")
    arn = iam.create_policy(PolicyName="held", PolicyDocument=ALL)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(may("ssm:Get*")), SetAsDefault=True)
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy(may("ssm:*", "iam:*")))["Policy"]["Arn"]
    user = person(shared_cloud, "mallory")
    iam.attach_user_policy(UserName="mallory", PolicyArn=arn)
    iam.put_user_permissions_boundary(UserName="mallory", PermissionsBoundary=bound)
    iam.create_group(GroupName="admins")
    iam.attach_group_policy(GroupName="admins", PolicyArn=ADMIN)
    new_role(shared_cloud, "strong", trusting("ec2.amazonaws.com"), may("*"), PermissionsBoundary=bound)
    iam.create_open_id_connect_provider(Url="https://idp.example")
    iam.create_login_profile(UserName="learner", Password="Other-Horse-8")
    enabled_device(iam, "learner")
    return user


@pytest.mark.parametrize("case", TARGETS.values(), ids=TARGETS)
def test_escalation(shared_cloud: Any, iam: Any, mallory: Any, case: tuple[str, dict[str, Any], list[str]]) -> None:
    operation, params, held = case
    iam.put_user_policy(UserName="mallory", PolicyName="own", PolicyDocument=policy(may(*held)))
    before = everything(shared_cloud)
    code, message = refused(getattr(mallory("iam"), operation), **params)
    assert (code, "is not authorized to perform: iam:" in message) == ("AccessDenied", True)
    assert everything(shared_cloud) == before
    assert code_of(mallory("sns").list_topics) == "AuthorizationError"


def test_a_boundary_that_has_to_be_handed_on(shared_cloud: Any, iam: Any) -> None:
    """A delegated administrator may make users only within the boundary, and may not free them of it."""
    bound = iam.create_policy(PolicyName="handed", PolicyDocument=policy(may("ssm:*")))["Policy"]["Arn"]
    within = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    grants = may("iam:CreateUser", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary", **within)
    keys = may("iam:CreateAccessKey", "iam:DeleteUserPermissionsBoundary", resource=PLACE + "user/made-*")
    no_freeing = may("iam:DeleteUserPermissionsBoundary", effect="Deny")
    admin = person(shared_cloud, "delegate", grants, keys, no_freeing)("iam")
    assert code_of(admin.create_user, UserName="made-free") == "AccessDenied"
    assert code_of(admin.create_user, UserName="made-wide", PermissionsBoundary=ADMIN) == "AccessDenied"
    admin.create_user(UserName="made-within", PermissionsBoundary=bound)
    admin.put_user_policy(UserName="made-within", PolicyName="all", PolicyDocument=ALL)
    change = {"UserName": "made-within", "PermissionsBoundary": ADMIN}
    assert code_of(admin.put_user_permissions_boundary, **change) == "AccessDenied"
    assert code_of(admin.delete_user_permissions_boundary, UserName="made-within") == "AccessDenied"
    assert code_of(admin.put_user_policy, UserName="learner", PolicyName="x", PolicyDocument=ALL) == "AccessDenied"
    key = admin.create_access_key(UserName="made-within")["AccessKey"]
    made = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    assert shared_cloud.client("ssm", credentials=made).describe_parameters()["Parameters"] is not None
    assert code_of(shared_cloud.client("iam", credentials=made).list_users) == "AccessDenied"


@pytest.mark.parametrize("target", ["instance profile", "build project", "stack"])
def test_a_strong_role_is_not_passed(shared_cloud: Any, iam: Any, target: str) -> None:
    """Who may start something, but not hand the role over (iam:PassRole), gets nowhere."""
    name = f"pass-{target.replace(' ', '-')}"
    services = {"instance profile": "ec2", "build project": "codebuild", "stack": "cloudformation"}
    arn = new_role(shared_cloud, name, trusting(f"{services[target]}.amazonaws.com"), may("*"))
    elsewhere = may("iam:PassRole", resource=PLACE + "role/other-*")
    wrong_service = may("iam:PassRole", resource=arn, StringEquals={"iam:PassedToService": "lambda.amazonaws.com"})
    rights = may("iam:AddRoleToInstanceProfile", "codebuild:*", "cloudformation:*"), elsewhere, wrong_service
    user = person(shared_cloud, name, *rights)
    if target == "instance profile":
        iam.create_instance_profile(InstanceProfileName=name)
    code, message = {
        "instance profile": lambda: refused(
            user("iam").add_role_to_instance_profile, InstanceProfileName=name, RoleName=name
        ),
        "build project": lambda: refused(
            user("codebuild").create_project,
            name=name,
            source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=arn,
        ),
        "stack": lambda: refused(
            user("cloudformation").create_stack,
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}),
            RoleARN=arn,
        ),
    }[target]()
    assert (code.startswith("AccessDenied"), f"iam:PassRole on resource: {arn}" in message) == (True, True)


# Other accounts


def test_another_accounts_credentials(shared_cloud: Any, iam: Any) -> None:
    """The second account's administrator and root, with our ARNs and names."""
    arn = new_role(shared_cloud, "ours", trusts(ACCOUNT), may("*"))
    held = iam.create_policy(PolicyName="ours", PolicyDocument=ALL)["Policy"]["Arn"]
    person(shared_cloud, "ours")
    device = enabled_device(iam, "ours")
    for profile in ("second", "second-root"):
        theirs = shared_cloud.client("iam", profile)
        for operation, params in (
            (theirs.get_role, {"RoleName": "ours"}),
            (theirs.delete_user, {"UserName": "ours"}),
            (theirs.create_access_key, {"UserName": "ours"}),
            (theirs.get_policy, {"PolicyArn": held}),
            (theirs.create_policy_version, {"PolicyArn": held, "PolicyDocument": ALL}),
            (theirs.delete_policy, {"PolicyArn": held}),
            (theirs.deactivate_mfa_device, {"UserName": "learner", "SerialNumber": device.serial}),
            (theirs.delete_virtual_mfa_device, {"SerialNumber": device.serial}),
        ):
            assert code_of(operation, **params) in ("NoSuchEntity", "AccessDenied"), (profile, operation.__name__)
        sts = shared_cloud.client("sts", profile)
        assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"
    assert iam.get_role(RoleName="ours")["Role"]["Arn"] == arn


def test_trust_alone_or_permission_alone(shared_cloud: Any) -> None:
    """Across accounts both have to say yes."""
    theirs = shared_cloud.client("iam", "second")
    for name, statement in (("asks", may("sts:AssumeRole")), ("does-not", may("ssm:*"))):
        theirs.create_user(UserName=name)
        theirs.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(statement))
    trusting_them = new_role(shared_cloud, "trusting-them", trusts(SECOND))
    trusting_us = new_role(shared_cloud, "trusting-us", trusts(ACCOUNT))

    def tries(name: str, arn: str) -> Any:
        key = theirs.create_access_key(UserName=name)["AccessKey"]
        keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
        return lambda: assume(shared_cloud.client("sts", credentials=keys), arn)

    assert tries("asks", trusting_them)()["Credentials"]
    assert code_of(tries("asks", trusting_us)) == "AccessDenied"
    assert code_of(tries("does-not", trusting_them)) == "AccessDenied"


def test_half_stolen_credentials(shared_cloud: Any) -> None:
    """A session's key without its token, with another session's token, or with a changed one."""
    sts = shared_cloud.client("sts")
    first, second = (sts.get_session_token()["Credentials"] for _ in range(2))
    changed = first["SessionToken"][:-4] + "AAAA"
    for token in (None, second["SessionToken"], changed):
        stolen = shared_cloud.client("sts", credentials={**first, "SessionToken": token})
        assert code_of(stolen.get_caller_identity) == "InvalidClientTokenId"
