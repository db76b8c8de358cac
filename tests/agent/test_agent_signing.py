"""The agent's own signatures against botocore's."""

import time

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Botocore

from labsupport.agent.signing import Credentials, signed

KEYS = Credentials("ASIAEXAMPLE", "secret/+key", "a token==", expires=0.0)


@pytest.mark.parametrize(
    ("service", "method", "url", "headers", "body"),
    [
        (
            "codedeploy-commands",
            "POST",
            "http://127.0.0.1:4566/",
            {"x-amz-target": "A.B", "content-type": "x/y"},
            b"{}",
        ),
        ("codedeploy-commands", "POST", "http://localhost/", {"content-type": "application/x-amz-json-1.1"}, b""),
        ("s3", "GET", "http://127.0.0.1:4566/bucket/a/b%20c/d%2Be.zip", {}, b""),
        ("s3", "GET", "http://127.0.0.1:4566/bucket/k?versionId=a%2Fb%3D&x=", {}, b""),
        ("s3", "GET", "http://127.0.0.1:4566/bucket/%E2%82%AC~", {}, b""),
    ],
)
def test_a_signature_is_botocores(
    service: str, method: str, url: str, headers: dict[str, str], body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = signed(method, url, headers, body, ("eu-west-1", service), KEYS, time.time())
    request = AWSRequest(
        method, url, headers={**headers, "x-amz-content-sha256": ours["x-amz-content-sha256"]}, data=body
    )
    moment = time.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%SZ")
    frozen = __import__("datetime").datetime(*moment[:6])
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: frozen)
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Botocore(KEYS.key, KEYS.secret, KEYS.token), service, "eu-west-1"
    )
    auth.add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]


def test_the_clouds_clock_counts() -> None:
    ahead = Credentials("A", "s", "t", 0.0, ahead=86_400.0)
    made = signed("GET", "http://127.0.0.1/", {}, b"", ("us-east-1", "s3"), ahead, 0.0)
    assert made["x-amz-date"] == "19700102T000000Z"
