"""One event through a function: START, the handler, END and REPORT, within its time."""

import asyncio
import dataclasses
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.functions import environments
from labsupport.cloud.services.functions.base import Function, Params, Settings
from labsupport.cloud.services.functions.environments import Environment, room_of

LARGEST_ANSWER = 6_291_556  # bytes
INIT = 10.0  # seconds that a function has to load


@dataclass
class Outcome:
    """`error` is what X-Amz-Function-Error says; empty where the handler returned."""

    payload: bytes
    version: str
    error: str = ""
    tail: bytes = b""


@dataclass
class Event:
    request_id: str
    payload: str
    arn: str  # as it was invoked
    client: Any = None


async def run(call: Call, function: Function, version: str, settings: Settings, event: Event) -> Outcome:
    """Raises AwsError where it can't be run at all: it is throttled, its role or its key can't be used."""
    call = dataclasses.replace(call, account=function.account)  # who calls it may be another account's
    async with _turn(call, function):
        key = (function.arn, version, settings.revision)
        begun = time.monotonic()
        warm = environments.taken(call, key)
        one = warm or await environments.made(call, function, settings, key)
        one.log.begin(partial(one.client, call, "logs"))
        reusable = False
        try:
            ready: Params = {"kind": "ready"} if warm else await _ready(one)
            loaded = 0.0 if warm else time.monotonic() - begun
            done = await _invoke(call, one, settings, event, ready, loaded)
            reusable = not done.get("over")
            return _outcome(one, event, done)
        finally:
            if reusable:
                environments.given_back(call.cloud, one)
            else:
                environments.end_soon(call.cloud, one)


@asynccontextmanager
async def _turn(call: Call, function: Function) -> AsyncIterator[None]:
    room = room_of(call.cloud)
    working = room.working.get(function.arn, 0)
    if function.reserved is not None and working >= function.reserved:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429, Reason=reason, Type="User")
    room.working[function.arn] = working + 1
    try:
        async with room.turn:
            yield
    finally:
        room.working[function.arn] -= 1


async def _ready(one: Environment) -> Params:
    """The runtime has loaded the handler; an error that it met there is the first event's answer."""
    try:
        async with asyncio.timeout(INIT):
            while (said := await one.next()) is not None:
                if said["kind"] == "ready":
                    return said
                one.log.add(said["text"])
    except TimeoutError:
        return {"kind": "ready", "timeout": True}
    return {"kind": "ready", "exited": True}


async def _invoke(
    call: Call, one: Environment, settings: Settings, event: Event, ready: Params, loaded: float
) -> Params:
    """What became of the event, with all of its log written."""
    _drain(one)
    one.log.add(f"START RequestId: {event.request_id} Version: {one.key[1]}")
    begun = time.monotonic()
    done = await _handled(call, one, settings, event, ready)
    _drain(one)
    for line in _last_lines(settings, event, done, time.monotonic() - begun, loaded):
        one.log.add(line)
    one.log.flush()
    return done


def _drain(one: Environment) -> None:
    """Have what was printed so far in the log before what comes now."""
    if one.process:
        one.process.drain()


async def _handled(call: Call, one: Environment, settings: Settings, event: Event, ready: Params) -> Params:
    """What became of the event; `over`: the environment can't be used again."""
    if ready.get("error"):
        told = {**ready["error"], "requestId": event.request_id}
        return {"error": told, "over": True, "text": ready["text"], "status": "error"}
    if ready.get("exited"):
        return await _exited(one, event)
    left = float(settings.timeout) - (INIT if ready.get("timeout") else 0.0)
    try:
        async with asyncio.timeout(max(left, 0.0)):
            if ready.get("timeout"):
                while (said := await one.next()) is not None and said["kind"] != "ready":
                    one.log.add(said["text"])
            one.send(_event(call, event, settings))
            return await _answer(one, event)
    except TimeoutError:
        message = f"Task timed out after {settings.timeout:.2f} seconds"
        told = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {event.request_id} Error: {message}"}
        text = f"{call.now:%Y-%m-%dT%H:%M:%S}.{call.now.microsecond // 1000:03d}Z {event.request_id} {message}"
        return {"error": told, "over": True, "text": text, "status": "timeout"}


def _event(call: Call, event: Event, settings: Settings) -> Params:
    return {
        "id": event.request_id,
        "payload": event.payload,
        "arn": event.arn,
        "client": event.client,
        "left": settings.timeout,
        "trace": f"Root=1-{int(call.epoch):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0",
    }


async def _answer(one: Environment, event: Event) -> Params:
    while (said := await one.next()) is not None:
        if said["kind"] == "done":
            return said
        _drain(one)
        one.log.add(said["text"])
    return await _exited(one, event)


async def _exited(one: Environment, event: Event) -> Params:
    status = await one.process.wait() if one.process else None
    code = status.code if status else 1
    how = f"exit status {code}" if code < 128 else f"signal: {code - 128}"
    message = f"RequestId: {event.request_id} Error: Runtime exited with error: {how}"
    if code == 0:
        message = f"RequestId: {event.request_id} Error: Runtime exited without providing a reason"
    return {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}, "over": True, "text": message,
            "status": "error"}  # fmt: skip


def _last_lines(settings: Settings, event: Event, done: Params, lasted: float, loaded: float) -> list[str]:
    milliseconds = min(lasted, float(settings.timeout)) * 1000
    billed = ceil(milliseconds + loaded * 1000)
    report = (
        f"REPORT RequestId: {event.request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {settings.memory} MB\tMax Memory Used: {done.get('memory', settings.memory)} MB\t"
    )
    report += f"Init Duration: {loaded * 1000:.2f} ms\t" if loaded else ""
    report += f"Status: {done['status']}" if done.get("status") else ""
    said = [done["text"]] if done.get("text") else []
    return [*said, f"END RequestId: {event.request_id}", report]


def _outcome(one: Environment, event: Event, done: Params) -> Outcome:
    if "error" in done:
        return Outcome(json.dumps(done["error"]).encode(), one.key[1], "Unhandled", one.log.tail())
    payload = done["payload"].encode("utf-8", "surrogatepass")
    if len(payload) > LARGEST_ANSWER:
        message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
        told = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
        return Outcome(json.dumps(told).encode(), one.key[1], "Unhandled", one.log.tail())
    return Outcome(payload, one.key[1], "", one.log.tail())
