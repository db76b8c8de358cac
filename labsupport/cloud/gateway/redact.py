"""Parameters and results as a log may show them: no secrets, no bodies."""

from datetime import datetime
from typing import Any

from botocore.model import Shape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# What a program writes is no part of who called what. Which values of a stack's parameters are secret (NoEcho) is said
# by its template only, so none is shown.
_LEFT_OUT = {"logEvents", "ParameterValue", "GrantToken", "GrantTokens"}
_SECRET_NAMES = {"SecretAccessKey", "ServicePassword", "Plaintext", "PrivateKeyPlaintext", "Password"}


def redacted(shape: Shape | None, value: Any) -> Any:
    """A copy of `value` without what the model marks as sensitive, without blobs, and with times as text."""
    if shape is None or value is None:
        return None
    if shape.metadata.get("sensitive"):
        return HIDDEN
    if shape.type_name == "structure" and isinstance(value, dict):
        return _structure(shape, value)
    if shape.type_name == "list" and isinstance(value, list):
        return [redacted(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: redacted(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.strftime("%b %d, %Y, %I:%M:%S %p")
    return value


def _structure(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    shown = {}
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None or member.type_name == "blob" or item is None or name in _LEFT_OUT:
            continue
        key = name[:1].lower() + name[1:]
        shown[key] = HIDDEN if name in _SECRET_NAMES else redacted(member, item)
    return shown
