"""Temporary credentials: who may assume a role, for how long, and what a session may do."""

from typing import Any
from zlib import crc32

import pytest
from identity_help import PLACE, SECOND, assume, new_role, session_of, trusts
from services_help import ACCOUNT, code_of, may, person, policy, refused, trail, trusting


def who(answer: Any) -> dict[str, str]:
    return {name: answer[name] for name in ("UserId", "Account", "Arn")}


def test_who_am_i(shared_cloud: Any) -> None:
    me = shared_cloud.client("iam").get_user()["User"]
    assert who(shared_cloud.client("sts").get_caller_identity()) == {
        "UserId": me["UserId"],
        "Account": ACCOUNT,
        "Arn": PLACE + "user/learner",
    }
    assert who(shared_cloud.client("sts", "root").get_caller_identity()) == {
        "UserId": ACCOUNT,
        "Account": ACCOUNT,
        "Arn": PLACE + "root",
    }
    assert shared_cloud.client("sts", "second").get_caller_identity()["Account"] == SECOND
    nobody = person(shared_cloud, "no-rights", may("*", effect="Deny"))
    assert nobody("sts").get_caller_identity()["Arn"] == PLACE + "user/no-rights"  # nobody can be refused this


def test_a_session(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "reader", trusts(ACCOUNT), may("ssm:Describe*"), Path="/ops/")
    answer = assume(shared_cloud.client("sts"), arn)
    role = shared_cloud.client("iam").get_role(RoleName="reader")["Role"]
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role['RoleId']}:me",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me",
    }
    assert "PackedPolicySize" not in answer
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA")
    assert who(shared_cloud.client("sts", credentials=keys).get_caller_identity()) == {
        "UserId": f"{role['RoleId']}:me",
        "Account": ACCOUNT,
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me",
    }
    assert shared_cloud.client("ssm", credentials=keys).describe_parameters()["Parameters"] == []
    code, message = refused(shared_cloud.client("ssm", credentials=keys).get_parameter, Name="/x")
    assert code == "AccessDeniedException"
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/me is not authorized to perform: ")
    entry = trail(shared_cloud, "DescribeParameters")[-1]["userIdentity"]
    assert (entry["type"], entry["sessionContext"]["sessionIssuer"]["userName"]) == ("AssumedRole", "reader")
    assert shared_cloud.client("sts").get_access_key_info(AccessKeyId=keys["AccessKeyId"])["Account"] == ACCOUNT


@pytest.mark.parametrize("change", [{"SessionToken": "x" * 40}, {"SessionToken": None}, {"SecretAccessKey": "x" * 40}])
def test_half_of_the_credentials(shared_cloud: Any, change: dict[str, Any]) -> None:
    keys = shared_cloud.client("sts").get_session_token()["Credentials"]
    wrong = shared_cloud.client("sts", credentials={**keys, **change})
    assert code_of(wrong.get_caller_identity) in ("InvalidClientTokenId", "SignatureDoesNotMatch")


# Who may assume


@pytest.mark.parametrize(
    ("principal", "own", "fits"),
    [
        (ACCOUNT, True, True),  # the account trusts its own policies
        (ACCOUNT, False, False),
        (PLACE + "root", True, True),
        (PLACE + "user/{name}", False, True),  # named itself, it needs no permission of its own
        (PLACE + "user/learner", True, False),
        (SECOND, True, False),
        ("*", False, True),
    ],
)
def test_trust(shared_cloud: Any, principal: str, own: bool, fits: bool) -> None:
    name = f"trust-{crc32(str((principal, own)).encode())}"
    user = person(shared_cloud, name, may("sts:AssumeRole" if own else "ssm:*"))("sts")
    arn = new_role(shared_cloud, name, trusts(principal.format(name=name)))
    if fits:
        assert assume(user, arn)["Credentials"]
    else:
        code, message = refused(user.assume_role, RoleArn=arn, RoleSessionName="me")
        assert code == "AccessDenied"
        assert message.startswith(
            f"User: {PLACE}user/{name} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )


def test_a_denial_in_ones_own_policies(shared_cloud: Any) -> None:
    user = person(shared_cloud, "held-back", may("sts:AssumeRole", effect="Deny"))("sts")
    arn = new_role(shared_cloud, "inviting", trusts(PLACE + "user/held-back"))
    assert refused(user.assume_role, RoleArn=arn, RoleSessionName="me")[1].endswith(
        "with an explicit deny in an identity-based policy"
    )


def test_a_role_for_a_service_only(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "machines", trusting("codebuild.amazonaws.com"))
    assert code_of(shared_cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (PLACE + "role/nobody", "AccessDenied"),
        (f"arn:aws:iam::{SECOND}:role/nobody", "AccessDenied"),
        (PLACE + "user/learner", "ValidationError"),
        ("arn:aws:iam::role/nobody-at-all", "ValidationError"),
        ("a name that is no ARN at all", "ValidationError"),
    ],
)
def test_a_role_that_is_not_there(shared_cloud: Any, arn: str, code: str) -> None:
    assert code_of(shared_cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="me") == code


