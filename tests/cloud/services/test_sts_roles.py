"""Sessions of roles: tags that pass on, source identities, packed sizes, what no session may call, and their end."""

import json
import secrets
from typing import Any

import pytest
from identity_help import ACCOUNT, PLACE, assume, new_role, trusts
from services_help import code_of, may, person, policy, refused

from labsupport.cloud.core.arn import parse

EVERY = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


def client_of(cloud: Any, answer: Any, service: str = "sts") -> Any:
    return cloud.client(service, credentials=answer["Credentials"])


def test_tags_that_pass_on(shared_cloud: Any) -> None:
    """A transitive tag goes with every further session and can't become another; the others end with theirs."""
    own = {"StringEquals": {"aws:PrincipalTag/team": "shop"}, "Null": {"aws:PrincipalTag/task": "true"}}
    first = new_role(shared_cloud, "tags-1", trusts(ACCOUNT, EVERY), may("sts:*"))
    second = new_role(shared_cloud, "tags-2", trusts(first, EVERY), may("ssm:*", **own), may("sts:*"))
    third = new_role(shared_cloud, "tags-3", trusts(second, EVERY), may("ssm:*", **own))
    strict = new_role(shared_cloud, "tags-4", trusts(first), may("ssm:*"))
    tags = [{"Key": "team", "Value": "shop"}, {"Key": "task", "Value": "7"}]
    sts = client_of(shared_cloud, assume(shared_cloud.client("sts"), first, Tags=tags, TransitiveTagKeys=["team"]))
    for arn in (second, third):
        answer = assume(sts, arn)
        assert client_of(shared_cloud, answer, "ssm").describe_parameters()["Parameters"] == []
        other = {"RoleArn": arn, "RoleSessionName": "me", "Tags": [{"Key": "Team", "Value": "bank"}]}
        code, message = refused(sts.assume_role, **other)
        assert (code, "conflicts with a transitive tag key from the calling session" in message) == (
            "ValidationError",
            True,
        )
        sts = client_of(shared_cloud, answer)
    first_sts = client_of(
        shared_cloud, assume(shared_cloud.client("sts"), first, Tags=tags, TransitiveTagKeys=["team"])
    )
    assert (
        code_of(first_sts.assume_role, RoleArn=strict, RoleSessionName="me") == "AccessDenied"
    )  # without sts:TagSession
    missing = {"RoleArn": first, "RoleSessionName": "me", "Tags": tags, "TransitiveTagKeys": ["other"]}
    assert refused(shared_cloud.client("sts").assume_role, **missing) == (
        "ValidationError",
        "The specified transitive tag key must be included in the requested tags.",
    )


def test_transitive_keys_as_a_condition(shared_cloud: Any) -> None:
    only = {"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["team"]}}
    arn = new_role(shared_cloud, "transitive", trusts(ACCOUNT, EVERY, **only))
    tags = [{"Key": "team", "Value": "shop"}, {"Key": "task", "Value": "7"}]
    sts, params = shared_cloud.client("sts"), {"RoleArn": arn, "RoleSessionName": "me", "Tags": tags}
    assert sts.assume_role(**params, TransitiveTagKeys=["team"])["Credentials"]
    assert code_of(sts.assume_role, **params, TransitiveTagKeys=["team", "task"]) == "AccessDenied"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}], "ValidationError"),
        ([{"Key": "aws:x", "Value": "1"}], "ValidationError"),
        ([{"Key": str(number), "Value": ""} for number in range(51)], "ValidationError"),
    ],
)
def test_tags_that_are_refused(shared_cloud: Any, tags: Any, code: str) -> None:
    if "odd-tags" not in {one["RoleName"] for one in shared_cloud.client("iam").list_roles()["Roles"]}:
        new_role(shared_cloud, "odd-tags", trusts(ACCOUNT, EVERY))
    params = {"RoleArn": PLACE + "role/odd-tags", "RoleSessionName": "me", "Tags": tags}
    assert code_of(shared_cloud.client("sts").assume_role, **params) == code


