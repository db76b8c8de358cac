"""uvicorn's HTTP protocol, with limits for slow and large heads, and short ways for what comes and goes whole.

By ASGI an answer is given as a head and then a body: two messages, two system calls and two packets for every small
answer. And uvicorn begins each request in a task, in the loop's next round. Together that is much of what a small call
costs, so that whole requests are begun at once here, and whole answers sent in one piece.
"""

import asyncio
import string
from collections.abc import Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from labsupport.cloud.gateway.eager import begun
from labsupport.cloud.gateway.together import Together

LARGEST_HEAD = 64 * 1024  # bytes of a request's first line and headers
LONGEST_HEAD = 20.0  # seconds that they may take
# An extension of the requests' scope: its "has_come" tells whether `receive` answers at once, its "whole" gives the
# body if all of it has come, its "answer" sends a whole answer.
LAB = "lab"
Whole = tuple[int, dict[str, str], bytes]  # an answer's status, headers and body
_OF_NAMES = (string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-").encode()
_OF_VALUES = bytes({*range(256)} - {*range(32), 127} | {9})


class Protocol(HttpToolsProtocol):
    """Given to uvicorn in place of its own."""

    in_head = False  # part of a request's head has come, and not yet all of it
    head_size = 0
    ended = False  # a request has ended in what has just come, so that not all of it belongs to the next one's head
    too_slow: asyncio.TimerHandle | None = None
    is_parsing = False
    next_up: tuple[RequestResponseCycle, Any] | None = None  # a request whose head was found in what is being parsed
    idle_since = 0.0  # by the loop's clock: when the last answer was sent

    def __init__(self, together: Together, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.together = together

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
            cycle = self.cycle
            self.scope["extensions"] = {
                LAB: {
                    "has_come": cycle.message_event.is_set,
                    "whole": lambda: None if cycle.more_body else bytes(cycle.body),
                    "answer": partial(self._answer, cycle),
                }
            }

    def _answer(self, cycle: RequestResponseCycle, answer: Whole, lost: Callable[[], Whole]) -> bool:
        """Send an answer whose length is among its headers; `lost` makes another one, for where it turns out that what
        the call did could not be kept. False where it has to wait, so that ASGI's way is to be taken: the client is
        slow to read what it was sent before."""
        if cycle.disconnected:
            return True
        if self.flow.write_paused:
            return False
        data, closes = _bytes(cycle, answer)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        group = self.together.group
        if group.joining:
            group.tell_once_committed(lambda done: self._send(*((data, closes) if done else _bytes(cycle, lost()))))
        else:
            self._send(data, closes)
        cycle.on_response()
        return True

    def _send(self, data: bytes, closes: bool) -> None:
        self.transport.write(data)
        if closes:
            self.transport.close()

    def on_message_complete(self) -> None:
        self.ended = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self.ended = False
        self.is_parsing = True
        super().data_received(data)
        self.is_parsing = False
        if self.next_up is not None:
            self._begin(*self.next_up)
        if self.in_head:
            self.head_size += 0 if self.ended else len(data)
            if self.head_size > LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")
            elif self.too_slow is None:
                self._wait_for_head()
        elif self.too_slow is not None:
            self.too_slow.cancel()
            self.too_slow = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.is_parsing:
            self.next_up = cycle, app
        else:
            super()._start_asgi_task(cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request that has come whole is answered at once if it can be: no task is made for it, and the loop doesn't
        go round before it is begun."""
        self.next_up = None
        if cycle.more_body:
            return super()._start_asgi_task(cycle, app)
        begin = self.together.begun if len(self.connections) > 1 else begun
        rest = begin(self.loop, cycle.run_asgi(app))
        if rest is not None:
            self.tasks.add(rest)
            rest.add_done_callback(self.tasks.discard)
        return None

    def on_response_complete(self) -> None:
        """As uvicorn does it, but for the timer, which is not made anew for each request."""
        if self.pipeline or self.transport.is_closing():
            return super().on_response_complete()
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self.idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_for_request(self.timeout_keep_alive)
        return None

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: it looks for itself whether something came meanwhile."""

    def _wait_for_request(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        is_idle = self.cycle.response_complete and not self.in_head
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if is_idle and left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._wait_for_request(left if is_idle else self.timeout_keep_alive)

    def _wait_for_head(self) -> None:
        """A client that doesn't come to the point isn't waited for: uvicorn itself would, for ever."""
        self.too_slow = self.loop.call_later(LONGEST_HEAD, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self.too_slow, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)


def _bytes(cycle: RequestResponseCycle, answer: Whole) -> tuple[bytes, bool]:
    """An answer as it is sent, and whether the connection ends with it."""
    status, headers, body = answer
    _check(headers)
    if not cycle.keep_alive:
        headers["connection"] = "close"
    lines = [b"%b: %b\r\n" % pair for pair in cycle.default_headers]
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    data = b"".join([STATUS_LINE[status], *lines, text.encode("latin-1", "replace"), b"\r\n", body])
    return data, "close" in headers.get("connection", "")


def _check(headers: dict[str, str]) -> None:
    """A name or a value that came from a client must not end its line and begin another header."""
    names, values = "".join(headers).encode(), "".join(headers.values()).encode()
    if names.translate(None, _OF_NAMES) or values.translate(None, _OF_VALUES):
        raise RuntimeError("An answer's header holds what a header can't.")
