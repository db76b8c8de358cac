"""HTTP as uvicorn brings it, turned into requests and responses of the cloud."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.gateway import admin, front

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def application(cloud: Cloud, reset: Callable[[Cloud], Awaitable[None]]) -> Application:
    """The ASGI application: the lab's own pages, the paths that services answer themselves, AWS for the rest."""
    pages = admin.pages(cloud, reset)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope, receive)
        answer = _route(cloud, request.raw_path)
        if answer is None and request.raw_path.startswith("/_lab/"):
            return await pages(scope, receive, send)
        try:
            response = await (answer(cloud, request) if answer else front.answer(cloud, request))
            await _send(response, request.method, send)
        except ClientDisconnect:
            return None

    return serve


def _route(cloud: Cloud, path: str) -> Callable[..., Awaitable[HttpResponse]] | None:
    for prefix, name in cloud.routes.items():
        if path.startswith(prefix):
            service = cloud.service(name)
            return service.route if service else None
    return None


def request_of(scope: Scope, receive: Receive) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return HttpRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1").partition("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client=scope["client"][0] if scope.get("client") else "127.0.0.1",
        secure=scope["scheme"] == "https",
        stream=_body(receive) if has_body else None,
        gone=partial(_gone, receive),
    )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect()
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: HttpResponse, method: str, send: Send) -> None:
    body = response.body
    headers = {name.lower(): value for name, value in response.headers.items()}
    if isinstance(body, bytes):
        headers.setdefault("content-length", str(len(body)))
    start = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": start})
    if not isinstance(body, bytes):
        try:
            async for part in body:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            await _close(body)
        body = b""
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _close(body: AsyncIterator[bytes]) -> None:
    """Let whoever makes a body clean up at once, even if nobody read it to its end."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
