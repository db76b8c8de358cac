"""Users, access keys, groups, service-specific credentials."""

import re
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, policy, refused, trail

PLACE = f"arn:aws:iam::{ACCOUNT}:"


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def missing(kind: str, name: str) -> tuple[str, str]:
    return "NoSuchEntity", f"The {kind} with name {name} cannot be found."


def test_a_new_user(iam: Any) -> None:
    made = iam.create_user(UserName="ana", Path="/team/a/", Tags=[{"Key": "k", "Value": "v"}])["User"]
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"])
    assert (made["Arn"], made["Path"], made["UserName"]) == (PLACE + "user/team/a/ana", "/team/a/", "ana")
    assert made["Tags"] == [{"Key": "k", "Value": "v"}]
    assert iam.get_user(UserName="ana")["User"] == made
    assert refused(iam.create_user, UserName="ANA") == ("EntityAlreadyExists", "User with name ANA already exists.")
    iam.delete_user(UserName="ana")
    assert refused(iam.get_user, UserName="ana") == missing("user", "ana")
    again = iam.create_user(UserName="Ana")["User"]
    assert again["UserId"] != made["UserId"]


@pytest.mark.parametrize("name", ["a b", "ü", "a/b", "x" * 65])
def test_names_that_are_refused(iam: Any, name: str) -> None:
    assert code_of(iam.create_user, UserName=name) == "ValidationError"


def test_who_is_meant_without_a_name(shared_cloud: Any) -> None:
    assert shared_cloud.client("iam").get_user()["User"]["UserName"] == "learner"
    root = shared_cloud.client("iam", "root")
    assert root.get_user()["User"]["Arn"] == PLACE + "root"
    (key,) = root.list_access_keys()["AccessKeyMetadata"]
    assert (key["AccessKeyId"], "UserName" in key) == (shared_cloud.keys("root")["aws_access_key_id"], False)
    assert refused(root.list_mfa_devices) == (
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
    )


@pytest.mark.parametrize(
    ("operation", "params", "kind"),
    [
        ("get_user", {"UserName": "nobody"}, "user"),
        ("delete_user", {"UserName": "nobody"}, "user"),
        ("tag_user", {"UserName": "nobody", "Tags": []}, "user"),
        ("untag_user", {"UserName": "nobody", "TagKeys": []}, "user"),
        ("list_user_tags", {"UserName": "nobody"}, "user"),
        ("create_access_key", {"UserName": "nobody"}, "user"),
        ("list_access_keys", {"UserName": "nobody"}, "user"),
        ("list_groups_for_user", {"UserName": "nobody"}, "user"),
        ("list_user_policies", {"UserName": "nobody"}, "user"),
        ("list_attached_user_policies", {"UserName": "nobody"}, "user"),
        (
            "create_service_specific_credential",
            {"UserName": "nobody", "ServiceName": "codecommit.amazonaws.com"},
            "user",
        ),
        ("list_service_specific_credentials", {"UserName": "nobody"}, "user"),
        ("get_group", {"GroupName": "nobody"}, "group"),
        ("delete_group", {"GroupName": "nobody"}, "group"),
        ("add_user_to_group", {"GroupName": "nobody", "UserName": "learner"}, "group"),
        ("remove_user_from_group", {"GroupName": "nobody", "UserName": "learner"}, "group"),
        ("list_group_policies", {"GroupName": "nobody"}, "group"),
    ],
)
def test_who_is_not_there(iam: Any, operation: str, params: dict[str, Any], kind: str) -> None:
    assert refused(getattr(iam, operation), **params) == missing(kind, "nobody")


