"""Encryption under keys of KMS, and who may use them."""

import base64
import logging
from typing import Any

import pytest
from s3_help import FIRST, SECOND, events, fresh, new_user, on_disk, policy, refused, statement

CONTEXT = {"app": "shop", "Stage": "prod"}


def user_of(cloud: Any, *statements: Any, profile: str = "learner") -> Any:
    return cloud.client("kms", credentials=new_user(cloud, *statements, profile=profile)["keys"])


@pytest.mark.parametrize("plaintext", [b"x", b"\x00" * 4096, "schön".encode()])
def test_round_trip(kms: Any, key: str, plaintext: bytes) -> None:
    sealed = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=CONTEXT)
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (key, "SYMMETRIC_DEFAULT")
    assert plaintext not in sealed["CiphertextBlob"] or plaintext == b"x"
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=dict(reversed(CONTEXT.items())))
    assert (opened["Plaintext"], opened["KeyId"]) == (plaintext, key)
    again = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=CONTEXT)
    assert again["CiphertextBlob"] != sealed["CiphertextBlob"]


@pytest.mark.parametrize("plaintext", [b"", b"x" * 4097])
def test_sizes_that_are_refused(kms: Any, key: str, plaintext: bytes) -> None:
    with refused("ValidationException"):
        kms.encrypt(KeyId=key, Plaintext=plaintext)


@pytest.mark.parametrize("context", [{}, {"app": "shop"}, {**CONTEXT, "more": "x"}, {"app": "Shop", "Stage": "prod"}])
def test_another_context_does_not_open(kms: Any, key: str, context: dict[str, str]) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    with refused("InvalidCiphertextException", status=400):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_ciphertexts_that_were_changed(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    changed = [blob[:-1] + bytes([blob[-1] ^ 1]), blob[:-1], blob[:60], b"garbage", b"\x01" * 40, blob[:1] + blob]
    for one in changed:
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=one)


def test_decrypt_with_a_key_named(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"] == b"x"
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=other)


@pytest.mark.parametrize(("asked", "size"), [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16),
                                             ({"NumberOfBytes": 100}, 100)])  # fmt: skip
def test_data_keys(kms: Any, key: str, asked: dict[str, Any], size: int) -> None:
    made = kms.generate_data_key(KeyId=key, EncryptionContext=CONTEXT, **asked)
    assert len(made["Plaintext"]) == size
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key, **asked)
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == size


@pytest.mark.parametrize("asked", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}, {"NumberOfBytes": 1025}])
def test_data_keys_need_one_size(kms: Any, key: str, asked: dict[str, Any]) -> None:
    with refused("ValidationException"):
        kms.generate_data_key(KeyId=key, **asked)


def test_random_bytes(kms: Any) -> None:
    first, second = (kms.generate_random(NumberOfBytes=64)["Plaintext"] for _ in range(2))
    assert (len(first), first == second) == (64, False)


def test_what_is_not_simulated(kms: Any, key: str) -> None:
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"x"}
    for call in (
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", Recipient=recipient),
        lambda: kms.decrypt(CiphertextBlob=b"x", Recipient=recipient),
        lambda: kms.generate_random(NumberOfBytes=1, Recipient=recipient),
        lambda: kms.generate_data_key_pair(KeyId=key, KeyPairSpec="SM2"),
        lambda: kms.create_custom_key_store(CustomKeyStoreName="store"),
        lambda: kms.list_keys(ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"]),
    ):
        with refused("NotSimulated", status=501):
            call()


# Permissions


def test_re_encrypt_needs_two_permissions(shared_cloud: Any, kms: Any, key: str) -> None:
    new = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    asked = {
        "CiphertextBlob": blob, "DestinationKeyId": new, "SourceEncryptionContext": CONTEXT,
        "DestinationEncryptionContext": {"app": "web"},
    }  # fmt: skip
    old_only = user_of(shared_cloud, statement("kms:ReEncryptFrom", key))
    with refused("AccessDeniedException", f"kms:ReEncryptTo on resource: {new}"):
        old_only.re_encrypt(**asked)
    with refused("AccessDeniedException", f"kms:ReEncryptFrom on resource: {key}"):
        user_of(shared_cloud, statement("kms:ReEncryptTo", new)).re_encrypt(**asked)
    sides = {"from": {"kms:EncryptionContext:app": "shop"}, "to": {"kms:EncryptionContext:app": "web"}}
    both = user_of(
        shared_cloud,
        statement("kms:ReEncryptFrom", key, Condition={"StringEquals": sides["from"]}),
        statement("kms:ReEncryptTo", new, Condition={"StringEquals": sides["to"]}),
    )
    answer = both.re_encrypt(**asked)
    assert (answer["SourceKeyId"], answer["KeyId"]) == (key, new)
    opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"app": "web"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", new)
    with refused("AccessDeniedException", "kms:ReEncryptTo"):
        both.re_encrypt(**{**asked, "DestinationEncryptionContext": {"app": "shop"}})


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"kms:EncryptionContext:app": "shop"}}, {"app": "shop"}, True),
        ({"StringEquals": {"kms:EncryptionContext:APP": "shop"}}, {"app": "shop"}, True),
        ({"StringEquals": {"kms:EncryptionContext:app": "shop"}}, {"app": "web"}, False),
        ({"StringEquals": {"kms:EncryptionContext:app": "shop"}}, {}, False),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["app"]}}, {"app": "x", "b": "y"}, False),
        ({"StringEquals": {"kms:CallerAccount": FIRST}}, {}, True),
        ({"StringEquals": {"kms:CallerAccount": SECOND}}, {}, False),
        ({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, {}, False),
    ],
)
def test_conditions(shared_cloud: Any, kms: Any, key: str, condition: Any, context: Any, allowed: bool) -> None:
    user = user_of(shared_cloud, statement("kms:*", key, Condition=condition))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    calls = (
        lambda: user.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context),
        lambda: user.decrypt(CiphertextBlob=blob, EncryptionContext=context),
        lambda: user.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context),
    )
    for call in calls:
        if allowed:
            call()
        else:
            with refused("AccessDeniedException"):
                call()


