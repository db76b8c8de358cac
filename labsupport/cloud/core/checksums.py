"""Checksums that a client sends beside a body (AWS: "Checking object integrity in Amazon S3").

`x-amz-checksum-*` holds one of S3's algorithms in base64, `Content-MD5` the older digest. Bodies are checked as they
pass by, so that a large one never has to be held.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from labsupport.cloud.core.crc import Step, step_of
from labsupport.cloud.core.errors import AwsError, not_simulated

PREFIX = "x-amz-checksum-"
# Headers with the same beginning that hold no checksum.
_NO_CHECKSUM = frozenset((PREFIX + "algorithm", PREFIX + "mode", PREFIX + "type"))
_HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512, "MD5": hashlib.md5}
_SIZES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16}
_XXHASH = ("XXHASH64", "XXHASH3", "XXHASH128")


class Hasher(Protocol):
    """What hashlib's objects do, and the CRCs here."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Check(NamedTuple):
    """A digest that a body should have; `refuse` makes the error from the one that it has."""

    hasher: Hasher
    expected: bytes
    refuse: Callable[[bytes], AwsError]


class Whole(NamedTuple):
    """A body that has come as a whole, and what is still to be checked of it."""

    body: bytes
    checks: list[Check]

    def checked(self) -> bytes:
        """The body; BadDigest, if it hasn't the digests declared."""
        _check(self.body, self.checks)
        return self.body


class _Crc:
    """A CRC with hashlib's interface, over a function that continues one."""

    def __init__(self, step: Step, size: int) -> None:
        self.step, self.size, self.value = step, size, 0

    def update(self, data: bytes, /) -> None:
        self.value = self.step(data, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(self.size, "big")


def hasher(algorithm: str) -> Hasher:
    """A running checksum of one of S3's algorithms (`CRC32`, `CRC64NVME`, `SHA256`, …)."""
    if algorithm in _HASHES:
        return _HASHES[algorithm]()
    if algorithm == "CRC32":
        return _Crc(zlib.crc32, 4)
    if algorithm in ("CRC32C", "CRC64NVME"):
        return _Crc(step_of(algorithm.lower()), _SIZES[algorithm])
    raise not_simulated(f"The checksum algorithm {algorithm}")


def announced(headers: Mapping[str, str]) -> dict[str, Hasher]:
    """A running checksum for each trailing header that `x-amz-trailer` announces; InvalidRequest for any other."""
    names = [name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()]
    for name in names:
        if name.removeprefix(PREFIX).upper() not in {*_SIZES, *_XXHASH} or not name.startswith(PREFIX):
            raise AwsError("InvalidRequest", "The value specified in the x-amz-trailer header is not supported", 400)
    return {name: hasher(name.removeprefix(PREFIX).upper()) for name in names}


def checksum(algorithm: str, data: bytes) -> str:
    """A body's checksum as S3's headers and answers write it, in base64."""
    running = hasher(algorithm)
    running.update(data)
    return base64.b64encode(running.digest()).decode()


def declared_checksum(headers: Mapping[str, str]) -> tuple[str, bytes] | None:
    """The algorithm and digest of the one `x-amz-checksum-*` header; InvalidRequest if it is wrong in itself."""
    found = [(name, value) for name, value in headers.items() if name.startswith(PREFIX) and name not in _NO_CHECKSUM]
    if len(found) > 1 or (found and PREFIX in headers.get("x-amz-trailer", "")):
        message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise AwsError("InvalidRequest", message, 400)
    _check_algorithm(headers, found[0][0] if found else headers.get("x-amz-trailer", ""))
    if not found:
        return None
    name, value = found[0]
    return name.removeprefix(PREFIX).upper(), decode_checksum(name, value, "header")


def decode_checksum(name: str, value: str, where: str) -> bytes:
    """The bytes of a checksum header or trailer (`where` is `header` or `trailing header`); InvalidRequest if wrong."""
    algorithm = name.removeprefix(PREFIX).upper()
    if algorithm in _XXHASH:
        raise not_simulated(f"The checksum algorithm {algorithm}")
    digest = _from_base64(value)
    if digest is None or len(digest) != _SIZES.get(algorithm):
        raise AwsError("InvalidRequest", f"Value for {name} {where} is invalid.", 400)
    return digest


def bad_checksum(algorithm: str) -> AwsError:
    """The refusal of a body whose checksum isn't the one that came with it."""
    return AwsError("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", 400)


def checks_of(headers: Mapping[str, str]) -> list[Check]:
    """The digests that a request's headers declare for its body; InvalidRequest, InvalidDigest if they are wrong."""
    checks = []
    if declared := declared_checksum(headers):
        algorithm, digest = declared
        checks.append(Check(hasher(algorithm), digest, lambda _: bad_checksum(algorithm)))
    if (md5 := headers.get("content-md5")) is not None:
        expected = _from_base64(md5)
        if expected is None or len(expected) != 16:
            raise _invalid_md5(md5)
        checks.append(Check(hashlib.md5(), expected, partial(_bad_md5, expected)))
    return checks


async def watched(stream: AsyncIterator[bytes], checks: list[Check]) -> AsyncIterator[bytes]:
    """A body as it comes; at its end BadDigest, if it hasn't the digests declared."""
    async for part in stream:
        for check in checks:
            check.hasher.update(part)
        yield part
    _conclude(checks)


def check_body(headers: Mapping[str, str], body: bytes) -> None:
    """BadDigest if a body that has been read hasn't the digests that its headers declare."""
    _check(body, checks_of(headers))


def _check(body: bytes, checks: list[Check]) -> None:
    for check in checks:
        check.hasher.update(body)
    _conclude(checks)


def _conclude(checks: list[Check]) -> None:
    for check in checks:
        digest = check.hasher.digest()
        if digest != check.expected:
            raise check.refuse(digest)


def _bad_md5(expected: bytes, calculated: bytes) -> AwsError:
    return AwsError(
        "BadDigest",
        "The Content-MD5 you specified did not match what we received.",
        400,
        ExpectedDigest=expected.hex(),
        CalculatedDigest=base64.b64encode(calculated).decode(),
    )


def _invalid_md5(value: str) -> AwsError:
    members: dict[str, Any] = {"Content-MD5": value}
    return AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400, **members)


def _check_algorithm(headers: Mapping[str, str], name: str) -> None:
    algorithm = headers.get("x-amz-sdk-checksum-algorithm", "").upper()
    if not algorithm:
        return
    if algorithm not in _SIZES and algorithm not in _XXHASH:
        valid = "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        problem = f"Checksum algorithm provided is unsupported. Please try again with any of the valid types: {valid}"
    elif not name:
        problem = (
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
            "headers were found."
        )
    elif name.lower() != PREFIX + algorithm.lower():
        problem = "Value for x-amz-sdk-checksum-algorithm header is invalid."
    else:
        return
    raise AwsError("InvalidRequest", problem, 400)


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
