"""HTTP, no more of it than the agent needs. Nothing goes through a proxy."""

import http.client
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

Unreachable = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Answer:
    """Header names are in small letters. `body` is empty where it went into a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    timeout: float = 30.0,
    into: IO[bytes] | None = None,
) -> Answer:
    """One request and its answer; the body of a good one goes to `into`, if given. Raises one of `Unreachable`."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body or None, dict(headers))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        if into is not None and response.status == 200:
            _copy(response, found.get("content-length"), into)
            return Answer(response.status, found, b"")
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def _copy(response: http.client.HTTPResponse, length: str | None, into: IO[bytes]) -> None:
    start = into.tell()
    shutil.copyfileobj(response, into, 1 << 18)
    got = into.tell() - start
    if length is not None and got != int(length):
        raise http.client.IncompleteRead(b"", int(length) - got)
