"""Managed and inline policies: kept, versioned, attached, and what they do."""

import json
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, policy, refused, trusting

PLACE = f"arn:aws:iam::{ACCOUNT}:"
READ = policy(may("ssm:Describe*"))
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def new_policy(iam: Any, name: str, text: str = READ, **more: Any) -> str:
    arn: str = iam.create_policy(PolicyName=name, PolicyDocument=text, **more)["Policy"]["Arn"]
    return arn


def test_a_new_policy(iam: Any) -> None:
    arn = new_policy(iam, "reading", Path="/p/", Description="d", Tags=[{"Key": "a", "Value": "1"}])
    assert arn == PLACE + "policy/p/reading"
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert found["PolicyId"].startswith("ANPA")
    assert (found["DefaultVersionId"], found["AttachmentCount"], found["IsAttachable"]) == ("v1", 0, True)
    assert (found["Description"], found["Tags"]) == ("d", [{"Key": "a", "Value": "1"}])
    assert refused(iam.create_policy, PolicyName="Reading", PolicyDocument=READ) == (
        "EntityAlreadyExists",
        "A policy called Reading already exists. Duplicate names are not allowed.",
    )
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.")
    new_policy(iam, "reading")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        " " + READ,
        json.dumps({"Statement": [may("s3:*")]}),
        policy({"Effect": "Allow", "Action": "s3:*"}),
        policy({"Effect": "Allow", "Action": "s3", "Resource": "*"}),
        policy({"Effect": "Perhaps", "Action": "s3:*", "Resource": "*"}),
        policy({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}),
        policy(may("s3:*", resource="bucket")),
    ],
)
def test_policies_that_are_refused(iam: Any, text: str) -> None:
    code, message = refused(iam.create_policy, PolicyName="refused", PolicyDocument=text)
    assert (code, bool(message)) == ("MalformedPolicyDocument", True)
    arn = new_policy(iam, f"keeps-{len(text)}")
    assert code_of(iam.create_policy_version, PolicyArn=arn, PolicyDocument=text) == "MalformedPolicyDocument"
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 1


def test_sizes(iam: Any) -> None:
    many = [may("s3:GetObject", resource=f"arn:aws:s3:::{'b' * 40}{number}/*") for number in range(100)]
    assert refused(iam.create_policy, PolicyName="large", PolicyDocument=policy(*many)) == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )
    spacious = json.dumps(json.loads(policy(*many[:40])), indent=40)
    assert len(spacious) > 6144
    assert new_policy(iam, "spacious", spacious)
    iam.create_user(UserName="heavy")
    inline = {"UserName": "heavy", "PolicyName": "p"}
    assert refused(iam.put_user_policy, **inline, PolicyDocument=policy(*many[:30])) == (
        "LimitExceeded",
        "Maximum policy size of 2048 bytes exceeded for user heavy",
    )
    iam.put_user_policy(**inline, PolicyDocument=policy(*many[:10]))
    more = {"UserName": "heavy", "PolicyName": "q", "PolicyDocument": policy(*many[:10])}
    assert code_of(iam.put_user_policy, **more) == "LimitExceeded"


