"""Starts the agent: `python -m labsupport.agent`, as the boot of an instance does."""

import fcntl
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from labsupport.agent.calls import Services
from labsupport.agent.commands import Agent
from labsupport.agent.journal import Journal
from labsupport.agent.metadata import Metadata
from labsupport.agent.polling import LONELY, Poller
from labsupport.agent.settings import BadSettings, Settings, read_settings
from labsupport.agent.tracking import Tracking
from labsupport.agent.transport import Unreachable


def main() -> None:
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        sys.exit(f"The CodeDeploy agent cannot start: {error}")
    settings.home.mkdir(parents=True, exist_ok=True)
    held = _take_place(settings.pid_file)
    _let_go_of_output(settings)
    journal = Journal(settings.log_file)
    journal.info("The CodeDeploy agent starts")
    poller = _poller(settings, journal, lambda: _still_holds(settings.pid_file, held))
    if poller is None:
        return
    journal.info(f"This host is {poller.host}")
    with held:
        poller.run()


def _take_place(path: Path) -> IO[str]:
    """One agent per instance: a second one waits here until the first has gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = path.open("a+")
    fcntl.flock(held, fcntl.LOCK_EX)
    held.truncate(0)
    held.write(f"{os.getpid()}\n")
    held.flush()
    return held


def _still_holds(path: Path, held: IO[str]) -> bool:
    """Whether the agent's place is still there: not if the instance has been taken away."""
    try:
        return os.path.samestat(path.stat(), os.fstat(held.fileno()))
    except OSError:
        return False


def _let_go_of_output(settings: Settings) -> None:
    """Whoever started the agent may go; what it prints in spite of its log file must not end it."""
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    own = os.open(settings.log_file.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(own, standard)
    os.close(own)


def _poller(settings: Settings, journal: Journal, belongs: Callable[[], bool]) -> Poller | None:
    """Ask the metadata service who this is, until it answers; None if it never does."""
    metadata, until = Metadata(settings.metadata), time.monotonic() + LONELY
    while belongs() and time.monotonic() < until:
        try:
            host = metadata.host_identifier()
        except (*Unreachable, ValueError, KeyError) as error:
            journal.error(f"The metadata service does not answer: {error}")
            time.sleep(0.5)
            continue
        agent = Agent(settings, Services(settings.endpoint, host.split(":")[3], metadata), journal)
        return Poller(agent, host, Tracking(settings.deployments / "ongoing-deployment"), belongs)
    return None


if __name__ == "__main__":
    main()
