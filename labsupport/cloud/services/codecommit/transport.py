"""git over HTTP: `/v1/repos/NAME`, answered by git itself (git's documentation: "gitprotocol-http").

A fetch asks for codecommit:GitPull, a push for codecommit:GitPush: once before git tells what is there, and once for
each reference that changes. A refusal is sent as text, which git prints after `remote:`.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.services.codecommit import bodies, process, push, storage
from labsupport.cloud.services.codecommit.admission import Visit, admit, entered
from labsupport.cloud.services.codecommit.base import service
from labsupport.cloud.services.codecommit.pktline import FLUSH, Malformed, lines, packet

log = logging.getLogger("labsupport.cloud.codecommit")
PULL, PUSH = "git-upload-pack", "git-receive-pack"
LARGEST_WISH = 32 * 1024 * 1024  # bytes in which a fetch says what it has and wants
LARGEST_LISTING = 64 * 1024 * 1024  # bytes of all references
_PATH = re.compile(r"/v1/repos/(?P<name>[\w.-]{1,100})/(?P<what>info/refs|git-upload-pack|git-receive-pack)", re.ASCII)
_PROTOCOL = re.compile(r"[a-z0-9=.:-]{1,200}", re.ASCII)
_FRESH = {"cache-control": "no-cache, max-age=0, must-revalidate", "expires": "Fri, 01 Jan 1980 00:00:00 GMT"}
_PACK = b"PACK\0\0\0"


class Asked(NamedTuple):
    name: str
    what: str  # info/refs or the name of git's service
    service: str  # git-upload-pack or git-receive-pack


async def route(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """The answer to any request below `/v1/repos/`; a refusal has AWS's sentence as its text."""
    try:
        asked = _asked(request)
        visit = entered(cloud, request, asked.name, "GitPush" if asked.service == PUSH else "GitPull")
        if visit is None:
            return HttpResponse(401, {"www-authenticate": 'Basic realm="AWS CodeCommit"'}, b"")
        return await _answer(visit, request, asked)
    except AwsError as error:
        return text(error)
    except Malformed as error:
        return text(bodies.bad(str(error)))


def text(error: AwsError) -> HttpResponse:
    headers = {"content-type": "text/plain; charset=utf-8", "x-amzn-errortype": error.code}
    return HttpResponse(error.status or 400, headers, f"{error.message}\n".encode())


def _asked(request: HttpRequest) -> Asked:
    found = _PATH.fullmatch(request.raw_path)
    if found is None:
        raise bodies.bad("There is no such page: a repository's address is /v1/repos/NAME, for git to use.", 404)
    what = found["what"]
    if request.method != ("GET" if what == "info/refs" else "POST"):
        raise bodies.bad(f"{request.method[:20]} is not how git asks for {what}.", 405)
    wanted = request.query.removeprefix("service=") if what == "info/refs" else what
    if wanted not in (PULL, PUSH):
        raise bodies.bad("The lab speaks git's smart protocol; this client asks for another one.", 403)
    return Asked(found["name"], what, wanted)


async def _answer(visit: Visit, request: HttpRequest, asked: Asked) -> HttpResponse:
    if asked.what == "info/refs":
        return await _listing(visit, request, asked.service)
    expected = f"application/x-{asked.what}-request"
    if request.headers.get("content-type") != expected:
        raise bodies.bad(f"The body's type has to be {expected}.", 415)
    if asked.service == PUSH:
        return _result(PUSH, await push.receive(visit, bodies.body_of(request)))
    return await _pack(visit, request)


async def _listing(visit: Visit, request: HttpRequest, wanted: str) -> HttpResponse:
    """What git has to offer: the references, or in version 2 its capabilities."""
    repository = admit(visit, read_only=True)
    path = (await storage.ready(visit.call, repository)).path
    storage.point_head(path, repository)
    protocol = _protocol(request) if wanted == PULL else ""
    command = [wanted.removeprefix("git-"), "--stateless-rpc", "--advertise-refs", "."]
    async with process.git(command, folder=path, protocol=protocol) as git:
        listing = await git.all_output(LARGEST_LISTING)
    banner = b"" if "version=2" in protocol.split(":") else packet(f"# service={wanted}\n".encode()) + FLUSH
    visit.record(read_only=True, transferred=False)
    return HttpResponse(200, {**_FRESH, "content-type": f"application/x-{wanted}-advertisement"}, banner + listing)


async def _pack(visit: Visit, request: HttpRequest) -> HttpResponse:
    repository = admit(visit, read_only=True)
    wishes = await bodies.whole(bodies.body_of(request), LARGEST_WISH)
    visit.capabilities, visit.shallow = _capabilities(wishes)
    path = (await storage.ready(visit.call, repository)).path
    return _result(PULL, _packed(visit, request, path, wishes))


def _result(wanted: str, body: bytes | AsyncIterator[bytes]) -> HttpResponse:
    return HttpResponse(200, {**_FRESH, "content-type": f"application/x-{wanted}-result"}, body)


async def _packed(visit: Visit, request: HttpRequest, path: Path, wishes: bytes) -> AsyncIterator[bytes]:
    """What git answers to a fetch, as it comes. git ends when the client goes."""
    command = ["upload-pack", "--stateless-rpc", "."]
    seen, tail = False, b""
    async with process.git(command, folder=path, protocol=_protocol(request)) as git:
        helpers = [asyncio.create_task(git.feed(_once(wishes))), asyncio.create_task(_stop_if_gone(request, git))]
        try:
            async with aclosing(git.output()) as output:
                async for part in output:
                    seen, tail = seen or _PACK in tail + part, part[-len(_PACK) :]
                    yield part
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
    if seen:  # a round of negotiation alone moves no data
        visit.record(read_only=True, transferred=True)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _stop_if_gone(request: HttpRequest, git: process.Git) -> None:
    if request.gone is not None:
        await request.gone()
        git.stop()


def _protocol(request: HttpRequest) -> str:
    given = request.headers.get("git-protocol", "")
    return given if _PROTOCOL.fullmatch(given) else ""


def _capabilities(wishes: bytes) -> tuple[list[str], bool]:
    """What a fetch can do, as it says itself in either version of the protocol, and whether it wants a part of the
    history only."""
    capabilities: list[str] = []
    shallow = False
    for line in lines(wishes):
        words = line.decode("utf-8", "replace").split()
        if not words:
            continue
        if words[0] == "want":
            capabilities += words[2:]
        elif words[0] in ("deepen", "deepen-since", "deepen-not", "shallow"):
            shallow = True
        elif len(words) == 1 and not words[0].startswith("command="):
            capabilities += words
    return [word for word in dict.fromkeys(capabilities) if word != "done"], shallow


service.route = route