def test_versions(iam: Any) -> None:
    arn = new_policy(iam, "versions")
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(may(f"s3:Get{number}")))["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == (f"v{number}", False)
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=READ) == (
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
        "version.",
    )
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v1") == (
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
    )
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    for version in ("v1", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ, SetAsDefault=True)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", True)
    pages = iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 3})
    assert [[one["VersionId"] for one in page["Versions"]] for page in pages] == [["v6", "v4", "v3"], ["v2"]]
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v4")["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == ["s3:Get4"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"
    gone = {"PolicyArn": arn, "VersionId": "v5"}
    for operation in (iam.get_policy_version, iam.delete_policy_version, iam.set_default_policy_version):
        assert refused(operation, **gone) == (
            "NoSuchEntity",
            f"Policy {arn} version v5 does not exist or is not attachable.",
        )
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"


def test_the_default_version_counts(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    arn = new_policy(iam, "counts", policy(may("ssm:Get*")))
    reader = person(shared_cloud, "version-reader")("ssm")
    iam.attach_user_policy(UserName="version-reader", PolicyArn=arn)
    assert code_of(reader.describe_parameters) == "AccessDeniedException"
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ, SetAsDefault=True)
    assert reader.describe_parameters()["Parameters"] == []
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert code_of(reader.describe_parameters) == "AccessDeniedException"


def test_policies_of_aws(iam: Any) -> None:
    found = iam.get_policy(PolicyArn=READ_ONLY)["Policy"]
    version = iam.get_policy_version(PolicyArn=READ_ONLY, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"]
    for operation, params in (
        (iam.delete_policy, {}),
        (iam.create_policy_version, {"PolicyDocument": READ}),
        (iam.tag_policy, {"Tags": [{"Key": "a", "Value": "1"}]}),
    ):
        assert code_of(operation, PolicyArn=READ_ONLY, **params) == "AccessDenied"
    missing = "arn:aws:iam::aws:policy/NoSuchThing"
    assert code_of(iam.get_policy, PolicyArn=missing) == "NoSuchEntity"


def test_policies_of_another_account(cloud: Any) -> None:
    theirs = new_policy(cloud.client("iam", "second"), "theirs")
    iam = cloud.client("iam")
    assert code_of(iam.get_policy, PolicyArn=theirs) in ("NoSuchEntity", "AccessDenied")
    iam.create_user(UserName="taker")
    assert code_of(iam.attach_user_policy, UserName="taker", PolicyArn=theirs) == "NoSuchEntity"
    assert cloud.client("iam", "second").get_policy(PolicyArn=theirs)["Policy"]["Arn"] == theirs


def test_listed(cloud: Any) -> None:
    iam = cloud.client("iam")
    own = [new_policy(iam, f"p{number}", Path="/listed/") for number in range(5)]
    pages = iam.get_paginator("list_policies").paginate(Scope="Local", PaginationConfig={"PageSize": 2})
    assert [[one["Arn"] for one in page["Policies"]] for page in pages] == [own[:2], own[2:4], own[4:]]
    every = iam.get_paginator("list_policies").paginate().build_full_result()["Policies"]
    arns = [one["Arn"] for one in every]
    assert set(own) < set(arns)
    assert READ_ONLY in arns
    assert len(arns) == len(set(arns))
    by_aws = iam.get_paginator("list_policies").paginate(Scope="AWS").build_full_result()["Policies"]
    assert not set(own) & {one["Arn"] for one in by_aws}
    iam.create_user(UserName="u", PermissionsBoundary=own[1])
    iam.attach_user_policy(UserName="u", PolicyArn=own[0])
    used = {one["Arn"]: one for one in iam.list_policies(OnlyAttached=True)["Policies"]}
    assert set(used) == {own[0], own[1], "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert (used[own[0]]["AttachmentCount"], used[own[1]]["PermissionsBoundaryUsageCount"]) == (1, 1)
    bounds = iam.list_policies(PolicyUsageFilter="PermissionsBoundary")["Policies"]
    assert [one["Arn"] for one in bounds] == [own[1]]
    assert iam.list_policies(PathPrefix="/listed/")["Policies"][0]["Path"] == "/listed/"


def test_who_holds_a_policy(iam: Any) -> None:
    arn = new_policy(iam, "held")
    iam.create_user(UserName="holder", Path="/h/")
    iam.create_user(UserName="bounded", PermissionsBoundary=arn)
    iam.create_group(GroupName="holders")
    iam.create_role(RoleName="holding", AssumeRolePolicyDocument=trusting("ec2.amazonaws.com"))
    iam.attach_user_policy(UserName="holder", PolicyArn=arn)
    iam.attach_group_policy(GroupName="holders", PolicyArn=arn)
    iam.attach_role_policy(RoleName="holding", PolicyArn=arn)

    def names(**params: Any) -> tuple[list[str], list[str], list[str]]:
        found = iam.list_entities_for_policy(PolicyArn=arn, **params)
        return tuple([one[f"{kind}Name"] for one in found[f"Policy{kind}s"]] for kind in ("User", "Group", "Role"))  # type: ignore[return-value]

    assert names() == (["bounded", "holder"], ["holders"], ["holding"])
    assert names(EntityFilter="Role") == ([], [], ["holding"])
    assert names(PolicyUsageFilter="PermissionsBoundary") == (["bounded"], [], [])
    assert names(PathPrefix="/h/") == (["holder"], [], [])
    pages = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 3})
    assert [len(page["PolicyUsers"] + page["PolicyGroups"] + page["PolicyRoles"]) for page in pages] == [3, 1]
    assert refused(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )


@pytest.mark.parametrize("kind", ["user", "role", "group"])
def test_inline_and_attached(iam: Any, kind: str) -> None:
    """The same operations for all three."""
    name = {f"{kind.capitalize()}Name": f"holds-{kind}"}
    trust = {"AssumeRolePolicyDocument": trusting("ec2.amazonaws.com")} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**name, **trust)

    def call(operation: str, **params: Any) -> Any:
        return getattr(iam, operation.format(kind))(**name, **params)

    for inline in ("b", "a", "c"):
        call("put_{}_policy", PolicyName=inline, PolicyDocument=READ)
    answer = call("get_{}_policy", PolicyName="a")
    answer.pop("ResponseMetadata")
    assert answer == {**name, "PolicyName": "a", "PolicyDocument": json.loads(READ)}
    first = call("list_{}_policies", MaxItems=2)
    rest = call("list_{}_policies", MaxItems=2, Marker=first["Marker"])
    assert (first["PolicyNames"], rest["PolicyNames"], rest["IsTruncated"]) == (["a", "b"], ["c"], False)
    call("delete_{}_policy", PolicyName="b")
    for operation in ("get_{}_policy", "delete_{}_policy"):
        assert refused(call, operation=operation, PolicyName="b") == (
            "NoSuchEntity",
            f"The {kind} policy with name b cannot be found.",
        )
    assert code_of(call, operation="put_{}_policy", PolicyName="d", PolicyDocument="{}") == "MalformedPolicyDocument"
    own = new_policy(iam, f"attached-{kind}", Path="/mine/")
    for arn in (READ_ONLY, own, own):
        call("attach_{}_policy", PolicyArn=arn)
    attached = call("list_attached_{}_policies")["AttachedPolicies"]
    assert attached == [
        {"PolicyName": f"attached-{kind}", "PolicyArn": own},
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY},
    ]
    assert call("list_attached_{}_policies", PathPrefix="/mine/")["AttachedPolicies"] == attached[:1]
    call("detach_{}_policy", PolicyArn=own)
    assert refused(call, operation="detach_{}_policy", PolicyArn=own) == (
        "NoSuchEntity",
        f"Policy {own} was not found.",
    )
    missing = own + "-not"
    assert refused(call, operation="attach_{}_policy", PolicyArn=missing) == (
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
    )


