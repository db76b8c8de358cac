"""Signed too long ago or for later: how far a clock may be off, and when presigned URLs begin and end."""

from datetime import timedelta

import pytest
from gateway_signers import NOW, signed
from test_gateway_sigv4_refusals import presigned, refused, request_of, seen

from labsupport.cloud.gateway.sigv4 import Family

# (signed so many seconds from now, family, code, status, part of the message)
TIMES = [
    (-301, "json", "InvalidSignatureException", 400, "Signature expired: 20260304T050106Z is now earlier than "),
    (301, "json", "InvalidSignatureException", 400, "Signature not yet current: 20260304T051108Z is still later than "),
    (-301, "query", "SignatureDoesNotMatch", 403, "20260304T050107Z (20260304T050607Z - 5 min.)"),
    (301, "query", "SignatureDoesNotMatch", 403, "20260304T051107Z (20260304T050607Z + 5 min.)"),
    (-901, "s3", "RequestTimeTooSkewed", 403, "The difference between the request time and the current time"),
    (901, "s3", "RequestTimeTooSkewed", 403, "The difference between the request time and the current time"),
    (-901, "ec2", "RequestExpired", 400, "Request has expired."),
]


@pytest.mark.parametrize(("seconds", "family", "code", "status", "text"), TIMES)
def test_clock_skew(seconds: int, family: Family, code: str, status: int, text: str) -> None:
    error = refused(request_of(family, at=NOW + timedelta(seconds=seconds)), family)
    assert seen(error) == (code, status)
    assert text in error.message


def test_skew_members_of_s3() -> None:
    members = refused(request_of("s3", at=NOW - timedelta(hours=1)), "s3").members
    assert members == {
        "RequestTime": "20260304T040607Z",
        "ServerTime": "2026-03-04T05:06:07Z",
        "MaxAllowedSkewMilliseconds": "900000",
    }


def test_sts_allows_a_quarter_of_an_hour() -> None:
    request = signed("header", "sts", at=NOW - timedelta(seconds=901))
    assert refused(request, "query").message.endswith("(20260304T050607Z - 15 min.)")


def test_presigned_url_of_s3_ends() -> None:
    error = refused(presigned(expires=60), "s3", now=NOW + timedelta(seconds=61))
    assert seen(error) == ("AccessDenied", 403)
    assert error.message == "Request has expired"
    assert error.members == {
        "X-Amz-Expires": "60",
        "Expires": "2026-03-04T05:07:07Z",
        "ServerTime": "2026-03-04T05:07:08Z",
    }


def test_presigned_url_of_s3_begins() -> None:
    error = refused(presigned(at=NOW + timedelta(seconds=901)), "s3")
    assert (error.code, error.message) == ("AccessDenied", "Request is not yet valid")


def test_presigned_url_of_another_service_ends() -> None:
    request = signed("presigned", "iam", "GET", "/?Action=GetUser&Version=2010-05-08", body=b"", expires=600)
    error = refused(request, "query", now=NOW + timedelta(seconds=601))
    assert error.message.endswith("(20260304T051608Z - 10 min.)")
