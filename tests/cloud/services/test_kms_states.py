"""Key states times operations (KMS Developer Guide: "Key states of AWS KMS keys", its table)."""

from collections.abc import Callable
from typing import Any

import pytest
from kms_help import user_of
from s3_help import fresh, new_user, refused, statement

DISABLED = ("DisabledException", "is disabled.")
ENDING = ("KMSInvalidStateException", "is pending deletion.")
IMPORT = ("KMSInvalidStateException", "is pending import.")
NOT_ENDING = ("KMSInvalidStateException", "is not pending deletion.")
ORIGIN = ("UnsupportedOperationException", "origin is AWS_KMS which is not valid for this operation.")
EXTERNAL = ("UnsupportedOperationException", "origin is EXTERNAL which is not valid for this operation.")

# operation -> how it ends for a key that is Disabled, PendingDeletion, and (of external origin) PendingImport
TABLE: dict[str, tuple[Any, Any, Any]] = {
    "CancelKeyDeletion": (NOT_ENDING, None, NOT_ENDING),
    "CreateAlias": (None, ENDING, None),
    "CreateGrant": (DISABLED, ENDING, IMPORT),
    "Decrypt": (DISABLED, ENDING, None),
    "DeleteAlias": (None, None, None),
    "DeleteImportedKeyMaterial": (ORIGIN, ORIGIN, None),
    "DescribeKey": (None, None, None),
    "DisableKey": (None, ENDING, IMPORT),
    "DisableKeyRotation": (DISABLED, ENDING, EXTERNAL),
    "EnableKey": (None, ENDING, IMPORT),
    "EnableKeyRotation": (DISABLED, ENDING, EXTERNAL),
    "Encrypt": (DISABLED, ENDING, IMPORT),
    "GenerateDataKey": (DISABLED, ENDING, IMPORT),
    "GenerateDataKeyPair": (DISABLED, ENDING, IMPORT),
    "GenerateDataKeyPairWithoutPlaintext": (DISABLED, ENDING, IMPORT),
    "GenerateDataKeyWithoutPlaintext": (DISABLED, ENDING, IMPORT),
    "GetKeyLastUsage": (None, None, None),
    "GetKeyPolicy": (None, None, None),
    "GetKeyRotationStatus": (None, None, EXTERNAL),
    "GetParametersForImport": (ORIGIN, ORIGIN, None),
    "ListAliases": (None, None, None),
    "ListGrants": (None, None, None),
    "ListKeyPolicies": (None, None, None),
    "ListKeyRotations": (None, None, None),
    "ListResourceTags": (None, None, None),
    "PutKeyPolicy": (None, None, None),
    "ReEncrypt": (DISABLED, ENDING, None),
    "RevokeGrant": (None, None, None),
    "RotateKeyOnDemand": (DISABLED, ENDING, IMPORT),
    "ScheduleKeyDeletion": (None, ENDING, None),
    "TagResource": (None, ENDING, None),
    "UntagResource": (None, ENDING, None),
    "UpdateAlias": (None, ENDING, None),
    "UpdateKeyDescription": (None, ENDING, None),
}
STATES = ("Disabled", "PendingDeletion", "PendingImport")
CASES = [
    pytest.param(operation, state, TABLE[operation][number], id=f"{operation}-{state}")
    for operation in TABLE
    for number, state in enumerate(STATES)
]


class Subject:
    """A key with an alias, a grant and a ciphertext, brought into a state."""

    def __init__(self, kms: Any, state: str, grantee: str) -> None:
        self.kms, external = kms, state == "PendingImport"
        self.key = kms.create_key(**({"Origin": "EXTERNAL"} if external else {}))["KeyMetadata"]["Arn"]
        self.alias = f"alias/{fresh('state')}"
        kms.create_alias(AliasName=self.alias, TargetKeyId=self.key)
        self.grant, self.blob = "", b""
        if not external:
            asked = {"KeyId": self.key, "GranteePrincipal": grantee, "Operations": ["Decrypt"]}
            self.grant = kms.create_grant(**asked)["GrantId"]
            self.blob = kms.encrypt(KeyId=self.key, Plaintext=b"x")["CiphertextBlob"]
        if state == "Disabled":
            kms.disable_key(KeyId=self.key)
        if state == "PendingDeletion":
            kms.schedule_key_deletion(KeyId=self.key, PendingWindowInDays=7)
        assert kms.describe_key(KeyId=self.key)["KeyMetadata"]["KeyState"] == state

    def params(self, operation: str, grantee: str) -> dict[str, Any]:
        key = {"KeyId": self.key}
        particular: dict[str, Callable[[], dict[str, Any]]] = {
            "CreateAlias": lambda: {"AliasName": f"alias/{fresh('new')}", "TargetKeyId": self.key},
            "CreateGrant": lambda: {**key, "GranteePrincipal": grantee, "Operations": ["Decrypt"]},
            "Decrypt": lambda: {"CiphertextBlob": self.blob},
            "DeleteAlias": lambda: {"AliasName": self.alias},
            "Encrypt": lambda: {**key, "Plaintext": b"x"},
            "GenerateDataKey": lambda: {**key, "KeySpec": "AES_256"},
            "GenerateDataKeyWithoutPlaintext": lambda: {**key, "KeySpec": "AES_256"},
            "GenerateDataKeyPair": lambda: {**key, "KeyPairSpec": "ECC_NIST_P256"},
            "GenerateDataKeyPairWithoutPlaintext": lambda: {**key, "KeyPairSpec": "ECC_NIST_P256"},
            "GetParametersForImport": lambda: {
                **key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
            },
            "PutKeyPolicy": lambda: {**key, "Policy": self.kms.get_key_policy(**key)["Policy"]},
            "ReEncrypt": lambda: {"CiphertextBlob": self.blob, "DestinationKeyId": self.key},
            "RevokeGrant": lambda: {**key, "GrantId": self.grant},
            "TagResource": lambda: {**key, "Tags": [{"TagKey": "a", "TagValue": "b"}]},
            "UntagResource": lambda: {**key, "TagKeys": ["a"]},
            "UpdateAlias": lambda: {"AliasName": self.alias, "TargetKeyId": self.key},
            "UpdateKeyDescription": lambda: {**key, "Description": "d"},
        }  # fmt: skip
        return particular.get(operation, lambda: key)()


