"""What the lab keeps encrypted at rest: small secrets, sealed under a key file of the home folder.

KMS's key material, S3's data keys and whatever else must not lie readable in the database are sealed here. The key
file is made on first use and readable for its owner only; without it nothing that was sealed can be opened again.
"""

import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.cloud import Cloud

KEY_FILE = "master.key"
_ROOM = "vault"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Unreadable(Exception):
    """Sealed bytes that were changed, belong to another context, or were sealed under another key file."""


def seal(cloud: Cloud, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt; `context` (what the secret belongs to) has to be the same when it is opened."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(cloud).encrypt(nonce, plaintext, context)


def unseal(cloud: Cloud, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` gave; `Unreadable` where that can't be done."""
    try:
        return _cipher(cloud).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("A sealed secret can't be opened with the key file in the home folder.") from error


def derived(home: Path, purpose: str) -> bytes:
    """A key of its own for a purpose, made of the key file's."""
    return hmac.digest(_key(home / KEY_FILE), purpose.encode(), "sha256")


def _cipher(cloud: Cloud) -> AESGCM:
    cipher = cloud.rooms.get(_ROOM)
    if cipher is None:
        cipher = cloud.rooms[_ROOM] = AESGCM(_key(cloud.home / KEY_FILE))
    return cipher


def _key(path: Path) -> bytes:
    """The key in the file, which is made where there is none; never half a key, even if the process is killed."""
    try:
        return _read(path)
    except FileNotFoundError:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise Unreadable(f"{path.name} in the home folder holds {len(key)} bytes; a key has {_KEY_BYTES}.")
    return key
