"""Finds and ends processes that a run started, by the marker in their environment and by their session.

All of this blocks for some milliseconds and more: from the event loop it is called in a worker thread.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from labsupport.cloud.runner.spec import MARKER

_STEP = 0.02
# After SIGKILL only the kernel can be slow; nothing is gained by waiting longer.
_PATIENCE = 5.0


@dataclass(frozen=True)
class Session:
    """The session that a run began. Once its leader has `gone` (seconds since 1970), its number may serve others."""

    number: int
    gone: float | None = None


def find(run_ids: Collection[str], session: Session | None = None) -> list[psutil.Process]:
    """All living processes of the runs, wherever they hang in the tree; with `session` those of that session too."""
    wanted = {run_id for run_id in run_ids if run_id}
    found = [process for process in _processes() if _belongs(process, wanted, session)]
    descendants = [child for process in found for child in _children(process)]
    return list({process.pid: process for process in found + descendants if process.pid != os.getpid()}.values())


def _processes() -> Iterator[psutil.Process]:
    """Every process there is. `psutil.process_iter` would pass over one whose number another process had before."""
    for number in psutil.pids():
        with suppress(psutil.Error):
            yield psutil.Process(number)


def _belongs(process: psutil.Process, run_ids: Collection[str], session: Session | None) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if session and os.getsid(process.pid) == session.number:
            return session.gone is None or process.create_time() <= session.gone
        return process.environ().get(MARKER) in run_ids
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in process.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
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
