"""The lab's own pages under /_lab: what a script or a panel asks that AWS has no operation for."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from labsupport.cloud.core import model
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.core.mail import Mail
from labsupport.cloud.gateway import remarks, sigv4
from labsupport.cloud.gateway.authenticate import authenticate
from labsupport.cloud.policy import explain

Page = Callable[[Request], Awaitable[JSONResponse]]


def pages(cloud: Cloud, reset: Callable[[Cloud], Awaitable[None]]) -> Starlette:
    async def health(_: Request) -> JSONResponse:
        settings = cloud.settings
        return JSONResponse({"status": "running", "auth": settings.auth, "account": settings.account})

    async def covered(_: Request) -> JSONResponse:
        return JSONResponse(coverage(cloud))

    async def why(request: Request) -> JSONResponse:
        await _signed(cloud, request)
        return JSONResponse(last_refusal(cloud))

    async def warnings(request: Request) -> JSONResponse:
        caller = await _signed(cloud, request)
        return JSONResponse({"warnings": remarks.warnings(cloud, caller, request.query_params.get("arn", ""))})

    async def mailbox(request: Request) -> JSONResponse:
        caller = await _signed(cloud, request)
        return JSONResponse({"messages": mails(cloud, caller.account, request.query_params.get("to", ""))})

    async def jobs(request: Request) -> JSONResponse:
        caller = await _signed(cloud, request)
        return JSONResponse({"jobs": waiting(cloud, caller.account)})

    async def empty(request: Request) -> JSONResponse:
        if not cloud.settings.open and (await _signed(cloud, request)).kind != "root":
            raise AwsError("AccessDenied", "Only the account's root may reset the lab: use the profile root.", 403)
        await reset(cloud)
        return JSONResponse({"status": "empty"})

    async def stop(request: Request) -> JSONResponse:
        if not cloud.settings.open and (await _signed(cloud, request)).kind != "root":
            raise AwsError("AccessDenied", "Only the account's root may stop the lab: use the profile root.", 403)
        cloud.rooms["stop"]()
        return JSONResponse({"status": "stopping"})

    async def follow(request: Request) -> JSONResponse:
        await _signed(cloud, request)
        return JSONResponse({"status": followed(cloud, request.query_params.get("pid", ""))})

    routes = [
        Route("/_lab/health", health),
        Route("/_lab/coverage", covered),
        Route("/_lab/why", why),
        Route("/_lab/warnings", warnings),
        Route("/_lab/mailbox", mailbox),
        Route("/_lab/jobs", jobs),
        Route("/_lab/reset", empty, methods=["POST"]),
        Route("/_lab/stop", stop, methods=["POST"]),
        Route("/_lab/follow", follow, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={AwsError: _refused})  # type: ignore[dict-item]


def coverage(cloud: Cloud) -> dict[str, Any]:
    """Per service: the operations that are there and those that AWS has and the lab has not."""
    found = {}
    for name in cloud.service_names:
        service = cloud.service(name)
        implemented = set(service.operations) if service else set()
        missing = model.operation_names(name) - implemented
        found[name] = {"implemented": sorted(implemented), "missing": sorted(missing)}
    return found


def mails(cloud: Cloud, account: str, to: str = "") -> list[dict[str, Any]]:
    """The messages that have come for an account's addresses, newest first."""
    found = [one for one in cloud.store.list(Mail, account) if to in ("", one.to)]
    return [msgspec.to_builtins(one) for one in reversed(found)]


def waiting(cloud: Cloud, account: str) -> list[dict[str, Any]]:
    """What the cloud has still to do for an account: the jobs of its outbox, each with the time when it is due."""
    jobs = cloud.store.jobs
    found = [(job, jobs.due(job)) for job in jobs.all() if job.account == account]
    return [{"service": job.service, "task": job.task, "key": job.key, "due": due} for job, due in found]


def last_refusal(cloud: Cloud) -> dict[str, Any]:
    """The last refused call: CloudTrail's record, how it was decided, and what would allow it."""
    found = cloud.store.trail.last_refused()
    if found is None:
        return {}
    event, decision = found
    return {
        "event": event,
        "decision": decision,
        "explanation": explain.narrative(decision),
        "missing": explain.missing_statement(decision),
    }


def followed(cloud: Cloud, pid: str) -> str:
    """Let the cloud live as long as one more process does, where it ends with those that use it (`--follow`)."""
    processes: set[int] | None = cloud.rooms.get("followed")
    if processes is None:
        return "stays"
    if not processes:  # the last of them has ended: it is about to stop
        return "stopping"
    if not pid.isdigit():
        raise AwsError("ValidationError", f"{pid!r} is no process's number.")
    processes.add(int(pid))
    return "follows"


async def _signed(cloud: Cloud, request: Request) -> Caller:
    """The caller of a page that is signed as an AWS call is (service name `lab`)."""
    plain = HttpRequest(
        request.method,
        request.scope["raw_path"].decode("latin-1").partition("?")[0],
        request.scope["query_string"].decode("latin-1"),
        dict(request.headers),
        b"",  # none of them takes one, so none is read
    )
    caller, _ = authenticate(cloud, plain, "json", sigv4.credential_of(plain, "json"))
    if caller.kind == "anonymous" and not cloud.settings.open:
        raise sigv4.missing_token("json")
    return caller


async def _refused(_: Request, error: AwsError) -> JSONResponse:
    return JSONResponse({"__type": error.code, "message": error.message}, status_code=error.status or 400)
