"""Keys of KMS: their life, aliases, policies, tags."""

import base64
import json
import os
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from s3_help import FIRST, events, fresh, new_user, on_disk, policy, refused, statement

from labsupport.cloud.core import vault
from labsupport.cloud.services.kms.base import Key

DAY = 86400
MISSING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def key(kms: Any) -> str:
    arn: str = kms.create_key(Description="d")["KeyMetadata"]["Arn"]
    return arn


def test_what_a_new_key_is(kms: Any, key: str) -> None:
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    wanted = {
        "AWSAccountId": FIRST, "Arn": key, "Enabled": True, "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "MultiRegion": False,
        "Description": "d",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    root = json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"][0]
    assert (root["Principal"], root["Action"]) == ({"AWS": f"arn:aws:iam::{FIRST}:root"}, "kms:*")
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    kms.update_key_description(KeyId=key, Description="other")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "other"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"KeySpec": "RSA_2048"}, "ValidationException"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, "ValidationException"),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "CustomerMasterKeySpec": "RSA_2048"},
            "ValidationException",
        ),
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "NotSimulated"),
        ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"}, "NotSimulated"),
        ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
        ({"Origin": "AWS_CLOUDHSM"}, "ValidationException"),
        ({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1234567890abcdef0"}, "CustomKeyStoreNotFoundException"),
        ({"XksKeyId": "one"}, "UnsupportedOperationException"),
        ({"Policy": "no policy"}, "MalformedPolicyDocumentException"),
        ({"Tags": [{"TagKey": "aws:x", "TagValue": "1"}]}, "TagException"),
    ],
)
def test_keys_that_cannot_be_made(kms: Any, more: dict[str, Any], code: str) -> None:
    with refused(code):
        kms.create_key(**more)


def test_aliases_in_all_four_forms(kms: Any, key: str) -> None:
    name = f"alias/{fresh('name')}"
    kms.create_alias(AliasName=name, TargetKeyId=key)
    forms = [key, key.rpartition("/")[2], name, f"arn:aws:kms:us-east-1:{FIRST}:{name}"]
    for form in forms:
        assert kms.describe_key(KeyId=form)["KeyMetadata"]["Arn"] == key
        assert kms.encrypt(KeyId=form, Plaintext=b"x")["KeyId"] == key
    with refused("AlreadyExistsException"):
        kms.create_alias(AliasName=name, TargetKeyId=key)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=name, TargetKeyId=other)
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == other
    assert [one["AliasName"] for one in kms.list_aliases(KeyId=other)["Aliases"]] == [name]
    assert kms.list_aliases(KeyId=key)["Aliases"] == []
    kms.delete_alias(AliasName=name)
    with refused("NotFoundException", f"Alias arn:aws:kms:us-east-1:{FIRST}:{name} is not found."):
        kms.describe_key(KeyId=name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("noprefix", "ValidationException"),
        ("alias/aws/mine", "NotAuthorizedException"),
        ("alias/a b", "ValidationException"),
    ],
)
def test_names_of_aliases(kms: Any, key: str, name: str, code: str) -> None:
    with refused(code):
        kms.create_alias(AliasName=name, TargetKeyId=key)


def test_some_calls_take_no_alias(kms: Any, key: str) -> None:
    name = f"alias/{fresh('name')}"
    kms.create_alias(AliasName=name, TargetKeyId=key)
    for call in (kms.disable_key, kms.schedule_key_deletion, kms.get_key_policy, kms.list_resource_tags):
        with refused("NotFoundException", f"Invalid keyId '{name}'"):
            call(KeyId=name)


@pytest.mark.parametrize("name", [MISSING, f"arn:aws:kms:us-east-1:{FIRST}:key/{MISSING}"])
@pytest.mark.parametrize("call", ["describe_key", "disable_key", "get_key_policy", "schedule_key_deletion"])
def test_a_key_that_is_not_there(kms: Any, call: str, name: str) -> None:
    sentence = f"Key 'arn:aws:kms:us-east-1:{FIRST}:key/{MISSING}' does not exist"
    with refused("NotFoundException", sentence, 400):
        getattr(kms, call)(KeyId=name)


