"""Imported key material: wrapped by its owner under a public key that KMS gives out for a day.

KMS Developer Guide: "Importing key material for AWS KMS keys".
"""

import secrets
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from labsupport.cloud.core import vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.kms import ciphertext, material
from labsupport.cloud.services.kms.base import (
    DAY,
    Key,
    Material,
    Params,
    bad_origin,
    not_found,
    service,
    time,
    unsupported,
    validation,
)
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.encryption import oaep
from labsupport.cloud.services.kms.happenings import happened
from labsupport.cloud.services.kms.lookup import not_ending, on_key, own_key
from labsupport.cloud.services.kms.shown import related
from labsupport.cloud.services.kms.specs import SECRET, SPECS
from labsupport.cloud.store.record import record

_LONGEST = 365 * DAY  # until imported material expires
_TOKEN = b"import token"


@record("kms.import", key=("id",))
class Parameters(msgspec.Struct, kw_only=True):
    """What was given out for one import; the import token names it."""

    id: str
    key: str  # ARN
    algorithm: str
    private: bytes  # the wrapping key pair's, sealed
    expires: float


def _external(call: Call, params: Params) -> Key:
    key = own_key(call, params["KeyId"])
    if key.origin != "EXTERNAL":
        raise bad_origin(key)
    return key


@service.operation(on=on_key(), context=on_key_conditions)
async def get_parameters_for_import(call: Call, params: Params) -> Params:
    key, algorithm = not_ending(_external(call, params)), params["WrappingAlgorithm"]
    spec = params["WrappingKeySpec"]
    if "SM2" in (spec, algorithm.removesuffix("PKE")):
        raise not_simulated("The wrapping algorithm SM2PKE")
    if algorithm == "RSAES_PKCS1_V1_5":
        raise unsupported("The wrapping algorithm RSAES_PKCS1_V1_5 is not supported any more.")
    private = await material.generate(spec)
    given = Parameters(
        id=secrets.token_hex(16),
        key=key.arn,
        algorithm=algorithm,
        private=vault.seal(call.cloud, private, key.id.encode()),
        expires=call.epoch + DAY,
    )
    with call.transaction():
        call.store.put(given)
        call.start("forget-import", given.id, after=DAY)
    return {
        "KeyId": key.arn,
        "ImportToken": vault.seal(call.cloud, given.id.encode(), _TOKEN),
        "PublicKey": material.public_bytes(private),
        "ParametersValidTo": time(given.expires),
    }


@service.task("forget-import")
async def forget_import(call: Call, parameters_id: str) -> float | None:
    """Past their day the parameters stay as long again, so that a late import is told why it fails."""
    given = call.store.get(Parameters, parameters_id)
    if given is None:
        return None
    if given.expires + DAY > call.epoch:
        return given.expires + DAY - call.epoch
    call.store.delete(given)
    return None


@service.operation(on=on_key(), context=on_key_conditions)
def import_key_material(call: Call, params: Params) -> Params:
    key = not_ending(_external(call, params))
    expires = _expiry(call, params)
    plaintext = _unwrapped(call, _parameters(call, key, params["ImportToken"]), params["EncryptedKeyMaterial"])
    _check_form(key, plaintext)
    one = _put(call, key, plaintext, params)
    one.expires = expires
    one.description = params.get("KeyMaterialDescription", one.description)
    if key.state == "PendingImport" and _complete(key):
        key.state = "Enabled"
    call.store.put(key)
    if expires is not None:
        call.start("expire", key.id, after=expires - call.epoch)
    return {"KeyId": key.arn, "KeyMaterialId": one.id if key.symmetric else None}


