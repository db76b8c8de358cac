"""Execution environments: a process for one version of a function, which takes one event at a time and is kept for the
next one (Lambda Developer Guide: "Understanding the Lambda execution environment lifecycle")."""

import asyncio
import json
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.runner import process, reap
from labsupport.cloud.runner.process import RunningProcess
from labsupport.cloud.runner.spec import Spec
from labsupport.cloud.services.functions import packages, sealing
from labsupport.cloud.services.functions.base import Function, Params, Settings, service
from labsupport.cloud.services.functions.log import Log
from labsupport.cloud.services.functions.shown import log_group
from labsupport.cloud.store.record import record

IDLE = 300.0  # seconds after which an environment without an event is ended
MOST_IDLE = 8
MOST_AT_ONCE = 16  # processes of functions that work on this machine; further events wait for their turn
_FRESH = 120.0  # seconds that a session has to hold still
_LONGEST_LINE = 64 << 20
_PROGRAM = Path(__file__).parent / "runtime.py"


@record("lambda.environment", key=("id",))
class Kept(msgspec.Struct, kw_only=True):
    """An environment whose processes have to be looked for, should the cloud be killed."""

    id: str


@dataclass(eq=False)
class Environment:
    """`key` tells what it runs: the function's ARN, the version and its revision."""

    id: str
    key: tuple[str, str, str]
    folder: Path
    caller: Caller
    credentials: Params
    log: Log
    process: RunningProcess | None = None
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    timer: asyncio.TimerHandle | None = None

    def client(self, call: Call, name: str) -> Client:
        return Client(call, name, self.caller)

    def send(self, event: Params) -> None:
        assert self.writer is not None
        self.writer.write(json.dumps(event).encode() + b"\n")

    async def next(self) -> Params | None:
        """What the runtime says next; None once it has ended."""
        assert self.reader is not None
        try:
            line = await self.reader.readline()
        except (OSError, ValueError):
            return None
        return msgspec.json.decode(line) if line.endswith(b"\n") else None


@dataclass
class Room:
    """What the service holds while the cloud runs: idle environments, all environments, and how many work."""

    idle: list[Environment] = field(default_factory=list)
    every: set[Environment] = field(default_factory=set)
    working: dict[str, int] = field(default_factory=dict)  # by the function's ARN
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    ending: set["asyncio.Task[None]"] = field(default_factory=set)


def room_of(cloud: Cloud) -> Room:
    if "lambda" not in cloud.rooms:
        cloud.rooms["lambda"] = Room()
    found: Room = cloud.rooms["lambda"]
    return found


def taken(call: Call, key: tuple[str, str, str]) -> Environment | None:
    """An idle environment of that key, whose session still holds; those of older revisions are ended."""
    room = room_of(call.cloud)
    for one in [one for one in room.idle if one.key[:2] == key[:2]]:
        session = one.caller.session
        alive = one.process is not None and one.process.process.returncode is None
        if one.key == key and alive and session and session.expires > call.epoch + _FRESH:
            _out_of_idle(room, one)
            return one
        _out_of_idle(room, one)
        end_soon(call.cloud, one)
    return None


def _out_of_idle(room: Room, one: Environment) -> None:
    room.idle.remove(one)
    if one.timer:
        one.timer.cancel()


def given_back(cloud: Cloud, one: Environment) -> None:
    """Keep an environment for the next event, for a while."""
    room = room_of(cloud)
    room.idle.append(one)
    one.timer = asyncio.get_running_loop().call_later(IDLE, _expired, cloud, one)
    if len(room.idle) > MOST_IDLE:
        _expired(cloud, room.idle[0])


def _expired(cloud: Cloud, one: Environment) -> None:
    _out_of_idle(room_of(cloud), one)
    end_soon(cloud, one)


def end_soon(cloud: Cloud, one: Environment) -> None:
    room = room_of(cloud)
    task = asyncio.get_running_loop().create_task(end(cloud, one))
    room.ending.add(task)
    task.add_done_callback(room.ending.discard)


async def end(cloud: Cloud, one: Environment, grace: float = 0.3) -> None:
    """End its processes, and remove its folder."""
    if one.writer:
        one.writer.close()
    if one.process:
        await one.process.stop(grace)
    await asyncio.to_thread(shutil.rmtree, one.folder, ignore_errors=True)
    room_of(cloud).every.discard(one)
    kept = cloud.store.get(Kept, one.id)
    if kept:
        cloud.store.delete(kept)


