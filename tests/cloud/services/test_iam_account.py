"""The account: alias, password policy and login profiles, summary, authorization details, new names."""

import re
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, SECOND, assume, enabled_device, new_role, trusts
from services_help import code_of, may, person, policy, refused, trail, trusting

from labsupport.cloud.core.identity import Name

GOOD = "Correct-Horse-7"


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def test_the_alias(iam: Any, shared_cloud: Any) -> None:
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="the-lab")
    iam.create_account_alias(AccountAlias="our-lab")
    assert iam.list_account_aliases()["AccountAliases"] == ["our-lab"]
    theirs = shared_cloud.client("iam", "second")
    assert code_of(theirs.create_account_alias, AccountAlias="our-lab") == "EntityAlreadyExists"
    theirs.create_account_alias(AccountAlias="the-lab")  # it is free again
    assert code_of(iam.delete_account_alias, AccountAlias="the-lab") == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="our-lab")
    assert iam.list_account_aliases()["AccountAliases"] == []
    assert code_of(iam.create_account_alias, AccountAlias="Not_Good") == "ValidationError"


def test_the_summary(cloud: Any) -> None:
    iam = cloud.client("iam")
    before = iam.get_account_summary()["SummaryMap"]
    assert (before["Users"], before["UsersQuota"], before["AccountAccessKeysPresent"]) == (1, 5000, 1)
    person(cloud, "counted")
    enabled_device(iam, "counted")
    iam.create_policy(PolicyName="counted", PolicyDocument=policy(may("s3:*")))
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    after = iam.get_account_summary()["SummaryMap"]
    counts = {
        name: after[name] for name in ("Users", "MFADevices", "MFADevicesInUse", "Policies", "PolicyVersionsInUse")
    }
    assert set(counts.values()) == {1, 2}
    assert (counts["Users"], after["GlobalEndpointTokenVersion"], before["GlobalEndpointTokenVersion"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("kind", "most", "message"),
    [
        ("User", 5000, "Cannot exceed quota for UsersPerAccount: 5000"),
        ("Group", 300, "Cannot exceed quota for GroupsPerAccount: 300"),
        ("Role", 1000, "Cannot exceed quota for RolesPerAccount: 1000"),
        ("Policy", 1500, "Cannot exceed quota for PoliciesPerAccount: 1500"),
        ("InstanceProfile", 1000, "Cannot exceed quota for InstanceProfilesPerAccount: 1000"),
    ],
)
def test_how_many_an_account_may_have(shared_cloud: Any, kind: str, most: int, message: str) -> None:
    """As many names as that are taken beforehand; in an account of its own, which is left so."""
    iam = shared_cloud.client("iam", "second")

    def fill(cloud: Any) -> None:
        with cloud.store.transaction():
            there = cloud.store.count(Name, SECOND, kind)
            cloud.store.put(*(Name(account=SECOND, kind=kind, folded=f"n{one}") for one in range(most - there)))

    shared_cloud.on_loop(fill)
    more = {"PolicyDocument": policy(may("s3:*"))} if kind == "Policy" else {}
    more |= {"AssumeRolePolicyDocument": trusting("ec2.amazonaws.com")} if kind == "Role" else {}
    snake = {"InstanceProfile": "instance_profile"}.get(kind, kind.lower())
    operation = getattr(iam, f"create_{snake}")
    assert refused(operation, **{f"{kind}Name": "one-more"}, **more) == ("LimitExceeded", message)


# Passwords


def test_the_password_policy(cloud: Any) -> None:
    iam = cloud.client("iam")
    assert refused(iam.get_account_password_policy) == (
        "NoSuchEntity",
        f"The Password Policy with domain name {ACCOUNT} cannot be found.",
    )
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, MaxPasswordAge=90)
    found = iam.get_account_password_policy()["PasswordPolicy"]
    assert (found["MinimumPasswordLength"], found["ExpirePasswords"], found["MaxPasswordAge"]) == (12, True, 90)
    iam.create_user(UserName="u")
    for password, message in (
        ("Short-1", "Password should have a minimum length of 12"),
        ("LongButPlain123", "Password should have at least one symbol"),
    ):
        found = refused(iam.create_login_profile, UserName="u", Password=password)
        assert found == ("PasswordPolicyViolation", message)
    iam.create_login_profile(UserName="u", Password="long-and-odd!")
    iam.update_account_password_policy(PasswordReusePrevention=2)  # the rest is as the API has it again
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 6
    assert code_of(iam.update_login_profile, UserName="u", Password="long-and-odd!") == "PasswordPolicyViolation"
    for password in ("second", "third!", "fourth", "third?"):
        iam.update_login_profile(UserName="u", Password=password)
    assert code_of(iam.update_login_profile, UserName="u", Password="fourth") == "PasswordPolicyViolation"
    iam.update_login_profile(UserName="u", Password="second")
    iam.delete_account_password_policy()
    assert code_of(iam.delete_account_password_policy) == "NoSuchEntity"


@pytest.mark.parametrize("password", ["Short-1", "alllowercase", "lower1234", "Somebody-1"])
def test_passwords_without_a_policy(iam: Any, password: str) -> None:
    """Eight characters of three kinds, and not the user's name."""
    if "Somebody-1" not in {one["UserName"] for one in iam.list_users()["Users"]}:
        iam.create_user(UserName="Somebody-1")
    params = {"UserName": "Somebody-1", "Password": password}
    assert code_of(iam.create_login_profile, **params) == "PasswordPolicyViolation"


