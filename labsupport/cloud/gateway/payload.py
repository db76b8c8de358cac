"""The body of an S3 request as its caller meant it: framing off, and everything that was declared of it checked."""

from collections.abc import AsyncIterator

from labsupport.cloud.core.checksums import Whole, checks_of, watched
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.chunked import chunk_verifier, decode
from labsupport.cloud.gateway.claim import Claim
from labsupport.cloud.gateway.declared import STREAMING, STREAMING_TRAILER, UNSIGNED, declared_payload, payload_checks


def open_payload(
    request: HttpRequest, claim: Claim | None, secret: str | None, trailers: dict[str, str] | None = None
) -> AsyncIterator[bytes] | Whole:
    """The content of an upload: as it comes, or whole where it has come already.

    Checked on the way: the SHA-256 that was signed, signatures of chunks (with `secret`; None leaves them
    unverified), trailing checksums, `x-amz-checksum-*`, `Content-MD5`. The error comes instead of the end, so nothing
    that was yielded may be kept before the end. `trailers` receives the trailing headers. Headers that are wrong
    in themselves are refused at once, before the client has been asked for the body.
    """
    declared = declared_payload(request, claim) if claim else request.headers.get("x-amz-content-sha256", UNSIGNED)
    checks = checks_of(request.headers)
    if declared.startswith("STREAMING-"):
        signed = claim and secret and declared in (STREAMING, STREAMING_TRAILER)
        verify_chunk = chunk_verifier(claim, secret) if signed and claim and secret else None
        return watched(decode(request.parts(), request.headers, verify_chunk, trailers), checks)
    checks = payload_checks(declared) + checks
    return Whole(request.body, checks) if request.stream is None else watched(request.parts(), checks)