def test_a_key_stays_in_its_region(shared_cloud: Any, kms: Any, key: str) -> None:
    ireland = shared_cloud.client("kms", region_name="eu-west-1")
    with refused("NotFoundException"):
        ireland.describe_key(KeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException", "does not exist in this region"):
        ireland.decrypt(CiphertextBlob=blob)
    assert key not in [one["KeyArn"] for one in ireland.list_keys()["Keys"]]


def test_disabled_keys(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"] is False
    calls = (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key),
    )
    for call in calls:
        with refused("DisabledException", f"{key} is disabled."):
            call()
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_the_end_of_a_key(cloud: Any) -> None:
    kms = cloud.client("kms")
    key, name = kms.create_key()["KeyMetadata"]["Arn"], f"alias/{fresh('name')}"
    kms.create_alias(AliasName=name, TargetKeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for days in (6, 31):
        with refused("ValidationException"):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    assert kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    assert "DeletionDate" in kms.describe_key(KeyId=key)["KeyMetadata"]
    for call in (
        lambda: kms.decrypt(CiphertextBlob=blob), lambda: kms.enable_key(KeyId=key),
        lambda: kms.tag_resource(KeyId=key, Tags=[]), lambda: kms.schedule_key_deletion(KeyId=key),
        lambda: kms.create_alias(AliasName=name + "2", TargetKeyId=key),
    ):  # fmt: skip
        with refused("KMSInvalidStateException", f"{key} is pending deletion."):
            call()
    kms.put_key_policy(KeyId=key, Policy=kms.get_key_policy(KeyId=key)["Policy"])
    kms.cancel_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException"):
        kms.cancel_key_deletion(KeyId=key)
    cloud.advance(8 * DAY)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.advance(6 * DAY)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    cloud.advance(1.1 * DAY)
    cloud.settle("kms")
    with refused("NotFoundException"):
        kms.describe_key(KeyId=key)
    assert name not in [one["AliasName"] for one in kms.list_aliases()["Aliases"]]
    with refused("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist"):
        kms.decrypt(CiphertextBlob=blob)


def test_lists_in_pages(cloud: Any) -> None:
    kms = cloud.client("kms")
    keys = sorted(kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5))
    for number in range(5):
        kms.create_alias(AliasName=f"alias/p{number}", TargetKeyId=keys[0])
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert [one["KeyId"] for page in pages for one in page["Keys"]] == keys
    pages = list(kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 3}))
    assert [one["AliasName"] for page in pages for one in page["Aliases"]] == [f"alias/p{n}" for n in range(5)]
    for call in (kms.list_keys, kms.list_aliases):
        with refused("InvalidMarkerException"):
            call(Marker="garbage")


def test_tags(kms: Any) -> None:
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "shop"}])["KeyMetadata"]["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "team", "TagValue": "web"}])
    kms.untag_resource(KeyId=key, TagKeys=["a", "missing"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "team", "TagValue": "web"}]
    with refused("TagException"):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "aws:a", "TagValue": "1"}])
    many = [{"TagKey": f"k{number}", "TagValue": ""} for number in range(50)]
    with refused("LimitExceededException"):
        kms.tag_resource(KeyId=key, Tags=many)


def test_permission_by_a_keys_tag(shared_cloud: Any, kms: Any) -> None:
    tagged = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "shop"}])["KeyMetadata"]["KeyId"]
    plain = kms.create_key()["KeyMetadata"]["KeyId"]
    condition = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    user = new_user(shared_cloud, statement("kms:Encrypt", Condition=condition))
    client = shared_cloud.client("kms", credentials=user["keys"])
    client.encrypt(KeyId=tagged, Plaintext=b"x")
    with refused("AccessDeniedException"):
        client.encrypt(KeyId=plain, Plaintext=b"x")


# Policies