def test_the_alias_that_was_asked_for_is_a_condition(shared_cloud: Any, kms: Any, key: str) -> None:
    name = f"alias/{fresh('name')}"
    kms.create_alias(AliasName=name, TargetKeyId=key)
    user = user_of(shared_cloud, statement("kms:Encrypt", Condition={"StringEquals": {"kms:RequestAlias": name}}))
    for form in (name, f"arn:aws:kms:us-east-1:{FIRST}:{name}"):
        user.encrypt(KeyId=form, Plaintext=b"x")
    with refused("AccessDeniedException"):
        user.encrypt(KeyId=key, Plaintext=b"x")


def test_the_key_policy_decides_alone(shared_cloud: Any, kms: Any, key: str) -> None:
    chosen = new_user(shared_cloud)
    theirs = shared_cloud.client("kms", credentials=chosen["keys"])
    powerful = user_of(shared_cloud, statement("kms:*"))
    powerful.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException", "because no identity-based policy allows the kms:Encrypt action"):
        theirs.encrypt(KeyId=key, Plaintext=b"x")
    learner = f"arn:aws:iam::{FIRST}:user/learner"
    text = policy(
        statement("kms:PutKeyPolicy", Principal={"AWS": learner}),
        statement("kms:Encrypt", Principal={"AWS": chosen["arn"]}),
    )
    kms.put_key_policy(KeyId=key, Policy=text)
    theirs.encrypt(KeyId=key, Plaintext=b"x")
    for one in (powerful, kms, shared_cloud.client("kms", "root")):  # nor does the administrator get in, nor root
        with refused("AccessDeniedException", "no resource-based policy allows the kms:Encrypt action"):
            one.encrypt(KeyId=key, Plaintext=b"x")


def test_another_account_needs_both_sides(shared_cloud: Any, kms: Any, key: str) -> None:
    name = f"alias/{fresh('shared')}"
    kms.create_alias(AliasName=name, TargetKeyId=key)
    able = user_of(shared_cloud, statement("kms:*"), profile="second")
    unable = user_of(shared_cloud, profile="second")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with refused("AccessDeniedException", "no resource-based policy allows the kms:Decrypt action"):
        able.decrypt(CiphertextBlob=blob)
    text = policy(
        statement("kms:*", Principal={"AWS": f"arn:aws:iam::{FIRST}:root"}),
        statement(["kms:Decrypt", "kms:Encrypt", "kms:DescribeKey"], Principal={"AWS": SECOND}),
    )
    kms.put_key_policy(KeyId=key, Policy=text)
    assert able.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    for form in (key, f"arn:aws:kms:us-east-1:{FIRST}:{name}"):
        assert able.encrypt(KeyId=form, Plaintext=b"x")["KeyId"] == key
        assert able.describe_key(KeyId=form)["KeyMetadata"]["Arn"] == key
    for form in (key.rpartition("/")[2], name):  # without an account a name is one of the caller's own
        with refused("NotFoundException"):
            able.encrypt(KeyId=form, Plaintext=b"x")
    with refused("AccessDeniedException"):
        able.generate_data_key(KeyId=key, KeySpec="AES_256")
    with refused("AccessDeniedException", "no identity-based policy allows"):
        unable.decrypt(CiphertextBlob=blob)


def test_plaintexts_appear_nowhere(cloud: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kms, secret = cloud.client("kms"), b"the secret nobody else may see"
    logging.getLogger("botocore").setLevel(logging.WARNING)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=secret)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob)
    plain = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=secret)
    forms = [form for one in (secret, plain) for form in (one, base64.b64encode(one))]
    assert on_disk(cloud, *forms) == []
    told = str(events(cloud, source="kms.amazonaws.com")) + caplog.text
    assert [form for form in forms if form.decode("latin-1") in told] == []
