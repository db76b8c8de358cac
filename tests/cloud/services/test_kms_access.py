"""Who may use a key: key policies and their principals, condition keys, AWS managed keys, the trail."""

import base64
import json
from typing import Any

import pytest
from kms_help import Keys, user_of
from s3_help import FIRST, SECOND, events, fresh, new_bucket, new_user, policy, refused, statement

from labsupport.cloud.services.kms.base import Alias, Key
from labsupport.cloud.services.kms.granting import Grant
from labsupport.cloud.services.kms.importing import Parameters

LEARNER = f"arn:aws:iam::{FIRST}:user/learner"


@pytest.fixture(scope="module")
def kms(shared_cloud: Any) -> Any:
    return shared_cloud.client("kms")


@pytest.fixture(scope="module")
def keys(kms: Any) -> Keys:
    return Keys(kms)


@pytest.fixture
def key(kms: Any) -> str:
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


# Principals of a key policy


@pytest.mark.parametrize(
    ("principal", "there"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": FIRST}, True),
        ({"AWS": f"arn:aws:iam::{SECOND}:root"}, True),
        ({"AWS": f"arn:aws:iam::{SECOND}:user/learner"}, True),
        ({"AWS": [LEARNER, f"arn:aws:iam::{FIRST}:user/nobody"]}, False),
        ({"AWS": f"arn:aws:iam::{FIRST}:role/nobody"}, False),
        ({"AWS": "999999999999"}, False),
        ({"AWS": f"arn:aws:iam::{FIRST}:user/other/learner"}, False),
        ({"AWS": f"arn:aws:sts::{FIRST}:assumed-role/nobody/session"}, False),
        ({"AWS": "AIDAQQQQQQQQQQQQQQQQQ"}, False),
        ({"AWS": f"arn:aws:iam::{FIRST}:user/*"}, False),
        ({"Service": "logs.us-east-1.amazonaws.com"}, True),
        ({"Service": "nowhere"}, False),
    ],
)
def test_principals_have_to_be_there(kms: Any, key: str, principal: Any, there: bool) -> None:
    text = policy(
        statement("kms:*", Principal={"AWS": f"arn:aws:iam::{FIRST}:root"}),
        statement("kms:Decrypt", Principal=principal),
    )
    if there:
        kms.put_key_policy(KeyId=key, Policy=text)
        kms.create_key(Policy=text)
        return
    for call in (lambda: kms.put_key_policy(KeyId=key, Policy=text), lambda: kms.create_key(Policy=text)):
        with refused("MalformedPolicyDocumentException", "rincipal", 400):
            call()


def test_a_key_that_is_refused_is_not_made(kms: Any) -> None:
    def arns() -> set[str]:
        pages = kms.get_paginator("list_keys").paginate()
        return {one["KeyArn"] for page in pages for one in page["Keys"]}

    before = arns()
    with refused("MalformedPolicyDocumentException"):
        kms.create_key(Policy=policy(statement("kms:*", Principal={"AWS": f"arn:aws:iam::{SECOND}:root"})))
    with refused("TagException"):
        kms.create_key(Tags=[{"TagKey": "aws:a", "TagValue": "b"}])
    assert arns() == before


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


# AWS managed keys


def test_an_aws_managed_key_is_made_by_its_service_or_by_describe_key(cloud: Any) -> None:
    kms = cloud.client("kms")
    assert kms.list_aliases()["Aliases"] == []
    for call in (
        lambda: kms.encrypt(KeyId="alias/aws/s3", Plaintext=b"x"),
        lambda: kms.generate_data_key_pair(KeyId="alias/aws/s3", KeyPairSpec="ECC_NIST_P256"),
    ):
        with refused("NotFoundException", "alias/aws/s3 is not found."):
            call()
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/aws/nothing")
    assert kms.list_aliases()["Aliases"] == []
    cloud.client("ssm").put_parameter(Name="/a", Value="x", Type="SecureString")
    (alias,) = kms.list_aliases()["Aliases"]
    assert alias["AliasName"] == "alias/aws/ssm"
    found = kms.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
    assert (found["KeyManager"], found["Description"][:36]) == ("AWS", "Default key that protects my SSM dat")


