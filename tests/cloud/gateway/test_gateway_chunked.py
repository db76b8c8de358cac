"""aws-chunked bodies: as clients write them, in whatever pieces they arrive; and every way to get them wrong."""

import asyncio
import base64
import hashlib
import hmac
import io
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from gateway_signers import NOW, REGION, SECRET, signed

from labsupport.cloud.core.checksums import Whole
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.signing import signing_key
from labsupport.cloud.gateway.chunked import VerifyChunk, chunk_verifier, decode
from labsupport.cloud.gateway.payload import open_payload
from labsupport.cloud.gateway.sigv4 import Claim, credential_of, verify

DATA = bytes(range(256)) * 96  # three chunks of SIZE
SIZE = 8192
CRC32 = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()
EMPTY = hashlib.sha256(b"").hexdigest()


async def streamed(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def collected(stream: AsyncIterator[bytes] | Whole) -> bytes:
    return stream.checked() if isinstance(stream, Whole) else b"".join([part async for part in stream])


def decoded(
    wire: bytes, headers: dict[str, str], check: VerifyChunk | None = None, size: int = 1000, **options: Any
) -> bytes:
    return asyncio.run(collected(decode(streamed(wire, size), headers, check, **options)))


def unsigned(data: bytes = DATA, size: int = SIZE, trailer: str = "") -> bytes:
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailer.encode() + b"\r\n"


def headers_of(data: bytes = DATA, trailer: str = "") -> dict[str, str]:
    announced = {"x-amz-trailer": trailer} if trailer else {}
    return {"x-amz-decoded-content-length": str(len(data))} | announced


def signed_upload(trailer: str = "") -> tuple[HttpRequest, Claim]:
    """An upload whose seed signature botocore makes; its chunks are signed here as AWS describes."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    headers = headers_of(trailer=trailer.split(":")[0]) | {"X-Amz-Content-SHA256": kind}
    request = signed("header", "s3", "PUT", "/b/k", headers, body=b"")
    claim = credential_of(request, "s3")
    assert claim is not None
    return replace(request, body=signed_chunks(claim, trailer)), claim


def signed_chunks(claim: Claim, trailer: str) -> bytes:
    previous, wire = claim.signature, b""
    for start in range(0, len(DATA) + 1, SIZE):
        piece = DATA[start : start + SIZE]
        previous = signature(claim, f"PAYLOAD\n{previous}", f"{EMPTY}\n{hashlib.sha256(piece).hexdigest()}")
        wire += b"%x;chunk-signature=%s\r\n%s" % (len(piece), previous.encode(), piece + b"\r\n" if piece else b"")
    if not trailer:
        return wire + b"\r\n"
    last = signature(claim, f"TRAILER\n{previous}", hashlib.sha256(f"{trailer}\n".encode()).hexdigest())
    return wire + f"{trailer}\r\nx-amz-trailer-signature:{last}\r\n\r\n".encode()


def signature(claim: Claim, head: str, digest: str) -> str:
    kind, previous = head.split("\n")
    text = f"AWS4-HMAC-SHA256-{kind}\n{claim.timestamp}\n{claim.scope}\n{previous}\n{digest}"
    return hmac.digest(signing_key(SECRET, "20260304", REGION, "s3"), text.encode(), "sha256").hex()


@pytest.mark.parametrize("size", [1, 7, 8192, 10**6])
@pytest.mark.parametrize("trailer", ["", f"x-amz-checksum-crc32:{CRC32}\r\n"])
def test_unsigned_chunks(trailer: str, size: int) -> None:
    found: dict[str, str] = {}
    headers = headers_of(trailer=trailer.split(":")[0])
    assert decoded(unsigned(trailer=trailer), headers, size=size, trailers=found) == DATA
    assert found == ({"x-amz-checksum-crc32": CRC32} if trailer else {})


@pytest.mark.parametrize("data", [b"", b"x", DATA, DATA * 60])
def test_bodies_of_botocore(data: bytes) -> None:
    wire = AwsChunkedWrapper(io.BytesIO(data), Crc32Checksum, "x-amz-checksum-crc32").read()
    assert decoded(wire, headers_of(data, "x-amz-checksum-crc32"), size=65536) == data


@pytest.mark.parametrize("trailer", ["", f"x-amz-checksum-crc32:{CRC32}"])
def test_signed_chunks(trailer: str) -> None:
    request, claim = signed_upload(trailer)
    verify(request, claim, SECRET, NOW, "s3", payload_hash="not looked at: chunks have their own")
    assert decoded(request.body, request.headers, chunk_verifier(claim, SECRET)) == DATA
    assert decoded(request.body, request.headers) == DATA


def refused(wire: bytes, headers: dict[str, str], check: VerifyChunk | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        decoded(wire, headers, check)
    return caught.value


INCOMPLETE = ("IncompleteBody", 400)
FRAMES = [
    ("no end", unsigned()[:-5], INCOMPLETE),
    ("half a chunk", unsigned()[:9000], INCOMPLETE),
    ("nothing", b"", INCOMPLETE),
    ("no size", b"\r\n" + unsigned(), INCOMPLETE),
    ("a size that is none", b"zz\r\n" + unsigned(), INCOMPLETE),
    ("a negative size", b"-1\r\n" + unsigned(), INCOMPLETE),
    ("a huge size", b"f" * 40 + b"\r\n", INCOMPLETE),
    ("a line without end", b"1" * 100_000, INCOMPLETE),
    ("data longer than its size", unsigned().replace(b"2000\r\n", b"1fff\r\n", 1), INCOMPLETE),
    ("more than declared", unsigned(DATA + b"x"), INCOMPLETE),
    ("less than declared", unsigned(DATA[:-1]), INCOMPLETE),
    ("small chunks", unsigned(size=SIZE - 1), ("InvalidChunkSizeError", 403)),
]


@pytest.mark.parametrize(("wire", "refusal"), [f[1:] for f in FRAMES], ids=[f[0] for f in FRAMES])
def test_bad_framing(wire: bytes, refusal: tuple[str, int]) -> None:
    error = refused(wire, headers_of())
    assert (error.code, error.status) == refusal


def test_small_chunk_is_named() -> None:
    assert refused(unsigned(size=100), headers_of()).members == {"Chunk": "1", "BadChunkSize": "100"}


@pytest.mark.parametrize("length", [None, "", "-1", "many", "1e3"])
def test_length_must_be_declared(length: str | None) -> None:
    error = refused(unsigned(), {"x-amz-decoded-content-length": length} if length is not None else {})
    assert (error.code, error.status) == ("MissingContentLength", 411)


TRAILERS = [
    ("missing", "", "MalformedTrailerError"),
    ("another", f"x-amz-checksum-sha1:{CRC32}\r\n", "MalformedTrailerError"),
    ("one more", f"x-amz-checksum-crc32:{CRC32}\r\nx-amz-checksum-sha1:{CRC32}\r\n", "MalformedTrailerError"),
    ("no header", "x-amz-checksum-crc32\r\n", "MalformedTrailerError"),
    ("wrong", "x-amz-checksum-crc32:AAAAAA==\r\n", "BadDigest"),
    ("no checksum", "x-amz-checksum-crc32:AAA\r\n", "InvalidRequest"),
]


@pytest.mark.parametrize(("trailer", "code"), [t[1:] for t in TRAILERS], ids=[t[0] for t in TRAILERS])
def test_bad_trailer(trailer: str, code: str) -> None:
    error = refused(unsigned(trailer=trailer), headers_of(trailer="x-amz-checksum-crc32"))
    assert (error.code, error.status) == (code, 400)


def test_wording_of_a_bad_digest() -> None:
    error = refused(unsigned(trailer="x-amz-checksum-crc32:AAAAAA==\r\n"), headers_of(trailer="x-amz-checksum-crc32"))
    assert error.message == "The CRC32 you specified did not match the calculated checksum."


def flipped(wire: bytes, after: bytes, nth: int = 0) -> bytes:
    """The first byte after the nth place of a text, changed into another hexadecimal digit."""
    place = -1
    for _ in range(nth + 1):
        place = wire.index(after, place + 1)
    place += len(after)
    return wire[:place] + (b"1" if wire[place : place + 1] == b"0" else b"0") + wire[place + 1 :]


@pytest.mark.parametrize(
    ("after", "nth", "kind"),
    [
        (b"chunk-signature=", 0, "AWS4-HMAC-SHA256-PAYLOAD"),
        (b"chunk-signature=", 2, "AWS4-HMAC-SHA256-PAYLOAD"),
        (b"chunk-signature=", 3, "AWS4-HMAC-SHA256-PAYLOAD"),
        (b"\r\n\x00\x01\x02", 0, "AWS4-HMAC-SHA256-PAYLOAD"),
        (b"x-amz-trailer-signature:", 0, "AWS4-HMAC-SHA256-TRAILER"),
        (b"x-amz-checksum-crc32:", 0, "AWS4-HMAC-SHA256-TRAILER"),
    ],
)
def test_altered_signed_chunks(after: bytes, nth: int, kind: str) -> None:
    request, claim = signed_upload(f"x-amz-checksum-crc32:{CRC32}")
    error = refused(flipped(request.body, after, nth), request.headers, chunk_verifier(claim, SECRET))
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert error.members["StringToSign"].startswith(kind + "\n")


@pytest.mark.parametrize("old", [b"x-amz-trailer-signature:", b";chunk-signature="])
def test_signatures_cannot_be_left_out(old: bytes) -> None:
    request, claim = signed_upload(f"x-amz-checksum-crc32:{CRC32}")
    place = request.body.index(old)
    wire = request.body[:place] + request.body[place + len(old) + 64 :].removeprefix(b"\r\n" if b":" in old else b"")
    assert refused(wire, request.headers, chunk_verifier(claim, SECRET)).code == "SignatureDoesNotMatch"


def test_signature_that_is_no_text() -> None:
    request, claim = signed_upload(f"x-amz-checksum-crc32:{CRC32}")
    wire = request.body[:-68] + b"\xff" * 64 + b"\r\n\r\n"
    assert refused(wire, request.headers, chunk_verifier(claim, SECRET)).code == "SignatureDoesNotMatch"


# The whole body of an S3 request, through the one function that the gateway uses.


def opened(request: HttpRequest, **options: Any) -> bytes:
    claim = credential_of(request, "s3")
    assert claim is not None
    return asyncio.run(collected(open_payload(request, claim, SECRET, **options)))


def test_payload_of_each_kind() -> None:
    assert opened(signed("s3", "s3", "PUT", "/b/k", body=DATA)) == DATA
    assert opened(signed("s3 presigned", "s3", "PUT", "/b/k", body=DATA)) == DATA
    assert opened(signed_upload(f"x-amz-checksum-crc32:{CRC32}")[0]) == DATA
    assert opened(signed("s3", "s3", "GET", "/b/k", body=b"")) == b""


def test_payload_of_a_stream() -> None:
    request = replace(signed("s3", "s3", "PUT", "/b/k", body=DATA), body=b"", stream=streamed(DATA, 1000))
    assert opened(request) == DATA


def test_payload_in_chunks_over_tls() -> None:
    found: dict[str, str] = {}
    headers = headers_of(trailer="x-amz-checksum-crc32") | {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    }
    request = signed("header", "s3", "PUT", "/b/k", headers, body=b"")
    request = replace(request, body=unsigned(trailer=f"x-amz-checksum-crc32:{CRC32}\r\n"))
    assert opened(request, trailers=found) == DATA
    assert found == {"x-amz-checksum-crc32": CRC32}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(signed("s3", "s3", "PUT", "/b/k", body=DATA), body=DATA + b"x"), "XAmzContentSHA256Mismatch"),
        (replace(signed("s3", "s3", "PUT", "/b/k", body=DATA), body=b""), "XAmzContentSHA256Mismatch"),
        (replace(signed_upload()[0], body=flipped(signed_upload()[0].body, b"signature=")), "SignatureDoesNotMatch"),
        (signed("s3", "s3", "PUT", "/b/k", {"x-amz-checksum-crc32": "AAAAAA=="}, DATA), "BadDigest"),
        (signed("s3", "s3", "PUT", "/b/k", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, DATA), "BadDigest"),
        (signed("s3", "s3", "PUT", "/b/k", {"Content-MD5": "AAAA"}, DATA), "InvalidDigest"),
    ],
)
def test_payload_that_is_another(request_: HttpRequest, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        opened(request_)
    assert caught.value.code == code


def test_wrong_headers_are_refused_before_the_body_is_asked_for() -> None:
    request = signed("s3", "s3", "PUT", "/b/k", {"x-amz-checksum-crc32": "?"}, DATA)
    with pytest.raises(AwsError, match="Value for x-amz-checksum-crc32 header is invalid"):
        open_payload(request, credential_of(request, "s3"), SECRET)
