"""Encryption under a key, with its context: AES-256-GCM, as AWS uses it for symmetric keys.

A ciphertext names its key (so Decrypt needs no KeyId), and the encryption context is authenticated with
it: a context that differs does not decrypt. Layout: a version byte, the key's account, region and id,
a nonce, and GCM's output.
"""

import json
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core import vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.kms.base import Key, Params, conditions, find, key_named, on_key, service, usable

_VERSION = b"\x01"
_NONCE, _TAG = 12, 16  # bytes
_BYTES = {"AES_256": 32, "AES_128": 16}


def _conditions(call: Call, params: Params) -> Params:
    """Condition keys of cryptographic operations (KMS Developer Guide: "AWS KMS condition keys")."""
    context = params.get("EncryptionContext") or params.get("SourceEncryptionContext") or {}
    return {**_of_context(context), **_of_alias(params.get("KeyId") or ""), **conditions(call, params)}


def _of_context(context: dict[str, str]) -> Params:
    keys: Params = {f"kms:encryptioncontext:{name.lower()}": value for name, value in context.items()}
    if context:
        keys["kms:encryptioncontextkeys"] = list(context)
    return keys


def _of_alias(name: str) -> Params:
    local = name.split(":", 5)[-1]
    return {"kms:requestalias": local} if local.startswith("alias/") else {}


def _simple(params: Params) -> None:
    algorithm = params.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
    if algorithm != "SYMMETRIC_DEFAULT":
        raise not_simulated(f"The encryption algorithm {algorithm}")
    if params.get("Recipient"):
        raise not_simulated("A recipient (Nitro Enclaves)")
    if params.get("DryRun"):
        raise AwsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


@service.operation(on=on_key(), context=_conditions)
def encrypt(call: Call, params: Params) -> Params:
    key = usable(call, key_named(call, params["KeyId"]))
    _simple(params)
    blob = _sealed(call, key, params["Plaintext"], params.get("EncryptionContext", {}))
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


def _on_ciphertext(call: Call, params: Params) -> str:
    """The key that the ciphertext names is what Decrypt acts upon."""
    key = _key_of(call, params["CiphertextBlob"]) if "CiphertextBlob" in params else None  # the model lets it out
    return key.arn if key else call.arn("key/*")


