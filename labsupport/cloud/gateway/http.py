"""uvicorn's HTTP protocol, with limits for slow and large heads, and whole answers sent in one piece.

By ASGI an answer is given as a head and then a body: two messages, two system calls and two packets for every small
answer, which is most of what a small answer costs.
"""

import asyncio
import re
from functools import partial

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

LARGEST_HEAD = 64 * 1024  # bytes of a request's first line and headers
LONGEST_HEAD = 20.0  # seconds that they may take
# An extension of the requests' scope: its "has_come" tells whether `receive` answers at once, its "answer" sends a
# whole answer.
LAB = "lab"
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_NO_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Protocol(HttpToolsProtocol):
    """Given to uvicorn in place of its own."""

    in_head = False  # part of a request's head has come, and not yet all of it
    head_size = 0
    ended = False  # a request has ended in what has just come, so that not all of it belongs to the next one's head
    too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        tls = transport.get_extra_info("ssl_object")
        self.app_state = {"tls": tls.version()} if tls else {}
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        self.in_head, self.head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()
        if self.cycle is not None:
            has_come, answer = self.cycle.message_event.is_set, partial(self._answer, self.cycle)
            self.scope["extensions"] = {LAB: {"has_come": has_come, "answer": answer}}

    def _answer(self, cycle: RequestResponseCycle, status: int, headers: dict[str, str], body: bytes) -> bool:
        """Send an answer whose length is among its headers. False where it has to wait, so that ASGI's way is to be
        taken: the client is slow to read what it was sent before."""
        if cycle.disconnected:
            return True
        if self.flow.write_paused:
            return False
        _check(headers)
        if not cycle.keep_alive:
            headers["connection"] = "close"
        lines = [b"%b: %b\r\n" % pair for pair in cycle.default_headers]
        text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        self.transport.write(b"".join([STATUS_LINE[status], *lines, text.encode("latin-1", "replace"), b"\r\n", body]))
        if "close" in headers.get("connection", ""):
            self.transport.close()
        cycle.on_response()
        return True

    def on_message_complete(self) -> None:
        self.ended = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self.ended = False
        super().data_received(data)
        if self.in_head:
            self.head_size += 0 if self.ended else len(data)
            if self.head_size > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")
            elif self.too_slow is None:
                self._wait_for_head()
        elif self.too_slow is not None:
            self.too_slow.cancel()
            self.too_slow = None

    def _wait_for_head(self) -> None:
        """A client that doesn't come to the point isn't waited for: uvicorn itself would, for ever."""
        self.too_slow = self.loop.call_later(LONGEST_HEAD, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.too_slow is not None:
            self.too_slow.cancel()
        super().connection_lost(exc)


def _check(headers: dict[str, str]) -> None:
    """A name or a value that came from a client must not end its line and begin another header."""
    if not _NAMES.fullmatch("".join(headers)) or _NO_TEXT.search("".join(headers.values())):
        raise RuntimeError("An answer's header holds what a header can't.")
