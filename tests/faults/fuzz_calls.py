"""Calls of a fuzz: signed as a client signs them, and answered by the whole way in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import wire_client
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

from labsupport.cloud import wire
from labsupport.cloud.core import model
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.gateway import front

REGION, HOST = "us-east-1", "127.0.0.1:4566"
PATIENCE = 15.0  # seconds
WAITS = {"PollHostCommand"}  # operations that answer when there is something to say


class Answer:
    """What came back: `code` is "" for a success, whose content is in `content`."""

    def __init__(self, status: int, code: str, content: dict[str, Any], text: str) -> None:
        self.status, self.code, self.content, self.text = status, code, content, text

    @property
    def fell(self) -> bool:
        """Whether the cloud itself failed; 501 is AWS's or ours for what isn't there."""
        return (self.status >= 500 and self.status != 501) or self.code in ("InternalFailure", "InternalError")


def request_for(operation: OperationModel, params: dict[str, Any]) -> HttpRequest:
    """The request that botocore's serializer makes, without its validation. It fails for some wrong types."""
    protocol = wire.protocol_of(operation.service_model)
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    path, _, fixed = made["url_path"].partition("?")
    query = percent_encode_sequence(made["query_string"]) if made["query_string"] else ""
    body = made["body"]
    headers = {name.lower(): str(value) for name, value in made["headers"].items()}
    return HttpRequest(
        made["method"],
        path or "/",
        "&".join(part for part in (fixed, query) if part),
        {"host": HOST, **headers},
        body if isinstance(body, bytes) else percent_encode_sequence(body or {}).encode(),
    )


def sign(request: HttpRequest, service: str, keys: Credentials) -> None:
    url = f"http://{HOST}{request.raw_path}" + (f"?{request.query}" if request.query else "")
    made = AWSRequest(request.method, url, headers=request.headers, data=request.body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, model.load(service).signing_name, REGION).add_auth(made)
    request.headers = {name.lower(): str(value) for name, value in made.headers.items()}


async def send(cloud: Cloud, operation: OperationModel, request: HttpRequest, broken: bool) -> Answer:
    """Answered by the gateway, the body read to its end as a client does."""
    body = request.body
    request.headers["content-length"] = str(len(body))
    request.stream, request.body = (_once(body), b"") if body else (None, b"")
    try:
        response = await asyncio.wait_for(front.answer(cloud, request), PATIENCE)
    except TimeoutError:
        return Answer(200 if operation.name in WAITS else 599, "", {}, "no answer in time")
    if not isinstance(response.body, bytes):
        response.body = b"".join([part async for part in response.body])
    return _read(operation, response, broken)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _read(operation: OperationModel, response: HttpResponse, broken: bool) -> Answer:
    """As botocore reads it; a broken request may have been another operation's, whose answer it can't read."""
    assert isinstance(response.body, bytes)
    text = response.body[:2000].decode("utf-8", "replace")
    try:
        parsed = wire_client.read(operation, response, operation.output_shape)
    except ResponseParserError:
        if not broken:
            raise
        parsed = {}
    code = str(parsed.get("Error", {}).get("Code", "")) if response.status >= 300 else ""
    return Answer(response.status, code, parsed if response.status < 300 else {}, text)