@pytest.mark.parametrize(
    ("name", "through"),
    [("ssm", "ssm"), ("s3", "s3"), ("ebs", "ec2"), ("codecommit", "codecommit"), ("sns", "sns"), ("lambda", "lambda")],
)
def test_the_policy_of_an_aws_managed_key(shared_cloud: Any, kms: Any, name: str, through: str) -> None:
    key = kms.describe_key(KeyId=f"alias/aws/{name}")["KeyMetadata"]["Arn"]
    use, see = json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]
    wanted = {"kms:ViaService": f"{through}.us-east-1.amazonaws.com", "kms:CallerAccount": FIRST}
    assert (use["Principal"], use["Condition"]) == ({"AWS": "*"}, {"StringEquals": wanted})
    assert see["Principal"] == {"AWS": f"arn:aws:iam::{FIRST}:root"}
    for one in (kms, shared_cloud.client("kms", "root")):
        for call in (
            lambda one=one: one.encrypt(KeyId=key, Plaintext=b"x"),
            lambda one=one: one.generate_data_key(KeyId=key, KeySpec="AES_256"),
            lambda one=one: one.create_grant(KeyId=key, GranteePrincipal=LEARNER, Operations=["Decrypt"]),
            lambda one=one: one.put_key_policy(KeyId=key, Policy="{}"),
            lambda one=one: one.tag_resource(KeyId=key, Tags=[]),
            lambda one=one: one.update_alias(AliasName=f"alias/aws/{name}", TargetKeyId=key),
        ):
            with refused("AccessDeniedException"):
                call()
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_a_managed_key_helps_nobody_around_its_service(shared_cloud: Any, kms: Any) -> None:
    """A ciphertext of Parameter Store can't be opened past it."""
    ssm, name = shared_cloud.client("ssm"), f"/{fresh('sealed')}"
    ssm.put_parameter(Name=name, Value="secret", Type="SecureString")
    blob = base64.b64decode(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    arn = f"arn:aws:ssm:us-east-1:{FIRST}:parameter{name}"
    with refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"PARAMETER_ARN": arn})


# Aliases and names


def test_a_key_has_fifty_aliases(kms: Any, key: str) -> None:
    for _ in range(50):
        kms.create_alias(AliasName=fresh("alias/many"), TargetKeyId=key)
    with refused("LimitExceededException"):
        kms.create_alias(AliasName=fresh("alias/many"), TargetKeyId=key)


def test_an_alias_is_moved_by_who_may_on_all_it_touches(shared_cloud: Any, kms: Any, key: str) -> None:
    other, name = kms.create_key()["KeyMetadata"]["Arn"], fresh("alias/moved")
    kms.create_alias(AliasName=name, TargetKeyId=key)
    touched = [f"arn:aws:kms:us-east-1:{FIRST}:{name}", key, other]
    for missing in touched:
        user = user_of(shared_cloud, statement("kms:UpdateAlias", [one for one in touched if one != missing]))
        with refused("AccessDeniedException", f"kms:UpdateAlias on resource: {missing}"):
            user.update_alias(AliasName=name, TargetKeyId=other)
    user_of(shared_cloud, statement("kms:UpdateAlias", touched)).update_alias(AliasName=name, TargetKeyId=other)


def test_an_alias_stays_with_one_kind_of_key(kms: Any, keys: Keys, key: str) -> None:
    name = fresh("alias/kind")
    kms.create_alias(AliasName=name, TargetKeyId=key)
    for kind in (("RSA_2048", "ENCRYPT_DECRYPT"), ("HMAC_256", "GENERATE_VERIFY_MAC")):
        with refused("ValidationException"):
            kms.update_alias(AliasName=name, TargetKeyId=keys(*kind))
    with refused("NotFoundException"):
        kms.update_alias(AliasName=fresh("alias/missing"), TargetKeyId=key)


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("fake-key-id", "NotFoundException", "Invalid keyId 'fake-key-id'"),
        ("134f2428cec14b25a1ae9048164dba47", "NotFoundException", "Invalid keyId"),
        ("mrk-fake-key-id", "NotFoundException", "Invalid keyId 'mrk-fake-key-id'"),
        ("mrk-d3b95762d3b95762d3b95762d3b95762", "NotFoundException", "does not exist"),
        ("arn:aws:kms:ap-southeast-1:123456789012:key/0", "NotFoundException", "Invalid arn ap-southeast-1"),
        ("arn:aws:s3:::bucket", "InvalidArnException", "Invalid arn arn:aws:s3:::bucket"),
        ("arn:aws", "InvalidArnException", "Invalid arn"),
        ("alias/nothing", "NotFoundException", "is not found."),
    ],
)
def test_names_of_no_key(kms: Any, name: str, code: str, message: str) -> None:
    for call in (kms.describe_key, lambda KeyId: kms.encrypt(KeyId=KeyId, Plaintext=b"x")):
        with refused(code, message, 400):
            call(KeyId=name)


