"""A client as thin as can be: requests are made and signed by botocore beforehand, and only sent here.

boto3 itself takes about a millisecond for a call, which would hide the servers' differences behind
its own time. The bytes are the same that boto3 sends.
"""

import functools
import multiprocessing
import re
import socket
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from benchmarks.servers import Server

Call = tuple[str, str, dict[str, Any]]  # service, operation in snake case, parameters
WARMING = 4  # calls of each of several clients before it is timed: what a forked process touches first is copied then


def client(server: Server, service: str) -> Any:
    return _client(server.url, server.keys, service)


def _client(url: str, keys: tuple[str, str], service: str) -> Any:
    session = boto3.Session(*keys, region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=url, config=config)


def prepared(server: Server, calls: Sequence[Call]) -> list[bytes]:
    """Each call as the bytes of its HTTP request."""
    made: list[bytes] = []
    for service, operation, params in calls:
        signer, kept = _signer(server.url, server.keys, service)
        kept.clear()
        try:
            getattr(signer, operation)(**params)
        except Exception as answered:  # the canned answer may miss what the parser wants
            if not kept:
                raise answered
        made += kept
    return made


@functools.cache
def _signer(url: str, keys: tuple[str, str], service: str) -> tuple[Any, list[bytes]]:
    """A client that keeps its requests in a list in place of sending them; to make one takes boto3 longest."""
    kept: list[bytes] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        kept.append(_bytes(request))
        return AWSResponse(request.url, 200, {}, _Empty())

    signer = _client(url, keys, service)
    signer.meta.events.register("before-send.*", keep)
    return signer, kept


class _Empty:
    def stream(self, *_: Any, **__: Any) -> Any:
        return iter([b""])

    def read(self, *_: Any) -> bytes:
        return b""


def _bytes(request: AWSPreparedRequest) -> bytes:
    parts = urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else (body if isinstance(body, bytes) else body.read())
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
    }
    headers = {name: value for name, value in headers.items() if name.lower() not in ("expect", "content-length")}
    headers |= {"Host": parts.netloc, "Content-Length": str(len(body))}
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """Keeps its connection where the server does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.socket: socket.socket | None = None

    def send(self, request: bytes) -> int:
        """The status of the answer, read to its end."""
        if self.socket is None:
            self.socket = socket.create_connection(self.address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        status, closes = self._answer(self.socket)
        if closes:
            self.socket.close()
            self.socket = None
        return status

    def _answer(self, connection: socket.socket) -> tuple[int, bool]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError("closed before an answer")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        closes = _CLOSES.search(head) is not None
        _read_rest(connection, body, head, closes)
        return int(head[9:12]), closes


_CLOSES = re.compile(rb"^HTTP/1\.0|\r\nconnection: *close", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


def _read_rest(connection: socket.socket, body: bytes, head: bytes, closes: bool) -> None:
    if length := _LENGTH.search(head):
        left = int(length[1]) - len(body)
        while left > 0:
            more = connection.recv(min(left, 1 << 20))
            if not more:
                raise ConnectionError("cut off")
            left -= len(more)
    elif _CHUNKED.search(head):
        while not body.endswith(b"0\r\n\r\n"):
            body = body[-16:] + connection.recv(1 << 20)
    elif closes:
        while connection.recv(1 << 20):
            pass


def rate(url: str, shares: Sequence[Sequence[bytes]], strict: bool = True) -> float:
    """Calls a second when each share is sent by a client of its own, all at the same time.

    `strict`: any answer but a success is an error; else a server's own failure (500), and what it fails at for that
    afterwards, count as answers.
    """
    if len(shares) == 1:
        return _timed(url, shares[0], strict)
    context = multiprocessing.get_context("fork")
    barrier, queue = context.Barrier(len(shares)), context.Queue()
    workers = [context.Process(target=_worker, args=(url, share, barrier, queue, strict)) for share in shares]
    for worker in workers:
        worker.start()
    told = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()
    if problems := [problem for problem, _, _ in told if problem]:
        raise RuntimeError(problems[0])
    # By the workers' own clocks, which are one and the same: to tell the figures takes some milliseconds more.
    seconds = max(end for _, _, end in told) - min(begin for _, begin, _ in told)
    return sum(len(share) - WARMING for share in shares) / seconds


def _worker(url: str, share: Sequence[bytes], barrier: Any, queue: Any, strict: bool) -> None:
    begin, problem = 0.0, ""
    try:
        _timed(url, share[:WARMING], strict)
        barrier.wait()
        begin = time.perf_counter()
        _timed(url, share[WARMING:], strict)
    except Exception as met:
        barrier.abort()
        problem = repr(met)
    queue.put((problem, begin, time.perf_counter()))


def _timed(url: str, requests: Sequence[bytes], strict: bool) -> float:
    connection = Connection(url)
    begin, forgiven = time.perf_counter(), False
    for request in requests:
        status = connection.send(request)
        forgiven = forgiven or (status >= 500 and not strict)
        if status >= 300 and not forgiven:
            raise RuntimeError(f"{request[:80]!r} was answered {status}")
    return len(requests) / (time.perf_counter() - begin)
