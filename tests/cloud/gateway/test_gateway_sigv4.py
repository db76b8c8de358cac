"""Requests as botocore signs them are accepted, whatever their path, query, headers and body."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from gateway_signers import KEY, NOW, REGION, SECRET, TOKEN, botocore_time, signed

from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.sigv4 import Family, credential_of, family_hint, verify

ODD_PATHS = [
    "/",
    "/bucket/key",
    "/bucket/a%20b%C3%A9%2Bc",
    "/bucket//double///slash",
    "/bucket/a/../b/./c",
    "/bucket/a+b",
    "/bucket/a%2Fb",
    "/bucket/%7Etilde~",
    "/bucket/trailing/",
    "/bucket/(paren)!'*",
    "/bucket/%25%2541",
    "/bucket/...",
]
ODD_QUERIES = [
    "",
    "a",
    "a=",
    "b=2&a=1",
    "a=2&a=1&a=10",
    "list-type=2&prefix=a%2Fb%20c&delimiter=%2F",
    "a=b+c",
    "A=1&a=2&%C3%A9=3",
    "uploads",
    "k-a=1&k=2",
    "a=b=c",
]


def accepted(request: HttpRequest, family: Family, **options: Any) -> None:
    claim = credential_of(request, family)
    assert claim is not None
    assert claim.access_key == KEY
    verify(request, claim, SECRET, NOW, family, **options)


@pytest.mark.parametrize("path", ODD_PATHS)
@pytest.mark.parametrize(
    ("signer", "family", "service"),
    [("header", "json", "codecommit"), ("s3", "s3", "s3"), ("presigned", "query", "sts"), ("s3 presigned", "s3", "s3")],
)
def test_paths(signer: str, family: Family, service: str, path: str) -> None:
    accepted(signed(signer, service, "GET", path, body=b""), family)


@pytest.mark.parametrize("query", ODD_QUERIES)
@pytest.mark.parametrize(("signer", "family"), [("header", "json"), ("s3", "s3"), ("s3 presigned", "s3")])
def test_queries(signer: str, family: Family, query: str) -> None:
    accepted(signed(signer, "s3", "GET", f"/b/k?{query}", body=b""), family)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Amz-Target": "CodeCommit_20150413.GetRepository", "Content-Type": "application/x-amz-json-1.1"},
        {"X-Amz-Meta-Note": "  two   words\tand a tab  "},
        {"X-Amz-Meta-Name": "Zo\u00eb"},
        {"X-Amz-Meta-Empty": ""},
        {"User-Agent": "never signed", "Expect": "100-continue", "X-Amzn-Trace-Id": "Root=1"},
        {"Host": "bucket.s3.localhost:4566"},
    ],
)
@pytest.mark.parametrize(("signer", "family"), [("header", "json"), ("s3", "s3")])
def test_headers(signer: str, family: Family, headers: dict[str, str]) -> None:
    accepted(signed(signer, "s3", "PUT", "/b/k", headers), family)


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff" * 1000])
@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(("signer", "family"), [("header", "query"), ("s3", "s3"), ("s3 presigned", "s3")])
def test_bodies_and_tokens(signer: str, family: Family, token: str | None, body: bytes) -> None:
    request = signed(signer, "s3", "PUT", "/b/k", body=body, token=token)
    accepted(request, family)
    assert credential_of(request, family).token == token  # type: ignore[union-attr]


def test_claim_tells_who_when_and_for_what() -> None:
    claim = credential_of(signed("header", token=TOKEN), "json")
    assert claim is not None
    assert (claim.form, claim.access_key, claim.token) == ("header", KEY, TOKEN)
    assert claim.scope == f"20260304/{REGION}/codecommit/aws4_request"
    assert claim.timestamp == "20260304T050607Z"


def test_presigned_claim_has_its_life() -> None:
    claim = credential_of(signed("s3 presigned", "s3", "GET", "/b/k", body=b"", expires=77), "s3")
    assert claim is not None
    assert (claim.form, claim.expires) == ("presigned", 77)


def test_request_without_a_claim_is_anonymous() -> None:
    assert credential_of(HttpRequest("GET", "/b/k", "list-type=2", {"host": "h"}), "s3") is None


def test_http_date_in_place_of_amz_date() -> None:
    accepted(signed("header", headers={"Date": "Tue, 01 Jan 2019 00:00:00 GMT"}), "json")


def test_components_in_another_order_and_spacing() -> None:
    request = signed("header")
    scheme, parts = request.headers["authorization"].split(" ", 1)
    shuffled = ",".join(reversed(parts.split(", ")))
    request.headers["authorization"] = f"{scheme}  {shuffled}"
    accepted(request, "json")


@pytest.mark.parametrize("service", ["", "codecommit"])
@pytest.mark.parametrize("region", ["", REGION])
def test_expected_scope(service: str, region: str) -> None:
    accepted(signed("header"), "json", service=service, region=region)


def test_hash_of_a_body_computed_elsewhere() -> None:
    request = signed("s3", "s3", "PUT", "/b/k", body=b"hello")
    accepted(request, "s3", payload_hash="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_clocks_may_differ_a_little(seconds: int) -> None:
    accepted(signed("header", at=NOW + timedelta(seconds=seconds)), "json")


@pytest.mark.parametrize(
    ("request_", "family"),
    [
        (signed("header", headers={"X-Amz-Target": "A.B"}), "json"),
        (
            signed("header", "sts", headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}),
            "query",
        ),
        (signed("header", "ec2", headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}), "ec2"),
        (signed("presigned", "sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15", body=b""), "query"),
        (signed("presigned", "ec2", "GET", "/?Action=DescribeVpcs&Version=2016-11-15", body=b""), "ec2"),
        (signed("s3", "s3", "PUT", "/b/k"), "s3"),
    ],
)
def test_family_shows_from_outside(request_: HttpRequest, family: Family) -> None:
    assert family_hint(request_) == family
    accepted(request_, family_hint(request_))


CALLS = [
    ("codecommit", "create_repository", {"repositoryName": "demo"}, "json"),
    ("sts", "get_caller_identity", {}, "query"),
    ("ec2", "describe_instances", {"Filters": [{"Name": "tag:a b", "Values": ["\u00e9&="]}]}, "ec2"),
    ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "a+b/\u00e9 ~*'()", "StartAfter": "%2F"}, "s3"),
    (
        "s3",
        "put_object",
        {"Bucket": "b", "Key": "a+b//../\u00e9 ~*'()%2F:@", "Body": b"x", "Metadata": {"n": "v  w"}},
        "s3",
    ),
    (
        "s3",
        "get_object",
        {"Bucket": "b", "Key": "k", "VersionId": "a/b+c=", "ResponseContentType": "text/x; y=z"},
        "s3",
    ),
    ("s3", "delete_objects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "<&>"}]}}, "s3"),
]


@pytest.mark.parametrize(("service", "operation", "params", "family"), CALLS, ids=[f"{c[0]}.{c[1]}" for c in CALLS])
def test_calls_of_boto3(service: str, operation: str, params: dict[str, Any], family: Family) -> None:
    accepted(sent_by_boto3(service, operation, params), family)


def sent_by_boto3(service: str, operation: str, params: dict[str, Any]) -> HttpRequest:
    """The request that boto3 would send over plain HTTP."""
    client = boto3.client(
        service,
        region_name=REGION,
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        caught.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", catch)
    with botocore_time(NOW), pytest.raises(Exception):  # noqa: B017 - the answer is of no interest
        getattr(client, operation)(**params)
    return as_received(caught[0])


def as_received(request: AWSPreparedRequest) -> HttpRequest:
    target = request.url.removeprefix("http://127.0.0.1:4566")
    path, _, query = target.partition("?")
    headers = {k.lower(): v.decode() if isinstance(v, bytes) else str(v) for k, v in request.headers.items()}
    body = request.body if isinstance(request.body, bytes | str | None) else request.body.read()
    content = body.encode() if isinstance(body, str) else body or b""
    return HttpRequest(request.method, path, query, {"host": "127.0.0.1:4566"} | headers, content)