def _expiry(call: Call, params: Params) -> float | None:
    ends = params.get("ExpirationModel", "KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_EXPIRES"
    valid_to = params.get("ValidTo")
    if ends and valid_to is None:
        raise validation("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    if not ends and valid_to is not None:
        raise validation("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
    if valid_to is None:
        return None
    expires = float(valid_to.timestamp())
    if not call.epoch < expires <= call.epoch + _LONGEST:
        raise validation("The validTo date must be in the future, and at most 365 days from now.")
    return expires


def _parameters(call: Call, key: Key, token: bytes) -> Parameters:
    try:
        given = call.store.get(Parameters, vault.unseal(call.cloud, token, _TOKEN).decode())
    except vault.Unreadable:
        given = None
    if given is None or given.key != key.arn:
        raise AwsError("InvalidImportTokenException", "The import token is invalid, or it is for another KMS key.")
    if given.expires <= call.epoch:
        raise AwsError("ExpiredImportTokenException", "The import token has expired.")
    return given


def _unwrapped(call: Call, given: Parameters, wrapped: bytes) -> bytes:
    """RSAES_OAEP wraps the material itself, RSA_AES_KEY_WRAP an AES key that wraps the material (RFC 5649)."""
    key_id = given.key.rpartition("/")[2]
    private: Any = serialization.load_der_private_key(vault.unseal(call.cloud, given.private, key_id.encode()), None)
    padding = oaep(f"RSAES_OAEP_{given.algorithm[given.algorithm.index('SHA_') :]}")
    size = private.key_size // 8
    try:
        if given.algorithm.startswith("RSAES_OAEP"):
            plaintext: bytes = private.decrypt(wrapped, padding)
            return plaintext
        return aes_key_unwrap_with_padding(private.decrypt(wrapped[:size], padding), wrapped[size:])
    except (ValueError, InvalidUnwrap):
        raise ciphertext.invalid() from None


def _check_form(key: Key, plaintext: bytes) -> None:
    """Secret bytes of the spec's length, or a private key of its kind in PKCS #8."""
    spec = SPECS[key.spec]
    fits = len(plaintext) == spec.size if spec.family in SECRET else _is_pair(key, plaintext)
    if not fits:
        raise _incorrect(f"The key material is not valid for a key of the spec {key.spec}.")


def _is_pair(key: Key, plaintext: bytes) -> bool:
    spec = SPECS[key.spec]
    try:
        private = serialization.load_der_private_key(plaintext, None)
    except (ValueError, TypeError):
        return False
    if isinstance(private, rsa.RSAPrivateKey):
        return spec.family == "rsa" and private.key_size == spec.size
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return spec.family in ("ec", "secp256k1") and private.curve.name == material.curve_of(spec).name
    return isinstance(private, ed25519.Ed25519PrivateKey) and spec.family == "ed25519"


def _incorrect(message: str) -> AwsError:
    return AwsError("IncorrectKeyMaterialException", message)


def _put(call: Call, key: Key, plaintext: bytes, params: Params) -> Material:
    """The material under the key: the same as before, or where it can be rotated, new one."""
    fingerprint = material.fingerprint(key, plaintext)
    known = next((one for one in key.materials if one.id == fingerprint), None)
    is_new = params.get("ImportType", "EXISTING_KEY_MATERIAL" if key.materials else "NEW_KEY_MATERIAL")
    if not key.symmetric and any(name in params for name in ("ImportType", "KeyMaterialId", "KeyMaterialDescription")):
        raise validation("ImportType, KeyMaterialId and KeyMaterialDescription are for symmetric encryption keys only.")
    if params.get("KeyMaterialId", fingerprint) != fingerprint:
        raise _incorrect("The key material is not the one that KeyMaterialId identifies.")
    if known:
        material.restored(call.cloud, key, known, plaintext)
        return known
    if is_new == "EXISTING_KEY_MATERIAL" or (key.materials and not key.symmetric):
        raise _incorrect("The key material is not the same as the material that was imported before.")
    return _new(call, key, plaintext)


def _new(call: Call, key: Key, plaintext: bytes) -> Material:
    if key.multi_region == "REPLICA" and not _known_to_primary(call, key, plaintext):
        raise unsupported(f"{key.arn} is a replica key: import new key material into its primary key first.")
    if not key.materials:
        return material.added(call.cloud, key, plaintext, call.epoch)
    if any(one.state == "PENDING_ROTATION" for one in key.materials):
        raise AwsError("KMSInvalidStateException", f"{key.arn} has imported key material that is pending rotation.")
    return material.added(call.cloud, key, plaintext, call.epoch, state="PENDING_ROTATION")


def _known_to_primary(call: Call, key: Key, plaintext: bytes) -> bool:
    fingerprint = material.fingerprint(key, plaintext)
    primary = [one for one in related(call, key) if one.multi_region == "PRIMARY"]
    return any(one.id == fingerprint for key_of in primary for one in key_of.materials)


def _complete(key: Key) -> bool:
    return all(one.sealed for one in key.materials if one.state != "PENDING_ROTATION")


@service.operation(on=on_key(), context=on_key_conditions)
def delete_imported_key_material(call: Call, params: Params) -> Params:
    key = _external(call, params)
    one = _chosen(key, params.get("KeyMaterialId"))
    if one:
        _lose(call, key, one)
    return {"KeyId": key.arn, "KeyMaterialId": one.id if one and key.symmetric else None}


def _chosen(key: Key, material_id: str | None) -> Material | None:
    if material_id is None:
        return key.current
    found = next((one for one in key.materials if one.id == material_id), None)
    if found is None:
        raise not_found(f"Key material {material_id} is not associated with {key.arn}")
    return found


def _lose(call: Call, key: Key, one: Material) -> None:
    """The material is gone, and the key unusable until it is imported again. What never came to be used goes whole."""
    material.forget(call.cloud, key)
    if one.state == "PENDING_ROTATION":
        key.materials.remove(one)
    else:
        one.sealed, one.expires = b"", None
        if key.state in ("Enabled", "Disabled"):
            key.state = "PendingImport"
    call.store.put(key)


@service.task("expire")
async def expire(call: Call, key_id: str) -> float | None:
    """Delete what has expired; come again when the next does."""
    key = call.store.get(Key, call.account, call.region, key_id)
    if key is None:
        return None
    for one in [one for one in key.materials if one.expires is not None and one.expires <= call.epoch]:
        with call.transaction():
            _lose(call, key, one)
            happened(call, key, "DeleteExpiredKeyMaterial", "KMS Imported Key Material Expiration")
    left = [one.expires for one in key.materials if one.expires is not None]
    return min(left) - call.epoch if left else None