def test_ten_attached(iam: Any) -> None:
    iam.create_user(UserName="collector")
    arns = [new_policy(iam, f"many-{number}") for number in range(11)]
    for arn in arns[:10]:
        iam.attach_user_policy(UserName="collector", PolicyArn=arn)
    assert refused(iam.attach_user_policy, UserName="collector", PolicyArn=arns[10]) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerUser: 10",
    )


def test_boundaries(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    bound = new_policy(iam, "bound", policy(may("ssm:*")))
    bounded = person(shared_cloud, "within", may("*"))
    assert bounded("sns").list_topics()["Topics"] == []
    iam.put_user_permissions_boundary(UserName="within", PermissionsBoundary=bound)
    shown = iam.get_user(UserName="within")["User"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": bound}
    assert bounded("ssm").describe_parameters()["Parameters"] == []
    code, message = refused(bounded("sns").list_topics)
    assert code == "AuthorizationError"
    assert "because no permissions boundary allows the sns:ListTopics action" in message
    iam.delete_user_permissions_boundary(UserName="within")
    assert bounded("sns").list_topics()["Topics"] == []
    assert code_of(iam.delete_user_permissions_boundary, UserName="within") == "NoSuchEntity"
    iam.create_role(
        RoleName="within", AssumeRolePolicyDocument=trusting("ec2.amazonaws.com"), PermissionsBoundary=bound
    )
    assert iam.get_role(RoleName="within")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == bound
    iam.delete_role_permissions_boundary(RoleName="within")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="within")["Role"]
    iam.put_role_permissions_boundary(RoleName="within", PermissionsBoundary=READ_ONLY)
    missing = PLACE + "policy/nowhere"
    for operation, params in (
        (iam.create_user, {"UserName": "unbounded"}),
        (iam.put_user_permissions_boundary, {"UserName": "within"}),
        (iam.put_role_permissions_boundary, {"RoleName": "within"}),
    ):
        assert refused(operation, **params, PermissionsBoundary=missing) == (
            "NoSuchEntity",
            f"Scope ARN: {missing} does not exist or is not attachable.",
        )
    assert code_of(iam.get_user, UserName="unbounded") == "NoSuchEntity"


def test_an_explicit_denial_wins(shared_cloud: Any) -> None:
    member = person(shared_cloud, "denied", may("ssm:*"), may("ssm:Describe*", effect="Deny"))("ssm")
    code, message = refused(member.describe_parameters)
    assert code == "AccessDeniedException"
    assert message.endswith("with an explicit deny in an identity-based policy")