def test_deleted_only_when_empty(iam: Any) -> None:
    iam.create_user(UserName="full")
    iam.create_group(GroupName="full-group")
    iam.add_user_to_group(GroupName="full-group", UserName="full")
    iam.put_user_policy(UserName="full", PolicyName="p", PolicyDocument=policy(may("s3:*")))
    iam.attach_user_policy(UserName="full", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    key = iam.create_access_key(UserName="full")["AccessKey"]["AccessKeyId"]
    credential = iam.create_service_specific_credential(UserName="full", ServiceName="codecommit.amazonaws.com")
    credential_id = credential["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    steps = [
        ("must delete access keys first", lambda: iam.delete_access_key(UserName="full", AccessKeyId=key)),
        (
            "must delete service specific credentials first",
            lambda: iam.delete_service_specific_credential(
                UserName="full", ServiceSpecificCredentialId=credential_id
            ),
        ),
        (
            "must detach all policies first",
            lambda: iam.detach_user_policy(UserName="full", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ),
        ("must delete policies first", lambda: iam.delete_user_policy(UserName="full", PolicyName="p")),
        (
            "must remove users from group first",
            lambda: iam.remove_user_from_group(GroupName="full-group", UserName="full"),
        ),
    ]  # fmt: skip
    for reason, clear in steps:
        assert refused(iam.delete_user, UserName="full") == ("DeleteConflict", f"Cannot delete entity, {reason}.")
        clear()
    iam.delete_user(UserName="full")


def test_pages(cloud: Any) -> None:
    iam = cloud.client("iam")
    names = [f"u{number}" for number in range(7)]
    for name in names:
        iam.create_user(UserName=name, Path="/paged/", Tags=[{"Key": "a", "Value": "1"}])
    pages = iam.get_paginator("list_users").paginate(PathPrefix="/paged/", PaginationConfig={"PageSize": 3})
    seen = [[one["UserName"] for one in page["Users"]] for page in pages]
    assert seen == [names[:3], names[3:6], names[6:]]
    assert "Tags" not in iam.list_users(PathPrefix="/paged/")["Users"][0]
    assert iam.list_users(MaxItems=3)["IsTruncated"] is True
    assert iam.list_users(MaxItems=1000)["IsTruncated"] is False
    assert refused(iam.list_users, Marker="bad") == ("ValidationError", "Invalid Marker: bad")
    assert [one["UserName"] for one in cloud.client("iam", "second").list_users()["Users"]] == ["learner"]


def test_tags(iam: Any) -> None:
    iam.create_user(UserName="tagged", Tags=[{"Key": "Team", "Value": "1"}])
    iam.tag_user(UserName="tagged", Tags=[{"Key": "team", "Value": "2"}, {"Key": "b", "Value": ""}])
    assert iam.list_user_tags(UserName="tagged")["Tags"] == [{"Key": "b", "Value": ""}, {"Key": "team", "Value": "2"}]
    iam.untag_user(UserName="tagged", TagKeys=["TEAM", "x"])
    assert iam.list_user_tags(UserName="tagged")["Tags"] == [{"Key": "b", "Value": ""}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert code_of(iam.tag_user, UserName="tagged", Tags=many) == "LimitExceeded"
    assert code_of(iam.tag_user, UserName="tagged", Tags=[{"Key": "aws:x", "Value": ""}]) == "InvalidInput"
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert code_of(iam.tag_user, UserName="tagged", Tags=twice) == "InvalidInput"
    for number in range(7):
        iam.tag_user(UserName="tagged", Tags=[{"Key": f"k{number}", "Value": ""}])
    pages = iam.get_paginator("list_user_tags").paginate(UserName="tagged", PaginationConfig={"PageSize": 3})
    assert [len(page["Tags"]) for page in pages] == [3, 3, 2]


# Access keys


def identity(cloud: Any, key: dict[str, Any]) -> Any:
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    return cloud.client("sts", credentials=keys).get_caller_identity


def test_access_keys(iam: Any, shared_cloud: Any) -> None:
    user = iam.create_user(UserName="keys")["User"]
    first, second = (iam.create_access_key(UserName="keys")["AccessKey"] for _ in range(2))
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", first["AccessKeyId"])
    assert len(first["SecretAccessKey"]) == 40
    assert refused(iam.create_access_key, UserName="keys") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    who = identity(shared_cloud, first)
    assert {name: who()[name] for name in ("UserId", "Account", "Arn")} == {
        "UserId": user["UserId"],
        "Account": ACCOUNT,
        "Arn": PLACE + "user/keys",
    }
    iam.update_access_key(UserName="keys", AccessKeyId=first["AccessKeyId"], Status="Inactive")
    assert code_of(who) == "InvalidClientTokenId"
    listed = {one["AccessKeyId"]: one["Status"] for one in iam.list_access_keys(UserName="keys")["AccessKeyMetadata"]}
    assert listed == {first["AccessKeyId"]: "Inactive", second["AccessKeyId"]: "Active"}
    assert "SecretAccessKey" not in iam.list_access_keys(UserName="keys")["AccessKeyMetadata"][0]
    iam.update_access_key(UserName="keys", AccessKeyId=first["AccessKeyId"], Status="Active")
    assert who()["Arn"] == PLACE + "user/keys"
    iam.delete_access_key(UserName="keys", AccessKeyId=first["AccessKeyId"])
    assert code_of(who) == "InvalidClientTokenId"
    gone = {"UserName": "keys", "AccessKeyId": first["AccessKeyId"]}
    assert refused(iam.delete_access_key, **gone) == (
        "NoSuchEntity",
        f"The Access Key with id {first['AccessKeyId']} cannot be found.",
    )
    assert code_of(iam.delete_access_key, UserName="learner", AccessKeyId=second["AccessKeyId"]) == "NoSuchEntity"


def test_the_last_use_of_a_key(iam: Any, shared_cloud: Any) -> None:
    iam.create_user(UserName="rare")
    key = iam.create_access_key(UserName="rare")["AccessKey"]
    where = {"AccessKeyId": key["AccessKeyId"]}
    answer = iam.get_access_key_last_used(**where)
    assert (answer["UserName"], answer["AccessKeyLastUsed"]) == ("rare", {"ServiceName": "N/A", "Region": "N/A"})
    keys = {"SecretAccessKey": key["SecretAccessKey"], "SessionToken": None, **where}
    refused(shared_cloud.client("ssm", credentials=keys, region_name="eu-west-1").describe_parameters)
    used = iam.get_access_key_last_used(**where)["AccessKeyLastUsed"]
    assert used.pop("LastUsedDate").tzinfo is not None
    assert used == {"ServiceName": "ssm", "Region": "eu-west-1"}
    assert code_of(iam.get_access_key_last_used, AccessKeyId="AKIA" + "A" * 16) == "NoSuchEntity"


def test_ones_own_keys(shared_cloud: Any) -> None:
    own = {"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": PLACE + "user/${aws:username}"}
    mine = person(shared_cloud, "self", own)("iam")
    made = mine.create_access_key()["AccessKey"]
    assert made["UserName"] == "self"
    assert len(mine.list_access_keys()["AccessKeyMetadata"]) == 2
    mine.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert code_of(mine.create_access_key, UserName="learner") == "AccessDenied"


def test_a_secret_is_not_in_the_trail(iam: Any, shared_cloud: Any) -> None:
    iam.create_user(UserName="secretive")
    secret = iam.create_access_key(UserName="secretive")["AccessKey"]["SecretAccessKey"]
    entry = trail(shared_cloud, "CreateAccessKey")[-1]
    assert entry["responseElements"]["accessKey"]["userName"] == "secretive"
    assert secret not in str(entry)


# Groups


def test_groups(iam: Any, shared_cloud: Any) -> None:
    made = iam.create_group(GroupName="builders", Path="/g/")["Group"]
    assert re.fullmatch(r"AGPA[A-Z2-7]{17}", made["GroupId"])
    assert made["Arn"] == PLACE + "group/g/builders"
    assert refused(iam.create_group, GroupName="Builders") == (
        "EntityAlreadyExists",
        "Group with name Builders already exists.",
    )
    member = person(shared_cloud, "member")("ssm")
    assert code_of(member.describe_parameters) == "AccessDeniedException"
    iam.put_group_policy(GroupName="builders", PolicyName="p", PolicyDocument=policy(may("ssm:*")))
    for _ in range(2):
        iam.add_user_to_group(GroupName="builders", UserName="member")
    assert member.describe_parameters()["Parameters"] == []
    assert [one["UserName"] for one in iam.get_group(GroupName="builders")["Users"]] == ["member"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="member")["Groups"]] == ["builders"]
    assert [one["GroupName"] for one in iam.list_groups(PathPrefix="/g/")["Groups"]] == ["builders"]
    assert refused(iam.delete_group, GroupName="builders")[1].endswith("must remove users from group first.")
    iam.remove_user_from_group(GroupName="builders", UserName="member")
    assert code_of(member.describe_parameters) == "AccessDeniedException"
    assert refused(iam.delete_group, GroupName="builders")[1].endswith("must delete policies first.")
    iam.delete_group_policy(GroupName="builders", PolicyName="p")
    iam.attach_group_policy(GroupName="builders", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert refused(iam.delete_group, GroupName="builders")[1].endswith("must detach all policies first.")
    iam.detach_group_policy(GroupName="builders", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_group(GroupName="builders")
    assert code_of(iam.get_group, GroupName="builders") == "NoSuchEntity"


def test_ten_groups(iam: Any) -> None:
    iam.create_user(UserName="sociable")
    for number in range(11):
        iam.create_group(GroupName=f"social-{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"social-{number}", UserName="sociable")
    last = {"GroupName": "social-10", "UserName": "sociable"}
    assert refused(iam.add_user_to_group, **last) == ("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")


def test_pages_of_members(iam: Any) -> None:
    iam.create_group(GroupName="large")
    for number in range(5):
        iam.create_user(UserName=f"large-{number}")
        iam.add_user_to_group(GroupName="large", UserName=f"large-{number}")
    pages = iam.get_paginator("get_group").paginate(GroupName="large", PaginationConfig={"PageSize": 2})
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]


# Service-specific credentials


def test_git_credentials(iam: Any) -> None:
    iam.create_user(UserName="git")
    where = {"UserName": "git", "ServiceName": "codecommit.amazonaws.com"}
    first, second = (iam.create_service_specific_credential(**where)["ServiceSpecificCredential"] for _ in range(2))
    names = [f"git-at-{ACCOUNT}", f"git+1-at-{ACCOUNT}"]
    assert [first["ServiceUserName"], second["ServiceUserName"]] == names
    assert first["ServicePassword"] != second["ServicePassword"]
    assert code_of(iam.create_service_specific_credential, **where) == "LimitExceeded"
    one = {"UserName": "git", "ServiceSpecificCredentialId": first["ServiceSpecificCredentialId"]}
    iam.update_service_specific_credential(**one, Status="Inactive")
    listed = iam.list_service_specific_credentials(**where)["ServiceSpecificCredentials"]
    assert sorted((entry["ServiceUserName"], entry["Status"]) for entry in listed) == [
        (names[1], "Active"),
        (names[0], "Inactive"),
    ]
    assert "ServicePassword" not in listed[0]
    new = iam.reset_service_specific_credential(**one)["ServiceSpecificCredential"]["ServicePassword"]
    assert new != first["ServicePassword"]
    iam.delete_service_specific_credential(**one)
    again = iam.create_service_specific_credential(**where)["ServiceSpecificCredential"]
    assert again["ServiceUserName"] == names[0]
    for operation in (iam.delete_service_specific_credential, iam.reset_service_specific_credential):
        assert code_of(operation, **one) == "NoSuchEntity"
    assert code_of(iam.update_service_specific_credential, **one, Status="Active") == "NoSuchEntity"


def test_credentials_that_the_lab_has_not(iam: Any) -> None:
    where = {"UserName": "learner", "ServiceName": "cassandra.amazonaws.com"}
    assert code_of(iam.create_service_specific_credential, **where) == "NotSimulated"
    where = {"UserName": "learner", "ServiceName": "codecommit.amazonaws.com", "CredentialAgeDays": 7}
    assert code_of(iam.create_service_specific_credential, **where) == "NotSimulated"


def test_git_credentials_of_everybody(iam: Any) -> None:
    where = {"ServiceName": "codecommit.amazonaws.com"}
    for name in ("git-one", "git-two"):
        iam.create_user(UserName=name)
        iam.create_service_specific_credential(UserName=name, **where)
    listed = iam.list_service_specific_credentials(AllUsers=True, **where)["ServiceSpecificCredentials"]
    assert {"git-one", "git-two"} <= {one["UserName"] for one in listed}
    both = {"AllUsers": True, "UserName": "git-one"}
    assert code_of(iam.list_service_specific_credentials, **both) == "ValidationError"


# Who may


def test_permissions_name_paths(shared_cloud: Any) -> None:
    shared_cloud.client("iam").create_user(UserName="pathless")
    shared_cloud.client("iam").create_user(UserName="pathed", Path="/devs/")
    devs = PLACE + "user/devs/*"
    admin = person(shared_cloud, "dev-admin", may("iam:GetUser", "iam:CreateUser", resource=devs))("iam")
    assert admin.get_user(UserName="pathed")["User"]["UserName"] == "pathed"
    assert refused(admin.get_user, UserName="pathless") == (
        "AccessDenied",
        f"User: {PLACE}user/dev-admin is not authorized to perform: iam:GetUser on resource: {PLACE}user/pathless "
        "because no identity-based policy allows the iam:GetUser action",
    )
    assert admin.create_user(UserName="new-dev", Path="/devs/")["User"]["Path"] == "/devs/"
    assert code_of(admin.create_user, UserName="new-other", Path="/others/") == "AccessDenied"
    assert trail(shared_cloud, "CreateUser")[-1]["errorCode"] == "AccessDenied"


def test_kept_over_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    first.client("iam").create_user(UserName="kept")
    key = first.client("iam").create_access_key(UserName="kept")["AccessKey"]
    first.stop()
    second = start_cloud(home=first.home)
    assert identity(second, key)()["Arn"] == PLACE + "user/kept"
    assert code_of(second.client("iam").create_user, UserName="Kept") == "EntityAlreadyExists"
