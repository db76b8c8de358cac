"""A pipeline to look at: its picture now, or a panel that stays live and acts."""

import time
from collections.abc import Callable
from typing import Any

from labsupport.diagrams.pipeline import of
from labsupport.diagrams.render import Picture
from labsupport.panels.pipeline_acts import acting
from labsupport.panels.pipeline_seen import Looking, Seen
from labsupport.panels.pipeline_view import view
from labsupport.panels.watching import Watch

SETTLING = 1.0  # seconds for a push or an approval to reach the pipeline, before "nothing goes on" counts
PATIENCE = 300.0  # seconds after which waiting ends by itself
RUNNING = ("InProgress", "Stopping")


class Watched:
    """A pipeline by its name. `client` gives boto3's client of a service."""

    def __init__(self, client: Callable[[str], Any], name: str) -> None:
        self.client = client
        self.name = name

    def picture(self) -> Picture:
        return of(self.client("codepipeline"), self.name)

    def _repr_html_(self) -> str:
        return self.picture()._repr_html_()

    def __repr__(self) -> str:
        return str(self.picture())

    def watch(self, wait: bool = True, patience: float = PATIENCE) -> None:
        """Show the pipeline live, with buttons that act; it stays live after the cell has ended.

        The cell ends when the newest execution has ended or waits for an approval, so that the next cell finds it
        there; with `wait=False` it ends at once.
        """
        watching = self.begin()
        if wait:
            begin = time.monotonic()
            watching.until(lambda seen: time.monotonic() - begin >= SETTLING and not _goes_on(seen), patience)

    def wait(self, patience: float = PATIENCE) -> str:
        """Wait, without a panel, until the newest execution has ended, and give its status.

        It waits for the answer to an approval too: give it in a panel, or in a terminal.
        """
        looking = Looking(self.client, self.name)
        end = time.monotonic() + patience
        time.sleep(SETTLING)
        while (seen := looking.look()).status in RUNNING and time.monotonic() < end:
            time.sleep(0.25)
        return seen.status

    def begin(self) -> Watch[Seen]:
        """Show the panel, and give what keeps it up to date."""
        watching = Watch(
            f"pipeline {self.name}", Looking(self.client, self.name).look, view, acting(self.client, self.name)
        )
        watching.begin()
        return watching


def _goes_on(seen: Seen) -> bool:
    """Whether the newest execution works by itself: it has not ended, and no approval is what it waits for."""
    return seen.status in RUNNING and not seen.approvals and not seen.held
