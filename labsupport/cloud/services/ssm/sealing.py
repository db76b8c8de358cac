"""SecureStrings: their values under KMS keys, asked for on the caller's behalf.

KMS Developer Guide: "How AWS Systems Manager Parameter Store uses AWS KMS". A standard parameter's value is encrypted
by KMS itself, an advanced one's under a data key; each is bound to its parameter by the encryption context.
"""

import base64
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError

_ENVELOPE = b"\x80"  # no ciphertext of KMS begins so
_NONCE = 12  # bytes


def sealed(call: Call, parameter: str, value: str, key_id: str, tier: str) -> str:
    """The ciphertext, in base 64, of the value of a parameter (its ARN)."""
    context = {"PARAMETER_ARN": parameter}
    if tier != "Advanced":
        asked = {"KeyId": key_id, "Plaintext": value.encode(), "EncryptionContext": context}
        return base64.b64encode(_ask(call, "encrypt", **asked)["CiphertextBlob"]).decode()
    key = _ask(call, "generate_data_key", KeyId=key_id, KeySpec="AES_256", EncryptionContext=context)
    blob, nonce = key["CiphertextBlob"], secrets.token_bytes(_NONCE)
    head = _ENVELOPE + len(blob).to_bytes(2) + blob
    body = AESGCM(key["Plaintext"]).encrypt(nonce, value.encode(), head)
    return base64.b64encode(head + nonce + body).decode()


def opened(call: Call, parameter: str, text: str) -> str:
    """The value in a ciphertext that `sealed` gave."""
    blob, context = base64.b64decode(text), {"PARAMETER_ARN": parameter}
    if blob[:1] != _ENVELOPE:
        value: bytes = _ask(call, "decrypt", CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]
        return value.decode()
    start = 3 + int.from_bytes(blob[1:3])
    key = _ask(call, "decrypt", CiphertextBlob=blob[3:start], EncryptionContext=context)["Plaintext"]
    nonce, body = blob[start : start + _NONCE], blob[start + _NONCE :]
    return AESGCM(key).decrypt(nonce, body, blob[:start]).decode()


def _ask(call: Call, operation: str, **params: Any) -> dict[str, Any]:
    """A call to KMS as the caller; a key that cannot be used is an InvalidKeyId, a refusal stays one."""
    try:
        answer: dict[str, Any] = getattr(call.aws("kms"), operation)(**params)
    except AwsError as error:
        if error.code in ("AccessDeniedException", "NotSimulated"):
            raise
        raise AwsError("InvalidKeyId", f"{error.message} (Service: AWSKMS; Error Code: {error.code})") from None
    return answer
