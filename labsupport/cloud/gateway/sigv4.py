"""Signature Version 4, verified (AWS: "Signature Version 4 signing process").

`credential_of` reads what a request claims; the caller finds the secret; `verify` refuses with AWS's error unless the
signature is right, current, and for this very request. Both are pure. The order of checks is AWS's: time, signed
headers, scope, signature, body. To look a key up only after time and scope are found right, as AWS does, call
`check_claim` and `check_signature` in place of `verify`.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.signing import ALGORITHM, signature
from labsupport.cloud.gateway.autherrors import (
    Family,
    expired_token,
    invalid_token,
    missing_token,
    refusal,
    unknown_key,
)
from labsupport.cloud.gateway.authheader import header_claim
from labsupport.cloud.gateway.canonical import (
    canonical_request,
    respelt_path,
    respelt_query,
    signed_path,
    signed_query,
)
from labsupport.cloud.gateway.claim import Claim
from labsupport.cloud.gateway.claimcheck import check_claim
from labsupport.cloud.gateway.declared import EMPTY_SHA256, check_payload, declared_payload
from labsupport.cloud.gateway.presigned import presigned_claim
from labsupport.cloud.gateway.sigv2 import is_v2, v2_claim, verify_v2

__all__ = [
    "Claim",
    "Family",
    "check_claim",
    "check_payload",
    "check_signature",
    "credential_of",
    "declared_payload",
    "expired_token",
    "family_hint",
    "invalid_token",
    "missing_token",
    "sign",
    "signature_mismatch",
    "unknown_key",
    "verify",
]


def credential_of(request: HttpRequest, family: Family | None = None) -> Claim | None:
    """What the request claims; None for an anonymous one (whether that will do is the caller's to decide).

    `family` picks the errors for a claim that can't be read, and is guessed from the request if not given:
    IncompleteSignature (JSON: IncompleteSignatureException); S3: AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError; MissingAuthenticationToken for another scheme.
    """
    header = request.headers.get("authorization")
    query = request.query
    if not header and not query:
        return None
    family = family or family_hint(request)
    presigned = "X-Amz-Signature=" in query or "X-Amz-Algorithm=" in query
    v2 = family == "s3" and is_v2(query)
    if header and (presigned or v2):
        raise _claimed_twice(family, header)
    if header:
        return header_claim(request, header, family)
    if presigned:
        return presigned_claim(request, family)
    return v2_claim(request) if v2 else None


def family_hint(request: HttpRequest) -> Family:
    """The family that a request is for, as far as its outside shows, before any of it has been believed."""
    headers = request.headers
    if "x-amz-target" in headers:
        return "json"
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if not is_form and "Action=" not in request.query:
        return "s3"
    ec2 = "/ec2/" in headers.get("authorization", "") or "%2Fec2%2F" in request.query
    return "ec2" if ec2 else "query"


def verify(
    request: HttpRequest,
    claim: Claim,
    secret: str,
    now: datetime,
    family: Family,
    *,
    payload_hash: str | None = None,
    service: str = "",
    region: str = "",
) -> None:
    """Raise AWS's error unless the claim holds for this request.

    `payload_hash` is the body's SHA-256 in hex, where the caller has it already; else it is taken from
    `request.body`, except that of an upload to S3: that one has to be read through `payload.open_payload` afterwards,
    which checks it. `service` and `region`, where given, are the only ones whose scope is accepted.
    """
    if claim.form == "presigned v2":
        if family != "s3":
            raise missing_token(family)
        return verify_v2(request, claim, secret, now)
    check_claim(request, claim, now, family, service=service, region=region)
    return check_signature(request, claim, secret, family, payload_hash=payload_hash)


def check_signature(
    request: HttpRequest, claim: Claim, secret: str, family: Family, *, payload_hash: str | None = None
) -> None:
    """The part of `verify` that needs the secret: the signature, and that it covers this body."""
    s3 = family == "s3"
    body_hash = payload_hash or _body_hash(request, s3)
    declared = declared_payload(request, claim) if s3 else body_hash
    tried = []
    for path, query in _spellings(request, s3):
        canonical = canonical_request(request.method, path, query, request.headers, claim.signed_headers, declared)
        text = string_to_sign(claim, canonical)
        if hmac.compare_digest(sign(claim, secret, text).encode(), claim.signature.encode()):
            break
        tried.append((text, canonical))
    else:
        raise signature_mismatch(claim, family, *tried[0])
    if s3 and body_hash:
        check_payload(declared, body_hash)


def string_to_sign(claim: Claim, canonical: str) -> str:
    """What the signing key signs: algorithm, time, scope, and the hash of the canonical request."""
    return f"{ALGORITHM}\n{claim.timestamp}\n{claim.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def sign(claim: Claim, secret: str, text: str) -> str:
    """The signature in hex of a string to sign, under the claim's scope."""
    return signature(secret, claim.date, claim.region, claim.service, text.encode())


def signature_mismatch(claim: Claim, family: Family, text: str, canonical: str = "") -> AwsError:
    """The refusal of a wrong signature, with what the family tells to help a client find its mistake."""
    if family == "s3":
        return refusal("mismatch", family, **_s3_details(claim, text, canonical))
    if family == "json":
        usual = refusal("mismatch", family).message
        hint = f"The Canonical String for this request should have been\n'{canonical}'"
        return refusal("mismatch", family, f"{usual}\n\n{hint}\n\nThe String-to-Sign should have been\n'{text}'\n")
    return refusal("mismatch", family)


def _spellings(request: HttpRequest, s3: bool) -> Iterator[tuple[str, str]]:
    """The path and query as sent, then in AWS's own percent-encoding, if that differs.

    Clients differ in which characters they leave bare; AWS decodes and encodes again before it signs. The two
    spellings mean the same request, so taking either one opens nothing.
    """
    sent = signed_path(request.raw_path, s3), signed_query(request.query)
    yield sent
    path = respelt_path(request.raw_path) if s3 else sent[0]
    respelt = path, signed_query(respelt_query(request.query))
    if respelt != sent:
        yield respelt


def _body_hash(request: HttpRequest, s3: bool) -> str:
    """The SHA-256 of a body that has been read; empty for an upload's, which is read later."""
    if request.stream is None and not request.is_upload:
        return hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256
    if not s3:
        raise ValueError("a body has to be read before its request is verified; only S3's may be read later")
    return ""


def _s3_details(claim: Claim, text: str, canonical: str) -> dict[str, str]:
    details = {
        "AWSAccessKeyId": claim.access_key,
        "StringToSign": text,
        "SignatureProvided": claim.signature,
        "StringToSignBytes": text.encode().hex(" "),
    }
    if canonical:
        details |= {"CanonicalRequest": canonical, "CanonicalRequestBytes": canonical.encode().hex(" ")}
    return details


def _claimed_twice(family: Family, header: str) -> AwsError:
    if family == "s3":
        message = (
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
            "parameter or the Authorization header should be specified"
        )
        return AwsError("InvalidArgument", message, 400, ArgumentName="Authorization", ArgumentValue=header)
    text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    return refusal("mismatch", family, text)
