"""The world that a chapter sees: the cloud through boto3, the clones through git, commands as learners type them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import home, session
from labsupport.course.declare import Ran, Step

CHECKING = "lab-check"  # in the user agent of a check's calls, so that the trail can tell them from the learner's own
# What a check may call, by the beginning of the operation's name. AssumeRole and Decrypt change nothing.
READS = ("Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Search", "Filter", "Test", "Validate", "Simulate",
         "AssumeRole", "Decrypt")  # fmt: skip
# fmt: off
GIT_READS = (
    "branch", "cat-file", "config", "describe", "diff", "diff-tree", "for-each-ref", "log", "ls-files", "ls-remote",
    "ls-tree", "merge-base", "remote", "rev-list", "rev-parse", "show", "show-ref", "status", "symbolic-ref", "tag",
)
# fmt: on
PATIENCE = 300.0  # seconds for a step; a check has less, as a whole


class NoClone(LookupError):
    """The learner has no clone of that name; the text is a sentence."""


class GitRefused(LookupError):
    """git ended with an error; the text is what it said."""


class NotReadOnly(Exception):
    """A check wanted to change something: a mistake of the chapter's."""


class Here:
    """The world of one home folder, on whose cloud at `url` it acts. `reading`: for a check, which changes nothing."""

    def __init__(self, folder: Path, url: str, *, reading: bool = False) -> None:
        self.home = folder
        self.url = url
        self.reading = reading

    def client(self, service: str, profile: str = home.PROFILE) -> Any:
        return _clients(self.url, *home.keys(self.home, profile), self.reading)(service)

    def clone(self, name: str) -> Path:
        return self.home / "clones" / name

    def git(self, name: str, *arguments: str) -> str:
        if arguments[0] not in GIT_READS:
            raise NotReadOnly(f"git {arguments[0]} is not among the commands that only read")
        folder = self.clone(name)
        if not (folder / ".git").exists():
            raise NoClone(f"There is no clone of {name} in {folder.parent}.")
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=self._git_environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=30, check=False,
        )  # fmt: skip
        if done.returncode:
            raise GitRefused(f"git {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()

    def run(self, step: Step) -> Ran:
        clones = self.home / "clones"
        clones.mkdir(parents=True, exist_ok=True)
        # A session of its own, so that it can be ended together with what it has started.
        with subprocess.Popen(
            command(step), cwd=clones, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        ) as process:  # fmt: skip
            try:
                said, _ = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                said, _ = process.communicate()
                return Ran(124, f"{said}\nIt did not end within {PATIENCE:.0f} seconds.")
        return Ran(process.returncode, said)

    def environment(self) -> dict[str, str]:
        """A learner's environment, with the lab's settings for AWS and no others."""
        return home.enclosed(dict(os.environ), self.home, self.url)

    def _git_environment(self) -> dict[str, str]:
        """git neither asks anything, nor refreshes its index, nor looks above the clones for a repository."""
        return {
            **self.environment(),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(self.home / "clones"),
        }


def command(step: Step) -> list[str]:
    """The command line of a step: bash as the notebook's cells run it, Python as a process of its own."""
    if step.kind == "bash":
        return ["bash", "-e", "-o", "pipefail", "-c", step.code]
    return [sys.executable, "-c", step.code]


@cache
def _clients(url: str, key: str, secret: str, reading: bool) -> Callable[[str], Any]:
    only_reads = _only_reads if reading else None
    return session.made(url, key, secret, user_agent=CHECKING if reading else "", before=only_reads)


def _only_reads(model: Any, **_: Any) -> None:
    if not model.name.startswith(READS):
        raise NotReadOnly(f"{model.service_model.service_name}:{model.name} is not among the calls that only read")