def test_the_root_assumes_no_roles(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "for-root", trusts(ACCOUNT))
    root = shared_cloud.client("sts", "root")
    assert refused(root.assume_role, RoleArn=arn, RoleSessionName="me") == (
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
    )


def test_an_external_id(shared_cloud: Any) -> None:
    """The confused deputy: whoever doesn't know the id isn't let in (IAM User Guide)."""
    condition = {"StringEquals": {"sts:ExternalId": "12345"}}
    arn = new_role(shared_cloud, "deputy", trusts(SECOND, **condition), may("ssm:Describe*"))
    theirs = shared_cloud.client("sts", "second")
    for more in ({}, {"ExternalId": "54321"}):
        assert code_of(theirs.assume_role, RoleArn=arn, RoleSessionName="me", **more) == "AccessDenied"
    session = session_of(shared_cloud, theirs, arn, ExternalId="12345")
    assert session("sts").get_caller_identity()["Account"] == ACCOUNT
    assert session("ssm").describe_parameters()["Parameters"] == []


def test_across_accounts_both_have_to_allow(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "both", trusts(f"arn:aws:iam::{SECOND}:user/learner"))
    assert assume(shared_cloud.client("sts", "second"), arn)["Credentials"]
    iam = shared_cloud.client("iam", "second")
    iam.create_user(UserName="poor")
    key = iam.create_access_key(UserName="poor")["AccessKey"]
    shared_cloud.client("iam").update_assume_role_policy(
        RoleName="both", PolicyDocument=trusts(f"arn:aws:iam::{SECOND}:user/poor")
    )
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    poor = shared_cloud.client("sts", credentials=keys)
    assert code_of(poor.assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}, False),
        ({"StringEquals": {"sts:RoleSessionName": "me"}}, True),
        ({"StringLike": {"aws:PrincipalArn": PLACE + "user/learn*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}, False),
    ],
)
def test_conditions_of_trust(shared_cloud: Any, condition: dict[str, Any], fits: bool) -> None:
    arn = new_role(shared_cloud, f"conditions-{crc32(str(condition).encode())}", trusts(ACCOUNT, **condition))
    sts = shared_cloud.client("sts")
    if fits:
        assert assume(sts, arn)["Credentials"]
    else:
        assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"


# For how long


@pytest.mark.parametrize(
    ("longest", "asked", "message"),
    [
        (3600, 3600, None),
        (3600, 3601, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        (7200, 7200, None),
        (43200, 43200, None),
        (3600, 900, None),
    ],
)
def test_durations(cloud: Any, longest: int, asked: int, message: str | None) -> None:
    arn, sts = new_role(cloud, "timed", trusts(ACCOUNT), MaxSessionDuration=longest), cloud.client("sts")
    if message:
        found = refused(sts.assume_role, RoleArn=arn, RoleSessionName="me", DurationSeconds=asked)
        assert found == ("ValidationError", message)
        return
    now = cloud.cloud.clock.epoch()
    keys = assume(sts, arn, DurationSeconds=asked)["Credentials"]
    assert abs(keys["Expiration"].timestamp() - now - asked) < 5
    mine = cloud.client("sts", credentials=keys)
    cloud.advance(asked - 30)
    assert mine.get_caller_identity()["Arn"].endswith("assumed-role/timed/me")
    cloud.advance(60)
    assert refused(mine.get_caller_identity) == (
        "ExpiredToken",
        "The security token included in the request is expired",
    )


def test_a_duration_that_no_role_has(shared_cloud: Any) -> None:
    params = {"RoleArn": PLACE + "role/any-role-at-all", "RoleSessionName": "me", "DurationSeconds": 43_201}
    assert code_of(shared_cloud.client("sts").assume_role, **params) == "ValidationError"


@pytest.mark.parametrize("name", ["a b", "a/b", "x" * 65])
def test_session_names_that_are_refused(shared_cloud: Any, name: str) -> None:
    params = {"RoleArn": PLACE + "role/any-role-at-all", "RoleSessionName": name}
    assert code_of(shared_cloud.client("sts").assume_role, **params) == "ValidationError"


def test_from_role_to_role(shared_cloud: Any) -> None:
    """Chained sessions last an hour at most, whatever the role allows."""
    first = new_role(shared_cloud, "chain-1", trusts(ACCOUNT), may("sts:AssumeRole"), MaxSessionDuration=43200)
    second = new_role(shared_cloud, "chain-2", trusts(first), may("ssm:*"), MaxSessionDuration=43200)
    session = session_of(shared_cloud, shared_cloud.client("sts"), first)
    chained = assume(session("sts"), second)["Credentials"]
    arn = shared_cloud.client("sts", credentials=chained).get_caller_identity()["Arn"]
    assert arn.endswith("assumed-role/chain-2/me")
    long = {"RoleArn": second, "RoleSessionName": "me", "DurationSeconds": 3601}
    assert refused(session("sts").assume_role, **long) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    )
    assert code_of(session("sts").get_session_token) == "AccessDenied"


# What a session may do


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        ({}, True),
        ({"Policy": policy(may("ssm:*"))}, True),
        ({"Policy": policy(may("sns:*"))}, False),
        ({"Policy": policy(may("*"), may("ssm:Describe*", effect="Deny"))}, False),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}, True),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AmazonSNSFullAccess"}]}, False),
        (
            {
                "Policy": policy(may("ssm:*")),
                "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AmazonSNSFullAccess"}],
            },
            True,
        ),
    ],
)
def test_session_policies(shared_cloud: Any, limit: dict[str, Any], fits: bool) -> None:
    """A session may do what the role may, as far as any of its own policies allows it."""
    arn = f"{PLACE}role/limited"
    if not is_there(shared_cloud, "limited"):
        new_role(shared_cloud, "limited", trusts(ACCOUNT), may("ssm:*"))
    answer = assume(shared_cloud.client("sts"), arn, **limit)
    assert ("PackedPolicySize" in answer) is bool(limit)
    ssm = shared_cloud.client("ssm", credentials=answer["Credentials"])
    if fits:
        assert ssm.describe_parameters()["Parameters"] == []
    else:
        code, message = refused(ssm.describe_parameters)
        assert (code, "session policy" in message) == ("AccessDeniedException", True)
    sns = shared_cloud.client("sns", credentials=answer["Credentials"])
    assert code_of(sns.list_topics) == "AuthorizationError"  # a session policy gives nothing


