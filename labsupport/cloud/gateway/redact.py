"""Parameters and results as a log may show them: no secrets, no bodies."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Any

from botocore.model import Shape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# What a program writes is no part of who called what. Which values of a stack's parameters are secret (NoEcho) is said
# by its template only, so none is shown.
_LEFT_OUT = {"logEvents", "ParameterValue", "GrantToken", "GrantTokens"}
_PLAIN = {"string", "boolean", "integer", "long", "float", "double"}
_SECRET_NAMES = {"SecretAccessKey", "ServicePassword", "Plaintext", "PrivateKeyPlaintext", "Password", "MessageBody"}


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
    shown, ways = {}, _ways(shape)
    for name, item in value.items():
        if item is not None and name in ways:
            key, show = ways[name]
            shown[key] = show(item)
    return shown


@cache
def _ways(shape: Shape) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """Under which name, and how, each member of a structure is shown."""
    return {
        name: (name[:1].lower() + name[1:], _way(name, member))
        for name, member in shape.members.items()
        if member.type_name != "blob" and name not in _LEFT_OUT
    }


def _way(name: str, member: Shape) -> Callable[[Any], Any]:
    if name in _SECRET_NAMES or member.metadata.get("sensitive"):
        return lambda _: HIDDEN
    return _as_it_is if member.type_name in _PLAIN else partial(redacted, member)


def _as_it_is(value: Any) -> Any:
    return value
