"""The demo on a terminal: a live table of stages and actions, and the build's log as it comes."""

from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

STAGES = ("Source", "Build", "Approve", "Provision", "Deploy")
_MARKS = {"Succeeded": ("✔", "green"), "Failed": ("✘", "red"), "InProgress": ("●", "yellow"), "Abandoned": ("–", "dim")}
_TAIL = 12  # lines of the log that are shown while a build runs


class Screen:
    """Where the demo is shown; `quiet` shows nothing (for --json)."""

    def __init__(self, quiet: bool = False, console: Console | None = None) -> None:
        self.console = console or Console(quiet=quiet, highlight=False)
        self._live: Live | None = None
        self._tail: list[str] = []

    def tell(self, sentence: str) -> None:
        self._close()
        self.console.print(Text(f"\n▸ {sentence}", style="bold"))

    def show(self, run: Any, lines: list[str]) -> None:
        """The execution as it stands. Without a terminal only the build's lines and the end are printed."""
        self._tail = (self._tail + lines)[-_TAIL:]
        if not self.console.is_terminal:
            for line in lines:
                self.console.print(Text(line), soft_wrap=True)
            if run.ended:
                self.console.print(table(run))
            return
        if self._live is None:
            self._live = Live(console=self.console, refresh_per_second=8)
            self._live.start()
        log = Panel(Text("\n".join(self._tail)), title="the build's log", height=_TAIL + 2)
        self._live.update(Group(table(run), log))
        if run.ended:
            self._close()

    def ask(self) -> bool:
        """Ask the person at the terminal whether the release may go out."""
        self._close()
        return Confirm.ask("The pipeline waits for your approval. Approve?", console=self.console, default=True)

    def conclude(self, chapter: Any) -> None:
        self._close()
        mark = "[green]as it should[/]" if chapter.ok else "[red]not as it should[/]"
        self.console.print(f"\n[bold]{chapter.title}[/] ended {mark}: {chapter.run.status}, {chapter.seconds:.1f} s")
        if chapter.why:
            self.console.print(Panel(Text(chapter.why), title="why"))
        if chapter.url:
            self.console.print(f"The application answers at {chapter.url} with version {chapter.served}.")

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._tail = []


def table(run: Any) -> Table:
    """Stages and actions with their marks and seconds."""
    found = Table("Stage", "Action", "Status", "Seconds", title=f"Pipeline shop, execution {run.id}")
    for stage in STAGES:
        one = run.action(stage)
        if one is None:
            found.add_row(stage, stage, Text("·  waiting", style="dim"), "")
            continue
        mark, colour = _MARKS[one["status"]]
        seconds = (one["lastUpdateTime"] - one["startTime"]).total_seconds()
        shown = f"{seconds:.1f}" if one["status"] != "InProgress" else ""
        found.add_row(stage, stage, Text(f"{mark}  {one['status']}", style=colour), shown)
    return found
