"""S3's checksums: the algorithms against their published check values, the headers in every way wrong."""

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator

import pytest

from labsupport.cloud.core import crc
from labsupport.cloud.core.checksums import (
    announced,
    check_body,
    checks_of,
    checksum,
    declared_checksum,
    hasher,
    watched,
)
from labsupport.cloud.core.errors import AwsError

CHECK = b"123456789"  # the message of every catalogue of CRCs
VALUES = {
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "SHA256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "MD5": "25f9e794323b453885f5181f1b624d0b",
}
NAMES = {"crc32c": "CRC32C", "crc64nvme": "CRC64NVME"}


def name_of(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


@pytest.mark.parametrize(("algorithm", "value"), VALUES.items())
def test_check_values(algorithm: str, value: str) -> None:
    assert base64.b64decode(checksum(algorithm, CHECK)).hex() == value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, 2, 511, 512, 513, 516, 517, 520, 521, 1024, 1031, 4096, 65536, 70001])
def test_folding_changes_nothing(name: str, size: int) -> None:
    polynomial, width = crc._POLYNOMIALS[name]
    data, mask = random.Random(size).randbytes(size), (1 << width) - 1
    by_hand = mask
    for byte in data[:2000]:
        by_hand = crc._eight_steps(polynomial, (by_hand ^ byte) & 0xFF) ^ (by_hand >> 8)
    assert crc._continue(polynomial, width, data[:2000], 0) == by_hand ^ mask
    assert crc._continue(polynomial, width, data, 0) == crc._by_words(polynomial, data, mask) ^ mask


@pytest.mark.parametrize("algorithm", VALUES)
def test_piece_by_piece(algorithm: str) -> None:
    data, running = random.Random(1).randbytes(20_000), hasher(algorithm)
    for start, end in ((0, 0), (0, 1), (1, 9000), (9000, 9001), (9001, 20_000)):
        running.update(data[start:end])
    assert base64.b64encode(running.digest()).decode() == checksum(algorithm, data)


@pytest.mark.parametrize("algorithm", VALUES)
def test_declared(algorithm: str) -> None:
    value = checksum(algorithm, CHECK)
    headers = {
        name_of(algorithm): value,
        "x-amz-checksum-type": "FULL_OBJECT",
        "x-amz-sdk-checksum-algorithm": algorithm,
    }
    assert declared_checksum(headers) == (algorithm, base64.b64decode(value))
    check_body(headers, CHECK)
    with pytest.raises(AwsError) as caught:
        check_body(headers, CHECK + b"0")
    assert caught.value.code == "BadDigest"
    assert caught.value.message == f"The {algorithm} you specified did not match the calculated checksum."


def test_nothing_declared() -> None:
    assert declared_checksum({"x-amz-checksum-mode": "ENABLED"}) is None
    check_body({}, b"anything")


CRC = {"x-amz-checksum-crc32": checksum("CRC32", CHECK)}
WRONG = [
    ({"x-amz-checksum-crc32": "cbf43926"}, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
    ({"x-amz-checksum-crc32": "y/Q5Jg"}, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
    ({"x-amz-checksum-crc32": "\u00e9"}, "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
    ({"x-amz-checksum-crc": "y/Q5Jg=="}, "InvalidRequest", "Value for x-amz-checksum-crc header is invalid."),
    ({"x-amz-checksum-xxhash3": "y/Q5Jg=="}, "NotSimulated", "checksum algorithm XXHASH3"),
    (CRC | {"x-amz-checksum-sha1": "x"}, "InvalidRequest", "Expecting a single x-amz-checksum- header."),
    (CRC | {"x-amz-trailer": "x-amz-checksum-sha1"}, "InvalidRequest", "Expecting a single x-amz-checksum- header."),
    (CRC | {"x-amz-sdk-checksum-algorithm": "MD4"}, "InvalidRequest", "Checksum algorithm provided is unsupported."),
    (CRC | {"x-amz-sdk-checksum-algorithm": "SHA1"}, "InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header"),
    ({"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest", "but no corresponding x-amz-checksum-* or"),
    ({"content-md5": "abc"}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
    ({"content-md5": ""}, "InvalidDigest", "The Content-MD5 you specified was invalid."),
    ({"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "BadDigest", "The Content-MD5 you specified did not match what we"),
]


@pytest.mark.parametrize(("headers", "code", "text"), WRONG)
def test_wrong_headers(headers: dict[str, str], code: str, text: str) -> None:
    with pytest.raises(AwsError) as caught:
        check_body(headers, CHECK)
    assert caught.value.code == code
    assert text in caught.value.message


def test_digests_of_a_bad_md5() -> None:
    with pytest.raises(AwsError) as caught:
        check_body({"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, CHECK)
    calculated = base64.b64encode(hashlib.md5(CHECK).digest()).decode()
    assert caught.value.members == {"ExpectedDigest": "0" * 32, "CalculatedDigest": calculated}


def test_announced_trailers() -> None:
    assert set(announced({"x-amz-trailer": "x-amz-checksum-crc32, X-Amz-Checksum-SHA1"})) == {
        "x-amz-checksum-crc32",
        "x-amz-checksum-sha1",
    }
    with pytest.raises(AwsError, match="x-amz-trailer header is not supported"):
        announced({"x-amz-trailer": "x-amz-meta-a"})


@pytest.mark.parametrize("body", [CHECK, CHECK + b"0"])
def test_watched_stream(body: bytes) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    async def read() -> bytes:
        return b"".join([part async for part in watched(parts(), checks_of(CRC))])

    if body == CHECK:
        assert asyncio.run(read()) == CHECK
    else:
        with pytest.raises(AwsError, match="BadDigest"):
            asyncio.run(read())
