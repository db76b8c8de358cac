"""Who a grantee is, and what may be asked of who makes a grant."""

from typing import Any

import pytest
from kms_help import user_of
from s3_help import FIRST, SECOND, fresh, new_user, policy, refused, statement

# Who a grantee is


def test_an_explicit_deny_stands_above_a_grant(shared_cloud: Any, kms: Any, key: str) -> None:
    made = new_user(shared_cloud, statement("kms:Encrypt", effect="Deny"))
    kms.create_grant(KeyId=key, GranteePrincipal=made["arn"], Operations=["Encrypt"])
    with refused("AccessDeniedException", "explicit deny"):
        shared_cloud.client("kms", credentials=made["keys"]).encrypt(KeyId=key, Plaintext=b"x")


def test_a_grantee_in_another_account_needs_leave_of_its_own_too(shared_cloud: Any, kms: Any, key: str) -> None:
    able, unable = (new_user(shared_cloud, *found, profile="second") for found in ([statement("kms:*")], []))
    for one in (able, unable):
        kms.create_grant(KeyId=key, GranteePrincipal=one["arn"], Operations=["Encrypt", "CreateGrant"])
    theirs = shared_cloud.client("kms", credentials=able["keys"])
    theirs.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException"):
        shared_cloud.client("kms", credentials=unable["keys"]).encrypt(KeyId=key, Plaintext=b"x")
    child = theirs.create_grant(KeyId=key, GranteePrincipal=unable["arn"], Operations=["Encrypt"])["GrantId"]
    (shown,) = kms.list_grants(KeyId=key, GrantId=child)["Grants"]
    assert shown["IssuingAccount"] == f"arn:aws:iam::{SECOND}:root"


def test_a_name_that_is_given_again_has_no_grant(shared_cloud: Any, kms: Any, key: str) -> None:
    """Users and roles are known by their unique ids."""
    iam, first = shared_cloud.client("iam"), new_user(shared_cloud)
    kms.create_grant(KeyId=key, GranteePrincipal=first["arn"], Operations=["Encrypt"])
    shared_cloud.client("kms", credentials=first["keys"]).encrypt(KeyId=key, Plaintext=b"x")
    iam.delete_access_key(UserName=first["name"], AccessKeyId=first["keys"]["AccessKeyId"])
    iam.delete_user(UserName=first["name"])
    iam.create_user(UserName=first["name"])
    keys_of_it = {**iam.create_access_key(UserName=first["name"])["AccessKey"], "SessionToken": None}
    with refused("AccessDeniedException"):
        shared_cloud.client("kms", credentials=keys_of_it).encrypt(KeyId=key, Plaintext=b"x")


def test_a_role_and_a_session_as_grantee(shared_cloud: Any, kms: Any, key: str) -> None:
    iam, sts, name = shared_cloud.client("iam"), shared_cloud.client("sts"), fresh("grantee")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": FIRST}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def session(called: str) -> Any:
        credentials = sts.assume_role(RoleArn=role, RoleSessionName=called)["Credentials"]
        return shared_cloud.client("kms", credentials=credentials)

    one = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Encrypt"])
    kms.create_grant(
        KeyId=one, GranteePrincipal=f"arn:aws:sts::{FIRST}:assumed-role/{name}/first", Operations=["Encrypt"]
    )
    for called in ("first", "second"):
        session(called).encrypt(KeyId=key, Plaintext=b"x")
    session("first").encrypt(KeyId=one, Plaintext=b"x")
    with refused("AccessDeniedException"):
        session("second").encrypt(KeyId=one, Plaintext=b"x")


@pytest.mark.parametrize(
    ("condition", "asked", "allowed"),
    [
        ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "Encrypt"]}}, {}, True),
        ({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}, {}, False),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}, {}, False),
        (
            {"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}},
            {"Constraints": {"EncryptionContextSubset": {"a": "b"}}},
            True,
        ),
        ({"Bool": {"kms:GrantIsForAWSResource": "true"}}, {}, False),
        ({"StringLike": {"kms:GranteePrincipal": f"arn:aws:iam::{FIRST}:user/*"}}, {}, True),
        ({"StringEquals": {"kms:RetiringPrincipal": f"arn:aws:iam::{FIRST}:user/learner"}}, {}, False),
        (
            {"StringEquals": {"kms:RetiringPrincipal": f"arn:aws:iam::{FIRST}:user/learner"}},
            {"RetiringPrincipal": f"arn:aws:iam::{FIRST}:user/learner"},
            True,
        ),
    ],
)
def test_conditions_on_making_a_grant(
    shared_cloud: Any, key: str, someone: Any, condition: Any, asked: Any, allowed: bool
) -> None:
    user = user_of(shared_cloud, statement("kms:CreateGrant", key, Condition=condition))
    asked = {"KeyId": key, "GranteePrincipal": someone[0], "Operations": ["Decrypt"], **asked}
    if allowed:
        user.create_grant(**asked)
    else:
        with refused("AccessDeniedException"):
            user.create_grant(**asked)
