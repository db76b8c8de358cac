"""Who may use a key: key policies and their principals, condition keys, AWS managed keys, the trail."""

import base64
import json
from typing import Any

import pytest
from kms_help import Keys, user_of
from s3_help import FIRST, SECOND, events, fresh, new_user, policy, refused, statement

LEARNER = f"arn:aws:iam::{FIRST}:user/learner"


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
