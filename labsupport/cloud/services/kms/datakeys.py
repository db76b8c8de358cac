"""Data keys and data key pairs: made here, used outside, kept by the caller under a KMS key. And random bytes."""

import secrets

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.kms import ciphertext, material
from labsupport.cloud.services.kms.base import Key, Params, refuse_dry_run, service, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.encryption import check_use, refuse_recipient
from labsupport.cloud.services.kms.keys import no_store
from labsupport.cloud.services.kms.lookup import key_named, on_key
from labsupport.cloud.services.kms.specs import ENCRYPT, SECRET, SPECS, SYMMETRIC

_BYTES = {"AES_256": 32, "AES_128": 16}


def _wrapping_key(call: Call, params: Params) -> Key:
    refuse_recipient(params)
    return check_use(key_named(call, params["KeyId"]), ENCRYPT, call.operation, SYMMETRIC)


def _answer(call: Call, key: Key, params: Params, secret: bytes, blob: str) -> Params:
    """`blob` names the member that holds the encrypted copy."""
    sealed = ciphertext.sealed(call, key, secret, params.get("EncryptionContext") or {})
    return {blob: sealed, "KeyId": key.arn, "KeyMaterialId": key.current.id if key.current else None}


@service.operation(on=on_key(), context=on_key_conditions)
def generate_data_key(call: Call, params: Params) -> Params:
    key, plaintext = _wrapping_key(call, params), secrets.token_bytes(_size(params))
    refuse_dry_run(params)
    return {**_answer(call, key, params, plaintext, "CiphertextBlob"), "Plaintext": plaintext}


@service.operation(on=on_key(), context=on_key_conditions)
def generate_data_key_without_plaintext(call: Call, params: Params) -> Params:
    key, plaintext = _wrapping_key(call, params), secrets.token_bytes(_size(params))
    refuse_dry_run(params)
    return _answer(call, key, params, plaintext, "CiphertextBlob")


def _size(params: Params) -> int:
    """The data key's bytes, of exactly one of KeySpec and NumberOfBytes."""
    if ("KeySpec" in params) == ("NumberOfBytes" in params):
        raise validation("Please specify either number of bytes or key spec.")
    return int(params["NumberOfBytes"]) if "NumberOfBytes" in params else _BYTES[params["KeySpec"]]


@service.operation(on=on_key(), context=on_key_conditions)
async def generate_data_key_pair(call: Call, params: Params) -> Params:
    answer, private = await _pair(call, params)
    return {**answer, "PrivateKeyPlaintext": private}


@service.operation(on=on_key(), context=on_key_conditions)
async def generate_data_key_pair_without_plaintext(call: Call, params: Params) -> Params:
    answer, _ = await _pair(call, params)
    return answer


async def _pair(call: Call, params: Params) -> tuple[Params, bytes]:
    key, spec = _wrapping_key(call, params), params["KeyPairSpec"]
    if spec not in SPECS or SPECS[spec].family in SECRET:
        raise not_simulated(f"A data key pair of the spec {spec}")
    refuse_dry_run(params)
    private = await material.generate(spec)
    answer = _answer(call, key, params, private, "PrivateKeyCiphertextBlob")
    return {**answer, "PublicKey": material.public_bytes(private), "KeyPairSpec": spec}, private


@service.operation()
def generate_random(call: Call, params: Params) -> Params:
    refuse_recipient(params)
    if store := params.get("CustomKeyStoreId"):
        raise no_store(store)
    if "NumberOfBytes" not in params:
        raise validation("NumberOfBytes is required.")
    return {"Plaintext": secrets.token_bytes(params["NumberOfBytes"])}
