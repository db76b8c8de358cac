"""The scripts of a lifecycle event (User Guide: "AppSpec 'hooks' section for an EC2/On-Premises deployment")."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labsupport.agent.appspec import LONGEST_EVENT, Script
from labsupport.agent.diagnostics import (
    SCRIPT_FAILED,
    SCRIPT_MISSING,
    SCRIPT_NOT_EXECUTABLE,
    SCRIPT_TIMED_OUT,
    UNKNOWN,
    CommandError,
    tail,
)

# A service that a script has left behind may hold on to its output for ever.
_LAST_WORDS = 0.25  # seconds
_KILL_AFTER = 2.0  # seconds that scripts have to end by themselves once their time is up
_MOST_LINES = 500  # more than the report ever shows


@dataclass
class ScriptLog:
    """What scripts say: the end of it for the report, all of it for the deployment's `scripts.log`."""

    path: Path
    every: Path | None = None  # the log of all deployments
    label: str = ""
    lines: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, line: str) -> None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        with self.lock:
            self.lines = [*self.lines[-_MOST_LINES:], line]
            _append(self.path, f"{moment} {line}")
            if self.every:
                _append(self.every, f"[{moment}] [{self.label}]{line}")

    def tail(self) -> str:
        with self.lock:
            return tail(self.lines)


def _append(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", errors="replace") as file:
            file.write(text)
    except OSError:
        pass  # the instance is being taken away


@dataclass(frozen=True)
class Hook:
    """One lifecycle event's scripts, in the revision that they are run from."""

    event: str
    scripts: tuple[Script, ...]
    archive: Path
    environment: Mapping[str, str]
    folder: Path  # where scripts start: the agent's own, not the revision
    warn: Callable[[str], None]

    def run(self, log: ScriptLog) -> None:
        """Run the scripts one after another. Raises CommandError at the first that fails."""
        log.add(f"LifecycleEvent - {self.event}\n")
        ends = time.monotonic() + LONGEST_EVENT
        for script in self.scripts:
            path = self._runnable(script, log)
            if script.runas:
                self.warn(f"{script.location} is to run as {script.runas}; here it runs as the user of the lab")
            log.add(f"Script - {script.location}\n")
            self._run_script(script, path, log, ends)

    def _runnable(self, script: Script, log: ScriptLog) -> Path:
        path = self.archive / script.location
        if not path.exists():
            text = f"Script does not exist at specified location: {script.location}"
            raise CommandError(SCRIPT_MISSING, text, script.location, log.tail())
        if not os.access(path, os.X_OK) or not path.is_file():
            self.warn(
                f"Script at specified location: {script.location} is not executable.  Trying to make it executable."
            )
            try:
                if not path.is_file():
                    raise OSError("it is a folder")
                path.chmod(path.stat().st_mode | 0o111)
            except OSError:
                text = f"Unable to set script at specified location: {script.location} as executable"
                raise CommandError(SCRIPT_NOT_EXECUTABLE, text, script.location, log.tail()) from None
        return path

    def _run_script(self, script: Script, path: Path, log: ScriptLog, ends: float) -> None:
        process = self._start(script, path, log)
        readers = [_reader(process.stdout, "stdout", log), _reader(process.stderr, "stderr", log)]
        try:
            code = process.wait(min(script.timeout, max(ends - time.monotonic(), 0)))
        except subprocess.TimeoutExpired:
            _end(process)
            _hear_out(readers)
            text = f"Script at specified location: {script.location} failed to complete in {script.timeout} seconds"
            raise CommandError(SCRIPT_TIMED_OUT, text, script.location, log.tail()) from None
        _hear_out(readers)
        if code != 0:
            where = f"{script.location} run as user {script.runas}" if script.runas else script.location
            shown = code if code > 0 else 128 - code
            text = f"Script at specified location: {where} failed with exit code {shown}"
            raise CommandError(SCRIPT_FAILED, text, script.location, log.tail())

    def _start(self, script: Script, path: Path, log: ScriptLog) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                [str(path)],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            text = f"{error.strerror} - {script.location}"
            raise CommandError(UNKNOWN, text, script.location, log.tail()) from None


def _reader(stream: IO[bytes] | None, name: str, log: ScriptLog) -> threading.Thread:
    """Reads to the end, in the background if need be: a service whose output nobody reads would stand still."""

    def read() -> None:
        with stream or open(os.devnull, "rb") as lines:
            for line in lines:
                log.add(f"[{name}]{line.decode('utf-8', 'replace').rstrip(chr(10))}\n")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _hear_out(readers: list[threading.Thread]) -> None:
    until = time.monotonic() + _LAST_WORDS
    for reader in readers:
        reader.join(max(until - time.monotonic(), 0))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a script and its children, kindly at first."""
    for number, patience in ((signal.SIGTERM, _KILL_AFTER), (signal.SIGKILL, _KILL_AFTER)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
            continue
