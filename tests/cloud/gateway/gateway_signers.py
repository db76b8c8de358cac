"""Requests signed by botocore's own signers at a fixed time, as the gateway receives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.auth import BaseSigner, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from labsupport.cloud.core.http import HttpRequest

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjE/+=="
REGION = "eu-central-1"
ENDPOINT = "http://127.0.0.1:4566"

SIGNERS: dict[str, type[BaseSigner]] = {
    "header": SigV4Auth,
    "s3": S3SigV4Auth,
    "presigned": SigV4QueryAuth,
    "s3 presigned": S3SigV4QueryAuth,
}


@contextmanager
def botocore_time(moment: datetime) -> Iterator[None]:
    """botocore's signers believe that it is this moment."""
    with (
        patch("botocore.auth.get_current_datetime", lambda **_: moment.replace(tzinfo=None)),
        patch("botocore.auth.time.time", lambda: moment.timestamp()),
    ):
        yield


def signed(
    signer: str,
    service: str = "codecommit",
    method: str = "POST",
    url: str = "/",
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    *,
    token: str | None = None,
    at: datetime = NOW,
    context: dict[str, Any] | None = None,
    region: str = REGION,
    **options: Any,
) -> HttpRequest:
    """A request for `url` (path and query), signed by one of SIGNERS, as it arrives.

    A presigned URL is signed before there is a body.
    """
    request = AWSRequest(method, ENDPOINT + url, dict(headers or {}), b"" if "presigned" in signer else body)
    request.context.update(context or {})
    with botocore_time(at):
        SIGNERS[signer](Credentials(KEY, SECRET, token), service, region, **options).add_auth(request)
    return received(request, body)


def signed_v2(method: str, url: str, headers: dict[str, str] | None = None, token: str | None = None) -> HttpRequest:
    """An S3 URL presigned with version 2 for an hour."""
    request = AWSRequest(method, ENDPOINT + url, dict(headers or {}))
    with botocore_time(NOW):
        HmacV1QueryAuth(Credentials(KEY, SECRET, token), expires=3600).add_auth(request)
    return HttpRequest(method, urlsplit(request.url).path, urlsplit(request.url).query, {"host": "127.0.0.1:4566"})


def received(request: AWSRequest, body: bytes = b"") -> HttpRequest:
    """A signed botocore request as the server sees it."""
    parts = urlsplit(request.url)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    headers.setdefault("host", parts.netloc)
    return HttpRequest(request.method, parts.path, parts.query, headers, body)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
