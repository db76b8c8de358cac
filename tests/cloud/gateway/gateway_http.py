"""Plain HTTP against a cloud: requests that no client library would send, signed or not."""

import http.client
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def send(
    cloud: Any, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"", sign: str = "",
    profile: str = "learner",
) -> Answer:  # fmt: skip
    """`sign` is the service's name in the signature's scope; without it the request is anonymous."""
    headers = {"Host": urlsplit(cloud.url).netloc, **(headers or {})}
    if sign:
        keys = cloud.keys(profile)
        credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        request = AWSRequest(method, cloud.url + path, headers=headers, data=body)
        (S3SigV4Auth if sign == "s3" else SigV4Auth)(credentials, sign, "us-east-1").add_auth(request)
        headers = {name: str(value) for name, value in request.headers.items()}
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def refusal(call: Any, **params: Any) -> tuple[str, int]:
    """Code and HTTP status of the error that a client's call ends with."""
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("the call was taken")