def test_a_policy_that_locks_its_author_out(shared_cloud: Any, kms: Any, key: str) -> None:
    other = new_user(shared_cloud)["arn"]
    locked = policy(statement("kms:*", Principal={"AWS": other}))
    with refused("MalformedPolicyDocumentException", "will not allow you to update the key policy in the future"):
        kms.put_key_policy(KeyId=key, Policy=locked)
    with refused("MalformedPolicyDocumentException"):
        kms.create_key(Policy=locked)
    kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.put_key_policy(KeyId=key, Policy=locked, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        kms.put_key_policy(KeyId=key, Policy=locked)


@pytest.mark.parametrize("text", ["{}", "no json", '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}'])
def test_policies_that_are_malformed(kms: Any, key: str, text: str) -> None:
    with refused("MalformedPolicyDocumentException"):
        kms.put_key_policy(KeyId=key, Policy=text)


def test_only_the_default_policy_exists(kms: Any, key: str) -> None:
    with refused("NotFoundException"):
        kms.get_key_policy(KeyId=key, PolicyName="other")


def test_keys_of_aws(shared_cloud: Any, kms: Any) -> None:
    for name in ("alias/aws/ssm", "alias/aws/s3"):
        found = kms.describe_key(KeyId=name)["KeyMetadata"]
        assert (found["KeyManager"], found["KeyState"]) == ("AWS", "Enabled")
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == found["Arn"]
        with refused("AccessDeniedException"):
            kms.encrypt(KeyId=name, Plaintext=b"x")
        for call in (kms.disable_key, kms.schedule_key_deletion):
            with refused("AccessDeniedException"):
                call(KeyId=found["KeyId"])
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/aws/nothing")


def test_material_is_sealed_and_survives_a_restart(start_cloud: Any, tmp_path: Any) -> None:
    first = start_cloud(home=tmp_path / "home")
    kms = first.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]

    def material(cloud: Any) -> bytes:
        return vault.unseal(cloud, cloud.store.get(Key, FIRST, "us-east-1", key).current.sealed, key.encode())

    plain = first.on_loop(material)
    assert (len(plain), on_disk(first, plain)) == (32, [])
    first.stop()
    again = start_cloud(home=tmp_path / "home").client("kms")
    assert again.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"


def test_keys_and_ciphertexts_from_before_rotation(shared_cloud: Any, kms: Any) -> None:
    """An earlier version's home folder has one material in each key, and ciphertexts with the key's name in clear."""
    secret, key_id, nonce = os.urandom(32), "0c1e24a1-8a24-4d0a-9e0c-4dfc8a3c7c46", os.urandom(12)

    def old_key(cloud: Any) -> None:
        sealed = base64.b64encode(vault.seal(cloud, secret, key_id.encode())).decode()
        old = {"account": FIRST, "region": "us-east-1", "id": key_id, "material": sealed, "created": 1.0}
        text = json.dumps({**old, "policy": policy(statement("kms:*", Principal={"AWS": FIRST}))})
        cloud.store.put(msgspec.json.decode(text, type=Key))

    shared_cloud.on_loop(old_key)
    name = f"{FIRST}:us-east-1:{key_id}".encode()
    body = AESGCM(secret).encrypt(nonce, b"x", b'{"a": "b"}')
    blob = b"\x01" + bytes([len(name)]) + name + nonce + body
    for _ in range(2):
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
        kms.rotate_key_on_demand(KeyId=key_id)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)


def test_a_ciphertext_tells_nobody_its_key(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert (FIRST.encode() in blob, key.rpartition("/")[2].encode() in blob) == (False, False)


def test_the_trail_holds_calls_as_management_events(shared_cloud: Any, kms: Any, key: str) -> None:
    kms.encrypt(KeyId=key, Plaintext=b"x")
    newest = events(shared_cloud, source="kms.amazonaws.com", name="Encrypt")[0]
    assert (newest["managementEvent"], newest["resources"][0]["ARN"]) == (True, key)
    created = events(shared_cloud, source="kms.amazonaws.com", name="CreateKey")[0]
    assert created["responseElements"]["keyMetadata"]["arn"] == key
