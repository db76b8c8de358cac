"""What is in a message: body and attributes, their rules, size and digests.

Developer Guide: "Amazon SQS message metadata", with how the digest of message attributes is calculated.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.sqs.base import Params, invalid, missing

MOST_ATTRIBUTES = 10
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Content(msgspec.Struct, kw_only=True):
    id: str
    body: str
    attributes: dict[str, dict[str, Any]] = {}  # a binary value is in base 64, as in JSON
    trace: str = ""
    sender: str
    group: str = ""
    deduplication: str = ""

    def values(self) -> dict[str, dict[str, Any]]:
        """The message attributes as they were sent."""
        return {name: _decoded(one) for name, one in self.attributes.items()}


def _decoded(attribute: Params) -> Params:
    if "BinaryValue" not in attribute:
        return attribute
    return {**attribute, "BinaryValue": base64.b64decode(attribute["BinaryValue"])}


def check_body(body: str) -> None:
    if not body:
        raise missing("MessageBody")
    found = _FORBIDDEN.search(body)
    if found:
        raise AwsError(
            "InvalidMessageContents",
            f"Invalid binary character '#x{ord(found[0]):X}' was found in the message body, the set of allowed "
            "characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )


def check_attributes(attributes: dict[str, Params]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise invalid(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
        )
    for name, attribute in attributes.items():
        _check_name(name)
        _check_value(name, attribute)


def _check_name(name: str) -> None:
    plain = re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", name) and not name.startswith(".") and not name.endswith(".")
    if not plain or ".." in name:
        raise invalid(
            f"Message (user) attribute name '{name}' can have 1 to 256 of the characters A-Z, a-z, 0-9, underscore, "
            "hyphen and period, and no period at its start, its end or after another one."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise invalid(f"Message (user) attribute name '{name}' starts with a prefix that AWS keeps for itself.")


def _check_value(name: str, attribute: Params) -> None:
    kind = attribute["DataType"]
    first = kind.partition(".")[0]
    if first not in ("String", "Number", "Binary") or len(kind) > 256:
        raise invalid(
            f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported type "
            "prefixes: Binary, Number, String."
        )
    value = value_of(attribute)
    if not value:
        raise invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{first}'.")
    if first == "Number" and not _NUMBER.fullmatch(str(value)):
        raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    if isinstance(value, str) and _FORBIDDEN.search(value):
        raise invalid(f"Message (user) attribute '{name}' has characters that are not allowed.")


def value_of(attribute: Params) -> str | bytes:
    binary = attribute["DataType"].startswith("Binary")
    found: str | bytes = attribute.get("BinaryValue" if binary else "StringValue") or ""
    return found


def size(params: Params) -> int:
    """In bytes, with the names, types and values of the attributes."""
    parts = [params["MessageBody"]]
    for name, attribute in params.get("MessageAttributes", {}).items():
        parts += [name, attribute["DataType"], value_of(attribute)]
    return sum(len(_bytes(part)) for part in parts)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def md5_of(attributes: dict[str, Params]) -> str | None:
    """Of message attributes; none have none."""
    if not attributes:
        return None
    made = hashlib.md5(usedforsecurity=False)
    for part in _encoded(attributes):
        made.update(part)
    return made.hexdigest()


def _encoded(attributes: dict[str, Params]) -> Iterator[bytes]:
    for name in sorted(attributes):
        attribute = attributes[name]
        value = value_of(attribute)
        for text in (name, attribute["DataType"]):
            yield _sized(text)
        yield b"\2" if isinstance(value, bytes) else b"\1"
        yield _sized(value)


def _sized(value: str | bytes) -> bytes:
    data = _bytes(value)
    return len(data).to_bytes(4) + data
