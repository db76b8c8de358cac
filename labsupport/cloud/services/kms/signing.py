"""Signatures of key pairs, and public keys."""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.kms import material
from labsupport.cloud.services.kms.base import Key, Params, refuse_dry_run, service, unsupported, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.encryption import check_use
from labsupport.cloud.services.kms.lookup import key_named, on_key, usable
from labsupport.cloud.services.kms.shown import algorithms
from labsupport.cloud.services.kms.specs import SECRET, SIGN, SPECS

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}
_MU_BYTES = 64  # FIPS 204: the message representative


def _key(call: Call, params: Params) -> Key:
    algorithm = params["SigningAlgorithm"]
    key = check_use(key_named(call, params["KeyId"]), SIGN, call.operation, algorithm)
    if algorithm == "ED25519_PH_SHA_512":
        raise not_simulated("The signing algorithm ED25519_PH_SHA_512")
    return key


@service.operation(on=on_key(), context=on_key_conditions)
def sign(call: Call, params: Params) -> Params:
    key, algorithm = _key(call, params), params["SigningAlgorithm"]
    options = _options(algorithm, params)
    refuse_dry_run(params)
    private, message = material.private(call.cloud, key), params["Message"]
    signature = private.sign_mu(message) if options is None else private.sign(message, *options)
    return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}


@service.operation(on=on_key(), context=on_key_conditions)
def verify(call: Call, params: Params) -> Params:
    key, algorithm = _key(call, params), params["SigningAlgorithm"]
    options = _options(algorithm, params)
    refuse_dry_run(params)
    public, signature, message = material.private(call.cloud, key).public_key(), params["Signature"], params["Message"]
    try:
        if options is None:
            public.verify_mu(signature, message)
        else:
            public.verify(signature, message, *options)
    except InvalidSignature:
        raise AwsError("KMSInvalidSignatureException", "") from None
    return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}


def _options(algorithm: str, params: Params) -> tuple[Any, ...] | None:
    """What `sign` and `verify` of `cryptography` need beside the message; `None`: it is a message representative."""
    kind, message = params.get("MessageType", "RAW"), params["Message"]
    if algorithm.startswith(("ED25519", "ML_DSA")):
        return _whole(algorithm, kind, message)
    if kind not in ("RAW", "DIGEST"):
        raise _bad_kind(algorithm, kind)
    family, _, name = algorithm.rpartition("_SHA_")
    chosen = _HASHES[f"SHA_{name}"]
    if kind == "DIGEST" and len(message) != chosen.digest_size:
        raise validation(f"Digest is invalid length for algorithm {algorithm}.")
    digest = Prehashed(chosen) if kind == "DIGEST" else chosen
    if family == "ECDSA":
        return (ec.ECDSA(digest),)
    pss = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
    return (pss if family == "RSASSA_PSS" else padding.PKCS1v15(), digest)


def _whole(algorithm: str, kind: str, message: bytes) -> tuple[Any, ...] | None:
    """Algorithms that hash the message in their own way."""
    if kind == "RAW":
        return ()
    if kind != "EXTERNAL_MU" or algorithm.startswith("ED25519"):
        raise _bad_kind(algorithm, kind)
    if len(message) != _MU_BYTES:
        raise validation(f"Message is invalid length for algorithm {algorithm}: μ has {_MU_BYTES} bytes.")
    return None


def _bad_kind(algorithm: str, kind: str) -> AwsError:
    return validation(f"The MessageType {kind} is not valid for the signing algorithm {algorithm}.")


@service.operation(on=on_key(), context=on_key_conditions)
def get_public_key(call: Call, params: Params) -> Params:
    key = key_named(call, params["KeyId"])
    if SPECS[key.spec].family in SECRET:
        raise unsupported(f"{key.arn} key spec is {key.spec} which is not valid for GetPublicKey.")
    usable(key)
    return {
        "KeyId": key.arn,
        "PublicKey": key.public,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": key.usage,
        **algorithms(key),
    }
