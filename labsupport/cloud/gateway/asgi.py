"""HTTP as uvicorn brings it, turned into requests and responses of the cloud."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.gateway import admin, browsers, front
from labsupport.cloud.gateway.eager import in_task
from labsupport.cloud.gateway.http import LAB, Whole

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def application(cloud: Cloud, reset: Callable[[Cloud], Awaitable[None]]) -> Application:
    """The ASGI application: the lab's own pages, the paths that services answer themselves, AWS for the rest."""
    pages = admin.pages(cloud, reset)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        told = scope.get("extensions", {}).get(LAB) or _NOTHING_TOLD
        incoming = _Incoming(receive, told["has_come"])
        request = request_of(scope, incoming, told["whole"]())
        is_head, lost = request.method == "HEAD", partial(front.lost, request)
        outgoing = _Outgoing(send, told["answer"], is_head, cloud.store.group.commit, lost)
        is_page = request.raw_path.startswith("/_lab/")
        if (cloud.settings.open or is_page) and browsers.is_foreign(request):
            return await _send(_FOREIGN, outgoing, incoming)
        answer = _route(cloud, request)
        if answer is not None or is_page:
            await in_task()
        if answer is None and is_page:
            return await pages(scope, receive, send)
        try:
            response = await (answer(cloud, request) if answer else front.answer(cloud, request))
            if "origin" in request.headers:
                _dress(cloud, request, response)
            await _send(response, outgoing, incoming)
        except ClientDisconnect:
            return None

    return serve


_FOREIGN = HttpResponse(
    403,
    {"content-type": "application/json"},
    b'{"__type": "AccessDenied", "message": "A web page of another site may not use the lab: call it from a program, '
    b'at localhost or 127.0.0.1."}',
)


def _route(cloud: Cloud, request: HttpRequest) -> Callable[..., Awaitable[HttpResponse]] | None:
    for prefix, name in cloud.routes.items():
        if request.raw_path.startswith(prefix):
            service = cloud.service(name)
            return service.route if service else None
    if request.method == "OPTIONS" or (request.method == "POST" and _is_form(request)):
        service = cloud.service(cloud.browsers)
        return service.route if service else None
    return None


def _is_form(request: HttpRequest) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def _dress(cloud: Cloud, request: HttpRequest, response: HttpResponse) -> None:
    service = cloud.service(cloud.browsers)
    if service and service.dress:
        service.dress(cloud, request, response)


@dataclass(slots=True)
class _Incoming:
    """A request's body on its way, and how much of it has been taken."""

    receive: Receive
    has_come: Callable[[], bool]  # whether the next part is here already: nobody needs to watch how long it takes
    begun: bool = False
    ended: bool = True  # there is nothing (more) to come
    expects: bool = False  # the client waits to be told that it may send

    async def parts(self) -> AsyncIterator[bytes]:
        self.begun = True
        while not self.ended:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect()
            self.ended = not message.get("more_body")
            if message.get("body"):
                yield message["body"]

    async def _next(self) -> MutableMapping[str, Any]:
        if self.has_come():
            return await self.receive()
        try:
            async with asyncio.timeout(LONGEST_PAUSE):
                return await self.receive()
        except TimeoutError:
            message = (
                "Your socket connection to the server was not read from or written to within the timeout period. Idle "
                "connections will be closed."
            )
            raise AwsError("RequestTimeout", message, 400) from None

    async def drop(self) -> None:
        """Take what a client still sends after its answer, within bounds: closing on it could cost it the answer."""
        if self.ended or (self.expects and not self.begun):
            return
        size = 0
        with suppress(ClientDisconnect, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                async for part in self.parts():
                    size += len(part)
                    if size > _DROPPED:
                        return


# What a server other than the lab's own tells of a request.
_NOTHING_TOLD: dict[str, Callable[..., Any]] = {
    "has_come": lambda: False,
    "whole": lambda: None,
    "answer": lambda *_: False,
}
LONGEST_PAUSE = 20.0  # seconds that a client may leave between two parts of a body
_PATIENCE = 2.0  # seconds
_DROPPED = 16 * 1024 * 1024  # bytes


def request_of(scope: Scope, incoming: _Incoming, body: bytes | None = None) -> HttpRequest:
    """`body` where it has come as a whole already, else it comes by `incoming`."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    incoming.ended, incoming.expects = not has_body or body is not None, "expect" in headers
    return HttpRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1").partition("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client=scope["client"][0] if scope.get("client") else "127.0.0.1",
        secure=scope["scheme"] == "https",
        tls=scope.get("state", {}).get("tls", ""),
        body=body or b"",
        stream=None if incoming.ended else incoming.parts(),
        gone=partial(_gone, incoming.receive),
    )


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Outgoing(NamedTuple):
    """Where an answer goes."""

    send: Send
    at_once: Callable[[Whole, Callable[[], Whole]], bool]  # sends a whole answer, or tells that it can't
    is_head: bool
    commit: Callable[[], bool]  # what the call did; whether that could be done
    lost: Callable[[], HttpResponse]  # makes the answer for where it could not

    def whole(self, response: HttpResponse) -> Whole:
        headers, body = _lowered(response), response.body
        assert isinstance(body, bytes)
        headers.setdefault("content-length", str(len(body)))
        return response.status, headers, b"" if self.is_head else body

    def instead(self) -> Whole:
        return self.whole(self.lost())


def _lowered(response: HttpResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


async def _send(response: HttpResponse, outgoing: _Outgoing, incoming: _Incoming) -> None:
    """Answer. Where the body hasn't been read, the connection ends: what comes next could be taken for the body."""
    send, body, rest = outgoing.send, response.body, None
    if not isinstance(body, bytes):
        rest, body = body, await _first(body)
    elif incoming.ended and outgoing.at_once(outgoing.whole(response), outgoing.instead):
        return
    if not outgoing.commit():  # what is sent in parts can't be taken back
        await _close(rest)
        response, rest = outgoing.lost(), None
    whole = outgoing.whole(response) if rest is None else (response.status, _lowered(response), body)
    status, headers, body = whole
    if not incoming.ended:
        headers["connection"] = "close"
    start = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    if rest is not None:
        await _send_parts(body, rest, send)
        body = b""
    if not incoming.ended:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await incoming.drop()
        body = b""
    await send({"type": "http.response.body", "body": body})


async def _first(body: AsyncIterator[bytes]) -> bytes:
    """The first part of a body, which is sent in one piece with the head."""
    try:
        return await anext(body, b"")
    except BaseException:
        await _close(body)
        raise


async def _send_parts(first: bytes, rest: AsyncIterator[bytes], send: Send) -> None:
    try:
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for part in rest:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await _close(rest)


async def _close(body: AsyncIterator[bytes] | None) -> None:
    """Let whoever makes a body clean up at once, even if nobody read it to its end."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
