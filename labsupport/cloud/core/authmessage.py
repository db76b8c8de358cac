"""The encoded message of a refusal: it tells details that only those may read who may decode it.

AWS encodes it for some services' operations; `sts:DecodeAuthorizationMessage` gives it back within the account.
"""

import base64
import binascii
import zlib
from typing import Any

import msgspec

from labsupport.cloud.core import vault
from labsupport.cloud.core.cloud import Cloud

LONGEST = 10_240  # characters that can be decoded


def encode(cloud: Cloud, account: str, details: dict[str, Any]) -> str:
    """Sealed for the account; details that are too long lose the request's context."""
    text = _sealed(cloud, account, details)
    if len(text) > LONGEST:
        text = _sealed(cloud, account, {**details, "context": {**details["context"], "conditions": {"items": []}}})
    return text


def decode(cloud: Cloud, account: str, text: str) -> str | None:
    """The details as JSON; None for a message that was made elsewhere, or for another account."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return zlib.decompress(vault.unseal(cloud, sealed, _context(account))).decode()
    except (vault.Unreadable, binascii.Error, ValueError):
        return None


def _sealed(cloud: Cloud, account: str, details: dict[str, Any]) -> str:
    packed = zlib.compress(msgspec.json.encode(details), 9)
    return base64.urlsafe_b64encode(vault.seal(cloud, packed, _context(account))).decode().rstrip("=")


def _context(account: str) -> bytes:
    return f"authorization-message:{account}".encode()
