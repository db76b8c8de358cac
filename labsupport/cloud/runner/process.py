"""The body that runs commands as processes of this machine, each in a session of its own."""

import asyncio
import os
import time
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass, field

from labsupport.cloud.runner import reap
from labsupport.cloud.runner.output import Output
from labsupport.cloud.runner.spec import MARKER, ExitStatus, Spec, StartError

_KILL_GRACE = 2.0


async def start(spec: Spec) -> "RunningProcess":
    """Starts a command; its lines go to the spec's sink as they come. Raises StartError."""
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *spec.argv,
            cwd=spec.folder,
            env={**spec.environment, MARKER: spec.run_id},
            stdin=DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            pass_fds=spec.descriptors,
        )
    except (OSError, ValueError) as error:
        os.close(reading)
        cause = getattr(error, "strerror", None) or str(error)
        raise StartError(f"{spec.name or spec.argv[0]} could not be started: {cause}") from None
    finally:
        os.close(writing)
    running = RunningProcess(spec, process, Output(reading, spec.sink).open())
    running.limit()
    return running


async def run(spec: Spec) -> ExitStatus:
    """Runs a command to its end and leaves nothing of it behind. Raises StartError."""
    running = await start(spec)
    try:
        return await running.wait()
    finally:
        await running.stop()


@dataclass
class RunningProcess:
    """A process with all that it starts. See `spec.Running`."""

    spec: Spec
    process: Process
    output: Output
    timed_out: bool = False
    stopped: bool = False
    gone: float | None = None
    timer: asyncio.TimerHandle | None = None
    ending: "asyncio.Task[int] | None" = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def limit(self) -> None:
        if self.spec.timeout is not None:
            self.timer = self.loop.call_later(self.spec.timeout, self.time_out)

    def time_out(self) -> None:
        if self.process.returncode is None:
            self.timed_out = True
            self.end(_KILL_GRACE)

    def end(self, grace: float) -> "asyncio.Task[int]":
        """Begins to end all processes, in a thread: looking through the machine's processes takes its time."""
        if self.ending is None or self.ending.done():
            self.ending = self.loop.create_task(asyncio.to_thread(reap.end, self.find, grace))
        return self.ending

    def find(self) -> list[reap.psutil.Process]:
        return reap.find([self.spec.run_id], reap.Session(self.process.pid, self.gone))

    async def wait(self) -> ExitStatus:
        code = await self.process.wait()
        self.gone = self.gone or time.time()
        if self.timer:
            self.timer.cancel()
        if self.ending:
            await asyncio.shield(self.ending)
        self.drain()
        return ExitStatus(code if code >= 0 else 128 - code, self.timed_out, self.stopped and not self.timed_out)

    async def stop(self, grace: float = _KILL_GRACE) -> ExitStatus:
        self.stopped = self.stopped or self.process.returncode is None
        if self.ending:
            await self.ending
        await self.end(grace)
        status = await self.wait()
        self.output.close()
        return status

    def drain(self) -> None:
        self.output.drain()