def test_a_source_identity_stays(shared_cloud: Any) -> None:
    first = new_role(shared_cloud, "source-1", trusts(ACCOUNT, EVERY), may("sts:*"))
    who = {"StringEquals": {"aws:SourceIdentity": "ana"}}
    second = new_role(shared_cloud, "source-2", trusts(first, EVERY, **who), may("ssm:*", **who))
    mute = new_role(shared_cloud, "source-3", trusts(first))
    sts = client_of(shared_cloud, assume(shared_cloud.client("sts"), first, SourceIdentity="ana"))
    answer = assume(sts, second)
    assert answer["SourceIdentity"] == "ana"
    assert client_of(shared_cloud, answer, "ssm").describe_parameters()["Parameters"] == []
    change = {"RoleArn": second, "RoleSessionName": "me", "SourceIdentity": "bob"}
    assert code_of(sts.assume_role, **change) == "AccessDenied"
    assert code_of(sts.assume_role, RoleArn=mute, RoleSessionName="me") == "AccessDenied"  # may not be told who it is


def test_what_fits_into_a_session(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "packed", trusts(ACCOUNT, EVERY))
    sts, params = shared_cloud.client("sts"), {"RoleArn": arn, "RoleSessionName": "me"}
    small = sts.assume_role(**params, Policy=policy(may("s3:GetObject")))["PackedPolicySize"]
    large = sts.assume_role(
        **params, Policy=policy(*(may(f"s3:Get{n}", resource=f"arn:aws:s3:::b{n}") for n in range(15)))
    )
    assert 0 < small < large["PackedPolicySize"] <= 100
    many = policy(*(may(f"s3:Get{n}", resource=f"arn:aws:s3:::bucket-{n}/*") for n in range(40)))
    code, message = refused(sts.assume_role, **params, Policy=many)
    assert (code, message.endswith("of allotted space, please use smaller policy.")) == ("PackedPolicyTooLarge", True)
    tags = [{"Key": str(number), "Value": secrets.token_hex(100)} for number in range(50)]
    code, message = refused(sts.assume_role, **params, Tags=tags)
    assert (code, message.startswith("Packed size of session tags consumes")) == ("PackedPolicyTooLarge", True)


def test_a_longer_token(shared_cloud: Any) -> None:
    """A client may try whether it can bear the longest."""
    sts = shared_cloud.client("sts")
    usual, longest = sts.get_session_token(), sts.get_session_token(MinimumSessionTokenSize=4096)
    assert 0 < usual["SessionTokenUtilization"] < 100
    assert (longest["SessionTokenSize"], longest["SessionTokenUtilization"]) == (4096, 100)
    assert len(longest["Credentials"]["SessionToken"]) == 4096
    assert client_of(shared_cloud, longest).get_caller_identity()["Arn"] == PLACE + "user/learner"


def test_what_no_session_of_a_user_may_call(shared_cloud: Any) -> None:
    """Without MFA no IAM; of STS only AssumeRole and GetCallerIdentity, whatever its policies allow."""
    user = person(shared_cloud, "sessional", may("*"))
    keys = user("sts").get_session_token()["Credentials"]
    arn = new_role(shared_cloud, "by-session", trusts(ACCOUNT))
    sts = shared_cloud.client("sts", credentials=keys)
    assert sts.get_caller_identity()["Arn"] == PLACE + "user/sessional"
    assert assume(sts, arn)["Credentials"]
    assert code_of(sts.get_session_token) == "AccessDenied"
    assert code_of(sts.get_federation_token, Name="guest") == "AccessDenied"
    assert code_of(sts.get_access_key_info, AccessKeyId=keys["AccessKeyId"]) == "AccessDenied"
    assert code_of(shared_cloud.client("iam", credentials=keys).list_users) == "InvalidClientTokenId"
    assert shared_cloud.client("ssm", credentials=keys).describe_parameters()["Parameters"] == []


# How sessions end


