"""A refused call of KMS leaves everything as it was."""

from typing import Any

import pytest
from kms_help import user_of
from s3_help import FIRST, refused

from labsupport.cloud.services.kms.base import Alias, Key
from labsupport.cloud.services.kms.granting import Grant
from labsupport.cloud.services.kms.importing import Parameters

LEARNER = f"arn:aws:iam::{FIRST}:user/learner"


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
