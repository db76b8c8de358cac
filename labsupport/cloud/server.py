"""The process: home folder, listeners, start, resume, stop."""

import asyncio
import contextlib
import gc
import os
import shutil
import socket
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from labsupport.cloud import app, authority
from labsupport.cloud.core.accounts import first_start
from labsupport.cloud.core.cloud import Cloud, Settings
from labsupport.cloud.core.service import Service
from labsupport.cloud.gateway.asgi import application
from labsupport.cloud.gateway.http import Protocol
from labsupport.cloud.gateway.together import Together
from labsupport.cloud.store.store import Store

STATE = ("git", "objects", "instances", "builds", "logs", "cache")  # folders beside the database
PAUSE = 0.5  # seconds without a change after which the database is tidied
PLAIN = "cache"  # what services work on unencrypted: there is none of it while the cloud does not run


# asyncio's own loop: under uvloop, writing to a process that has gone raises another error than elsewhere, and one
# client's calls take longer.
HTTP: dict[str, Any] = {
    "loop": "asyncio",
    "ws": "none",
    "lifespan": "off",
    "log_level": "warning",
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 3,
}


class Endpoint(msgspec.Struct):
    """`endpoint.json` in the home folder: how to reach the cloud that runs on it."""

    url: str
    pid: int
    auth: str
    account: str
    secure_url: str = ""


class _Server(uvicorn.Server):
    """Tells calls that wait for something (long polls) that the end has come, rather than wait for them."""

    def __init__(self, config: uvicorn.Config, tls: tuple[socket.socket, ssl.SSLContext]) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()
        self.tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen for TLS too: uvicorn itself has one way of listening at a time."""
        await super().startup(sockets)
        listener, context = self.tls
        loop = asyncio.get_running_loop()
        made: Any = self.config.http_protocol_class
        protocol = partial(made, self.config, self.server_state, {})
        self.servers.append(await loop.create_server(protocol, sock=listener, ssl=context))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.stopping.set()
        await super().shutdown(sockets)


async def serve(settings: Settings, ready: Callable[[Cloud], None] = lambda _: None) -> None:
    """Run the cloud until it is told to stop. `ready` is called once it listens."""
    prepare_home(settings.home)
    listener, tls_listener = bound(settings.host, settings.port), bound(settings.host, settings.tls_port)
    settings.port, settings.tls_port = listener.getsockname()[1], tls_listener.getsockname()[1]
    async with running(settings) as cloud:
        protocol = partial(Protocol, Together(cloud.store.group))
        config = uvicorn.Config(application(cloud, reset), **HTTP, http=protocol)  # type: ignore[arg-type]
        server = _Server(config, (tls_listener, authority.context(settings.home, cloud.clock.now())))
        cloud.rooms["stopping"] = server.stopping
        cloud.rooms["stop"] = lambda: setattr(server, "should_exit", True)
        _write_endpoint(settings)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        _collect_less_often()
        ready(cloud)
        await task


def _collect_less_often() -> None:
    """Calls leave hardly any cycles behind, and looking for some among all that is loaded costs each call its share."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Cloud]:
    """The cloud at work on its home folder: resumed at the start, stopped in order at the end."""
    cloud = app.build(settings)
    await _remove_plain(settings.home)  # what a process that was killed has left
    tidying = asyncio.create_task(_tidy(cloud.store))
    try:
        first_start(cloud)
        for service in services_at_work(cloud):
            if service.at_start:
                service.at_start(cloud)
        cloud.rooms["scheduler"].start()
        yield cloud
    finally:
        tidying.cancel()
        await _stop(cloud)


async def _tidy(store: Store) -> None:
    while True:
        await asyncio.sleep(PAUSE)
        with contextlib.suppress(sqlite3.OperationalError):  # the disk is full, say: the next call tells it
            store.tidy()


async def _stop(cloud: Cloud) -> None:
    await cloud.rooms["scheduler"].stop()
    await _stop_processes(cloud)
    await _remove_plain(cloud.home)
    cloud.store.close()
    with contextlib.suppress(FileNotFoundError):
        (cloud.home / "endpoint.json").unlink()


async def _remove_plain(home: Path) -> None:
    """Remove it, even where a process that was just ended is still writing its last."""
    for _ in range(20):
        shutil.rmtree(home / PLAIN, ignore_errors=True)
        if not (home / PLAIN).exists():
            return
        await asyncio.sleep(0.01)


def services_at_work(cloud: Cloud) -> Iterator[Service]:
    """Services with processes to look after; one that has no records yet is not even imported."""
    for name in app.WITH_PROCESSES:
        service = cloud.service(name) if cloud.store.has_kind(f"{name}.") else None
        if service:
            yield service


def prepare_home(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    os.chmod(home, 0o700)
    for name in ("logs", "aws"):
        (home / name).mkdir(exist_ok=True)


def bound(host: str, port: int) -> socket.socket:
    """A socket on loopback, bound and not listening yet: nobody gets through before the cloud is ready."""
    # asyncio turns Nagle's algorithm off only where the socket names TCP; with it each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.setblocking(False)
    return listener


def _write_endpoint(settings: Settings) -> None:
    endpoint = Endpoint(settings.endpoint, os.getpid(), settings.auth, settings.account, settings.secure_endpoint)
    path = settings.home / "endpoint.json"
    path.with_suffix(".new").write_bytes(msgspec.json.encode(endpoint))
    path.with_suffix(".new").replace(path)


async def reset(cloud: Cloud) -> None:
    """Empty the home folder's state and begin anew, in the running process."""
    scheduler = cloud.rooms["scheduler"]
    await scheduler.stop()
    await _stop_processes(cloud)
    cloud.store.empty()
    cloud.clock.back()
    for name in STATE:
        shutil.rmtree(cloud.home / name, ignore_errors=True)
    first_start(cloud)
    scheduler.start()


async def _stop_processes(cloud: Cloud) -> None:
    for service in services_at_work(cloud):
        if service.at_stop:
            await service.at_stop(cloud)
