"""Shared secrets: agreed upon with a peer's public key (ECDH), or encapsulated for the holder of one (ML-KEM)."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms import ciphertext, material
from labsupport.cloud.services.kms.base import Key, Params, refuse_dry_run, service, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.encryption import check_use, refuse_recipient
from labsupport.cloud.services.kms.lookup import key_named, on_key
from labsupport.cloud.services.kms.specs import AGREE, ENCAPSULATE, SPECS


@service.operation(on=on_key(), context=on_key_conditions)
def derive_shared_secret(call: Call, params: Params) -> Params:
    refuse_recipient(params)
    key, algorithm = key_named(call, params["KeyId"]), params["KeyAgreementAlgorithm"]
    check_use(key, AGREE, "DeriveSharedSecret", algorithm)
    peer = _peer(key, params["PublicKey"])
    refuse_dry_run(params)
    secret = material.private(call.cloud, key).exchange(ec.ECDH(), peer)
    return {"KeyId": key.arn, "SharedSecret": secret, "KeyAgreementAlgorithm": algorithm, "KeyOrigin": key.origin}


def _peer(key: Key, public: bytes) -> ec.EllipticCurvePublicKey:
    try:
        peer = serialization.load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        raise validation("PublicKey is not a DER-encoded X.509 public key.") from None
    curve = material.curve_of(SPECS[key.spec])
    if not isinstance(peer, ec.EllipticCurvePublicKey) or peer.curve.name != curve.name:
        raise validation(f"PublicKey is not a point of the curve of key spec {key.spec}.")
    return peer


def _key(call: Call, params: Params) -> Key:
    return check_use(key_named(call, params["KeyId"]), ENCAPSULATE, call.operation, params["EncapsulationAlgorithm"])


@service.operation(on=on_key(), context=on_key_conditions)
def encapsulate(call: Call, params: Params) -> Params:
    key = _key(call, params)
    refuse_dry_run(params)
    secret, blob = material.private(call.cloud, key).public_key().encapsulate()
    return {
        "KeyId": key.arn,
        "SharedSecret": secret,
        "SharedSecretCiphertextBlob": blob,
        "EncapsulationAlgorithm": params["EncapsulationAlgorithm"],
    }


@service.operation(on=on_key(), context=on_key_conditions)
def decapsulate(call: Call, params: Params) -> Params:
    key = _key(call, params)
    refuse_dry_run(params)
    try:
        secret = material.private(call.cloud, key).decapsulate(params["SharedSecretCiphertextBlob"])
    except ValueError:
        raise ciphertext.invalid() from None
    return {"KeyId": key.arn, "SharedSecret": secret, "EncapsulationAlgorithm": params["EncapsulationAlgorithm"]}
