"""Imported key material, wrapped as its owner would wrap it."""

import base64
import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from kms_help import FOREVER, OAEP, external, put, state, user_of, wrapped
from s3_help import events, on_disk, refused, statement

DAY = 86400
WRAP = ("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")


@pytest.mark.parametrize("algorithm", [*OAEP, *WRAP])
def test_material_comes_and_goes(kms: Any, algorithm: str) -> None:
    key, material = external(kms), os.urandom(32)
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["Origin"], found["KeyState"], found["Enabled"]) == ("EXTERNAL", "PendingImport", False)
    assert "ExpirationModel" not in found
    answer = put(kms, key, material, algorithm)
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["KeyState"], found["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert answer == {**answer, "KeyId": key, "KeyMaterialId": found["CurrentKeyMaterialId"]}
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.delete_imported_key_material(KeyId=key)["KeyMaterialId"] == answer["KeyMaterialId"]
    with refused("KMSInvalidStateException", f"{key} is pending import."):
        kms.decrypt(CiphertextBlob=blob)
    with refused("IncorrectKeyMaterialException"):
        put(kms, key, os.urandom(32))
    assert put(kms, key, material)["KeyMaterialId"] == answer["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_expires_by_the_clock(cloud: Any) -> None:
    kms = cloud.client("kms")
    key, material = external(kms), os.urandom(32)
    now: datetime = kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    put(kms, key, material, ValidTo=now + timedelta(days=10))
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["ExpirationModel"], found["ValidTo"]) == ("KEY_MATERIAL_EXPIRES", now + timedelta(days=10))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    cloud.advance(9 * DAY)
    cloud.settle("kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    cloud.advance(1.1 * DAY)
    cloud.settle("kms")
    assert state(kms, key) == "PendingImport"
    told = events(cloud, source="kms.amazonaws.com", name="DeleteExpiredKeyMaterial")[0]
    assert (told["eventType"], told["resources"][0]["ARN"]) == ("AwsServiceEvent", key)
    put(kms, key, material)
    cloud.advance(300 * DAY)
    cloud.settle("kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    now = now + timedelta(days=311)
    for valid_to in (now - timedelta(days=30), now + timedelta(days=400)):
        with refused("ValidationException"):
            put(kms, key, material, ValidTo=valid_to)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"KeyMaterialDescription": "d"}, "A validTo date must be set"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "A validTo date must be set"),
        ({**FOREVER, "ValidTo": datetime(2035, 1, 1, tzinfo=UTC)}, "must not be set"),
    ],
)
def test_an_expiry_has_a_date(kms: Any, more: dict[str, Any], message: str) -> None:
    with refused("ValidationException", message):
        put(kms, external(kms), os.urandom(32), **more)


def test_tokens_and_wrappings_that_are_refused(cloud: Any) -> None:
    kms = cloud.client("kms")
    key, other = external(kms), external(kms)
    asked = {"WrappingAlgorithm": OAEP[1], "WrappingKeySpec": "RSA_2048"}
    given, again = (kms.get_parameters_for_import(KeyId=key, **asked) for _ in range(2))
    sealed = wrapped(given, OAEP[1], os.urandom(32))
    assert len(given["ImportToken"]) > 16
    calls = [
        ("InvalidImportTokenException", {"KeyId": other, "ImportToken": given["ImportToken"]}),
        ("InvalidImportTokenException", {"KeyId": key, "ImportToken": b"garbage"}),
        ("InvalidCiphertextException", {"KeyId": key, "ImportToken": again["ImportToken"]}),
    ]
    for code, params in calls:
        with refused(code, status=400):
            kms.import_key_material(**params, EncryptedKeyMaterial=sealed, **FOREVER)
    cloud.advance(1.1 * DAY)
    with refused("ExpiredImportTokenException"):
        kms.import_key_material(KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=sealed, **FOREVER)
    cloud.advance(1.1 * DAY)
    cloud.settle("kms")
    with refused("InvalidImportTokenException"):
        kms.import_key_material(KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=sealed, **FOREVER)
    with refused("UnsupportedOperationException"):
        kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_PKCS1_V1_5", WrappingKeySpec="RSA_2048")
    with refused("NotSimulated"):
        kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="SM2PKE", WrappingKeySpec="SM2")


