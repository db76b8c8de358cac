"""uvicorn's HTTP protocol, with an answer's head and body sent in one piece.

uvicorn writes the head as soon as it has it, and the body after it: two system calls and two packets for
every small answer, which is most of what a small answer costs.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Joined:
    """A transport that holds an answer's head until its body's first bytes come, or the answer ends without any.

    Whoever answers has the first bytes at hand when it gives the head (`asgi.py`), so a head never waits.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing  # asked several times for each answer

    def write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class JoiningProtocol(HttpToolsProtocol):
    """Given to uvicorn in place of its own."""

    joined: Joined

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.joined = Joined(transport)
        super().connection_made(self.joined)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        self.joined.flush()  # an answer to HEAD has no body that would take its head along
        super().on_response_complete()