def assumed(call: Call, function: Function, settings: Settings) -> tuple[Caller, Params]:
    """A session of the function's role. Raises AccessDeniedException."""
    sts = call.aws("sts", as_service=True, source_arn=function.arn)
    session = function.name if len(function.name) > 1 else f"lambda-{function.name}"  # a session's has two letters
    try:
        answer = sts.assume_role(RoleArn=settings.role, RoleSessionName=session)
    except AwsError as error:
        message = "The role defined for the function cannot be assumed by Lambda."
        raise AwsError("AccessDeniedException", message, 403, error.decision) from None
    credentials = answer["Credentials"]
    return call.cloud.way_in.caller(credentials["AccessKeyId"]), credentials


async def made(call: Call, function: Function, settings: Settings, key: tuple[str, str, str]) -> Environment:
    """A new environment, whose process is starting. Raises AwsError where role or key can't be used."""
    caller, credentials = assumed(call, function, settings)
    variables = sealing.opened(call, function.arn, settings, caller)
    number = ids.uuid4()
    stream = f"{call.now:%Y/%m/%d}/[{key[1]}]{secrets.token_hex(16)}"
    log = Log(call.cloud, log_group(function, settings), stream)
    one = Environment(number, key, packages.working(call.cloud.home) / number, caller, credentials, log)
    room_of(call.cloud).every.add(one)
    call.store.put(Kept(id=number))
    data = packages.read(call.cloud, settings.code)
    try:
        await asyncio.to_thread(_prepare, data, one.folder)
        await _start(call, one, {**variables, **_environment(call, one, function, settings)})
    except BaseException:
        end_soon(call.cloud, one)
        raise
    return one


def _prepare(data: bytes, folder: Path) -> None:
    packages.unpack(data, folder / "task")
    for name in ("tmp", "home"):
        (folder / name).mkdir(mode=0o700)


async def _start(call: Call, one: Environment, environment: dict[str, str]) -> None:
    ours, theirs = socket.socketpair()
    try:
        spec = Spec(
            folder=one.folder / "task",
            argv=(sys.executable, "-u", "-P", str(_PROGRAM), str(theirs.fileno())),
            run_id=one.id,
            environment=environment,
            sink=one.log.add,
            name="The function's runtime",
            descriptors=(theirs.fileno(),),
        )
        one.process = await process.start(spec)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    one.reader, one.writer = await asyncio.open_unix_connection(sock=ours, limit=_LONGEST_LINE)


def _environment(call: Call, one: Environment, function: Function, settings: Settings) -> dict[str, str]:
    """The variables that Lambda sets (Lambda Developer Guide: "Defined runtime environment variables")."""
    inherited = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return {
        "PATH": os.pathsep.join(dict.fromkeys([str(Path(sys.executable).parent), *inherited])),
        "HOME": str(one.folder / "home"),
        "TMPDIR": str(one.folder / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": settings.handler,
        "LAMBDA_TASK_ROOT": str(one.folder / "task"),
        "LAMBDA_RUNTIME_DIR": str(_PROGRAM.parent),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{settings.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": one.key[1],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": one.log.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": one.log.stream,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ENDPOINT_URL": call.cloud.settings.endpoint,
        "AWS_ACCESS_KEY_ID": one.credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": one.credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": one.credentials["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def forget(cloud: Cloud, function: str) -> None:
    """End the idle environments of a function that is gone (its ARN)."""
    for one in [one for one in room_of(cloud).idle if one.key[0] == function]:
        _expired(cloud, one)


def _at_start(cloud: Cloud) -> None:
    """End what a killed cloud's functions have left running."""
    left = list(cloud.store.list(Kept))
    if left:
        reap.reap([one.id for one in left])
        with cloud.store.transaction():
            for one in left:
                cloud.store.delete(one)


async def _at_stop(cloud: Cloud) -> None:
    room = room_of(cloud)
    for one in list(room.idle):
        _out_of_idle(room, one)
    await asyncio.gather(*(end(cloud, one) for one in list(room.every)), *room.ending, return_exceptions=True)


service.at_start = _at_start
service.at_stop = _at_stop
