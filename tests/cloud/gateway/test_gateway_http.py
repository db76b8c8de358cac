"""Answers on the wire: whole ones in one piece, in their order, whatever the client does meanwhile."""

import asyncio
import http.client
import io
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from labsupport.cloud import server
from labsupport.cloud.gateway.asgi import application
from labsupport.cloud.gateway.http import LAB, Protocol, _check
from labsupport.cloud.gateway.together import Together
from labsupport.cloud.store.store import Store

SMALL, LARGE = b"x" * 1024, b"y" * 16 * 1024  # both are answered whole
REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


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


class Transport(asyncio.Transport):
    """What is written stands in `written`."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 9)})
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.written += b" closed"

    def pause_reading(self) -> None:
        """There is always enough room here."""

    resume_reading = pause_reading


def lost() -> Any:
    return 500, {"content-length": "4"}, b"lost"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads what comes and answers at once where it can, as the gateway does."""
    while (await receive()).get("more_body"):
        pass
    if not scope["extensions"][LAB]["answer"]((200, {"content-length": "5"}, b"hello"), lost):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


async def connected(**settings: Any) -> tuple[Protocol, Transport]:
    config = uvicorn.Config(hello, **{**server.HTTP, **settings})
    config.load()
    store = Store(":memory:", bytes(32))
    protocol, transport = Protocol(Together(store.group), config, uvicorn.server.ServerState(), {}), Transport()
    protocol.connection_made(transport)
    return protocol, transport


async def rounds() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def read_late(**settings: Any) -> bytes:
    """What a client gets that for a while doesn't read what it has got before."""
    protocol, transport = await connected(**settings)
    protocol.pause_writing()
    protocol.data_received(REQUEST)
    await rounds()
    assert transport.written == b""
    protocol.resume_writing()
    await rounds()
    return transport.written


def test_a_client_that_does_not_read_what_it_has_got_is_waited_for() -> None:
    assert asyncio.run(read_late()).endswith(b"\r\n\r\nhello")


def test_a_head_that_begins_behind_a_large_body_is_not_too_large() -> None:
    async def run() -> None:
        protocol, transport = await connected()
        large = b"PUT / HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + bytes(100_000)
        protocol.data_received(large + REQUEST[:9])
        protocol.data_received(REQUEST[9:])
        await rounds()
        assert [one.status for one in answers(transport.written, 2)] == [200, 200]

    asyncio.run(run())


def test_a_request_that_has_come_whole_is_answered_before_the_loop_goes_round() -> None:
    async def run() -> None:
        protocol, transport = await connected()
        protocol.data_received(REQUEST)
        assert transport.written.endswith(b"hello")
        protocol.data_received(b"PUT / HTTP/1.1\r\ncontent-length: 2\r\n\r\na")
        assert len(answers(transport.written, 1)) == 1
        protocol.data_received(b"b")
        await rounds()
        assert len(answers(transport.written, 2)) == 2

    asyncio.run(run())


def test_a_connection_is_closed_once_nothing_has_come_for_long() -> None:
    assert asyncio.run(read_late(timeout_keep_alive=0)).endswith(b"hello closed")


def test_a_connection_on_which_a_request_begins_is_not_closed_as_idle() -> None:
    async def run() -> None:
        protocol, transport = await connected(timeout_keep_alive=0)
        protocol.data_received(REQUEST + REQUEST[:9])
        await rounds()
        assert transport.written.endswith(b"hello")
        protocol.data_received(REQUEST[9:])
        await rounds()
        assert transport.written.endswith(b"hello closed")

    asyncio.run(run())


@pytest.mark.parametrize("apart", [False, True])
def test_who_may_not_write_is_told_so_whether_the_body_has_come_or_not(stored: Any, apart: bool) -> None:
    """What is wrong with the body is for those who may write: not for who happens to be fast."""
    stored.client("iam").create_user(UserName=f"nobody-{apart}")
    key = stored.client("iam").create_access_key(UserName=f"nobody-{apart}")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    host = f"127.0.0.1:{stored.settings.port}"
    wrong = {"Host": host, "Content-MD5": "A" * 22 + "=="}
    request = AWSRequest("PUT", f"http://{host}/on-the-wire/new", headers=wrong, data=b"other")
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(["PUT /on-the-wire/new HTTP/1.1", *lines, "Content-Length: 5", "Connection: close", "", ""])
    with socket.create_connection(("127.0.0.1", stored.settings.port), timeout=30) as connection:
        connection.sendall(head.encode() + (b"" if apart else b"other"))
        (answer,) = answers(until(connection, 1 << 20), 1)
    assert (answer.status, b"<Code>AccessDenied</Code>" in answer.content) == (403, True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a": "b\nc"}, {"a\r\nb": "c"}, {"a b": "c"}, {"a:": "c"}])
def test_no_header_becomes_two(headers: dict[str, str]) -> None:
    with pytest.raises(RuntimeError, match="can't"):
        _check({"etag": '"x"', **headers})


def test_what_headers_may_hold() -> None:
    _check({"x-amz-meta-a_b.c": 'tab\tumlaut ü "quoted", and more', "content-length": "1"})


@pytest.mark.parametrize(("more", "status"), [((), 411), (("Content-Length: 0",), 200)])
def test_an_upload_says_how_long_it_is(stored: Any, wire: socket.socket, more: tuple[str, ...], status: int) -> None:
    """As `curl -X PUT` doesn't, though nothing is to come (API Reference: "Error responses", MissingContentLength)."""
    wire.sendall(asked(stored, "empty", "PUT", "1.1", *more, "Connection: close"))
    (answer,) = answers(until(wire, 1 << 20), 1)
    assert answer.status == status


def test_a_server_that_tells_nothing_of_a_body_has_it_read(stored: Any) -> None:
    """As any ASGI server: the lab's own tells whether a body has come whole, and takes a whole answer."""
    url = stored.client("s3").generate_presigned_url("put_object", Params={"Bucket": "on-the-wire", "Key": "told"})
    parts, sent = urlsplit(url), []

    async def put(cloud: Any) -> None:
        bodies = iter([{"body": b"in two ", "more_body": True}, {"body": b"parts"}])
        scope = {"type": "http", "method": "PUT", "scheme": "http", "raw_path": parts.path.encode()}
        headers = [(b"host", parts.netloc.encode()), (b"content-length", b"12")]
        asked = {**scope, "query_string": parts.query.encode(), "headers": headers}

        async def receive() -> Any:
            return {"type": "http.request", **next(bodies)}

        async def send(message: Any) -> None:
            sent.append(message)

        await application(cloud, server.reset)(asked, receive, send)

    stored.on_loop(put)
    assert [message.get("status") for message in sent] == [200, None]
    assert stored.client("s3").get_object(Bucket="on-the-wire", Key="told")["Body"].read() == b"in two parts"
