"""S3 URLs of version 2, as boto3 presigns them by default in us-east-1."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from gateway_signers import KEY, NOW, SECRET, TOKEN, botocore_time, signed_v2

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway.sigv4 import Family, credential_of, verify


def check(request: HttpRequest, family: Family = "s3", seconds: int = 0) -> None:
    claim = credential_of(request, "s3")
    assert claim is not None
    assert (claim.form, claim.access_key, claim.service) == ("presigned v2", KEY, "s3")
    verify(request, claim, SECRET, NOW + timedelta(seconds=seconds), family)


def presigned_by_boto3(operation: str, params: dict[str, Any], token: str | None = None) -> str:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
    )
    with botocore_time(NOW):
        url: str = client.generate_presigned_url(operation, Params={"Bucket": "b", "Key": "a b/\u00e9+"} | params)
    return url


@pytest.mark.parametrize(
    ("operation", "method", "params", "headers"),
    [
        ("get_object", "GET", {}, {}),
        ("get_object", "GET", {"VersionId": "x/y+z", "ResponseContentType": "text/plain; a=b"}, {}),
        ("put_object", "PUT", {}, {}),
        ("put_object", "PUT", {"ContentType": "text/x"}, {"content-type": "text/x"}),
        ("put_object", "PUT", {"Metadata": {"note": "n"}}, {"x-amz-meta-note": "n"}),
        ("upload_part", "PUT", {"UploadId": "u", "PartNumber": 1}, {}),
        ("delete_object", "DELETE", {}, {}),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_urls_of_boto3(
    operation: str, method: str, params: dict[str, Any], headers: dict[str, str], token: str | None
) -> None:
    parts = urlsplit(presigned_by_boto3(operation, params, token))
    assert "AWSAccessKeyId=" in parts.query  # else this tests version 4
    request = HttpRequest(method, parts.path, parts.query, headers, b"any body")
    check(request)
    assert credential_of(request, "s3").token == token  # type: ignore[union-attr]


def refused(request: HttpRequest, family: Family = "s3", seconds: int = 0) -> AwsError:
    with pytest.raises(AwsError) as caught:
        check(request, family, seconds)
    return caught.value


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"raw_path": "/b/other"},
        {"headers": {"content-type": "text/other"}},
        {"headers": {"content-md5": "x"}},
        {"headers": {"x-amz-acl": "public-read"}},
    ],
)
def test_altered(change: dict[str, Any]) -> None:
    error = refused(replace(signed_v2("GET", "/b/k?versionId=1"), **change))
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert error.members["StringToSign"].endswith("?versionId=1")


@pytest.mark.parametrize(("old", "new"), [("versionId=1", "versionId=2"), ("Expires=", "Expires=9"), ("%3D", "A")])
def test_altered_query(old: str, new: str) -> None:
    request = signed_v2("GET", "/b/k?versionId=1")
    assert old in request.query
    assert refused(replace(request, query=request.query.replace(old, new))).code == "SignatureDoesNotMatch"


def test_end() -> None:
    request = signed_v2("GET", "/b/k")
    check(request, seconds=3600)
    error = refused(request, seconds=3601)
    assert (error.code, error.message, error.members["Expires"]) == (
        "AccessDenied",
        "Request has expired",
        "2026-03-04T06:06:07Z",
    )


@pytest.mark.parametrize(
    "query",
    ["AWSAccessKeyId=a", "Signature=a", "AWSAccessKeyId=a&Signature=b", "AWSAccessKeyId=a&Signature=b&Expires=soon"],
)
def test_incomplete(query: str) -> None:
    with pytest.raises(AwsError) as caught:
        credential_of(HttpRequest("GET", "/b/k", query), "s3")
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_far_end_is_no_failure() -> None:
    assert refused(HttpRequest("GET", "/b/k", f"AWSAccessKeyId={KEY}&Signature=b&Expires={'9' * 18}")).status == 403


def test_only_s3_takes_it() -> None:
    assert refused(signed_v2("GET", "/b/k"), "query").code == "MissingAuthenticationToken"
    assert credential_of(signed_v2("GET", "/b/k"), "query") is None
