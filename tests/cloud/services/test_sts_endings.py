"""What becomes of sessions, and users' sessions by GetSessionToken."""

from typing import Any

from identity_help import PLACE, SECOND, assume, new_role, session_of, trusts
from services_help import ACCOUNT, code_of, may, person, refused, trail, trusting

from labsupport.cloud.core.identity import Session

# What becomes of a session


def test_a_role_changed_under_a_session(cloud: Any) -> None:
    """Permissions are those of now; a role made anew under the old name is another role."""
    iam, sts = cloud.client("iam"), cloud.client("sts")
    arn = new_role(cloud, "living", trusts(ACCOUNT), may("ssm:*"))
    session = session_of(cloud, sts, arn)
    assert session("ssm").describe_parameters()["Parameters"] == []
    iam.delete_role_policy(RoleName="living", PolicyName="own")
    assert code_of(session("ssm").describe_parameters) == "AccessDeniedException"
    iam.delete_role(RoleName="living")
    assert code_of(session("sts").get_caller_identity) == "InvalidClientTokenId"
    new_role(cloud, "living", trusts(ACCOUNT), may("ssm:*"))
    assert code_of(session("ssm").describe_parameters) == "UnrecognizedClientException"
    assert session_of(cloud, sts, arn)("ssm").describe_parameters()["Parameters"] == []


def test_trust_withdrawn_from_a_session(cloud: Any) -> None:
    """A session lives on when the trust policy changes; new ones aren't given."""
    arn = new_role(cloud, "withdrawn", trusts(ACCOUNT), may("ssm:*"))
    session = session_of(cloud, cloud.client("sts"), arn)
    cloud.client("iam").update_assume_role_policy(RoleName="withdrawn", PolicyDocument=trusting("ec2.amazonaws.com"))
    assert session("ssm").describe_parameters()["Parameters"] == []
    assert code_of(cloud.client("sts").assume_role, RoleArn=arn, RoleSessionName="me") == "AccessDenied"


def test_sessions_outlive_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    arn = new_role(first, "lasting", trusts(ACCOUNT))
    keys = assume(first.client("sts"), arn)["Credentials"]
    first.stop()
    second = start_cloud(home=first.home)
    assert second.client("sts", credentials=keys).get_caller_identity()["Arn"].endswith("/lasting/me")


def test_expired_sessions_are_forgotten(cloud: Any) -> None:
    arn, sts = new_role(cloud, "short", trusts(ACCOUNT)), cloud.client("sts")
    for _ in range(3):
        assume(sts, arn)
    sts.get_session_token(DurationSeconds=129_600)

    def sessions() -> int:
        found: int = cloud.on_loop(lambda inner: inner.store.count(Session))
        return found

    assert sessions() == 4
    cloud.advance(86_400 + 60)
    cloud.settle("sts")
    assert sessions() == 4  # a client that is late hears that its token has expired
    for left in (1, 0):
        cloud.advance(86_400 + 3600)
        cloud.settle("sts")
        assert sessions() == left


# GetSessionToken


def test_a_users_session(cloud: Any) -> None:
    sts, now = cloud.client("sts"), cloud.cloud.clock.epoch()
    keys = sts.get_session_token()["Credentials"]
    assert abs(keys["Expiration"].timestamp() - now - 43_200) < 5
    mine = cloud.client("sts", credentials=keys)
    assert mine.get_caller_identity()["Arn"] == PLACE + "user/learner"
    assert cloud.client("ssm", credentials=keys).describe_parameters()["Parameters"] == []
    assert refused(mine.get_session_token) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    cloud.advance(43_201)
    assert code_of(mine.get_caller_identity) == "ExpiredToken"
    assert code_of(cloud.client("ssm", credentials=keys).describe_parameters) == "ExpiredTokenException"


def test_a_users_session_ends_with_the_user(cloud: Any) -> None:
    iam = cloud.client("iam")
    user = person(cloud, "leaving", may("ssm:*"))
    keys = user("sts").get_session_token()["Credentials"]
    session = cloud.client("ssm", credentials=keys)
    assert session.describe_parameters()["Parameters"] == []
    iam.delete_user_policy(UserName="leaving", PolicyName="own")
    assert code_of(session.describe_parameters) == "AccessDeniedException"
    (key,) = iam.list_access_keys(UserName="leaving")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="leaving", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="leaving")
    person(cloud, "leaving", may("ssm:*"))  # another one of the same name
    assert code_of(session.describe_parameters) == "UnrecognizedClientException"


def test_the_roots_session(cloud: Any) -> None:
    now = cloud.cloud.clock.epoch()
    keys = cloud.client("sts", "root").get_session_token(DurationSeconds=7200)["Credentials"]
    assert abs(keys["Expiration"].timestamp() - now - 3600) < 5
    assert cloud.client("sts", credentials=keys).get_caller_identity()["Arn"] == PLACE + "root"


def test_a_duration_that_no_users_session_has(shared_cloud: Any) -> None:
    assert code_of(shared_cloud.client("sts").get_session_token, DurationSeconds=129_601) == "ValidationError"


def test_keys_tell_their_account(shared_cloud: Any) -> None:
    sts = shared_cloud.client("sts")
    key = shared_cloud.client("iam", "second").list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == SECOND
    assert code_of(sts.get_access_key_info, AccessKeyId="AKIA" + "A" * 16) == "ValidationError"


def test_the_trail_sees_it(shared_cloud: Any) -> None:
    arn = new_role(shared_cloud, "seen", trusts(ACCOUNT))
    keys = assume(shared_cloud.client("sts"), arn)["Credentials"]
    entry = next(one for one in trail(shared_cloud, "AssumeRole")[::-1] if one["requestParameters"]["roleArn"] == arn)
    assert entry["userIdentity"]["userName"] == "learner"
    assert entry["resources"] == [{"ARN": arn, "accountId": ACCOUNT}]
    assert keys["SecretAccessKey"] not in str(entry)
    assert keys["SessionToken"] not in str(entry)