@pytest.fixture(scope="module")
def grantee(shared_cloud: Any) -> str:
    arn: str = new_user(shared_cloud)["arn"]
    return arn


CHANGING = ("CancelKeyDeletion", "DeleteAlias", "DisableKey", "EnableKey", "RevokeGrant", "ScheduleKeyDeletion")


@pytest.fixture(scope="module")
def subjects() -> dict[str, Subject]:
    """One key in each state, for the operations that leave it so."""
    return {}


@pytest.mark.parametrize(("operation", "state", "ending"), CASES)
def test_operations_on_keys_in_a_state(
    kms: Any, grantee: str, subjects: dict[str, Subject], operation: str, state: str, ending: Any
) -> None:
    if state == "PendingImport" and operation in ("Decrypt", "ReEncrypt", "RevokeGrant"):
        return  # there is nothing that it could be tried on
    if operation in CHANGING or state not in subjects:
        subjects[state] = Subject(kms, state, grantee)
    subject = subjects.pop(state) if operation in CHANGING else subjects[state]
    params = subject.params(operation, grantee)
    if ending is None:
        kms._make_api_call(operation, params)
    else:
        with refused(ending[0], f"{subject.key} {ending[1]}", 400):
            kms._make_api_call(operation, params)


PAIRS = {
    "Sign": ("ECC_NIST_P256", "SIGN_VERIFY", {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "Verify": (
        "ECC_NIST_P256", "SIGN_VERIFY", {"Message": b"x", "Signature": b"x", "SigningAlgorithm": "ECDSA_SHA_256"},
    ),
    "GetPublicKey": ("ECC_NIST_P256", "SIGN_VERIFY", {}),
    "GenerateMac": ("HMAC_256", "GENERATE_VERIFY_MAC", {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    "VerifyMac": ("HMAC_256", "GENERATE_VERIFY_MAC", {"Message": b"x", "Mac": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    "DeriveSharedSecret": (
        "ECC_NIST_P256", "KEY_AGREEMENT", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("operation", PAIRS)
def test_other_kinds_of_keys_in_a_state(kms: Any, operation: str) -> None:
    spec, usage, params = PAIRS[operation]
    external = kms.create_key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    with refused(IMPORT[0], f"{external} {IMPORT[1]}"):
        kms._make_api_call(operation, {"KeyId": external, **params})
    kms.disable_key(KeyId=key)
    with refused(DISABLED[0], f"{key} {DISABLED[1]}"):
        kms._make_api_call(operation, {"KeyId": key, **params})
    kms.schedule_key_deletion(KeyId=key)
    with refused(ENDING[0], f"{key} {ENDING[1]}"):
        kms._make_api_call(operation, {"KeyId": key, **params})


def test_dry_runs_check_everything_and_do_nothing(shared_cloud: Any, kms: Any, grantee: str) -> None:
    key = kms.create_key()["KeyMetadata"]["Arn"]
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    grant = kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])["GrantId"]
    signing = {"KeyId": pair, "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    calls: dict[str, dict[str, Any]] = {
        "Encrypt": {"KeyId": key, "Plaintext": b"x"},
        "Decrypt": {"CiphertextBlob": blob},
        "ReEncrypt": {"CiphertextBlob": blob, "DestinationKeyId": key},
        "GenerateDataKey": {"KeyId": key, "KeySpec": "AES_256"},
        "GenerateDataKeyWithoutPlaintext": {"KeyId": key, "KeySpec": "AES_256"},
        "GenerateDataKeyPair": {"KeyId": key, "KeyPairSpec": "RSA_4096"},
        "GenerateDataKeyPairWithoutPlaintext": {"KeyId": key, "KeyPairSpec": "RSA_4096"},
        "Sign": signing,
        "Verify": {**signing, "Signature": b"x"},
        "GenerateMac": {"KeyId": mac, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"},
        "VerifyMac": {"KeyId": mac, "Message": b"x", "Mac": b"x", "MacAlgorithm": "HMAC_SHA_256"},
        "CreateGrant": {"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Encrypt"]},
        "RevokeGrant": {"KeyId": key, "GrantId": grant},
        "RetireGrant": {"KeyId": key, "GrantId": grant},
    }
    nobody = user_of(shared_cloud, statement("kms:DescribeKey"))
    for operation, params in calls.items():
        with refused("DryRunOperationException", "the DryRun option is set", 400):
            kms._make_api_call(operation, {**params, "DryRun": True})
        with refused("AccessDeniedException"):
            nobody._make_api_call(operation, {**params, "DryRun": True})
    assert [one["GrantId"] for one in kms.list_grants(KeyId=key)["Grants"]] == [grant]
    with refused("DryRunOperationException"):
        kms.decrypt(KeyId=key, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=b"x", DryRun=True)
    opener, other = user_of(shared_cloud, statement("kms:Decrypt", key)), kms.create_key()["KeyMetadata"]["Arn"]
    with refused("AccessDeniedException", other):  # the key named is asked for, not that of the ciphertext
        opener.decrypt(KeyId=other, CiphertextBlob=blob, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])
