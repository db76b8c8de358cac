"""What an S3 request declares of its body in `x-amz-content-sha256`, and whether the body is that one."""

import hashlib
import hmac
import re

from labsupport.cloud.core.checksums import Check
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.claim import Claim
from labsupport.cloud.gateway.presigned import query_pairs

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_HEADER = "x-amz-content-sha256"
_MARKERS = frozenset((UNSIGNED, UNSIGNED_TRAILER, STREAMING, STREAMING_TRAILER))
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def declared_payload(request: HttpRequest, claim: Claim) -> str:
    """What a signed request says of its body: a SHA-256 in hex, or one of the markers above.

    A presigned URL says nothing of the body, unless it signs the header. Errors: InvalidRequest, InvalidArgument.
    """
    declared = request.headers.get(_HEADER)
    if claim.form != "header" and _HEADER not in claim.signed_headers.split(";"):
        declared = query_pairs(request.query).get("X-Amz-Content-Sha256", UNSIGNED)
    if declared is None:
        raise AwsError("InvalidRequest", f"Missing required header for this request: {_HEADER}", 400)
    if declared not in _MARKERS and not _SHA256.fullmatch(declared):
        raise _undeclarable(declared)
    return declared


def check_payload(declared: str, computed: str) -> None:
    """XAmzContentSHA256Mismatch if the body is another than the one declared; markers declare none."""
    if declared not in _MARKERS and not hmac.compare_digest(declared.lower(), computed):
        raise _mismatch(declared, computed)


def _mismatch(declared: str, computed: str) -> AwsError:
    return AwsError(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        400,
        ClientComputedContentSHA256=declared,
        S3ComputedContentSHA256=computed,
    )


def payload_checks(declared: str) -> list[Check]:
    """What `check_payload` checks, for a body that is still to come."""
    if not _SHA256.fullmatch(declared):
        return []
    return [Check(hashlib.sha256(), bytes.fromhex(declared), lambda digest: _mismatch(declared, digest.hex()))]


def _undeclarable(value: str) -> AwsError:
    if value.startswith("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"):
        return not_simulated("Signature Version 4A")
    message = (
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER "
        "or a valid sha256 value."
    )
    return AwsError("InvalidArgument", message, 400, ArgumentName=_HEADER, ArgumentValue=value)
