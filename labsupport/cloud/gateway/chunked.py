"""aws-chunked bodies: an upload in pieces, signed one by one or not, with checksums at the end or not.

Each piece is `size-in-hex[;chunk-signature=…]` CRLF data CRLF; a piece of size 0 ends them, then come trailing headers
(AWS: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").
"""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from labsupport.cloud.core.checksums import PREFIX, Hasher, announced, bad_checksum, decode_checksum
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.gateway.claim import Claim
from labsupport.cloud.gateway.declared import EMPTY_SHA256
from labsupport.cloud.gateway.sigv4 import sign, signature_mismatch

SMALLEST = 8192  # bytes of every chunk but the last
_LONGEST_LINE = 16_384
_TRAILER_SIGNATURE = "x-amz-trailer-signature"
_HEAD = re.compile(rb"([0-9a-fA-F]{1,15})(?:;chunk-signature=([0-9a-f]{64}))?", re.ASCII)

# Takes "PAYLOAD" or "TRAILER", the SHA-256 in hex of what is signed, and its signature; raises if that is wrong.
VerifyChunk = Callable[[str, str, str], None]


@dataclass(slots=True)
class _Reader:
    """A stream that can be read by lines and by lengths."""

    stream: AsyncIterator[bytes]
    buffer: bytes = b""


@dataclass(slots=True)
class _Progress:
    """What has been decoded so far."""

    length: int  # of the whole payload, as declared
    hashers: dict[str, Hasher]  # by the names of the trailing headers announced
    total: int = 0
    chunks: int = 0
    last: int = SMALLEST  # the size of the chunk before


def chunk_verifier(claim: Claim, secret: str) -> VerifyChunk:
    """The check of chunk signatures, each of which covers the one before, the first the request's own."""
    previous = claim.signature

    def check(kind: str, digest: str, signature: str) -> None:
        nonlocal previous
        signed = f"{EMPTY_SHA256}\n{digest}" if kind == "PAYLOAD" else digest
        text = f"AWS4-HMAC-SHA256-{kind}\n{claim.timestamp}\n{claim.scope}\n{previous}\n{signed}"
        if not hmac.compare_digest(sign(claim, secret, text).encode(), signature.encode()):
            raise signature_mismatch(claim, "s3", text)
        previous = signature

    return check


def decode(
    stream: AsyncIterator[bytes],
    request_headers: Mapping[str, str],
    verify_chunk: VerifyChunk | None,
    trailers: dict[str, str] | None = None,
) -> AsyncIterator[bytes]:
    """The payload of an aws-chunked body; without `verify_chunk`, signatures of chunks are not looked at.

    `trailers` receives the trailing headers, checked, when the payload has ended; what was yielded may be kept only
    then. Errors: MissingContentLength and InvalidRequest at once, for the headers; on the way IncompleteBody,
    InvalidChunkSizeError, SignatureDoesNotMatch, MalformedTrailerError, BadDigest.
    """
    progress = _Progress(_decoded_length(request_headers), announced(request_headers))
    return _decode(_Reader(stream), progress, verify_chunk, trailers)


async def _decode(
    reader: _Reader, progress: _Progress, verify_chunk: VerifyChunk | None, trailers: dict[str, str] | None
) -> AsyncIterator[bytes]:
    size = -1
    while size:
        size, signature = _head(await _line(reader))
        _check_size(progress, size)
        digest = hashlib.sha256()
        async for part in _take(reader, size):
            if verify_chunk:
                digest.update(part)
            for running in progress.hashers.values():
                running.update(part)
            yield part
        if verify_chunk:
            verify_chunk("PAYLOAD", digest.hexdigest(), signature)
        if size and await _line(reader):
            raise _incomplete()
    if progress.total != progress.length:
        raise _incomplete()
    found = await _trailing(reader, verify_chunk)
    _check_trailers(found, progress.hashers)
    if trailers is not None:
        trailers.update(found)


def _decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length", "")
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    return int(text)


def _head(line: bytes) -> tuple[int, str]:
    match = _HEAD.fullmatch(line)
    if not match:
        raise _incomplete()
    return int(match[1], 16), (match[2] or b"").decode()


def _check_size(progress: _Progress, size: int) -> None:
    if size and progress.last < SMALLEST:
        message = f"Only the last chunk is allowed to have a size less than {SMALLEST} bytes"
        chunk, bad = str(progress.chunks), str(progress.last)
        raise AwsError("InvalidChunkSizeError", message, 403, Chunk=chunk, BadChunkSize=bad)
    progress.chunks, progress.last, progress.total = progress.chunks + 1, size, progress.total + size
    if progress.total > progress.length:
        raise _incomplete()


async def _trailing(reader: _Reader, verify_chunk: VerifyChunk | None) -> dict[str, str]:
    """The trailing headers, up to an empty line or the end; each belongs to the signature that comes last."""
    found: dict[str, str] = {}
    while line := (await _line(reader, at_end=b"")).strip():
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise _malformed_trailer()
        found[name.strip().lower()] = value.strip()
    signature = found.pop(_TRAILER_SIGNATURE, "")
    if verify_chunk and (found or signature):
        signed = "".join(f"{name}:{value}\n" for name, value in sorted(found.items()))
        verify_chunk("TRAILER", hashlib.sha256(signed.encode()).hexdigest(), signature)
    return found


def _check_trailers(found: dict[str, str], hashers: dict[str, Hasher]) -> None:
    if set(hashers) - set(found) or any(name.startswith(PREFIX) and name not in hashers for name in found):
        raise _malformed_trailer()
    for name, running in hashers.items():
        if decode_checksum(name, found[name], "trailing header") != running.digest():
            raise bad_checksum(name.removeprefix(PREFIX).upper())


async def _more(reader: _Reader) -> bool:
    block = await anext(reader.stream, None)
    reader.buffer += block or b""
    return block is not None


async def _line(reader: _Reader, at_end: bytes | None = None) -> bytes:
    """The bytes up to the next CRLF; where the stream ends first, `at_end`, or else IncompleteBody."""
    while b"\r\n" not in reader.buffer:
        if len(reader.buffer) > _LONGEST_LINE:
            raise _incomplete()
        if not await _more(reader):
            if at_end is None:
                raise _incomplete()
            rest, reader.buffer = reader.buffer, b""
            return rest or at_end
    line, _, reader.buffer = reader.buffer.partition(b"\r\n")
    return line


async def _take(reader: _Reader, size: int) -> AsyncIterator[bytes]:
    while size:
        if not reader.buffer and not await _more(reader):
            raise _incomplete()
        part, reader.buffer = reader.buffer[:size], reader.buffer[size:]
        size -= len(part)
        if part:
            yield part


def _incomplete() -> AwsError:
    return AwsError("IncompleteBody", "The request body terminated unexpectedly", 400)


def _malformed_trailer() -> AwsError:
    message = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return AwsError("MalformedTrailerError", message, 400)
