"""Answers on the wire: whole ones in one piece, in their order, whatever the client does meanwhile."""

import http.client
import io
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from labsupport.cloud.gateway.http import _check

SMALL, LARGE = b"x" * 1024, b"y" * 16 * 1024  # both are answered whole


@pytest.fixture(scope="module")
def stored(shared_cloud: Any) -> Any:
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket="on-the-wire")
    s3.put_object(Bucket="on-the-wire", Key="small", Body=SMALL)
    s3.put_object(Bucket="on-the-wire", Key="large", Body=LARGE)
    return shared_cloud


@pytest.fixture
def wire(stored: Any) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", stored.settings.port), timeout=30) as connection:
        yield connection


def asked(cloud: Any, key: str, method: str = "GET", version: str = "1.1", *more: str) -> bytes:
    """A signed request as it goes over the wire."""
    keys = cloud.keys()
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    host = f"127.0.0.1:{cloud.settings.port}"
    request = AWSRequest(method, f"http://{host}/on-the-wire/{key}", headers={"Host": host})
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([f"{method} /on-the-wire/{key} HTTP/{version}", *lines, *more, "", ""]).encode()


class _Wire(io.BytesIO):
    """What came, for http.client to read one answer after the other from."""

    def makefile(self, *_: Any) -> Any:
        return self

    def close(self) -> None:
        """The next answer begins where this one ends."""


def answers(data: bytes, count: int, method: str = "GET") -> list[http.client.HTTPResponse]:
    source, found = _Wire(data), []
    for _ in range(count):
        answer = http.client.HTTPResponse(source, method=method)  # type: ignore[arg-type]
        answer.begin()
        answer.content = answer.read()  # type: ignore[attr-defined]
        found.append(answer)
    assert source.read() == b""
    return found


def until(wire: socket.socket, end: int) -> bytes:
    data = b""
    while len(data) < end and (part := wire.recv(1 << 16)):
        data += part
    return data


def test_a_small_answer_comes_in_one_piece(stored: Any, wire: socket.socket) -> None:
    wire.sendall(asked(stored, "small"))
    (answer,) = answers(wire.recv(1 << 16), 1)
    assert (answer.status, answer.content) == (200, SMALL)  # type: ignore[attr-defined]
    assert answer.headers["content-length"] == "1024"
    assert "date" in answer.headers


def test_the_answer_to_head_has_no_body(stored: Any, wire: socket.socket) -> None:
    wire.sendall(asked(stored, "small", "HEAD") + asked(stored, "small", "HEAD", "1.1", "Connection: close"))
    first, second = answers(until(wire, 1 << 20), 2, "HEAD")
    assert (first.headers["content-length"], second.headers["content-length"]) == ("1024", "1024")
    assert (first.headers["connection"], second.headers["connection"]) == (None, "close")


@pytest.mark.parametrize(("version", "more"), [("1.0", ()), ("1.1", ("Connection: close",))])
def test_a_connection_that_is_not_kept_is_closed(
    stored: Any, wire: socket.socket, version: str, more: tuple[str, ...]
) -> None:
    wire.sendall(asked(stored, "small", "GET", version, *more))
    (answer,) = answers(until(wire, 1 << 20), 1)
    assert answer.headers["connection"] == "close"


def test_requests_that_come_together_are_answered_in_their_order(stored: Any, wire: socket.socket) -> None:
    keys = ["small", "large", "nothing", "small"]
    last = asked(stored, "large", "GET", "1.1", "Connection: close")
    wire.sendall(b"".join(asked(stored, key) for key in keys) + last)
    found = answers(until(wire, 1 << 20), 5)
    assert [answer.status for answer in found] == [200, 200, 404, 200, 200]
    assert [len(answer.content) for answer in found if answer.status == 200] == [1024, 16384, 1024, 16384]  # type: ignore[attr-defined]


def test_a_client_that_reads_late_gets_all(stored: Any, wire: socket.socket) -> None:
    """More than the sockets hold: the cloud has to wait for it, and others need not."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.sendall(asked(stored, "large") * 200)
    assert stored.client("s3").get_object(Bucket="on-the-wire", Key="small")["Body"].read() == SMALL
    one = len(asked_once(stored))
    found = answers(until(wire, 200 * one), 200)
    assert all(answer.content == LARGE for answer in found)  # type: ignore[attr-defined]


def asked_once(cloud: Any) -> bytes:
    """One such answer, whose length all have."""
    with socket.create_connection(("127.0.0.1", cloud.settings.port), timeout=30) as connection:
        connection.sendall(asked(cloud, "large"))
        data = connection.recv(1 << 16)
        end = data.index(b"\r\n\r\n") + 4 + len(LARGE)
        return data + until(connection, end - len(data))


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a": "b\nc"}, {"a\r\nb": "c"}, {"a b": "c"}, {"a:": "c"}])
def test_no_header_becomes_two(headers: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match="can't"):
        _check({"etag": '"x"', **headers})


def test_what_headers_may_hold() -> None:
    _check({"x-amz-meta-a_b.c": 'tab\tumlaut ü "quoted", and more', "content-length": "1"})
