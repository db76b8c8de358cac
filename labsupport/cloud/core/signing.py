"""What every form of Signature Version 4 shares: names, times and the derived key (AWS: "Signature Version 4")."""

import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

_MOMENT = re.compile(r"(?!9999)\d{8}T\d{6}Z", re.ASCII)  # nothing can expire after the year 9999


@lru_cache(maxsize=16)
def instant(timestamp: str) -> datetime | None:
    """The time that `YYYYMMDDTHHMMSSZ` names; None if it names none."""
    if not _MOMENT.fullmatch(timestamp):
        return None
    try:
        # Slices, because strptime costs as much as all the rest of a verification.
        return datetime(
            int(timestamp[:4]),
            int(timestamp[4:6]),
            int(timestamp[6:8]),
            int(timestamp[9:11]),
            int(timestamp[11:13]),
            int(timestamp[13:15]),
            tzinfo=UTC,
        )
    except ValueError:
        return None


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key derived from a secret for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=1024)
def _signer(secret: str, date: str, region: str, service: str) -> hmac.HMAC:
    """Kept, since a caller sends many requests: to copy it costs less than to begin anew with the key."""
    return hmac.new(signing_key(secret, date, region, service), digestmod="sha256")


def signature(secret: str, date: str, region: str, service: str, text: bytes) -> str:
    """The signature in hex of a string to sign."""
    mac = _signer(secret, date, region, service).copy()
    mac.update(text)
    return mac.hexdigest()
