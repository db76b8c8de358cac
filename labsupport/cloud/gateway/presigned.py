"""Presigned URLs: the claim stands in the query (AWS: "Authenticating Requests: Using Query Parameters")."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.signing import ALGORITHM, instant
from labsupport.cloud.gateway.autherrors import Family, missing_token, refusal
from labsupport.cloud.gateway.claim import Claim, split_credential

WEEK = 604_800
_NEEDED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")


def query_pairs(query: str) -> dict[str, str]:
    """The query's parameters, decoded; of a name given twice, the first."""
    pairs: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        pairs.setdefault(unquote_plus(name), unquote_plus(value))
    return pairs


def presigned_claim(request: HttpRequest, family: Family) -> Claim:
    """The claim in a presigned URL; errors are the family's IncompleteSignature, or S3's own."""
    pairs = query_pairs(request.query)
    _check_parts(pairs, family)
    timestamp = pairs["X-Amz-Date"]
    if instant(timestamp) is None:
        raise _bad_date(timestamp, family)
    credential = split_credential(pairs["X-Amz-Credential"], "presigned", family)
    signed = pairs["X-Amz-SignedHeaders"].lower()
    expires = _expires(pairs.get("X-Amz-Expires"), family)
    token = pairs.get("X-Amz-Security-Token")
    return Claim("presigned", *credential, signed, pairs["X-Amz-Signature"], timestamp, token, expires)


def _check_parts(pairs: dict[str, str], family: Family) -> None:
    absent = [name for name in _NEEDED if not pairs.get(name)]
    if family == "s3" and (absent or "X-Amz-Expires" not in pairs):
        raise _s3_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    if absent:
        needs = " ".join(f"AWS query-string parameters must include '{name}'." for name in absent)
        raise refusal("incomplete", family, f"{needs} Re-examine the query-string parameters.")
    _check_algorithm(pairs["X-Amz-Algorithm"], family)


def _check_algorithm(algorithm: str, family: Family) -> None:
    if algorithm == ALGORITHM:
        return
    if algorithm == "AWS4-ECDSA-P256-SHA256":
        raise not_simulated("Signature Version 4A")
    if family == "s3":
        raise _s3_error('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    raise missing_token(family)


def _expires(text: str | None, family: Family) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"-?\d+", text, re.ASCII):
        raise _bad_expires("X-Amz-Expires should be a number", family)
    seconds = int(text[:12])  # enough digits to be too many, without a number of any length
    if seconds < 0:
        raise _bad_expires("X-Amz-Expires must be non-negative", family)
    if seconds > WEEK:
        limit = f"X-Amz-Expires must be less than {WEEK} seconds"
        week = "X-Amz-Expires must be less than a week (in seconds)"
        raise _bad_expires(f"{week}; that is, the given {limit}", family)
    return seconds


def check_s3_expiry(claim: Claim, now: datetime, signed_at: datetime, skew: timedelta) -> None:
    """AccessDenied unless the URL of version 4 is valid now; it may be `skew` ahead of the lab's clock."""
    ends = signed_at + timedelta(seconds=claim.expires or 0)
    if signed_at > now + skew:
        members = {"X-Amz-Date": str(int(signed_at.timestamp() * 1000))}
        raise denied("Request is not yet valid", ends, now, members)
    if now > ends:
        raise denied("Request has expired", ends, now, {"X-Amz-Expires": str(claim.expires)})


def _s3_error(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message, 400)


def _bad_expires(message: str, family: Family) -> AwsError:
    return _s3_error(message) if family == "s3" else refusal("incomplete", family, message)


def _bad_date(text: str, family: Family) -> AwsError:
    if family == "s3":
        return _s3_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    reference = "See http://en.wikipedia.org/wiki/ISO_8601"
    return refusal("incomplete", family, f"Date must be in ISO-8601 'basic format'. Got '{text}'. {reference}")


def denied(message: str, ends: datetime, now: datetime, members: dict[str, Any]) -> AwsError:
    """S3's refusal of a URL outside its time."""
    members = members | {"Expires": _iso(ends), "ServerTime": _iso(now)}
    return AwsError("AccessDenied", message, 403, **members)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