def is_there(cloud: Any, name: str) -> bool:
    return name in {one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"]}


@pytest.mark.parametrize(
    "limit",
    [
        {"Policy": "{"},
        {"Policy": "{}"},
        {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchThing"}]},
        {"PolicyArns": [{"arn": PLACE + "policy/nowhere"}]},
    ],
)
def test_session_policies_that_are_refused(shared_cloud: Any, limit: dict[str, Any]) -> None:
    name = f"unlimited-{crc32(str(limit).encode())}"
    arn = new_role(shared_cloud, name, trusts(ACCOUNT))
    code = code_of(shared_cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="me", **limit)
    assert code == "MalformedPolicyDocument"


def test_the_accounts_own_policy_as_a_limit(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    own = iam.create_policy(PolicyName="limit", PolicyDocument=policy(may("ssm:Get*")))["Policy"]["Arn"]
    arn = new_role(shared_cloud, "own-limit", trusts(ACCOUNT), may("ssm:*"))
    session = session_of(shared_cloud, shared_cloud.client("sts"), arn, PolicyArns=[{"arn": own}])
    assert code_of(session("ssm").describe_parameters) == "AccessDeniedException"
    assert code_of(session("ssm").get_parameter, Name="/nowhere") == "ParameterNotFound"


def test_tags_of_a_session(shared_cloud: Any) -> None:
    own = {"StringEquals": {"aws:PrincipalTag/team": "shop"}}
    arn = new_role(shared_cloud, "tagging", trusts(ACCOUNT), may("ssm:Describe*", **own))
    sts, tags = shared_cloud.client("sts"), [{"Key": "team", "Value": "shop"}]
    code, message = refused(sts.assume_role, RoleArn=arn, RoleSessionName="me", Tags=tags)
    assert (code, "sts:TagSession" in message) == ("AccessDenied", True)
    both = trusts(ACCOUNT, ["sts:AssumeRole", "sts:TagSession"])
    shared_cloud.client("iam").update_assume_role_policy(RoleName="tagging", PolicyDocument=both)
    session = session_of(shared_cloud, sts, arn, Tags=tags)
    assert session("ssm").describe_parameters()["Parameters"] == []
    assert code_of(session_of(shared_cloud, sts, arn)("ssm").describe_parameters) == "AccessDeniedException"
    only_shop = trusts(ACCOUNT, ["sts:AssumeRole", "sts:TagSession"], StringEquals={"aws:RequestTag/team": "shop"})
    shared_cloud.client("iam").update_assume_role_policy(RoleName="tagging", PolicyDocument=only_shop)
    assert assume(sts, arn, Tags=tags)["PackedPolicySize"] == 1
    other = [{"Key": "team", "Value": "bank"}]
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="me", Tags=other) == "AccessDenied"


def test_a_source_identity(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "sourced", trusts(ACCOUNT))
    sts = shared_cloud.client("sts")
    params = {"RoleArn": arn, "RoleSessionName": "me", "SourceIdentity": "ana"}
    assert code_of(sts.assume_role, **params) == "AccessDenied"
    trust = trusts(ACCOUNT, ["sts:AssumeRole", "sts:SetSourceIdentity"], StringEquals={"sts:SourceIdentity": "ana"})
    shared_cloud.client("iam").update_assume_role_policy(RoleName="sourced", PolicyDocument=trust)
    assert sts.assume_role(**params)["SourceIdentity"] == "ana"
    assert code_of(sts.assume_role, **{**params, "SourceIdentity": "bob"}) == "AccessDenied"


def test_what_the_lab_has_not(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "lacks", trusts(ACCOUNT))
    context = [{"ProviderArn": PLACE + "contextProvider/IdentityCenter", "ContextAssertion": "assertion"}]
    params = {"RoleArn": arn, "RoleSessionName": "me", "ProvidedContexts": context}
    assert code_of(shared_cloud.client("sts").assume_role, **params) == "NotSimulated"
