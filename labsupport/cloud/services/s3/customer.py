"""Encryption with a key that the client brings along each time (User Guide: "Using SSE-C").

The key itself is kept nowhere: an object's data key is sealed under it, so that no other key opens the object.
"""

import base64
import binascii
import hashlib
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Bucket, Lock, Params

SSE_C = "SSE-C"
_NONCE = 12  # bytes
_GIVEN = {
    source: tuple(f"{source}SSECustomer{name}" for name in ("Algorithm", "Key", "KeyMD5"))
    for source in ("", "CopySource")
}
_NEEDS = "Requests specifying Server Side Encryption with Customer provided keys must"


class CustomerKey(NamedTuple):
    key: bytes
    md5: str  # base64, as sent

    def told(self) -> Params:
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": self.md5}


def customer_key(call: Call, params: Params, source: str = "") -> CustomerKey | None:
    """The key in a request (`source="CopySource"`: the one for a copy's source); as AWS, S3 takes it over TLS only."""
    names = _GIVEN[source]
    if params.keys().isdisjoint(names):
        return None
    algorithm, text, md5 = (params.get(name) for name in names)
    if not (algorithm or text or md5):
        return None
    if not call.secure:
        raise AwsError("InvalidRequest", f"{_NEEDS} be made over a secure connection.", 400)
    if algorithm != "AES256":
        message = "The encryption request that you specified is not valid. The valid value is AES256."
        raise AwsError("InvalidEncryptionAlgorithmError", message, 400)
    if not text:
        raise _invalid("Key", f"{_NEEDS} provide an appropriate secret key.")
    if not md5:
        raise _invalid("Key-MD5", f"{_NEEDS} provide the client calculated MD5 of the secret key.")
    return CustomerKey(_checked(text, md5), md5)


def _checked(text: str, md5: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise _invalid("Key", "The secret key was invalid for the specified algorithm.")
    if base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode() != md5:
        raise _invalid("Key-MD5", "The calculated MD5 hash of the key did not match the hash that was provided.")
    return key


def _invalid(name: str, message: str) -> AwsError:
    return AwsError("InvalidArgument", message, 400, ArgumentName=f"x-amz-server-side-encryption-customer-{name}")


def seal(customer: CustomerKey) -> tuple[Lock, bytes]:
    """A new data key, and how the record keeps it."""
    data_key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
    return Lock(algorithm=SSE_C, sealed=nonce + AESGCM(customer.key).encrypt(nonce, data_key, None)), data_key


def unseal(lock: Lock, customer: CustomerKey | None) -> bytes:
    if customer is None:
        message = (
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
            "retrieve the object."
        )
        raise AwsError("InvalidRequest", message, 400)
    try:
        return AESGCM(customer.key).decrypt(lock.sealed[:_NONCE], lock.sealed[_NONCE:], None)
    except InvalidTag:
        raise AwsError("AccessDenied", "Access Denied", 403) from None


def refuse_needless(customer: CustomerKey | None) -> None:
    """A key for an object that is encrypted in another way."""
    if customer is not None:
        raise AwsError("InvalidRequest", "The encryption parameters are not applicable to this object.", 400)


def refuse_blocked(bucket: Bucket) -> None:
    """New buckets take no uploads with SSE-C until their owner says so (User Guide: "Blocking or unblocking SSE-C")."""
    if SSE_C in blocked(bucket):
        message = (
            "Access Denied because this bucket has blocked upload requests that specify Server Side Encryption with "
            "Customer provided keys (SSE-C). Please specify a different server-side encryption type"
        )
        raise AwsError("AccessDenied", message, 403)


def blocked(bucket: Bucket) -> list[str]:
    rule = (bucket.encryption.get("Rules") or [{}])[0]
    found: list[str] = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", [SSE_C])
    return found
