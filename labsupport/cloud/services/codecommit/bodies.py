"""Bodies of git's requests: unpacked where they are compressed, within limits, read as they come."""

import zlib
from collections.abc import AsyncIterator

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.services.codecommit.process import CHUNK


def body_of(request: HttpRequest) -> AsyncIterator[bytes]:
    """The request's body, uncompressed, in parts of no more than a few times CHUNK."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding in ("gzip", "x-gzip"):
        return _unpacked(request.parts())
    if encoding != "identity":
        raise bad(f"The body's encoding {encoding[:40]} is not known here; git sends gzip or none.", 415)
    return request.parts()


def bad(message: str, status: int = 400) -> AwsError:
    """A request that is none of git's."""
    return AwsError("BadRequest", message, status)


async def whole(source: AsyncIterator[bytes], limit: int) -> bytes:
    parts, size = [], 0
    async for part in source:
        size += len(part)
        if size > limit:
            raise bad(f"The request is larger than {limit} bytes.", 413)
        parts.append(part)
    return b"".join(parts)


async def then(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What was read already, and after it what wasn't."""
    yield first
    async for part in rest:
        yield part


async def _unpacked(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        async for part in source:
            while part:
                yield unpacker.decompress(part, CHUNK)
                part = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise bad("The body is said to be gzip and is not.") from error