def test_a_login_profile(iam: Any, shared_cloud: Any) -> None:
    user = person(shared_cloud, "console", may("iam:ChangePassword"))
    who = {"UserName": "console"}
    assert refused(iam.get_login_profile, **who) == (
        "NoSuchEntity",
        "Login Profile for User console cannot be found.",
    )
    made = iam.create_login_profile(**who, Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == ("console", True)
    assert code_of(iam.create_login_profile, **who, Password=GOOD) == "EntityAlreadyExists"
    change = user("iam").change_password
    assert code_of(change, OldPassword="Wrong-Horse-7", NewPassword="Other-Horse-8") == "AccessDenied"
    change(OldPassword=GOOD, NewPassword="Other-Horse-8")
    assert iam.get_login_profile(**who)["LoginProfile"]["PasswordResetRequired"] is False
    assert code_of(change, OldPassword=GOOD, NewPassword="Third-Horse-9") == "AccessDenied"
    assert GOOD not in str(trail(shared_cloud, "CreateLoginProfile") + trail(shared_cloud, "ChangePassword"))
    assert code_of(iam.delete_user, **who) == "DeleteConflict"
    iam.delete_login_profile(**who)
    assert code_of(iam.delete_login_profile, **who) == "NoSuchEntity"
    root = shared_cloud.client("iam", "root")
    assert code_of(root.change_password, OldPassword=GOOD, NewPassword=GOOD) == "InvalidUserType"


def test_who_may_change_a_password(cloud: Any) -> None:
    iam, user = cloud.client("iam"), person(cloud, "plain")
    iam.create_login_profile(UserName="plain", Password=GOOD)
    change = {"OldPassword": GOOD, "NewPassword": "Other-Horse-8"}
    assert code_of(user("iam").change_password, **change) == "AccessDenied"
    iam.update_account_password_policy(AllowUsersToChangePassword=True)
    user("iam").change_password(**change)


# New names


def test_a_new_name(iam: Any, shared_cloud: Any) -> None:
    """The user stays the same: its keys, group, password, and the roles that trust it."""
    user = person(shared_cloud, "before", may("sts:AssumeRole"))
    iam.create_group(GroupName="renamed-group")
    iam.add_user_to_group(GroupName="renamed-group", UserName="before")
    iam.create_login_profile(UserName="before", Password=GOOD)
    arn = new_role(shared_cloud, "trusts-before", trusts(PLACE + "user/before"))
    session = shared_cloud.client("sts", credentials=user("sts").get_session_token()["Credentials"])
    unique = iam.get_user(UserName="before")["User"]["UserId"]
    iam.update_user(UserName="before", NewUserName="after", NewPath="/new/")
    assert user("sts").get_caller_identity()["Arn"] == PLACE + "user/new/after"
    assert session.get_caller_identity()["UserId"] == unique
    assert assume(user("sts"), arn)["Credentials"]
    shown = iam.get_role(RoleName="trusts-before")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert shown == {"AWS": PLACE + "user/new/after"}
    assert iam.get_login_profile(UserName="after")["LoginProfile"]["UserName"] == "after"
    assert code_of(iam.get_user, UserName="before") == "NoSuchEntity"
    assert code_of(iam.update_user, UserName="after", NewUserName="Learner") == "EntityAlreadyExists"
    iam.update_user(UserName="after", NewUserName="After")
    iam.update_group(GroupName="renamed-group", NewGroupName="new-group", NewPath="/g/")
    assert [one["UserName"] for one in iam.get_group(GroupName="new-group")["Users"]] == ["After"]
    iam.create_user(UserName="before")


def test_who_renames_needs_both_arns(shared_cloud: Any) -> None:
    shared_cloud.client("iam").create_user(UserName="mover", Path="/a/")
    half = person(shared_cloud, "half", may("iam:UpdateUser", resource=PLACE + "user/a/*"))("iam")
    code, message = refused(half.update_user, UserName="mover", NewPath="/b/")
    assert (code, f"resource: {PLACE}user/b/mover" in message) == ("AccessDenied", True)
    half.update_user(UserName="mover", NewUserName="moved")


# Everything in one listing


def test_authorization_details(cloud: Any) -> None:
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="own", PolicyDocument=policy(may("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(may("sns:*")), SetAsDefault=True)
    person(cloud, "ana", may("ssm:*"))
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ana")
    iam.attach_group_policy(GroupName="team", PolicyArn=arn)
    iam.create_role(RoleName="ops", AssumeRolePolicyDocument=trusting("ec2.amazonaws.com"), PermissionsBoundary=arn)
    iam.create_instance_profile(InstanceProfileName="ops")
    iam.add_role_to_instance_profile(InstanceProfileName="ops", RoleName="ops")
    found = iam.get_account_authorization_details()
    ana = next(one for one in found["UserDetailList"] if one["UserName"] == "ana")
    assert (ana["GroupList"], [one["PolicyName"] for one in ana["UserPolicyList"]]) == (["team"], ["own"])
    assert ana["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == ["ssm:*"]
    (team,) = found["GroupDetailList"]
    assert team["AttachedManagedPolicies"] == [{"PolicyName": "own", "PolicyArn": arn}]
    (ops,) = found["RoleDetailList"]
    assert ops["InstanceProfileList"][0]["InstanceProfileName"] == "ops"
    assert ops["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    policies = {one["Arn"]: one for one in found["Policies"]}
    assert set(policies) == {arn, "arn:aws:iam::aws:policy/AdministratorAccess"}
    versions = policies[arn]["PolicyVersionList"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v2", True), ("v1", False)]
    only = iam.get_account_authorization_details(Filter=["Role", "LocalManagedPolicy"])
    assert (only["UserDetailList"], len(only["RoleDetailList"]), len(only["Policies"])) == ([], 1, 1)
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    sizes = [sum(len(page[name]) for name in page if name.endswith(("List", "Policies"))) for page in pages]
    assert sizes == [2, 2, 2]
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", ana["UserId"])
    assert SECOND not in str(found)
