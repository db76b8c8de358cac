"""The cloud as a process in the background, for the commands that need one."""

import os
import subprocess
import sys
import time
from pathlib import Path

from labsupport import home

PATIENCE = 20.0  # seconds until a cloud that does not answer counts as failed


def started(folder: Path, *, follow: bool = True) -> tuple[home.Endpoint, subprocess.Popen[bytes] | None]:
    """The cloud on a home folder, started if none runs there, and its process if it was started now.

    `follow`: it ends by itself when this process has ended, in whatever way (a notebook's kernel is often killed).
    """
    there = home.endpoint(folder)
    if there and (not follow or _joined(folder, there)):
        return there, None
    command = [sys.executable, "-m", "labsupport.cli", "serve", "--home", str(folder)]
    if follow:
        command += ["--follow", str(os.getpid())]
    environ = home.without_own_credentials(dict(os.environ))
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    ready = _when_ready(folder, process)
    return (ready, process) if ready else started(folder, follow=follow)


def _joined(folder: Path, there: home.Endpoint) -> bool:
    """Have a cloud that ends with its users live as long as this process too; False, at its end, where that is late."""
    try:
        if home.ask(folder, "POST", f"/_lab/follow?pid={os.getpid()}")["status"] != "stopping":
            return True
    except home.Unreachable:
        if home.endpoint(folder):  # it answers, and does not know this page or our key: it is there to be used
            return True
    _wait_for_end(there.pid)
    return False


def _wait_for_end(pid: int) -> None:
    end = time.monotonic() + PATIENCE
    while home.is_alive(pid) and time.monotonic() < end:
        _collect(pid)
        time.sleep(0.02)
    if home.is_alive(pid):
        raise home.Unreachable(f"the cloud (process {pid}) has not ended within {PATIENCE:.0f} seconds.")


def _when_ready(folder: Path, process: subprocess.Popen[bytes]) -> home.Endpoint | None:
    """The cloud that was started, once it answers; `None` where somebody else has started one at the same moment."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = home.endpoint(folder)
        if found and found.pid == process.pid:
            return found
        if process.poll() is not None:
            said = process.communicate()[1].decode().strip()
            if home.endpoint(folder):
                return None
            raise home.Unreachable(said.removeprefix("lab serve: ") or "the cloud ended while it started.")
        time.sleep(0.01)
    process.kill()
    raise home.Unreachable(
        f"the cloud did not answer within {PATIENCE:.0f} seconds: see {folder / 'logs' / 'cloud.log'}."
    )


def stopped(folder: Path) -> bool:
    """Stop the cloud on a home folder and wait until it has ended; False where none ran."""
    there = home.endpoint(folder)
    if there is None:
        return False
    try:
        home.ask(folder, "POST", "/_lab/stop", profile="root")
    except home.Unreachable:
        if home.endpoint(folder):  # else it was about to end by itself
            raise
    _wait_for_end(there.pid)
    return True


def _collect(pid: int) -> None:
    """A child that has ended stays in the process table until its parent asks for it."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
