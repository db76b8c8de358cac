"""The content of a signed message (RFC 2315: PKCS #7), without the signature, which is not verified."""

import base64
import re

_PEM = re.compile(r"-----BEGIN (?:PKCS7|CMS)-----(.*?)-----END", re.DOTALL)
_SEQUENCE, _OCTETS, _OCTETS_IN_PARTS, _EXPLICIT = 0x30, 0x04, 0x24, 0xA0


class NoContent(Exception):
    """Bytes that are no signed message, or one without its content."""


def content(pem: str) -> bytes:
    """What the message says. Raises NoContent."""
    found = _PEM.search(pem)
    if found is None:
        raise NoContent("The deployment specification is no PKCS7 message in PEM")
    try:
        message = _only(base64.b64decode(found[1]), _SEQUENCE)
        signed_data = _only(_parts(message)[1][1], _SEQUENCE)
        inner = next(value for tag, value in _parts(signed_data)[2:] if tag == _SEQUENCE)
        return _octets(*_parts(_parts(inner)[1][1])[0])
    except (IndexError, ValueError, StopIteration) as error:
        raise NoContent(f"The deployment specification is no signed message ({error})") from None


def _only(data: bytes, wanted: int) -> bytes:
    tag, value = _parts(data)[0]
    if tag != wanted:
        raise ValueError(f"{tag:#x} where {wanted:#x} was expected")
    return value


def _octets(tag: int, value: bytes) -> bytes:
    if tag == _OCTETS_IN_PARTS:
        return b"".join(_octets(*part) for part in _parts(value))
    if tag != _OCTETS:
        raise ValueError(f"{tag:#x} where octets were expected")
    return value


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """The elements that stand side by side: their tags and contents (DER: lengths are definite)."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length >= 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
            if size == 0:
                raise ValueError("a length is not given")
        if at + length > len(data):
            raise ValueError("it is cut off")
        found.append((tag, data[at : at + length]))
        at += length
    return found
