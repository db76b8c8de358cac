"""Encrypt, Decrypt, ReEncrypt: under symmetric keys with their context, or under RSA key pairs."""

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.kms import ciphertext, conditions, granting, material
from labsupport.cloud.services.kms.base import Key, Params, refuse_dry_run, service, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.lookup import find, key_named, on_key, usable
from labsupport.cloud.services.kms.specs import ENCRYPT, SPECS, SYMMETRIC

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "RSAES_OAEP_SHA_1": hashes.SHA1(),
    "RSAES_OAEP_SHA_256": hashes.SHA256(),
}


def oaep(algorithm: str) -> padding.OAEP:
    """RSA's padding (RFC 8017), its mask made with the same hash."""
    chosen = _HASHES[algorithm]
    return padding.OAEP(padding.MGF1(chosen), chosen, None)


def check_use(key: Key, usage: str, operation: str, algorithm: str) -> Key:
    """A key that is enabled, made for this use, and capable of the algorithm."""
    if key.usage != usage:
        message = f"{key.arn} key usage is {key.usage} which is not valid for {operation}."
        raise AwsError("InvalidKeyUsageException", message)
    if algorithm not in SPECS[key.spec].uses[usage]:
        message = f"Algorithm {algorithm} is incompatible with key spec {key.spec}."
        raise AwsError("InvalidKeyUsageException", message)
    return usable(key)


def refuse_recipient(params: Params) -> None:
    if params.get("Recipient"):
        raise not_simulated("A recipient (an attested Nitro enclave)")


@service.operation(on=on_key(), context=on_key_conditions)
def encrypt(call: Call, params: Params) -> Params:
    key, algorithm = key_named(call, params["KeyId"]), params.get("EncryptionAlgorithm", SYMMETRIC)
    check_use(key, ENCRYPT, "Encrypt", algorithm)
    context = _context(algorithm, params.get("EncryptionContext"))
    _check_size(key, algorithm, params["Plaintext"])
    refuse_dry_run(params)
    blob = _sealed(call, key, algorithm, params["Plaintext"], context)
    return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}


def _context(algorithm: str, context: dict[str, str] | None) -> dict[str, str]:
    if context and algorithm != SYMMETRIC:
        raise validation(f"The encryption algorithm {algorithm} does not support an encryption context.")
    return context or {}


def _check_size(key: Key, algorithm: str, plaintext: bytes) -> None:
    if algorithm == SYMMETRIC:
        return  # the model limits it
    most = SPECS[key.spec].size // 8 - 2 * _HASHES[algorithm].digest_size - 2
    if len(plaintext) > most:
        message = f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than {most} bytes."
        raise validation(message)


def _sealed(call: Call, key: Key, algorithm: str, plaintext: bytes, context: dict[str, str]) -> bytes:
    if algorithm == SYMMETRIC:
        return ciphertext.sealed(call, key, plaintext, context)
    blob: bytes = material.private(call.cloud, key).public_key().encrypt(plaintext, oaep(algorithm))
    return blob


def _opened(call: Call, key: Key, algorithm: str, blob: bytes, context: dict[str, str]) -> tuple[bytes, str | None]:
    """The plaintext, and the id of the material where the key is symmetric."""
    if algorithm == SYMMETRIC:
        plaintext, one = ciphertext.opened(call, key, blob, context)
        return plaintext, one.id
    try:
        return material.private(call.cloud, key).decrypt(blob, oaep(algorithm)), None
    except ValueError:
        raise ciphertext.invalid() from None


# Which key a ciphertext is to be opened with


def _on_ciphertext(key_id: str, algorithm: str) -> Any:
    """The key that the ciphertext names is what Decrypt acts upon; that of an RSA ciphertext is told by the request."""

    def arn(call: Call, params: Params) -> str:
        key = _foreseen(call, params, key_id, algorithm)
        if key is None and params.get(key_id):
            found: str = on_key(key_id)(call, params)
            return found
        return key.arn if key else call.arn("key/*")

    return arn


def _foreseen(call: Call, params: Params, key_id: str, algorithm: str) -> Key | None:
    blob = params.get("CiphertextBlob")
    if blob and params.get(algorithm, SYMMETRIC) == SYMMETRIC and not _ignores_ciphertext(params):
        return ciphertext.key_of(call, blob)
    return find(call, params[key_id]) if params.get(key_id) else None


def _key_to_open(call: Call, params: Params, key_id: str, algorithm: str) -> Key:
    named = params.get(key_id)
    if algorithm != SYMMETRIC or _ignores_ciphertext(params):
        if not named:
            raise validation(f"{key_id} is required.")
        return key_named(call, named)
    blob = _blob(params)
    if ciphertext.name_of(call, blob) is None:
        raise ciphertext.invalid()
    key = ciphertext.key_of(call, blob)
    if key is None:
        message = (
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access."
        )
        raise AwsError("AccessDeniedException", message, 400)
    if named and key_named(call, named).arn != key.arn:
        message = "The key ID in the request does not identify a CMK that can perform this operation."
        raise AwsError("IncorrectKeyException", message)
    return key


