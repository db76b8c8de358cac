"""One shell per build, fed one command at a time: what a command does to the shell, the next one finds.

That is how CodeBuild runs buildspec version 0.2; version 0.1 gives each command a fresh shell (`keep=False`).
A command that ends the shell (`exit 3`, `set -e`, `exec`) ends only itself: the next one gets a new shell with the
variables, functions, options and folder of the old one.
"""

import asyncio
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.runner import process
from labsupport.cloud.runner.drivers import COMPLETE, driver
from labsupport.cloud.runner.process import RunningProcess
from labsupport.cloud.runner.spec import ExitStatus, Sink, Spec, StartError, no_sink

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS = {None: "bash", "bash": "bash", "/bin/bash": "bash", "sh": "sh", "/bin/sh": "sh"}


async def open_shell(
    folder: Path,
    environment: Mapping[str, str],
    run_id: str,
    sink: Sink = no_sink,
    shell: str | None = None,
    keep: bool = True,
    scratch: Path | None = None,
) -> "Shell":
    """A shell that starts in `folder` with this environment and nothing else. `await shell.stop()` in the end.

    `shell` is a buildspec's `env/shell`; `scratch` a folder for the shell's own files, which error messages of the
    shell may name. Raises NotSimulated for shells of Windows, StartError where the shell cannot be started.
    """
    if shell not in _SHELLS:
        raise not_simulated(f"The shell {shell}")
    program = shutil.which(_SHELLS[shell]) or f"/bin/{_SHELLS[shell]}"
    own = Path(tempfile.mkdtemp(prefix="shell-", dir=scratch))
    spec = Spec(folder, (program,), run_id, dict(environment), sink, name=f"The shell {_SHELLS[shell]}")
    opened = Shell(spec, own, bash=_SHELLS[shell] == "bash", keep=keep)
    try:
        opened.open()
        if keep:
            await opened.spawn()
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass
class Shell:
    """See `open_shell`. One command runs at a time."""

    spec: Spec
    own: Path
    bash: bool
    keep: bool
    running: RunningProcess | None = None
    past: list[RunningProcess] = field(default_factory=list)
    control: int = -1
    results: int = -1
    status: "asyncio.Future[int] | None" = None
    received: bytes = b""
    sink: Sink | None = None
    stopped: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def open(self) -> None:
        (self.own / "driver").write_text(driver(self.bash, self.own))
        for name in ("control", "results"):
            os.mkfifo(self.own / name, 0o600)
        # Opened for both, so that neither side waits for the other and the end of a shell is no end of the pipe.
        self.control = os.open(self.own / "control", os.O_RDWR | os.O_NONBLOCK)
        self.results = os.open(self.own / "results", os.O_RDWR | os.O_NONBLOCK)
        self.loop.add_reader(self.results, self.receive)

    async def spawn(self) -> RunningProcess:
        """Starts a shell, with the state that the one before left behind."""
        self.adopt()
        environment = dict(self.spec.environment)
        if (self.own / "restore").exists():
            # What a command has unset must not come back: all else is in the state.
            environment = {"PATH": environment.get("PATH", os.defpath)}
        _emptied(self.control)
        _emptied(self.results)
        return await self.start("driver", environment)

    async def start(self, script: str, environment: Mapping[str, str]) -> RunningProcess:
        if self.running and self.running.output.descriptor >= 0:
            self.past.append(self.running)
        argv = (*self.spec.argv, str(self.own / script))
        spec = replace(self.spec, argv=argv, environment=environment, sink=self.hand_on)
        self.running = await process.start(spec)
        return self.running

    def adopt(self) -> None:
        """Keeps the state that a shell wrote down, if it came to the end of it."""
        state = self.own / "state"
        if state.exists() and state.read_bytes().endswith(COMPLETE):
            os.replace(state, self.own / "restore")

    def hand_on(self, line: str) -> None:
        (self.sink or self.spec.sink)(line)

    def receive(self) -> None:
        self.received += _emptied(self.results)
        *whole, self.received = self.received.split(b"\n")
        for line in whole:
            if self.status and not self.status.done() and line.isdigit():
                self.status.set_result(int(line))

    async def run(self, command: str, timeout: float | None = None, sink: Sink | None = None) -> ExitStatus:
        """Runs one command (it may have many lines) to its end; its output goes to `sink`, or else to the shell's.

        At the timeout all that the shell has started is ended, the shell included. Raises StartError where a new
        shell was needed and could not be started.
        """
        if self.stopped:
            raise StartError(f"{self.spec.name} has been stopped")
        (self.own / "script").write_text(command + "\n", "utf-8", "surrogateescape")
        self.sink = sink
        try:
            return await (self.run_within(timeout) if self.keep else self.run_apart(timeout))
        finally:
            self.sink = None

    async def run_apart(self, timeout: float | None) -> ExitStatus:
        running = await self.start("script", self.spec.environment)
        return await self.outcome(running, self.loop.create_future(), timeout)

    async def run_within(self, timeout: float | None) -> ExitStatus:
        running = self.running
        if running is None or running.process.returncode is not None:
            running = await self.spawn()
        self.status = self.loop.create_future()
        os.write(self.control, b"go\n")
        return await self.outcome(running, self.status, timeout)

    async def outcome(
        self, running: RunningProcess, status: "asyncio.Future[int]", timeout: float | None
    ) -> ExitStatus:
        exited = self.loop.create_task(running.wait())
        either: list[asyncio.Future[Any]] = [status, exited]
        try:
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if status.done():
                running.drain()
                self.adopt()
                return ExitStatus(status.result())
            if exited.done():
                return exited.result()
            return replace(await running.stop(), timed_out=True, stopped=False)
        finally:
            exited.cancel()

    async def set(self, name: str, value: str) -> None:
        """Exports a variable to the commands that follow."""
        if self.keep:
            await self.run(f"export {name}={shlex.quote(value)}")
        else:
            self.spec = replace(self.spec, environment={**self.spec.environment, name: value})

    async def variables(self, names: Iterable[str]) -> dict[str, str]:
        """The values that variables have now in the shell; those that are not set are left out."""
        lines = [f'[ -z "${{{name}+x}}" ] || printf \'%s\\0\' {name} "${name}"' for name in names]
        parts = (await self.written("\n".join(lines))).split("\0")
        return dict(zip(parts[::2], parts[1::2], strict=False))

    async def expand(self, text: str) -> str:
        """A text with the shell's variables and `$(commands)` put in, as an artifact's name has them."""
        end = "LAB_END_OF_TEXT"
        return (await self.written(f"cat <<{end}\n{text}\n{end}\n")).removesuffix("\n")

    async def written(self, command: str) -> str:
        """What a command prints, run beside the shell's state."""
        target = self.own / "written"
        target.write_bytes(b"")
        await self.run(f"(\n{command}\n) >| {shlex.quote(str(target))} 2>/dev/null")
        return target.read_bytes().decode("utf-8", "replace")

    async def stop(self, grace: float = 2.0) -> None:
        """Ends the shell and all that its commands have left running."""
        self.stopped = True
        try:
            for running in [*self.past, *([self.running] if self.running else [])]:
                await running.stop(grace)
        finally:
            self.close()

    def close(self) -> None:
        if self.results >= 0:
            self.loop.remove_reader(self.results)
            os.close(self.results)
            os.close(self.control)
            self.results = self.control = -1
        shutil.rmtree(self.own, ignore_errors=True)


def _emptied(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""
