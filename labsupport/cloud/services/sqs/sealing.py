"""A message's content at rest: encrypted under SQS's own key, or under a data key of the queue's KMS key.

Developer Guide: "Encryption at rest in Amazon SQS". Whoever sends needs kms:GenerateDataKey and kms:Decrypt, whoever
receives kms:Decrypt. A data key serves its user for the reuse period, and no longer than what let him have it stands:
a key that is disabled or a policy that is changed counts at once. A message stays under the key that it came in with.
"""

import secrets
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs.attributes import number
from labsupport.cloud.services.sqs.base import Queue

_NONCE, _SIZE = 12, 2  # bytes
_OWN = b"\0" * _SIZE  # no data key: under the service's own
_OF_KMS = {
    "AccessDeniedException": "KmsAccessDenied",
    "NotFoundException": "KmsNotFound",
    "DisabledException": "KmsDisabled",
    "KMSInvalidStateException": "KmsInvalidState",
    "InvalidKeyUsageException": "KmsInvalidKeyUsage",
}


class _DataKey(NamedTuple):
    sealed: bytes
    cipher: AESGCM


def closed(call: Call, queue: Queue, content: bytes) -> bytes:
    """The content as it is stored, for a queue."""
    if "KmsMasterKeyId" not in queue.attributes:
        return _OWN + call.store.records.seal.close(_kind(queue.arn), content)
    key, nonce = _new_key(call, queue), secrets.token_bytes(_NONCE)
    head = len(key.sealed).to_bytes(_SIZE) + key.sealed
    return head + nonce + key.cipher.encrypt(nonce, content, head)


def opened(call: Call, queue: Queue, origin: str, stored: bytes) -> bytes:
    """The content of a message that lies in `queue` and was sent to the queue `origin`."""
    if stored.startswith(_OWN):
        return call.store.records.seal.open(_kind(origin), stored[_SIZE:])
    start = _SIZE + int.from_bytes(stored[:_SIZE])
    cipher = _old_key(call, queue, origin, stored[_SIZE:start])
    nonce, body = stored[start : start + _NONCE], stored[start + _NONCE :]
    return cipher.decrypt(nonce, body, stored[:start])


def _kind(arn: str) -> str:
    return f"sqs.message:{arn}"


def _new_key(call: Call, queue: Queue) -> _DataKey:
    def make() -> _DataKey:
        asked = {"KeyId": _key_id(call, queue), "KeySpec": "AES_256"}
        made = _ask(call, queue.arn, "generate_data_key", **asked)
        _ask(call, queue.arn, "decrypt", CiphertextBlob=made["CiphertextBlob"])
        return _DataKey(made["CiphertextBlob"], AESGCM(made["Plaintext"]))

    return call.store.remembered(("sqs new", queue.arn, queue.attributes["KmsMasterKeyId"], *_user(call, queue)), make)


def _old_key(call: Call, queue: Queue, origin: str, sealed: bytes) -> AESGCM:
    def make() -> AESGCM:
        return AESGCM(_ask(call, origin, "decrypt", CiphertextBlob=sealed)["Plaintext"])

    return call.store.remembered(("sqs old", sealed, *_user(call, queue)), make)


def _user(call: Call, queue: Queue) -> tuple[str, str, str, int]:
    """For whom, and until when, a data key is kept: the end of the reuse period that the clock is in."""
    period = int(call.epoch // number(queue, "KmsDataKeyReusePeriodSeconds"))
    return call.caller.arn or call.caller.service, call.caller.access_key, call.source_arn, period


def _key_id(call: Call, queue: Queue) -> str:
    """The key as it is called outside the queue's account."""
    named = queue.attributes["KmsMasterKeyId"]
    if named.startswith("arn:") or queue.account == call.account:
        return named
    resource = named if named.startswith("alias/") else f"key/{named}"
    return f"arn:aws:kms:{queue.region}:{queue.account}:{resource}"


def _ask(call: Call, arn: str, operation: str, **params: Any) -> dict[str, Any]:
    """A call to KMS on the caller's behalf, bound to the queue by the encryption context."""
    kms = call.aws("kms", source_arn=call.source_arn)
    try:
        answer: dict[str, Any] = getattr(kms, operation)(EncryptionContext={"aws:sqs:arn": arn}, **params)
    except AwsError as error:
        code = _OF_KMS.get(error.code)
        if code is None:
            raise
        raise AwsError(code, error.message, 400, error.decision) from None
    return answer