def _blob(params: Params) -> bytes:
    """The ciphertext, which AWS needs for all but some dry runs."""
    if not params.get("CiphertextBlob"):
        raise validation("CiphertextBlob is required.")
    blob: bytes = params["CiphertextBlob"]
    return blob


def _ignores_ciphertext(params: Params) -> bool:
    return bool(params.get("DryRun")) and "IGNORE_CIPHERTEXT" in params.get("DryRunModifiers", [])


def _open(call: Call, params: Params, side: str = "") -> tuple[Key, str, bytes, str | None]:
    """The key, algorithm, plaintext and material id of the ciphertext in a call; `side` is "Source" in ReEncrypt."""
    algorithm = params.get(f"{side}EncryptionAlgorithm", SYMMETRIC)
    context = _context(algorithm, params.get(f"{side}EncryptionContext"))
    key = _key_to_open(call, params, f"{side}KeyId" if side else "KeyId", algorithm)
    check_use(key, ENCRYPT, call.operation, algorithm)
    if _ignores_ciphertext(params):
        refuse_dry_run(params)
    plaintext, material_id = _opened(call, key, algorithm, _blob(params), context)
    return key, algorithm, plaintext, material_id


def _decrypt_conditions(call: Call, params: Params) -> Params:
    key = _foreseen(call, params, "KeyId", "EncryptionAlgorithm")
    keys = on_key_conditions(call, {**params, "KeyId": ""}) | conditions.of_alias(params.get("KeyId", ""))
    return keys | conditions.of_key(call, key, params)


@service.operation(on=_on_ciphertext("KeyId", "EncryptionAlgorithm"), context=_decrypt_conditions)
def decrypt(call: Call, params: Params) -> Params:
    refuse_recipient(params)
    key, algorithm, plaintext, material_id = _open(call, params)
    refuse_dry_run(params)
    return {
        "KeyId": key.arn, "Plaintext": plaintext, "EncryptionAlgorithm": algorithm, "KeyMaterialId": material_id,
    }  # fmt: skip


# ReEncrypt: asked for twice, ReEncryptFrom on the old key, ReEncryptTo on the new one


def _side_conditions(call: Call, params: Params, side: str, key: Key | None) -> Params:
    action = "ReEncryptFrom" if side == "Source" else "ReEncryptTo"
    keys = conditions.of_caller(call) | conditions.of_context(params.get(f"{side}EncryptionContext"))
    keys |= conditions.of_alias(params.get(f"{side}KeyId") or "") | conditions.of_key(call, key, params)
    keys["kms:encryptionalgorithm"] = params.get(f"{side}EncryptionAlgorithm", SYMMETRIC)
    old = _foreseen(call, params, "SourceKeyId", "SourceEncryptionAlgorithm")
    new = find(call, params["DestinationKeyId"])
    if old and new:
        keys["kms:reencryptonsamekey"] = str(old.arn == new.arn).lower()
    if key:
        keys[granting.CONDITION] = granting.applicable(call, key, params, action)
    return keys


def _from_conditions(call: Call, params: Params) -> Params:
    old = _foreseen(call, params, "SourceKeyId", "SourceEncryptionAlgorithm")
    return _side_conditions(call, params, "Source", old)


@service.operation(
    on=_on_ciphertext("SourceKeyId", "SourceEncryptionAlgorithm"),
    action="kms:ReEncryptFrom",
    context=_from_conditions,
)
def re_encrypt(call: Call, params: Params) -> Params:
    new = key_named(call, params["DestinationKeyId"])
    algorithm = params.get("DestinationEncryptionAlgorithm", SYMMETRIC)
    call.resources.append(new.arn)
    call.authorise("kms:ReEncryptTo", new.arn, _side_conditions(call, params, "Destination", new))
    check_use(new, ENCRYPT, "ReEncrypt", algorithm)
    context = _context(algorithm, params.get("DestinationEncryptionContext"))
    old, old_algorithm, plaintext, material_id = _open(call, params, "Source")
    _check_size(new, algorithm, plaintext)
    refuse_dry_run(params)
    return {
        "CiphertextBlob": _sealed(call, new, algorithm, plaintext, context),
        "SourceKeyId": old.arn,
        "KeyId": new.arn,
        "SourceEncryptionAlgorithm": old_algorithm,
        "DestinationEncryptionAlgorithm": algorithm,
        "SourceKeyMaterialId": material_id,
        "DestinationKeyMaterialId": new.current.id if new.symmetric and new.current else None,
    }
