"""Log events under a KMS key: CloudWatch Logs asks for it as itself, whoever puts or reads the events.

CloudWatch Logs User Guide: "Encrypt log data in CloudWatch Logs using AWS Key Management Service". The key policy has
to allow `logs.REGION.amazonaws.com`; the encryption context names the log group. Every association has a data key of
its own, as events stay under the key that they came in with.
"""

import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.logs.base import DataKey, Group, group_arn, refused

_NONCE, _TAG, _INDEX = 12, 16, 2  # bytes
_OWN = b"\xff\xff"  # stands for the index of a key of the group's: the service's own
OVERHEAD = _INDEX + _NONCE + _TAG
_UNUSABLE = ("DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException")


def associate(call: Call, group: Group, key: str) -> None:
    """From now on the group's events are encrypted under this key."""
    arn = parse(key)
    if arn is None or arn.service != "kms" or not arn.resource.startswith("key/"):
        raise refused(f"The specified KMS Key Id is not the ARN of a key: {key}")
    context = _context(call, group)
    made = _ask(call, group, "generate_data_key", KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    group.data_keys.append(DataKey(arn=made["KeyId"], sealed=made["CiphertextBlob"]))
    group.kms_key = made["KeyId"]


class Sealer:
    """The data keys of a group for one call: each is asked for when it is first needed."""

    def __init__(self, call: Call, group: Group) -> None:
        self.call, self.group = call, group
        self.ciphers: dict[int, AESGCM] = {}

    def _cipher(self, index: int) -> AESGCM:
        if index not in self.ciphers:
            blob, context = self.group.data_keys[index].sealed, _context(self.call, self.group)
            answer = _ask(self.call, self.group, "decrypt", CiphertextBlob=blob, EncryptionContext=context)
            self.ciphers[index] = AESGCM(answer["Plaintext"])
        return self.ciphers[index]

    def seal(self, message: str, place: str) -> bytes:
        """As it is stored; `place` (stream and number) belongs to the ciphertext. Without a KMS key the service has
        one of its own: log data is always encrypted at rest."""
        if not self.group.kms_key:
            return _OWN + self.call.store.records.seal.close(place, message.encode())
        index, nonce = len(self.group.data_keys) - 1, secrets.token_bytes(_NONCE)
        return index.to_bytes(_INDEX) + nonce + self._cipher(index).encrypt(nonce, message.encode(), place.encode())

    def open(self, stored: str | bytes, place: str) -> str:
        if isinstance(stored, str):  # from before all were encrypted
            return stored
        if stored.startswith(_OWN):
            return self.call.store.records.seal.open(place, stored[_INDEX:]).decode()
        start = _INDEX + _NONCE
        cipher = self._cipher(int.from_bytes(stored[:_INDEX]))
        return cipher.decrypt(stored[_INDEX:start], stored[start:], place.encode()).decode()


def _context(call: Call, group: Group) -> dict[str, str]:
    return {"aws:logs:arn": group_arn(call, group.name)}


def _ask(call: Call, group: Group, operation: str, **params: Any) -> dict[str, Any]:
    """A call to KMS as the service of this Region."""
    arn = group_arn(call, group.name)
    principal = service_principal(f"logs.{call.region}.amazonaws.com", call.account)
    try:
        answer: dict[str, Any] = getattr(Client(call, "kms", principal, arn), operation)(**params)
    except AwsError as error:
        if error.code in _UNUSABLE:
            raise refused(f"The specified KMS key cannot be used: {error.message}") from None
        message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
        raise AwsError("AccessDeniedException", message, 400, error.decision) from None
    return answer
