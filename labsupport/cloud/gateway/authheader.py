"""The Authorization header of Signature Version 4, read into a claim (AWS: "Authorization header")."""

import base64
import hashlib
import re

from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.signing import ALGORITHM, instant
from labsupport.cloud.gateway.autherrors import Family, missing_token, refusal
from labsupport.cloud.gateway.claim import Claim, from_http_date, s3_malformed, split_credential

_USUAL = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_.-]+), *Signature=([0-9a-f]{64})",
    re.ASCII,
)
_PARTS = ("Credential", "Signature", "SignedHeaders")


def header_claim(request: HttpRequest, header: str, family: Family) -> Claim:
    """The claim in an Authorization header.

    Errors: the family's IncompleteSignature (S3: AuthorizationHeaderMalformed) for one that can't be read,
    MissingAuthenticationToken for another scheme.
    """
    usual = _USUAL.fullmatch(header)
    key, date, region, service, signed, signature = usual.groups() if usual else _parse(header, family)
    timestamp = _timestamp(request.headers, family, header)
    token = request.headers.get("x-amz-security-token")
    return Claim("header", key, date, region, service, signed, signature, timestamp, token)


def _parse(header: str, family: Family) -> tuple[str, str, str, str, str, str]:
    """The slow way, for headers that deviate from the usual form: they are in another order, or wrong."""
    _check_algorithm(header, family)
    found = {}
    for part in header.strip()[len(ALGORITHM) :].split(","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise _not_a_pair(part.strip(), header, family)
        found[name] = value.strip()
    absent = [name for name in _PARTS if not found.get(name)]
    if absent:
        raise _absent(absent, found, header, family)
    credential = split_credential(found["Credential"], "header", family)
    return *credential, found["SignedHeaders"].lower(), found["Signature"]


def _check_algorithm(header: str, family: Family) -> None:
    name = header.strip().split(" ", 1)[0]
    if name == ALGORITHM:
        return
    if name.startswith("AWS4-ECDSA-P256-SHA256"):
        raise not_simulated("Signature Version 4A")
    if family == "s3":
        raise _s3_scheme(name, header)
    if not name.startswith("AWS4-"):
        raise missing_token(family)
    raise refusal("incomplete", family, f"Unsupported AWS 'algorithm': '{name}' (only {ALGORITHM} for now). ")


def _s3_scheme(name: str, header: str) -> AwsError:
    if name == "AWS":
        message = f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
        return AwsError("InvalidRequest", message, 400)
    message = "Unsupported Authorization Type"
    return AwsError("InvalidArgument", message, 400, ArgumentName="Authorization", ArgumentValue=header)


def _not_a_pair(part: str, header: str, family: Family) -> AwsError:
    if family == "s3":
        return s3_malformed("header", f'the authorization component "{part}" is malformed.')
    text = f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
    return refusal("incomplete", family, text)


def _absent(absent: list[str], found: dict[str, str], header: str, family: Family) -> AwsError:
    if family == "s3" and len(found) == len(_PARTS):
        return s3_malformed("header", f"missing {absent[0]}.")
    if family == "s3":
        needs = "the authorization header requires three components: Credential, SignedHeaders, and Signature."
        return s3_malformed("header", needs)
    needs = " ".join(f"Authorization header requires '{name}' parameter." for name in absent)
    return refusal("incomplete", family, f"{needs} {_hashed(header)}")


def _hashed(header: str) -> str:
    # AWS once echoed the header itself; its hash lets a client recognise it without showing it.
    digest = base64.b64encode(hashlib.sha256(header.encode()).digest()).decode()
    return f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}"


def _timestamp(headers: dict[str, str], family: Family, header: str) -> str:
    """When the request says it was signed: X-Amz-Date, or else Date in either of its forms."""
    text = headers.get("x-amz-date") or headers.get("date")
    if text and instant(text):
        return text
    if text and "x-amz-date" not in headers and (moment := from_http_date(text)) and instant(moment):
        return moment
    raise _bad_date(text, family, header)


def _bad_date(text: str | None, family: Family, header: str) -> AwsError:
    if family == "s3":
        return AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
    if text is None:
        needs = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        return refusal("incomplete", family, f"{needs} {_hashed(header)}")
    reference = "See http://en.wikipedia.org/wiki/ISO_8601"
    return refusal("incomplete", family, f"Date must be in ISO-8601 'basic format'. Got '{text}'. {reference}")