def test_revoked_sessions(cloud: Any) -> None:
    """The console's button "Revoke active sessions": a policy that denies what was issued before now."""
    iam, sts = cloud.client("iam"), cloud.client("sts")
    arn = new_role(cloud, "revoked", trusts(ACCOUNT), may("ssm:*"))
    old = cloud.client("ssm", credentials=assume(sts, arn)["Credentials"])
    assert old.describe_parameters()["Parameters"] == []
    cloud.advance(10)
    now = cloud.cloud.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    denial = may("*", effect="Deny", DateLessThan={"aws:TokenIssueTime": now})
    iam.put_role_policy(RoleName="revoked", PolicyName="AWSRevokeOlderSessions", PolicyDocument=policy(denial))
    code, message = refused(old.describe_parameters)
    assert (code, "explicit deny" in message) == ("AccessDeniedException", True)
    cloud.advance(2)
    new = cloud.client("ssm", credentials=assume(sts, arn)["Credentials"])
    assert new.describe_parameters()["Parameters"] == []


@pytest.mark.parametrize("way", ["detach", "delete key", "inactive key", "leave group", "boundary", "default version"])
def test_changes_count_at_once(shared_cloud: Any, way: str) -> None:
    """The very next call of the user, and of a session that it has already, is decided anew."""
    iam, name = shared_cloud.client("iam"), f"once-{way.replace(' ', '-')}"
    made = iam.create_policy(PolicyName=name, PolicyDocument=policy(may("ssm:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=made, PolicyDocument=policy(may("sns:*")))
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    grant = {"UserName": name, "PolicyArn": made}
    if way == "leave group":
        iam.attach_group_policy(GroupName=name, PolicyArn=made)
        iam.add_user_to_group(GroupName=name, UserName=name)
    else:
        iam.attach_user_policy(**grant)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    session = shared_cloud.client("sts", credentials=keys).get_session_token()["Credentials"]
    clients = [shared_cloud.client("ssm", credentials=one) for one in (keys, session)]
    for client in clients:
        assert client.describe_parameters()["Parameters"] == []
    which = {"UserName": name, "AccessKeyId": key["AccessKeyId"]}
    change = {
        "detach": lambda: iam.detach_user_policy(**grant),
        "delete key": lambda: iam.delete_access_key(**which),
        "inactive key": lambda: iam.update_access_key(**which, Status="Inactive"),
        "leave group": lambda: iam.remove_user_from_group(GroupName=name, UserName=name),
        "boundary": lambda: iam.put_user_permissions_boundary(
            UserName=name, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonSNSFullAccess"
        ),
        "default version": lambda: iam.set_default_policy_version(PolicyArn=made, VersionId="v2"),
    }
    change[way]()
    of_key = "UnrecognizedClientException" if way.endswith("key") else "AccessDeniedException"
    assert code_of(clients[0].describe_parameters) == of_key
    if not way.endswith("key"):  # a session lives on without the key that asked for it, as at AWS
        assert code_of(clients[1].describe_parameters) == "AccessDeniedException"


def test_resources_know_their_tags(shared_cloud: Any) -> None:
    """IAM's own resources by their tags: an administrator of one team's roles and users."""
    mine = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    admin = person(shared_cloud, "team-admin", may("iam:*", **mine))("iam")
    shared_cloud.client("iam").create_user(UserName="of-shop", Tags=[{"Key": "team", "Value": "shop"}])
    shared_cloud.client("iam").create_user(UserName="of-bank", Tags=[{"Key": "team", "Value": "bank"}])
    new_role(shared_cloud, "of-shop", trusts(ACCOUNT), Tags=[{"Key": "team", "Value": "shop"}])
    assert admin.get_user(UserName="of-shop")["User"]["UserName"] == "of-shop"
    assert code_of(admin.get_user, UserName="of-bank") == "AccessDenied"
    admin.put_role_policy(
        RoleName="of-shop", PolicyName="p", PolicyDocument=json.dumps(json.loads(policy(may("s3:*"))))
    )
    assert parse(admin.get_role(RoleName="of-shop")["Role"]["Arn"]) is not None
