"""Who may use a key under which conditions: the condition keys of KMS."""

from typing import Any

import pytest
from kms_help import Keys, user_of
from s3_help import FIRST, SECOND, fresh, new_bucket, policy, refused, statement

# Condition keys


def conditioned(name: str, value: Any, operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {f"kms:{name}": value}}


USED: list[tuple[str, tuple[str, str], dict[str, Any], dict[str, Any], bool]] = [
    ("Encrypt", ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), {"Plaintext": b"x"}, conditioned(name, value), allowed)
    for name, value, allowed in [
        ("KeySpec", "SYMMETRIC_DEFAULT", True), ("KeySpec", "RSA_2048", False),
        ("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", True),
        ("KeyUsage", "ENCRYPT_DECRYPT", True), ("KeyUsage", "SIGN_VERIFY", False),
        ("KeyOrigin", "AWS_KMS", True), ("KeyOrigin", "EXTERNAL", False),
        ("EncryptionAlgorithm", "SYMMETRIC_DEFAULT", True), ("EncryptionAlgorithm", "RSAES_OAEP_SHA_1", False),
        ("CallerAccount", FIRST, True), ("CallerAccount", SECOND, False),
        ("ViaService", "s3.us-east-1.amazonaws.com", False),
        ("RequestAlias", "alias/any", False), ("MultiRegionKeyType", "PRIMARY", False),
    ]
]  # fmt: skip
USED += [
    (
        "Encrypt", ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), {"Plaintext": b"x"},
        conditioned("MultiRegion", "false", "Bool"), True,
    ),
    (
        "Encrypt", ("RSA_2048", "ENCRYPT_DECRYPT"), {"Plaintext": b"x", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"},
        conditioned("EncryptionAlgorithm", "RSAES_OAEP_SHA_256"), True,
    ),
    (
        "GenerateDataKey", ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), {"KeySpec": "AES_256"},
        conditioned("EncryptionAlgorithm", "SYMMETRIC_DEFAULT"), True,
    ),
    (
        "GenerateDataKeyPair", ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), {"KeyPairSpec": "ECC_NIST_P256"},
        conditioned("DataKeyPairSpec", "ECC_NIST_P256"), True,
    ),
    (
        "GenerateDataKeyPair", ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), {"KeyPairSpec": "ECC_NIST_P256"},
        conditioned("DataKeyPairSpec", "RSA_*", "StringLike"), False,
    ),
    *[
        (
            "Sign", ("ECC_NIST_P256", "SIGN_VERIFY"), {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"},
            condition, allowed,
        )
        for condition, allowed in [
            (conditioned("SigningAlgorithm", "ECDSA_SHA_256"), True),
            (conditioned("SigningAlgorithm", "ECDSA_SHA_384"), False),
            (conditioned("MessageType", "RAW"), True),
            (conditioned("MessageType", "DIGEST"), False),
        ]
    ],
    (
        "GenerateMac", ("HMAC_256", "GENERATE_VERIFY_MAC"), {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"},
        conditioned("MacAlgorithm", "HMAC_SHA_256"), True,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "kind", "params", "condition", "allowed"), USED)
def test_conditions_on_the_use_of_a_key(
    shared_cloud: Any, keys: Keys, operation: str, kind: tuple[str, str], params: Any, condition: Any, allowed: bool
) -> None:
    key = keys(*kind)
    user = user_of(shared_cloud, statement(f"kms:{operation}", key, Condition=condition))
    if allowed:
        user._make_api_call(operation, {"KeyId": key, **params})
    else:
        with refused("AccessDeniedException", f"kms:{operation}"):
            user._make_api_call(operation, {"KeyId": key, **params})


@pytest.mark.parametrize(
    ("condition", "asked", "allowed"),
    [
        (conditioned("KeySpec", "ECC_*", "StringLike"), {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}, True),
        (conditioned("KeySpec", "ECC_*", "StringLike"), {}, False),
        (conditioned("KeyUsage", "ENCRYPT_DECRYPT"), {}, True),
        (conditioned("KeyOrigin", "AWS_KMS"), {"Origin": "EXTERNAL"}, False),
        (conditioned("MultiRegion", "true", "Bool"), {}, False),
        (conditioned("MultiRegion", "true", "Bool"), {"MultiRegion": True}, True),
        (conditioned("BypassPolicyLockoutSafetyCheck", "false", "Bool"), {}, True),
        (
            conditioned("BypassPolicyLockoutSafetyCheck", "false", "Bool"),
            {"BypassPolicyLockoutSafetyCheck": True},
            False,
        ),
        ({"StringEquals": {"aws:RequestTag/team": "shop"}}, {"Tags": [{"TagKey": "team", "TagValue": "shop"}]}, True),
        ({"StringEquals": {"aws:RequestTag/team": "shop"}}, {}, False),
    ],
)
def test_conditions_on_a_new_key(shared_cloud: Any, condition: Any, asked: dict[str, Any], allowed: bool) -> None:
    further = statement("kms:TagResource"), statement("iam:CreateServiceLinkedRole")
    user = user_of(shared_cloud, statement("kms:CreateKey", Condition=condition), *further)
    if allowed:
        user.create_key(**asked)
    else:
        with refused("AccessDeniedException", "kms:CreateKey"):
            user.create_key(**asked)


def test_the_tags_of_a_new_key_are_asked_for(shared_cloud: Any) -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": "shop"}, "ForAllValues:StringEquals": {"aws:TagKeys": "team"}}
    user = user_of(shared_cloud, statement("kms:CreateKey"), statement("kms:TagResource", Condition=condition))
    user.create_key(Tags=[{"TagKey": "team", "TagValue": "shop"}])
    user.create_key()
    for wrong in ([{"TagKey": "team", "TagValue": "web"}], [{"TagKey": "a", "TagValue": "b"}]):
        with refused("AccessDeniedException", "kms:TagResource"):
            user.create_key(Tags=wrong)
    with refused("TagException", "Duplicate"):
        user.create_key(Tags=[{"TagKey": "team", "TagValue": "shop"}] * 2)


@pytest.mark.parametrize(("days", "allowed"), [(7, False), (20, True), (None, True)])
def test_a_waiting_time_may_be_a_condition(shared_cloud: Any, key: str, days: int | None, allowed: bool) -> None:
    condition = conditioned("ScheduleKeyDeletionPendingWindowInDays", "20", "NumericGreaterThanEquals")
    user = user_of(shared_cloud, statement("kms:ScheduleKeyDeletion", key, Condition=condition))
    asked = {"KeyId": key, **({"PendingWindowInDays": days} if days else {})}
    if allowed:
        user.schedule_key_deletion(**asked)
    else:
        with refused("AccessDeniedException"):
            user.schedule_key_deletion(**asked)


def test_the_aliases_of_a_key_may_be_a_condition(shared_cloud: Any, kms: Any, key: str) -> None:
    prefix = fresh("alias/team")
    condition = {"ForAnyValue:StringLike": {"kms:ResourceAliases": f"{prefix}/*"}}
    user = user_of(shared_cloud, statement("kms:Encrypt", Condition=condition))
    with refused("AccessDeniedException"):
        user.encrypt(KeyId=key, Plaintext=b"x")
    kms.create_alias(AliasName=f"{prefix}/one", TargetKeyId=key)
    kms.create_alias(AliasName=fresh("alias/other"), TargetKeyId=key)
    user.encrypt(KeyId=key, Plaintext=b"x")  # whichever name it is called by
    kms.delete_alias(AliasName=f"{prefix}/one")
    with refused("AccessDeniedException"):
        user.encrypt(KeyId=key, Plaintext=b"x")


def test_re_encryption_on_the_same_key(shared_cloud: Any, kms: Any, key: str) -> None:
    condition = conditioned("ReEncryptOnSameKey", "true", "Bool")
    user = user_of(shared_cloud, statement(["kms:ReEncrypt*"], Condition=condition))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    user.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException"):
        user.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)


def test_a_key_for_one_service_only(shared_cloud: Any, kms: Any, key: str) -> None:
    """kms:ViaService, for a caller with every right."""
    root = {"AWS": f"arn:aws:iam::{FIRST}:root"}
    through = conditioned("ViaService", "s3.us-east-1.amazonaws.com")
    use = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"]
    text = policy(
        statement(["kms:PutKeyPolicy", "kms:DescribeKey"], Principal=root),
        statement(use, Principal=root, Condition=through),
    )
    kms.put_key_policy(KeyId=key, Policy=text)
    s3, bucket = shared_cloud.client("s3"), new_bucket(shared_cloud)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: shared_cloud.client("ssm").put_parameter(
            Name=f"/{fresh('p')}", Value="x", Type="SecureString", KeyId=key
        ),
    ):
        with refused("AccessDeniedException"):
            call()
