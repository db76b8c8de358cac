"""Identifiers in AWS's forms. Drawn from the system's randomness: they must not be guessable."""

import base64
import os
import re
import secrets

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LONGER = ("AIDA", "AROA", "AGPA", "ANPA", "AIPA", "ASCA")


def request_id() -> str:
    """A random UUID (version 4). Every call draws two or three, so it is put together from one hex string."""
    drawn = os.urandom(16).hex()
    variant = "89ab"[int(drawn[16], 16) & 3]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"


uuid4 = request_id


def iam_id(prefix: str) -> str:
    """`AKIA…`, `AIDA…`: four letters and sixteen of base 32, or seventeen in the id of a user, role, group, policy,
    instance profile or certificate (IAM User Guide: "IAM identifiers", unique identifiers)."""
    return prefix + base64.b32encode(secrets.token_bytes(15)).decode()[: 17 if prefix in _LONGER else 16]


def secret_key() -> str:
    """A secret access key: 40 characters."""
    return base64.b64encode(secrets.token_bytes(30)).decode()


def session_token() -> str:
    return base64.b64encode(b"lab-session:" + secrets.token_bytes(144)).decode()


def hex_id(prefix: str, digits: int = 17) -> str:
    """`i-0123456789abcdef0` and its kind (EC2)."""
    return f"{prefix}-{secrets.token_hex((digits + 1) // 2)[:digits]}"


def short_id(prefix: str = "", length: int = 9) -> str:
    """`d-A1B2C3D4E` and its kind (CodeDeploy): capitals and digits."""
    return prefix + "".join(secrets.choice(_BASE32 + "0189") for _ in range(length))


def session_name(text: str) -> str:
    """A name as STS takes it for a role's session (AssumeRole: RoleSessionName): 2 to 64 of its own characters."""
    return re.sub(r"[^\w+=,.@-]", "-", text, flags=re.ASCII)[:64].ljust(2, "=")
