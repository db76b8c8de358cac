"""How an object's data key is kept: sealed by the lab (SSE-S3), or encrypted by KMS (SSE-KMS).

User Guide: "Protecting data with server-side encryption".
"""

import base64
import binascii
import os
from typing import Any

import msgspec

from labsupport.cloud.core import vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Bucket, Lock, Params
from labsupport.cloud.services.s3.customer import (
    SSE_C,
    CustomerKey,
    customer_key,
    refuse_blocked,
    refuse_needless,
    seal,
    unseal,
)

KMS = "aws:kms"
_OWN_CODES = ("NotSimulated", "InternalFailure")


def new_lock(call: Call, bucket: Bucket, key: str, params: Params) -> tuple[Lock, bytes]:
    """How a new object is encrypted, as the request or else the bucket's default says, and its data key."""
    customer = customer_key(call, params)
    if customer:
        return _customers_lock(bucket, customer, params)
    rule = (bucket.encryption.get("Rules") or [{}])[0]
    algorithm, named = _choice(rule.get("ApplyServerSideEncryptionByDefault", {}), params)
    if algorithm != KMS:
        data_key = os.urandom(32)
        return Lock(sealed=vault.seal(call.cloud, data_key, bucket.name.encode())), data_key
    bucket_key = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled", False))
    context = {**_context(params), "aws:s3:arn": bucket.arn if bucket_key else f"{bucket.arn}/{key}"}
    asked = {"KeyId": named or "alias/aws/s3", "KeySpec": "AES_256", "EncryptionContext": context}
    answer = _ask(call, "generate_data_key", asked)
    lock = Lock(
        algorithm=algorithm,
        sealed=answer["CiphertextBlob"],
        key_arn=answer["KeyId"],
        context=context,
        bucket_key=bucket_key,
    )
    return lock, answer["Plaintext"]


def _customers_lock(bucket: Bucket, customer: CustomerKey, params: Params) -> tuple[Lock, bytes]:
    if params.get("ServerSideEncryption"):
        message = (
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
        )
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-server-side-encryption")
    refuse_blocked(bucket)
    return seal(customer)


def _choice(default: Params, params: Params) -> tuple[str, str]:
    """The algorithm and the key's name; a request that names the algorithm leaves the bucket's key aside."""
    asked, named = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId", "")
    if named and asked != KMS:
        message = (
            f"Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption : {KMS}"
        )
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-server-side-encryption")
    if asked:
        return asked, named
    return default.get("SSEAlgorithm", "AES256"), default.get("KMSMasterKeyID", "")


def _context(params: Params) -> dict[str, str]:
    """The encryption context that a request adds: JSON in base64."""
    text = params.get("SSEKMSEncryptionContext")
    if not text:
        return {}
    try:
        return msgspec.json.decode(base64.b64decode(text, validate=True), type=dict[str, str])
    except (binascii.Error, msgspec.DecodeError):
        message = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON"
        raise AwsError("InvalidArgument", message, 400) from None


def data_key(call: Call, lock: Lock, bucket: str, customer: CustomerKey | None = None) -> bytes:
    """An object's data key; for KMS the caller has to be allowed to decrypt it, for SSE-C to bring its key along."""
    if lock.algorithm == SSE_C:
        return unseal(lock, customer)
    refuse_needless(customer)
    if lock.algorithm != KMS:
        return vault.unseal(call.cloud, lock.sealed, bucket.encode())
    answer = _ask(call, "decrypt", {"CiphertextBlob": lock.sealed, "EncryptionContext": lock.context})
    found: bytes = answer["Plaintext"]
    return found


def _ask(call: Call, operation: str, params: Params) -> Any:
    """Call KMS as the caller; what KMS refuses, S3 reports under a code of its own."""
    if call.caller.kind == "anonymous":
        message = (
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        )
        raise AwsError("InvalidArgument", message, 400)
    try:
        return getattr(call.aws("kms"), operation)(**params)
    except AwsError as error:
        if error.code == "AccessDeniedException":
            raise AwsError("AccessDenied", error.message, 403, decision=error.decision) from None
        if error.code in _OWN_CODES:
            raise
        raise AwsError(f"KMS.{error.code}", error.message, 400) from None


def refuse_without_key(lock: Lock, customer: CustomerKey | None) -> None:
    """What is told of an object with a customer's key is for who has the key."""
    if lock.algorithm == SSE_C:
        unseal(lock, customer)
    else:
        refuse_needless(customer)


def as_told(lock: Lock, params: Params | None = None) -> Params:
    """What an answer says of an object's encryption; of a customer's key, what the request has said."""
    if lock.algorithm == SSE_C:
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": (params or {}).get("SSECustomerKeyMD5")}
    if lock.algorithm != KMS:
        return {"ServerSideEncryption": "AES256"}
    shown: Params = {"ServerSideEncryption": lock.algorithm, "SSEKMSKeyId": lock.key_arn}
    return {**shown, "BucketKeyEnabled": True} if lock.bucket_key else shown