# The trail


def test_the_trail_shows_contexts_and_no_secrets(shared_cloud: Any, kms: Any, key: str) -> None:
    context = {"Project": "Alpha"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"very secret", EncryptionContext=context)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=context)
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    kms.sign(KeyId=pair, Message=b"very secret", SigningAlgorithm="ECDSA_SHA_256")

    def newest(name: str) -> dict[str, Any]:
        return events(shared_cloud, source="kms.amazonaws.com", name=name)[0]

    shown = {"type": "AWS::KMS::Key", "accountId": FIRST}
    for name, parameters, on in [
        ("Encrypt", {"keyId": key, "encryptionContext": context}, key),
        ("Decrypt", {"encryptionContext": context}, key),
        ("GenerateDataKeyPair", {"keyId": key, "keyPairSpec": "ECC_NIST_P256", "encryptionContext": context}, key),
        ("Sign", {"keyId": pair, "signingAlgorithm": "ECDSA_SHA_256"}, pair),
    ]:
        event = newest(name)
        assert event["requestParameters"] == parameters
        assert (event["responseElements"], event["readOnly"]) == (None, True)
        assert event["resources"] == [{"ARN": on, **shown}]
    assert newest("CreateKey")["readOnly"] is False


def test_when_a_key_was_last_used(shared_cloud: Any, kms: Any, key: str) -> None:
    never = kms.get_key_last_usage(KeyId=key)
    assert (never["KeyId"], never["KeyLastUsage"]) == (key, {})
    other = user_of(shared_cloud)
    kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException"):
        other.generate_data_key(KeyId=key, KeySpec="AES_256")
    last = kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]
    event = events(shared_cloud, source="kms.amazonaws.com", name="Encrypt")[0]
    assert (last["Operation"], last["CloudTrailEventId"]) == ("Encrypt", event["eventID"])
    name = fresh("alias/last")
    kms.create_alias(AliasName=name, TargetKeyId=key)
    kms.generate_data_key(KeyId=name, KeySpec="AES_256")
    assert kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"] == "GenerateDataKey"


# What needs hardware


def test_custom_key_stores_are_never_there(kms: Any) -> None:
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    store = "cks-1234567890abcdef0"
    for call in (
        lambda: kms.describe_custom_key_stores(CustomKeyStoreId=store),
        lambda: kms.connect_custom_key_store(CustomKeyStoreId=store),
        lambda: kms.disconnect_custom_key_store(CustomKeyStoreId=store),
        lambda: kms.update_custom_key_store(CustomKeyStoreId=store),
        lambda: kms.delete_custom_key_store(CustomKeyStoreId=store),
        lambda: kms.generate_random(NumberOfBytes=1, CustomKeyStoreId=store),
    ):
        with refused("CustomKeyStoreNotFoundException"):
            call()
    with refused("ValidationException", "NumberOfBytes is required."):
        kms.generate_random()


def test_every_operation_of_the_model_answers(shared_cloud: Any, kms: Any) -> None:
    names = set(kms.meta.service_model.operation_names)
    assert shared_cloud.on_loop(lambda it: set(it.service("kms").operations)) == names


