"""Ciphertexts of symmetric keys: AES-256-GCM, with the encryption context authenticated beside it.

A ciphertext tells which key and which of its materials it is under, to KMS only: that part is sealed too. Layout: a
version byte, the length of the sealed name, the name (account, Region, key id, material id), a nonce, GCM's output.
Version 1, as the lab wrote it before keys were rotated, has the name in clear and no material id.
"""

import json
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from labsupport.cloud.core import vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import material
from labsupport.cloud.services.kms.base import Key, Material
from labsupport.cloud.services.kms.lookup import find

_FIRST, _VERSION = b"\x01", b"\x02"
_NONCE, _TAG = 12, 16  # bytes
_NAMES = b"kms ciphertext"


class Named(NamedTuple):
    """What a ciphertext says of itself; `start` is where the encrypted part begins."""

    account: str
    region: str
    key: str
    material: str
    start: int


def invalid() -> AwsError:
    """Of whatever is wrong with a ciphertext or its context, AWS says no more than that."""
    return AwsError("InvalidCiphertextException", "")


def sealed(call: Call, key: Key, plaintext: bytes, context: dict[str, str]) -> bytes:
    """A plaintext under a key's current material."""
    one, nonce = key.current, secrets.token_bytes(_NONCE)
    assert one is not None, "a key that is usable has material"
    name = vault.seal(call.cloud, f"{key.account}:{key.region}:{key.id}:{one.id}".encode(), _NAMES)
    head = _VERSION + bytes([len(name)]) + name
    body = material.cipher(call.cloud, key, one).encrypt(nonce, plaintext, head + _authenticated(context))
    return head + nonce + body


def opened(call: Call, key: Key, blob: bytes, context: dict[str, str]) -> tuple[bytes, Material]:
    """The plaintext, and the material it was under."""
    named = name_of(call, blob)
    one = _material(key, named.material) if named else None
    if named is None or one is None or not one.sealed:
        raise invalid()
    head = blob[: named.start] if named.material else b""
    nonce, body = blob[named.start : named.start + _NONCE], blob[named.start + _NONCE :]
    try:
        return material.cipher(call.cloud, key, one).decrypt(nonce, body, head + _authenticated(context)), one
    except (InvalidTag, ValueError):
        raise invalid() from None


def _material(key: Key, material_id: str) -> Material | None:
    if not material_id:
        return key.materials[0] if key.materials else None
    return next((one for one in key.materials if one.id == material_id), None)


def _authenticated(context: dict[str, str]) -> bytes:
    return json.dumps(context, sort_keys=True).encode()


def key_of(call: Call, blob: bytes) -> Key | None:
    """The key that a ciphertext names, if this Region has it; a multi-Region key may be in several."""
    named = name_of(call, blob)
    if named is None or (named.region != call.region and not named.key.startswith("mrk-")):
        return None
    return find(call, f"arn:aws:kms:{call.region}:{named.account}:key/{named.key}")


def name_of(call: Call, blob: bytes) -> Named | None:
    """`None` for bytes that are no ciphertext of this lab. Which key it is under is asked before it is opened, too."""
    if blob not in call.found:
        call.found[blob] = _name_of(call.cloud, blob)
    found: Named | None = call.found[blob]
    return found


def _name_of(cloud: Cloud, blob: bytes) -> Named | None:
    if len(blob) < 2 or len(blob) < 2 + blob[1] + _NONCE + _TAG or blob[:1] not in (_FIRST, _VERSION):
        return None
    name = blob[2 : 2 + blob[1]]
    try:
        clear = vault.unseal(cloud, name, _NAMES) if blob[:1] == _VERSION else name + b":"
        account, region, key, material_id = clear.decode().split(":")
    except (vault.Unreadable, ValueError):
        return None
    return Named(account, region, key, material_id, 2 + blob[1])