@service.operation(on=_on_ciphertext, context=_conditions)
def decrypt(call: Call, params: Params) -> Params:
    key = _ciphertext_key(call, _blob(params), params.get("KeyId"))
    _simple(params)
    plaintext = _opened(call, key, params["CiphertextBlob"], params.get("EncryptionContext", {}))
    return {"KeyId": key.arn, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


@service.operation(on=_on_ciphertext, action="kms:ReEncryptFrom", context=_conditions)
def re_encrypt(call: Call, params: Params) -> Params:
    """Asked for twice: ReEncryptFrom on the old key, ReEncryptTo on the new one."""
    old = _ciphertext_key(call, _blob(params), params.get("SourceKeyId"))
    new = usable(call, key_named(call, params["DestinationKeyId"]))
    _authorise_to(call, old, new, params)
    _simple(params)
    plaintext = _opened(call, old, params["CiphertextBlob"], params.get("SourceEncryptionContext", {}))
    blob = _sealed(call, new, plaintext, params.get("DestinationEncryptionContext", {}))
    algorithms = {
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }
    return {"CiphertextBlob": blob, "SourceKeyId": old.arn, "KeyId": new.arn, **algorithms}


def _blob(params: Params) -> bytes:
    """The ciphertext, which AWS needs for all but some dry runs."""
    if "CiphertextBlob" not in params:
        raise AwsError("ValidationException", "CiphertextBlob is required")
    blob: bytes = params["CiphertextBlob"]
    return blob


def _authorise_to(call: Call, old: Key, new: Key, params: Params) -> None:
    call.resources.append(new.arn)
    keys = {**_of_context(params.get("DestinationEncryptionContext") or {}), **_of_alias(params["DestinationKeyId"])}
    same = {"kms:reencryptonsamekey": str(old.arn == new.arn).lower()}
    call.authorise("kms:ReEncryptTo", new.arn, {**keys, **same, **conditions(call, params)})


@service.operation(on=on_key(), context=_conditions)
def generate_data_key(call: Call, params: Params) -> Params:
    key, plaintext = usable(call, key_named(call, params["KeyId"])), secrets.token_bytes(_size(params))
    _simple(params)
    blob = _sealed(call, key, plaintext, params.get("EncryptionContext", {}))
    return {"CiphertextBlob": blob, "Plaintext": plaintext, "KeyId": key.arn}


@service.operation(on=on_key(), context=_conditions)
def generate_data_key_without_plaintext(call: Call, params: Params) -> Params:
    key = usable(call, key_named(call, params["KeyId"]))
    _simple(params)
    blob = _sealed(call, key, secrets.token_bytes(_size(params)), params.get("EncryptionContext", {}))
    return {"CiphertextBlob": blob, "KeyId": key.arn}


@service.operation()
def generate_random(call: Call, params: Params) -> Params:
    if params.get("CustomKeyStoreId") or params.get("Recipient"):
        raise not_simulated("A custom key store or a recipient")
    return {"Plaintext": secrets.token_bytes(params.get("NumberOfBytes", 32))}


def _size(params: Params) -> int:
    """The data key's bytes, of exactly one of KeySpec and NumberOfBytes."""
    if ("KeySpec" in params) == ("NumberOfBytes" in params):
        message = "Please specify either number of bytes or key spec."
        raise AwsError("ValidationException", message)
    return int(params["NumberOfBytes"]) if "NumberOfBytes" in params else _BYTES[params["KeySpec"]]


def _sealed(call: Call, key: Key, plaintext: bytes, context: dict[str, str]) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    name = f"{key.account}:{key.region}:{key.id}".encode()
    body = _cipher(call, key).encrypt(nonce, plaintext, _authenticated(context))
    return _VERSION + bytes([len(name)]) + name + nonce + body


def _opened(call: Call, key: Key, blob: bytes, context: dict[str, str]) -> bytes:
    start = 2 + blob[1]
    nonce, body = blob[start : start + _NONCE], blob[start + _NONCE :]
    try:
        return _cipher(call, key).decrypt(nonce, body, _authenticated(context))
    except (InvalidTag, ValueError):
        raise invalid_ciphertext() from None


def invalid_ciphertext() -> AwsError:
    return AwsError("InvalidCiphertextException", "")


def _authenticated(context: dict[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True).encode()


def _key_of(call: Call, blob: bytes) -> Key | None:
    """The key that a ciphertext names, if it is one of this Region."""
    name = _name_of(blob)
    return call.store.get(Key, *name) if name and name[1] == call.region else None


def _name_of(blob: bytes) -> tuple[str, str, str] | None:
    """Account, Region and id as a ciphertext tells them; `None` for bytes that are no ciphertext of this lab."""
    if blob[:1] != _VERSION or len(blob) < 2 or len(blob) < 2 + blob[1] + _NONCE + _TAG:
        return None
    try:
        account, region, key_id = blob[2 : 2 + blob[1]].decode().split(":")
    except ValueError:
        return None
    return account, region, key_id


def _ciphertext_key(call: Call, blob: bytes, named: str | None) -> Key:
    named_by_it = _name_of(blob)
    if named_by_it is None:
        raise invalid_ciphertext()
    key = _key_of(call, blob)
    if key is None:
        message = (
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access."
        )
        raise AwsError("AccessDeniedException", message, 400)
    if named:
        given = find(call, named)
        if given is None or given.arn != key.arn:
            message = "The key ID in the request does not identify a CMK that can perform this operation."
            raise AwsError("IncorrectKeyException", message)
    return usable(call, key)


def _cipher(call: Call, key: Key) -> AESGCM:
    """The key's cipher. Material is unsealed once in a process; it never changes under an id."""
    ciphers: dict[str, AESGCM] = call.cloud.rooms.setdefault("kms", {})
    if key.arn not in ciphers:
        ciphers[key.arn] = AESGCM(vault.unseal(call.cloud, key.material, key.id.encode()))
    return ciphers[key.arn]