def test_another_accounts_key_is_not_changed(shared_cloud: Any, kms: Any, key: str) -> None:
    able = new_user(shared_cloud, statement("kms:*"), profile="second")
    theirs = shared_cloud.client("kms", credentials=able["keys"])
    kms.put_key_policy(
        KeyId=key,
        Policy=policy(
            statement("kms:*", Principal={"AWS": f"arn:aws:iam::{FIRST}:root"}),
            statement("kms:*", Principal={"AWS": able["arn"]}),
        ),
    )
    for call in (
        lambda: theirs.disable_key(KeyId=key), lambda: theirs.schedule_key_deletion(KeyId=key),
        lambda: theirs.get_key_policy(KeyId=key), lambda: theirs.enable_key_rotation(KeyId=key),
        lambda: theirs.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
        lambda: theirs.create_alias(AliasName=fresh("alias/theirs"), TargetKeyId=key),
    ):  # fmt: skip
        with refused("AccessDeniedException"):
            call()
    theirs.encrypt(KeyId=key, Plaintext=b"x")
    assert theirs.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    assert theirs.list_grants(KeyId=key)["Grants"] == []


# What is refused changes nothing


@pytest.fixture(scope="module")
def victim(shared_cloud: Any, kms: Any) -> dict[str, str]:
    """A multi-Region key of the learner's with an alias and a grant, and one that awaits its material."""
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/victim", TargetKeyId=key)
    grant = kms.create_grant(KeyId=key, GranteePrincipal=LEARNER, Operations=["Decrypt"])["GrantId"]
    empty = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    return {"key": key, "grant": grant, "empty": empty}


CHANGES: dict[str, Any] = {
    "CancelKeyDeletion": lambda it: {"KeyId": it["key"]},
    "CreateAlias": lambda it: {"AliasName": "alias/theirs", "TargetKeyId": it["key"]},
    "CreateGrant": lambda it: {"KeyId": it["key"], "GranteePrincipal": LEARNER, "Operations": ["Encrypt"]},
    "CreateKey": lambda it: {},
    "DeleteAlias": lambda it: {"AliasName": "alias/victim"},
    "DeleteImportedKeyMaterial": lambda it: {"KeyId": it["empty"]},
    "DescribeKey": lambda it: {"KeyId": "alias/aws/kinesis"},
    "DisableKey": lambda it: {"KeyId": it["key"]},
    "DisableKeyRotation": lambda it: {"KeyId": it["key"]},
    "EnableKey": lambda it: {"KeyId": it["key"]},
    "EnableKeyRotation": lambda it: {"KeyId": it["key"]},
    "GetParametersForImport": lambda it: {
        "KeyId": it["empty"], "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
    },
    "ImportKeyMaterial": lambda it: {"KeyId": it["empty"], "ImportToken": b"x", "EncryptedKeyMaterial": b"x"},
    "PutKeyPolicy": lambda it: {"KeyId": it["key"], "Policy": "{}"},
    "ReplicateKey": lambda it: {"KeyId": it["key"], "ReplicaRegion": "eu-west-1"},
    "RetireGrant": lambda it: {"KeyId": it["key"], "GrantId": it["grant"]},
    "RevokeGrant": lambda it: {"KeyId": it["key"], "GrantId": it["grant"]},
    "RotateKeyOnDemand": lambda it: {"KeyId": it["key"]},
    "ScheduleKeyDeletion": lambda it: {"KeyId": it["key"]},
    "TagResource": lambda it: {"KeyId": it["key"], "Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "UntagResource": lambda it: {"KeyId": it["key"], "TagKeys": ["a"]},
    "UpdateAlias": lambda it: {"AliasName": "alias/victim", "TargetKeyId": it["key"]},
    "UpdateKeyDescription": lambda it: {"KeyId": it["key"], "Description": "theirs"},
    "UpdatePrimaryRegion": lambda it: {"KeyId": it["key"], "PrimaryRegion": "eu-west-1"},
}  # fmt: skip


def test_a_refused_call_changes_nothing(shared_cloud: Any, victim: dict[str, str]) -> None:
    nobody = user_of(shared_cloud)

    def held() -> Any:
        kinds = (Key, Alias, Grant, Parameters)
        return shared_cloud.on_loop(lambda it: [list(it.store.list(kind)) for kind in kinds])

    before = held()
    for operation, params in CHANGES.items():
        with refused("AccessDeniedException", f"kms:{operation}"):
            nobody._make_api_call(operation, params(victim))
        assert held() == before, operation
