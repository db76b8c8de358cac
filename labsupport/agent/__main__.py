"""Starts the agent: `python -m labsupport.agent`, as the boot of an instance does."""

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import IO

from labsupport.agent.calls import Services
from labsupport.agent.commands import Agent
from labsupport.agent.journal import Journal
from labsupport.agent.metadata import Metadata
from labsupport.agent.polling import Poller
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
    journal = Journal(settings.log_file)
    _let_go_of_output(settings)
    journal.info("The CodeDeploy agent starts")
    poller = _poller(settings, journal)
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


def _let_go_of_output(settings: Settings) -> None:
    """Whoever started the agent may go; what it prints in spite of its log file must not end it."""
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    own = os.open(settings.log_file.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(own, standard)
    os.close(own)


def _poller(settings: Settings, journal: Journal) -> Poller:
    """Ask the metadata service who this is, until it answers."""
    metadata = Metadata(settings.metadata)
    while True:
        try:
            host = metadata.host_identifier()
            break
        except (*Unreachable, ValueError, KeyError) as error:
            journal.error(f"The metadata service does not answer: {error}")
            time.sleep(0.5)
    services = Services(settings.endpoint, host.split(":")[3], metadata)
    return Poller(Agent(settings, services, journal), host, Tracking(settings.deployments / "ongoing-deployment"))


if __name__ == "__main__":
    main()
