"""Calls of the same moment are committed together, and each is answered after that."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import pytest
import uvicorn
from disk import full_disk
from test_gateway_http import SMALL, Transport, asked, stored

from labsupport.cloud import server
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.gateway.asgi import application
from labsupport.cloud.gateway.http import Protocol
from labsupport.cloud.gateway.together import MOST, Together

__all__ = ["stored"]
LONG = b"z" * 20_000  # an object of that size is a file, and is answered in parts


class Seen(NamedTuple):
    """What clients had got when all requests had been received, and what at the end."""

    first: list[bytes]
    is_open: bool  # something was not committed by then
    last: list[bytes]

    @property
    def statuses(self) -> list[int]:
        return [int(one[9:12]) for one in self.last]


def at_once(stored: Any, *requests: bytes) -> Seen:
    """Have each request received on a connection of its own, all in one turn of the cloud's loop."""
    return stored.on_loop(partial(_at_once, requests))


async def _at_once(requests: Sequence[bytes], cloud: Cloud) -> Seen:
    config = uvicorn.Config(application(cloud, server.reset), **server.HTTP)
    config.load()
    state, together = uvicorn.server.ServerState(), Together(cloud.store.group)
    protocols, transports = [Protocol(together, config, state, {}) for _ in requests], [Transport() for _ in requests]
    for protocol, transport in zip(protocols, transports, strict=True):
        protocol.connection_made(transport)
    written, first = lambda: [one.written for one in transports], asyncio.Future[Any]()

    def receive() -> None:
        for protocol, request in zip(protocols, requests, strict=True):
            protocol.data_received(request)
        first.set_result((written(), cloud.store.db.in_transaction))

    asyncio.get_running_loop().call_soon(receive)
    seen = await first
    while tasks := [task for one in protocols for task in one.tasks]:
        await asyncio.wait(tasks)
    await asyncio.sleep(0)
    found = Seen(*seen, written())
    for protocol in protocols:
        protocol.connection_lost(None)
    return found


def put(stored: Any, key: str, body: bytes = b"") -> bytes:
    return asked(stored, key, "PUT", "1.1", f"Content-Length: {len(body)}") + body


def keys(stored: Any) -> set[str]:
    return {one["Key"] for one in stored.client("s3").list_objects_v2(Bucket="on-the-wire")["Contents"]}


def test_nobody_is_answered_before_all_is_committed(stored: Any) -> None:
    seen = at_once(stored, *[put(stored, f"together-{n}") for n in range(3)])
    assert (seen.first, seen.is_open) == ([b"", b"", b""], True)
    assert seen.statuses == [200, 200, 200]
    assert {"together-0", "together-1", "together-2"} <= keys(stored)


def test_the_first_does_not_wait_for_ever_so_many(stored: Any) -> None:
    seen = at_once(stored, *[asked(stored, "small", "HEAD")] * (MOST + 1))
    assert [bool(one) for one in seen.first] == [True] * MOST + [False]
    assert seen.statuses == [200] * (MOST + 1)


def test_one_client_alone_is_answered_at_once(stored: Any) -> None:
    seen = at_once(stored, put(stored, "alone"))
    assert (seen.first, seen.is_open) == (seen.last, False)
    assert seen.statuses == [200]


def test_each_gets_its_own_answer(stored: Any) -> None:
    """One that is refused takes nothing from the others, and a connection that ends does so after its answer."""
    closing = asked(stored, "small", "GET", "1.1", "Connection: close")
    seen = at_once(
        stored,
        put(stored, "one"),
        asked(stored, "nothing"),
        asked(stored, "small", "HEAD"),
        closing,
        put(stored, "two"),
    )
    assert seen.statuses == [200, 404, 200, 200, 200]
    assert seen.last[3].endswith(SMALL + b" closed")
    assert {"one", "two"} <= keys(stored)


def test_what_is_answered_in_parts_rests_on_what_is_committed(stored: Any) -> None:
    stored.client("s3").put_object(Bucket="on-the-wire", Key="long", Body=LONG)
    seen = at_once(stored, put(stored, "a"), asked(stored, "long"), put(stored, "b"))
    assert [bool(one) for one in seen.first] == [True, True, False]
    assert seen.statuses == [200, 200, 200]
    assert seen.last[1].endswith(LONG)


@pytest.mark.parametrize("body", [b"", LONG])
def test_where_what_was_done_can_not_be_kept_nobody_is_told_that_it_was(stored: Any, body: bytes) -> None:
    name, folder = f"lost-{len(body)}", stored.settings.home / "objects" / "new"
    requests = put(stored, name), put(stored, f"{name}-too", body)
    with full_disk(stored.settings.home / "cloud.sqlite3"):
        seen = at_once(stored, *requests)
    assert seen.statuses == [500, 500]
    assert all(b"<Code>InternalFailure</Code>" in one for one in seen.last)
    assert not {name, f"{name}-too"} & keys(stored)
    assert not list(folder.glob("*"))
    stored.client("s3").put_object(Bucket="on-the-wire", Key=name)
