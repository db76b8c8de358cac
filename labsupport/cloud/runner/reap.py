"""Finds and ends processes that a run started, by the marker in their environment and by their session.

All of this blocks for some milliseconds and more: from the event loop it is called in a worker thread.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from labsupport.cloud.runner.spec import MARKER

_STEP = 0.02
# After SIGKILL only the kernel can be slow; nothing is gained by waiting longer.
_PATIENCE = 5.0
_HAS_PROC = Path("/proc/self/environ").exists()  # Linux


@dataclass(frozen=True)
class Session:
    """The session that a run began. Once its leader has `gone` (seconds since 1970), its number may serve others."""

    number: int
    gone: float | None = None


def find(run_ids: Collection[str], session: Session | None = None) -> list[psutil.Process]:
    """All living processes of the runs, wherever they hang in the tree; with `session` those of that session too."""
    marks = {f"{MARKER}={run_id}".encode() for run_id in run_ids if run_id}
    found = [process for process in _marked(marks, session) if _lives(process)]
    numbers = {process.pid for process in found}
    descendants = [child for process in found if _parent(process) not in numbers for child in _children(process)]
    return list({process.pid: process for process in found + descendants}.values())


def _marked(marks: set[bytes], session: Session | None) -> Iterator[psutil.Process]:
    """`psutil.process_iter` would pass over a process whose number another process had before."""
    for number in psutil.pids():
        if number == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if session and os.getsid(number) == session.number:
                process = psutil.Process(number)
                if session.gone is None or process.create_time() <= session.gone:
                    yield process
            elif not marks.isdisjoint(_environment(number)):
                yield psutil.Process(number)


def _environment(number: int) -> list[bytes]:
    """A process's environment, `NAME=value` each. Where /proc has it one read does, which psutil needs five for."""
    if _HAS_PROC:
        return Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    return [f"{name}={value}".encode() for name, value in psutil.Process(number).environ().items()]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in process.children(recursive=True) if _lives(child)]
    except psutil.Error:
        return []


def end(search: Callable[[], list[psutil.Process]], grace: float) -> int:
    """Ends what `search` finds, SIGTERM first and SIGKILL after `grace` seconds, until it finds nothing. How many."""
    begun = time.monotonic()
    ended: set[int] = set()
    while time.monotonic() < begun + grace + _PATIENCE:
        processes = search()
        if not processes:
            break
        force = time.monotonic() >= begun + grace
        fresh = processes if force else [process for process in processes if process.pid not in ended]
        for process in fresh:
            _send(process, signal.SIGKILL if force else signal.SIGTERM)
        ended |= {process.pid for process in processes}
        # Searching looks at every process of the machine, so these are watched first.
        until = time.monotonic() + _PATIENCE if force else begun + grace
        while any(_lives(process) for process in processes) and time.monotonic() < until:
            time.sleep(_STEP)
    return len(ended)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):
        # A stopped process takes SIGTERM only once it goes on.
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def reap(run_ids: Collection[str], grace: float = 1.0) -> int:
    """Ends what earlier runs left over, such as those of a server that was killed. Gives how many processes."""
    return end(lambda: find(run_ids), grace)
