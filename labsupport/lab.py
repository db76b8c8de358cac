"""What a notebook imports: `from labsupport import lab`.

`lab.start()` attaches to the cloud, or starts it. After that `aws`, `git` and boto3 in the notebook reach the
lab and nothing else.
"""

import atexit
import os
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from labsupport import home, refusal

_clients: dict[str, Callable[[str], Any]] = {}


def start(chapter: str = "start") -> str:
    """Attach to the cloud of the home folder, or start it, and say where things are."""
    from labsupport.commands.background import started, stopped

    folder = home.folder()
    endpoint, process = started(folder)
    if process is not None:
        atexit.register(stopped, folder)
    for name in home.OVERRIDING:
        os.environ.pop(name, None)
    os.environ.update(home.environment(folder, endpoint.url))
    programs = os.path.dirname(sys.executable)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    _clients.clear()
    return Words(
        f"The cloud answers at {endpoint.url} (account {endpoint.account}, region {home.REGION}).\n"
        f"You are the user {home.PROFILE}; aws, git and boto3 in this notebook reach the lab and nothing else.\n"
        f"Everything is kept in {folder}; chapter: {chapter}."
    )


def client(service: str, profile: str = home.PROFILE) -> Any:
    """boto3's client for a service, nothing else: `lab.client("codecommit").list_repositories()`."""
    if profile not in _clients:
        from labsupport.session import client_of

        folder = home.folder()
        _clients[profile] = client_of(folder, home.running(folder).url, profile)
    return _clients[profile](service)


def clones(name: str) -> Path:
    """The folder of a clone of yours, kept beside the cloud's state and never touched by it."""
    folder = home.folder() / "clones" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def map(*done: str) -> Any:
    """The map of the course; `done` marks the steps that you have seen at work."""
    from labsupport.diagrams.course import course_map

    return course_map(done)


def pipeline(name: str) -> Any:
    """A pipeline to look at: `.picture()` now, `.watch()` until it ends or waits for somebody."""
    from labsupport.panels.pipeline import Watched

    return Watched(client("codepipeline"), name)


def mailbox(to: str = "", about: str = "", newest: int | None = None) -> Any:
    """The mails that the cloud has sent, newest first: all, or those with `about` in the subject, or so many."""
    from labsupport import mailbox as messages

    found = [one for one in messages.messages(home.folder(), to) if about in one["subject"]]
    return Words("\n\n".join(_mail(one) for one in found[:newest]) or "No such mail has come yet.")


def _mail(one: dict[str, Any]) -> str:
    return f"To:      {one['to']}\nFrom:    {one['sender']}\nSubject: {one['subject']}\n\n{one['body'].strip()}"


def why() -> Any:
    """The last refused call: which policy, which statement, what would allow it."""
    found = home.ask(home.folder(), "GET", "/_lab/why")
    if not found:
        return Words("No call has been refused yet.")
    return Words(refusal.words(found))


class Words(str):
    """Text that a notebook shows as it is, without quotes, its long lines broken between words."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        style = "margin: 0; font-size: 90%; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"
        return f'<pre style="{style}">{escape(self)}</pre>'
