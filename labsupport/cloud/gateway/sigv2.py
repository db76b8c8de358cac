"""S3 URLs presigned with Signature Version 2 (AWS: "Signing and authenticating REST requests").

boto3 and the AWS CLI still presign so in the older regions, us-east-1 among them, unless configured otherwise.
Version 2 signs neither the body nor most of the query; AWS takes it in a header no more, and neither does the lab.
"""

import base64
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import unquote

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.autherrors import refusal
from labsupport.cloud.gateway.claim import Claim
from labsupport.cloud.gateway.presigned import denied, query_pairs

_LATEST = 253_402_300_799  # the last second of the year 9999
_MISSING = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
# The parameters that are signed, since they change what a URL means.
_SIGNED = (
    " accelerate acl analytics cors delete encryption inventory lifecycle location logging metrics notification "
    "object-lock partNumber policy replication requestPayment response-cache-control response-content-disposition "
    "response-content-encoding response-content-language response-content-type response-expires restore select "
    "select-type storageClass tagging torrent uploadId uploads versionId versioning versions website "
)


def is_v2(query: str) -> bool:
    """Whether a query has a signature of version 2, or a part of one."""
    return "AWSAccessKeyId=" in query or query.startswith("Signature=") or "&Signature=" in query


def v2_claim(request: HttpRequest) -> Claim:
    """The claim in an S3 URL of version 2; AccessDenied for one that is incomplete."""
    pairs = query_pairs(request.query)
    key, signature, expires = (pairs.get(name, "") for name in ("AWSAccessKeyId", "Signature", "Expires"))
    if not (key and signature and expires):
        raise AwsError("AccessDenied", _MISSING, 403)
    if not re.fullmatch(r"\d{1,18}", expires, re.ASCII):
        raise AwsError("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}", 403)
    token = request.headers.get("x-amz-security-token") or pairs.get("x-amz-security-token")
    return Claim("presigned v2", key, "", "", "s3", "", signature, "", token, min(int(expires), _LATEST))


def verify_v2(request: HttpRequest, claim: Claim, secret: str, now: datetime) -> None:
    """AccessDenied for a URL that has expired, SignatureDoesNotMatch for one that the secret didn't sign."""
    ends = datetime.fromtimestamp(claim.expires or 0, UTC)
    if now > ends:
        raise denied("Request has expired", ends, now, {})
    text = _string_to_sign(request)
    mac = hmac.digest(secret.encode(), text.encode(), "sha1")
    if not hmac.compare_digest(base64.b64encode(mac), claim.signature.encode()):
        raise refusal(
            "mismatch",
            "s3",
            AWSAccessKeyId=claim.access_key,
            StringToSign=text,
            SignatureProvided=claim.signature,
            StringToSignBytes=text.encode().hex(" "),
        )


def _string_to_sign(request: HttpRequest) -> str:
    # The client puts the headers that it signed into the query; those that come as headers win.
    pairs = query_pairs(request.query)
    sent = {name.lower(): value for name, value in pairs.items()} | request.headers
    lines = [request.method, sent.get("content-md5", ""), sent.get("content-type", ""), pairs["Expires"]]
    lines += [f"{name}:{sent[name].strip()}" for name in sorted(sent) if name.startswith("x-amz-")]
    return "\n".join([*lines, _resource(request)])


def _resource(request: HttpRequest) -> str:
    parts = [part.split("=", 1) for part in request.query.split("&")]
    signed = ["=".join([name, *map(unquote, value)]) for name, *value in sorted(parts) if f" {name} " in _SIGNED]
    return request.raw_path + ("?" + "&".join(signed) if signed else "")
