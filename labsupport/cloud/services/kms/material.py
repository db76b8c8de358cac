"""Key material: made, sealed under the home folder's key file, opened for use, destroyed."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core import vault
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.kms.base import Key, Material
from labsupport.cloud.services.kms.specs import SECRET, SPECS, Spec

_ROOM = "kms"
_CURVES: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}
_LATTICES: dict[tuple[str, int], Any] = {
    ("ml-dsa", 44): mldsa.MLDSA44PrivateKey,
    ("ml-dsa", 65): mldsa.MLDSA65PrivateKey,
    ("ml-dsa", 87): mldsa.MLDSA87PrivateKey,
    ("ml-kem", 768): mlkem.MLKEM768PrivateKey,
    ("ml-kem", 1024): mlkem.MLKEM1024PrivateKey,
}


def curve_of(spec: Spec) -> ec.EllipticCurve:
    return ec.SECP256K1() if spec.family == "secp256k1" else _CURVES[spec.size]()


async def generate(name: str) -> bytes:
    """New material: secret bytes, or a private key in PKCS #8. An RSA key takes up to a second: not on the loop."""
    spec = SPECS[name]
    return await asyncio.to_thread(_generate, spec) if spec.family == "rsa" else _generate(spec)


def _generate(spec: Spec) -> bytes:
    if spec.family in SECRET:
        return secrets.token_bytes(spec.size)
    try:
        return private_bytes(_pair(spec))
    except UnsupportedAlgorithm:  # an older OpenSSL under `cryptography`
        raise not_simulated(f"A key pair of the kind {spec.family}") from None


def _pair(spec: Spec) -> Any:
    if spec.family == "rsa":
        return rsa.generate_private_key(65537, spec.size)
    if spec.family == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    lattice = _LATTICES.get((spec.family, spec.size))
    return lattice.generate() if lattice else ec.generate_private_key(curve_of(spec))


def private_bytes(private: Any) -> bytes:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    found: bytes = private.private_bytes(serialization.Encoding.DER, form, plain)
    return found


def public_bytes(private: bytes) -> bytes:
    """The public half, DER (SubjectPublicKeyInfo)."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    found: bytes = _loaded(private).public_key().public_bytes(serialization.Encoding.DER, form)
    return found


def _loaded(private: bytes) -> Any:
    # Made here, or checked when it was imported: RSA's tests of primality would take longer than the signature.
    return serialization.load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)


def added(cloud: Cloud, key: Key, plaintext: bytes, now: float, **more: Any) -> Material:
    """Material put under a key, as its current one unless told otherwise."""
    found = Material(id=fingerprint(key, plaintext), sealed=_sealed(cloud, key, plaintext), made=now, **more)
    if found.state == "CURRENT":
        for one in key.materials:
            one.state = "NON_CURRENT" if one.state == "CURRENT" else one.state
    key.materials.append(found)
    if SPECS[key.spec].family not in SECRET:
        key.public = public_bytes(plaintext)
    return found


def renewed(cloud: Cloud, key: Key, now: float, **more: Any) -> Material:
    """New material of KMS's own for a symmetric key."""
    return added(cloud, key, secrets.token_bytes(SPECS[key.spec].size), now, **more)


def restored(cloud: Cloud, key: Key, one: Material, plaintext: bytes) -> None:
    """Imported material that comes back."""
    one.sealed = _sealed(cloud, key, plaintext)


def fingerprint(key: Key, plaintext: bytes) -> str:
    """The id of material: the same under one key whenever it is imported again."""
    return hashlib.sha256(key.id.encode() + b":" + plaintext).hexdigest()


def _sealed(cloud: Cloud, key: Key, plaintext: bytes) -> bytes:
    return vault.seal(cloud, plaintext, key.id.encode())


def cipher(cloud: Cloud, key: Key, one: Material) -> AESGCM:
    """AES-256-GCM under one of a symmetric key's materials."""
    found: AESGCM = _opened(cloud, key, one, AESGCM)
    return found


def secret(cloud: Cloud, key: Key) -> bytes:
    """The secret bytes of an HMAC key."""
    found: bytes = _opened(cloud, key, key.materials[0], bytes)
    return found


def private(cloud: Cloud, key: Key) -> Any:
    """The private key of a pair, as `cryptography` uses it."""
    return _opened(cloud, key, key.materials[0], _loaded)


def _opened(cloud: Cloud, key: Key, one: Material, use: Callable[[bytes], Any]) -> Any:
    """Material is unsealed once in a process; it never changes under its id."""
    room: dict[tuple[str, str], Any] = cloud.rooms.setdefault(_ROOM, {})
    name = (key.id, one.id)
    if name not in room:
        room[name] = use(vault.unseal(cloud, one.sealed, key.id.encode()))
    return room[name]


def forget(cloud: Cloud, key: Key) -> None:
    """Let go of what is open of a key: its material is destroyed, or part of it."""
    room = cloud.rooms.get(_ROOM, {})
    for one in key.materials:
        room.pop((key.id, one.id), None)
