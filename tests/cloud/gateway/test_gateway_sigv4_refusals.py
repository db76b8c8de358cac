"""Everything that can be wrong with a signed request gets the code that AWS's service of that family gives."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from gateway_signers import KEY, NOW, REGION, SECRET, TOKEN, signed

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway import autherrors
from labsupport.cloud.gateway.sigv4 import Family, credential_of, verify

FAMILIES: list[Family] = ["json", "query", "s3", "ec2"]
SERVICES = {"json": "codecommit", "query": "iam", "s3": "s3", "ec2": "ec2"}
MISMATCH = {
    "json": ("InvalidSignatureException", 400),
    "query": ("SignatureDoesNotMatch", 403),
    "s3": ("SignatureDoesNotMatch", 403),
    "ec2": ("AuthFailure", 401),
}
INCOMPLETE = {
    "json": ("IncompleteSignatureException", 400),
    "query": ("IncompleteSignature", 400),
    "s3": ("AuthorizationHeaderMalformed", 400),
    "ec2": ("IncompleteSignature", 400),
}


def request_of(family: Family, **options: Any) -> HttpRequest:
    signer = "s3" if family == "s3" else "header"
    headers = {"X-Amz-Target": "A.B", "Content-Type": "text/plain"}
    return signed(signer, SERVICES[family], "PUT", "/b/k?a=1&b=2", headers, b"body", token=TOKEN, **options)


def presigned(**options: Any) -> HttpRequest:
    return signed("s3 presigned", "s3", "GET", "/b/k?versionId=1", body=b"", token=TOKEN, **options)


def refused(request: HttpRequest, family: Family, secret: str = SECRET, **options: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        authenticate(request, family, secret, **options)
    return caught.value


def authenticate(request: HttpRequest, family: Family, secret: str, now: datetime = NOW, **options: Any) -> None:
    claim = credential_of(request, family)
    assert claim is not None
    verify(request, claim, secret, now, family, **options)


def seen(error: AwsError) -> tuple[str, int | None]:
    return error.code, error.status


def with_header(name: str, value: str) -> Callable[[HttpRequest], HttpRequest]:
    return lambda request: replace(request, headers=request.headers | {name: value})


TAMPERED: dict[str, Callable[[HttpRequest], HttpRequest]] = {
    "method": lambda r: replace(r, method="POST"),
    "path": lambda r: replace(r, raw_path="/b/l"),
    "path's case": lambda r: replace(r, raw_path="/B/k"),
    "query value": lambda r: replace(r, query="a=1&b=3"),
    "query added": lambda r: replace(r, query=r.query + "&c=1"),
    "query removed": lambda r: replace(r, query="a=1"),
    "header value": with_header("x-amz-target", "A.C"),
    "host": with_header("host", "elsewhere:4566"),
    "content type": with_header("content-type", "text/html"),
    "token": with_header("x-amz-security-token", TOKEN + "x"),
    "time": with_header("x-amz-date", "20260304T050608Z"),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("part", TAMPERED)
def test_altered_part(part: str, family: Family) -> None:
    assert seen(refused(TAMPERED[part](request_of(family)), family)) == MISMATCH[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_secret(family: Family) -> None:
    assert seen(refused(request_of(family), family, SECRET + "x")) == MISMATCH[family]


@pytest.mark.parametrize("family", ["json", "query", "ec2"])
def test_another_body(family: Family) -> None:
    assert seen(refused(replace(request_of(family), body=b"other"), family)) == MISMATCH[family]


@pytest.mark.parametrize("family", ["json", "query", "ec2"])
def test_another_body_under_the_old_hash(family: Family) -> None:
    # A declared hash must not stand in for the body's own.
    request = signed("header", SERVICES[family], headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert seen(refused(request, family)) == MISMATCH[family]


def test_another_body_to_s3() -> None:
    error = refused(replace(request_of("s3"), body=b"other"), "s3")
    assert seen(error) == ("XAmzContentSHA256Mismatch", 400)
    assert set(error.members) == {"ClientComputedContentSHA256", "S3ComputedContentSHA256"}


def test_s3_tells_what_it_signed() -> None:
    error = refused(replace(request_of("s3"), raw_path="/b/other"), "s3")
    assert error.message.endswith("Check your key and signing method.")
    assert error.members["AWSAccessKeyId"] == KEY
    assert error.members["CanonicalRequest"].startswith("PUT\n/b/other\na=1&b=2\n")
    assert error.members["StringToSign"].startswith("AWS4-HMAC-SHA256\n20260304T050607Z\n")
    assert error.members["StringToSignBytes"].startswith("41 57 53 34")
    assert error.members["SignatureProvided"] in request_of("s3").headers["authorization"]


def test_json_services_tell_what_they_signed() -> None:
    message = refused(request_of("json"), "json", "wrong").message
    assert "The Canonical String for this request should have been\n'PUT\n/b/k\na=1&b=2\n" in message
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20260304T050607Z" in message


UNSIGNED_HEADERS = {
    "json": ("InvalidSignatureException", "'X-Amz-Acl' must be a 'SignedHeader' in the AWS Authorization."),
    "query": ("SignatureDoesNotMatch", "'X-Amz-Acl' must be a 'SignedHeader' in the AWS Authorization."),
    "s3": ("AccessDenied", "There were headers present in the request which were not signed"),
}


@pytest.mark.parametrize("family", UNSIGNED_HEADERS)
def test_header_added_after_signing(family: Family) -> None:
    error = refused(with_header("x-amz-acl", "public-read")(request_of(family)), family)
    assert (error.code, error.message) == UNSIGNED_HEADERS[family]
    assert error.members.get("HeadersNotSigned") == ("x-amz-acl" if family == "s3" else None)


def test_header_added_to_a_presigned_url() -> None:
    error = refused(with_header("x-amz-acl", "public-read")(presigned()), "s3")
    assert (error.code, error.members["HeadersNotSigned"]) == ("AccessDenied", "x-amz-acl")


@pytest.mark.parametrize(
    ("family", "code"),
    [("json", "InvalidSignatureException"), ("query", "SignatureDoesNotMatch"), ("s3", "AccessDenied")],
)
def test_host_must_be_signed(family: Family, code: str) -> None:
    request = request_of(family)
    unhosted = request.headers["authorization"].replace("host;", "")
    error = refused(with_header("authorization", unhosted)(request), family)
    assert error.code == code
    assert "host" in (error.message + str(error.members)).lower()


SCOPES = [
    ("json", {"service": "kms"}, MISMATCH["json"], "Credential should be scoped to correct service: 'kms'. "),
    ("json", {"region": "us-east-1"}, MISMATCH["json"], f"scoped to a valid region, not '{REGION}'. "),
    ("query", {"service": "sts"}, MISMATCH["query"], "Credential should be scoped to correct service: 'sts'. "),
    ("s3", {"service": "s3express"}, INCOMPLETE["s3"], 'incorrect service "s3". This endpoint belongs to "s3express".'),
    ("s3", {"region": "us-east-1"}, INCOMPLETE["s3"], f"the region '{REGION}' is wrong; expecting 'us-east-1'"),
]


@pytest.mark.parametrize(("family", "expected", "refusal", "text"), SCOPES)
def test_scope_of_another_service_or_region(
    family: Family, expected: dict[str, str], refusal: tuple[str, int], text: str
) -> None:
    error = refused(request_of(family), family, **expected)
    assert seen(error) == refusal
    assert text in error.message


def edited(family: Family, old: str, new: str) -> HttpRequest:
    request = request_of(family)
    assert old in request.headers["authorization"]
    return with_header("authorization", request.headers["authorization"].replace(old, new))(request)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("json", "'20260303' != '20260304', from '20260304T050607Z'."),
        ("s3", 'Invalid credential date "20260303". This date is not the same as X-Amz-Date: "20260304".'),
    ],
)
def test_scope_of_another_day(family: Family, text: str) -> None:
    assert text in refused(edited(family, "/20260304/", "/20260303/"), family).message


MALFORMED = [
    ("Credential=", "Credentials=", "Authorization header requires 'Credential' parameter.", "missing Credential."),
    (", SignedHeaders=", ", SignedHeaders", "not a valid key=value pair (missing equal-sign)", "component"),
    ("/aws4_request", "", "Credential must have exactly 5 slash-delimited elements", "the Credential is mal-formed"),
    (f"/{REGION}/", "/", "Credential must have exactly 5 slash-delimited elements", "the Credential is mal-formed"),
    (f"/{REGION}/", "//", "Credential must have exactly 5 slash-delimited elements", "the Credential is mal-formed"),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("old", "new", "text", "s3_text"), MALFORMED)
def test_malformed_header(family: Family, old: str, new: str, text: str, s3_text: str) -> None:
    error = refused(edited(family, old, new), family)
    assert seen(error) == INCOMPLETE[family]
    assert (s3_text if family == "s3" else text) in error.message


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_terminator(family: Family) -> None:
    error = refused(edited(family, "aws4_request", "aws5_request"), family)
    assert seen(error) == (INCOMPLETE if family == "s3" else MISMATCH)[family]


SCHEMES = [
    ("json", "AWS4-HMAC-SHA25 Credential=a", ("IncompleteSignatureException", 400)),
    ("json", "Basic YTpi", ("MissingAuthenticationTokenException", 400)),
    ("query", "Bearer abc", ("MissingAuthenticationToken", 403)),
    ("ec2", "Bearer abc", ("MissingParameter", 400)),
    ("s3", "Bearer abc", ("InvalidArgument", 400)),
    ("s3", f"AWS {KEY}:c2lnbmF0dXJl", ("InvalidRequest", 400)),
    ("s3", "AWS4-ECDSA-P256-SHA256 Credential=a", ("NotSimulated", 501)),
    ("s3", "AWS4-HMAC-SHA256", ("AuthorizationHeaderMalformed", 400)),
    ("query", "AWS4-HMAC-SHA256", ("IncompleteSignature", 400)),
]


@pytest.mark.parametrize(("family", "header", "refusal"), SCHEMES)
def test_other_schemes(family: Family, header: str, refusal: tuple[str, int]) -> None:
    assert seen(refused(with_header("authorization", header)(request_of(family)), family)) == refusal


@pytest.mark.parametrize(
    "date", [None, "yesterday", "20260304", "20261304T050607Z", "99991231T235959Z", "2026٠304T050607Z"]
)
@pytest.mark.parametrize(
    ("family", "refusal"), [("query", INCOMPLETE["query"]), ("json", INCOMPLETE["json"]), ("s3", ("AccessDenied", 403))]
)
def test_time_that_is_none(family: Family, refusal: tuple[str, int], date: str | None) -> None:
    request = request_of(family)
    headers = {name: value for name, value in request.headers.items() if name != "x-amz-date"}
    request = replace(request, headers=headers | ({"x-amz-date": date} if date else {}))
    assert seen(refused(request, family)) == refusal


@pytest.mark.parametrize(
    ("family", "refusal"), [("json", MISMATCH["json"]), ("query", MISMATCH["query"]), ("s3", ("InvalidArgument", 400))]
)
def test_claim_in_header_and_query(family: Family, refusal: tuple[str, int]) -> None:
    request = replace(request_of(family), query=presigned().query)
    assert seen(refused(request, family)) == refusal


QUERY_EDITS = [
    ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1", 'only supports "AWS4-HMAC-SHA256'),
    ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=", "requires the X-Amz-Algorithm"),
    ("X-Amz-Expires=3600", "X-Amz-Expires=604801", "must be less than a week (in seconds)"),
    ("X-Amz-Expires=3600", "X-Amz-Expires=" + "9" * 5000, "must be less than a week (in seconds)"),
    ("X-Amz-Expires=3600", "X-Amz-Expires=-1", "must be non-negative"),
    ("X-Amz-Expires=3600", "X-Amz-Expires=--1", "should be a number"),
    ("X-Amz-Expires=3600", "X-Amz-Expires=soon", "should be a number"),
    ("X-Amz-Expires=3600", "x", "requires the X-Amz-Algorithm"),
    ("X-Amz-Algorithm", "X-Amz-Algorith", "requires the X-Amz-Algorithm"),
    ("X-Amz-Signature", "X-Amz-Signatur", "requires the X-Amz-Algorithm"),
    ("X-Amz-Date=20260304T050607Z", "X-Amz-Date=20260304", "ISO8601 Long Format"),
    ("aws4_request", "aws5_request", 'incorrect terminal "aws5_request"'),
    ("%2Fs3%2F", "%2F", "the Credential is mal-formed"),
    ("%2F20260304%2F", "%2F2026%2F", 'incorrect date format "2026"'),
]


@pytest.mark.parametrize(("old", "new", "text"), QUERY_EDITS)
def test_malformed_presigned_url_of_s3(old: str, new: str, text: str) -> None:
    request = presigned()
    assert old in request.query
    error = refused(replace(request, query=request.query.replace(old, new)), "s3")
    assert seen(error) == ("AuthorizationQueryParametersError", 400)
    assert text in error.message


@pytest.mark.parametrize(
    ("old", "new"), [("versionId=1", "versionId=2"), ("X-Amz-Expires=3600", "X-Amz-Expires=3601"), ("%3D%3D", "%3D")]
)
def test_altered_presigned_url(old: str, new: str) -> None:
    request = presigned()
    assert old in request.query
    assert seen(refused(replace(request, query=request.query.replace(old, new)), "s3")) == MISMATCH["s3"]


@pytest.mark.parametrize("missing", ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"])
@pytest.mark.parametrize("family", ["json", "query"])
def test_incomplete_presigned_url_elsewhere(family: Family, missing: str) -> None:
    request = signed("presigned", "iam", "GET", "/?Action=GetUser", body=b"")
    error = refused(replace(request, query=request.query.replace(missing + "=", "Other=")), family)
    assert seen(error) == INCOMPLETE[family]
    assert f"'{missing}'" in error.message


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "InvalidRequest"),
        ("", "InvalidArgument"),
        ("abc", "InvalidArgument"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "NotSimulated"),
    ],
)
def test_s3_must_be_told_of_the_body(value: str | None, code: str) -> None:
    request = request_of("s3")
    headers = {name: text for name, text in request.headers.items() if name != "x-amz-content-sha256"}
    if value is not None:
        headers["x-amz-content-sha256"] = value
    assert refused(replace(request, headers=headers), "s3").code == code


CODES = {
    autherrors.missing_token: [
        ("json", "MissingAuthenticationTokenException", 400),
        ("query", "MissingAuthenticationToken", 403),
        ("s3", "AccessDenied", 403),
        ("ec2", "MissingParameter", 400),
    ],
    autherrors.unknown_key: [
        ("json", "UnrecognizedClientException", 400),
        ("query", "InvalidClientTokenId", 403),
        ("s3", "InvalidAccessKeyId", 403),
        ("ec2", "AuthFailure", 401),
    ],
    autherrors.expired_token: [
        ("json", "ExpiredTokenException", 400),
        ("query", "ExpiredToken", 403),
        ("s3", "ExpiredToken", 400),
        ("ec2", "RequestExpired", 400),
    ],
    autherrors.invalid_token: [
        ("json", "UnrecognizedClientException", 400),
        ("query", "InvalidClientTokenId", 403),
        ("s3", "InvalidToken", 400),
        ("ec2", "AuthFailure", 401),
    ],
}


@pytest.mark.parametrize("make", CODES)
def test_codes_of_keys_and_tokens(make: Callable[..., AwsError]) -> None:
    arguments = [] if make is autherrors.missing_token else ["value"]
    made = [make(family, *arguments) for family, *_ in CODES[make]]
    assert [(e.code, e.status) for e in made] == [(code, status) for _, code, status in CODES[make]]
    assert all(error.message for error in made)


def test_a_stream_unread_is_for_s3_alone() -> None:
    async def body() -> Any:
        yield b"body"

    with pytest.raises(ValueError, match="has to be read before"):
        refused(replace(request_of("json"), stream=body()), "json")
    request = replace(request_of("s3"), body=b"", stream=body())
    authenticate(request, "s3", SECRET)
