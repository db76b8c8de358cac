"""Records at rest: encrypted by AES-256-GCM under a key that is not in the database."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes


class WrongKey(ValueError):
    """What is stored was encrypted under another key, or was changed since."""


class Seal:
    """Closes and opens values; each is bound to the kind of its record."""

    def __init__(self, key: bytes) -> None:
        cipher = AESGCM(key)
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt

    def close(self, kind: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._encrypt(nonce, value, kind.encode())

    def open(self, kind: str, sealed: bytes) -> bytes:
        try:
            return self._decrypt(sealed[:_NONCE], sealed[_NONCE:], kind.encode())
        except (InvalidTag, ValueError):
            raise WrongKey(f"A record of the kind {kind} can't be decrypted.") from None