@pytest.mark.parametrize(("kind", "size"), [({}, 31), ({"KeySpec": "HMAC_384", "KeyUsage": "GENERATE_VERIFY_MAC"}, 49)])
def test_secret_keys_have_a_length(kms: Any, kind: dict[str, str], size: int) -> None:
    with refused("IncorrectKeyMaterialException"):
        put(kms, external(kms, **kind), os.urandom(size))


def der(private: Any) -> bytes:
    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    found: bytes = private.private_bytes(*form)
    return found


@pytest.mark.parametrize(
    ("spec", "make", "algorithm"),
    [
        ("ECC_NIST_P256", lambda: ec.generate_private_key(ec.SECP256R1()), "ECDSA_SHA_256"),
        ("ECC_NIST_P521", lambda: ec.generate_private_key(ec.SECP521R1()), "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", lambda: ec.generate_private_key(ec.SECP256K1()), "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", ed25519.Ed25519PrivateKey.generate, "ED25519_SHA_512"),
        ("RSA_2048", lambda: rsa.generate_private_key(65537, 2048), "RSASSA_PSS_SHA_256"),
    ],
)
def test_key_pairs_of_ones_own(kms: Any, spec: str, make: Any, algorithm: str) -> None:
    key, private = external(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY"), make()
    assert "KeyMaterialId" not in put(kms, key, der(private), WRAP[1])
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert kms.get_public_key(KeyId=key)["PublicKey"] == private.public_key().public_bytes(*form)
    asked = {"KeyId": key, "Message": b"x", "SigningAlgorithm": algorithm}
    assert kms.verify(**asked, Signature=kms.sign(**asked)["Signature"])["SignatureValid"] is True
    with refused("IncorrectKeyMaterialException"):
        put(kms, external(kms, KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY"), der(private), WRAP[1])


def test_a_key_pair_stays_the_same(kms: Any) -> None:
    key = external(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    put(kms, key, der(ec.generate_private_key(ec.SECP256R1())))
    with refused("IncorrectKeyMaterialException"):
        put(kms, key, der(ec.generate_private_key(ec.SECP256R1())))
    with refused("ValidationException"):
        put(kms, key, der(ec.generate_private_key(ec.SECP256R1())), **FOREVER, ImportType="NEW_KEY_MATERIAL")


@pytest.mark.parametrize("bits", [224, 512])
def test_hmac_keys_of_ones_own(kms: Any, bits: int) -> None:
    key, secret = external(kms, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC"), os.urandom(bits // 8)
    put(kms, key, secret)
    made = kms.generate_mac(KeyId=key, Message=b"Hi There", MacAlgorithm=f"HMAC_SHA_{bits}")["Mac"]
    assert made == hmac.digest(secret, b"Hi There", f"sha{bits}")


def test_a_published_signature(kms: Any) -> None:
    """RFC 8032, 7.1: TEST 2 of Ed25519."""
    secret = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    key = external(kms, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    put(kms, key, der(ed25519.Ed25519PrivateKey.from_private_bytes(secret)))
    made = kms.sign(KeyId=key, Message=b"\x72", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    assert made.hex() == signature


def test_a_published_shared_secret(kms: Any) -> None:
    """NIST CAVP, ECC CDH Primitive, [P-256], COUNT = 0."""
    x = 0x700C48F77F56584C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287
    y = 0xDB71E509E3FD9B060DDB20BA5C51DCC5948D46FBF640DFE0441782CAB85FA4AC
    ours = 0x7D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534
    key = external(kms, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    put(kms, key, der(ec.derive_private_key(ours, ec.SECP256R1())))
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    peer = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().public_bytes(*form)
    answer = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=peer)
    assert answer["SharedSecret"].hex() == "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"
    assert answer["KeyOrigin"] == "EXTERNAL"


def test_new_material_waits_for_its_rotation(kms: Any) -> None:
    key, first, second = external(kms), os.urandom(32), os.urandom(32)
    one = put(kms, key, first, **FOREVER, KeyMaterialDescription="first")["KeyMaterialId"]
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    with refused("KMSInvalidStateException"):
        kms.rotate_key_on_demand(KeyId=key)
    two = put(kms, key, second, **FOREVER, ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    with refused("KMSInvalidStateException"):
        put(kms, key, os.urandom(32), **FOREVER, ImportType="NEW_KEY_MATERIAL")

    def listed() -> list[tuple[str, str, str]]:
        found = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
        return [(entry["KeyMaterialId"], entry["KeyMaterialState"], entry["ImportState"]) for entry in found]

    assert listed() == [(one, "CURRENT", "IMPORTED"), (two, "PENDING_ROTATION", "IMPORTED")]
    assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])["KeyMaterialId"] == one
    kms.rotate_key_on_demand(KeyId=key)
    assert listed() == [(one, "NON_CURRENT", "IMPORTED"), (two, "CURRENT", "IMPORTED")]
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == one
    new = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key, KeyMaterialId=one)  # without one of its materials a key is unusable
    assert (state(kms, key), listed()[0]) == ("PendingImport", (one, "NON_CURRENT", "PENDING_IMPORT"))
    with refused("IncorrectKeyMaterialException"):
        put(kms, key, second, **FOREVER, KeyMaterialId=one)
    put(kms, key, first, **FOREVER, KeyMaterialId=one)
    assert [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in (old, new)] == [b"old", b"new"]
    shown = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"][0]
    assert shown["KeyMaterialDescription"] == "first"


def test_deletion_of_a_key_without_material(kms: Any) -> None:
    key = external(kms)
    kms.schedule_key_deletion(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    assert state(kms, key) == "PendingImport"
    put(kms, key, os.urandom(32))
    kms.disable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    kms.delete_imported_key_material(KeyId=key)
    assert state(kms, key) == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key)
    assert state(kms, key) == "PendingImport"


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"kms:WrappingAlgorithm": OAEP[1]}}, True),
        ({"StringEquals": {"kms:WrappingAlgorithm": OAEP[0]}}, False),
        ({"StringEquals": {"kms:WrappingKeySpec": "RSA_2048"}}, True),
        ({"StringEquals": {"kms:KeyOrigin": "AWS_KMS"}}, False),
    ],
)
def test_conditions_on_the_wrapping(shared_cloud: Any, kms: Any, condition: Any, allowed: bool) -> None:
    key = external(kms)
    user = user_of(shared_cloud, statement("kms:GetParametersForImport", key, Condition=condition))
    asked = {"KeyId": key, "WrappingAlgorithm": OAEP[1], "WrappingKeySpec": "RSA_2048"}
    if allowed:
        user.get_parameters_for_import(**asked)
    else:
        with refused("AccessDeniedException"):
            user.get_parameters_for_import(**asked)


def test_an_expiry_may_be_a_condition(shared_cloud: Any, kms: Any) -> None:
    key = external(kms)
    expires = {"StringEquals": {"kms:ExpirationModel": "KEY_MATERIAL_EXPIRES"}}
    before = {"DateLessThan": {"kms:ValidTo": "2100-01-01T00:00:00Z"}}
    may = statement(["kms:GetParametersForImport"], key)
    user = user_of(shared_cloud, may, statement("kms:ImportKeyMaterial", key, Condition={**expires, **before}))
    with refused("AccessDeniedException"):
        put(user, key, os.urandom(32))
    now: datetime = kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    put(user, key, os.urandom(32), ValidTo=now + timedelta(days=1))


def test_nothing_of_an_import_lies_in_clear(cloud: Any) -> None:
    kms, material = cloud.client("kms"), os.urandom(32)
    put(kms, external(kms), material)
    forms = [material, base64.b64encode(material), material.hex().encode()]
    assert on_disk(cloud, *forms) == []
    event = json.dumps(events(cloud, source="kms.amazonaws.com", name="ImportKeyMaterial")[0]["requestParameters"])
    assert ("importToken" in event, "encryptedKeyMaterial" in event) == (False, False)
