"""uvicorn's HTTP protocol, with an answer's head and body sent in one piece.

uvicorn writes the head as soon as it has it, and the body after it: two system calls and two packets for
every small answer, which is most of what a small answer costs.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes of a request's first line and headers
LONGEST_HEAD = 20.0  # seconds that they may take
BODY = "lab.body"  # an extension of the requests' scope: its "has_come" tells whether `receive` answers at once


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
    in_head = False  # part of a request's head has come, and not yet all of it
    head_size = 0
    too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.joined = Joined(transport)
        tls = transport.get_extra_info("ssl_object")
        self.app_state = {"tls": tls.version()} if tls else {}
        super().connection_made(self.joined)  # type: ignore[arg-type]
        self._wait_for_head()

    def on_message_begin(self) -> None:
        self.in_head, self.head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()
        if self.cycle is not None:
            self.scope["extensions"] = {BODY: {"has_come": self.cycle.message_event.is_set}}

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head:
            self.head_size += len(data)
            if self.head_size > LARGEST_HEAD and not self.joined.is_closing():
                self.send_400_response("The request's head is too large.")
            elif self.too_slow is None:
                self._wait_for_head()
        elif self.too_slow is not None:
            self.too_slow.cancel()
            self.too_slow = None

    def _wait_for_head(self) -> None:
        """A client that doesn't come to the point isn't waited for: uvicorn itself would, for ever."""
        self.too_slow = self.loop.call_later(LONGEST_HEAD, self.joined.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.too_slow is not None:
            self.too_slow.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self.joined.flush()  # an answer to HEAD has no body that would take its head along
        super().on_response_complete()
