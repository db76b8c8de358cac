"""What is asked of a runner, and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

# In the environment of all that a run starts, so that it is found again: by `stop`, and after a crash by `reap`.
MARKER = "LAB_RUN_ID"

Sink = Callable[[str], None]


def no_sink(_line: str) -> None:
    """For output that nobody reads."""


class StartError(Exception):
    """A command that cannot be started at all: the program or the folder is missing, the environment is impossible."""


@dataclass(frozen=True)
class Spec:
    """One command to run.

    `environment` is complete: nothing is inherited but what is given (and the marker). `sink` gets each line of
    output as it comes, without its end; it is called on the event loop and must be quick. `run_id` names the run
    for `reap`, `name` is for people. `timeout` is in seconds, None for no limit. `descriptors` are open ones that the
    command gets under the same numbers.
    """

    folder: Path
    argv: Sequence[str]
    run_id: str
    environment: Mapping[str, str] = field(default_factory=dict)
    sink: Sink = no_sink
    timeout: float | None = None
    name: str = ""
    descriptors: tuple[int, ...] = ()


def script(text: str, shell: str = "/bin/bash") -> tuple[str, ...]:
    """The arguments that run a text as a shell's script."""
    return (shell, "-c", text)


@dataclass(frozen=True)
class ExitStatus:
    """How a command ended. `code` is as a shell has it: 128 and the signal's number for one that a signal ended."""

    code: int
    timed_out: bool = False
    stopped: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.timed_out and not self.stopped


class Running(Protocol):
    """A command on its way. Whoever started it calls `stop` in the end, whatever happened: that ends what is left."""

    async def wait(self) -> ExitStatus:
        """Until the command itself ends; children that it left in the background are not waited for."""

    async def stop(self, grace: float = 2.0) -> ExitStatus:
        """Ends the command and everything that it started, first kindly, after `grace` seconds by force."""

    def drain(self) -> None:
        """Hands on at once all output that has been written so far."""
