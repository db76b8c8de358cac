"""The record of what was done: a list of events in SQLite that only grows, and from which all else is counted.

Notebooks and terminals write side by side: each note opens the file, adds a line in one transaction and closes it.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labsupport.course.progress.migrations import migrate
from labsupport.home import Trouble

FILE = "progress.sqlite3"
OWN = ""  # the learner of this home folder; others are named by their keys
PATIENCE = 5.0  # seconds to wait for another writer


class NotKept(Trouble):
    """Progress could not be written or read; the text says what happened and what to do."""

    status = 4


@dataclass(frozen=True, slots=True)
class Event:
    """`what` was done to `subject`: `checked start.3`, `hint start.3`, `solution start.3`, `answered start/quiz-1`."""

    what: str
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    learner: str = OWN


@dataclass(slots=True)
class Record:
    """The events of a home folder. Those that could not be written wait here, and go with the next that can."""

    folder: Path
    waiting: list[Event] = field(default_factory=list)

    def note(self, what: str, subject: str, **detail: Any) -> None:
        """Keep an event; `NotKept` where that fails (it is written with the next one, if this process lives on)."""
        self.waiting.append(Event(what, subject, detail))
        wanted = list(self.waiting)
        self.add(wanted)
        self.waiting = [one for one in self.waiting if one not in wanted]

    def add(self, events: Iterable[Event]) -> int:
        """Keep events, each once; how many of them were new."""
        rows = [(one.learner, one.id, one.at, one.what, one.subject, json.dumps(one.detail)) for one in events]
        with self._opened("BEGIN IMMEDIATE") as database:
            before = database.total_changes
            database.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?)", rows)
            return database.total_changes - before

    def events(self, learner: str = OWN) -> list[Event]:
        """A learner's events in the order of their times, those that wait among them."""
        waiting = [one for one in self.waiting if one.learner == learner]
        if not (self.folder / FILE).exists():
            return waiting
        query = "SELECT what, subject, detail, at, id, learner FROM event WHERE learner = ? ORDER BY at, rowid"
        with self._opened() as database:
            rows = database.execute(query, (learner,)).fetchall()
        return [Event(what, subject, json.loads(detail), *more) for what, subject, detail, *more in rows] + waiting

    def know(self, learner: str, name: str) -> None:
        """Note the name of a learner whose events were taken in."""
        with self._opened("BEGIN IMMEDIATE") as database:
            database.execute("INSERT OR REPLACE INTO learner VALUES (?, ?, ?)", (learner, name, time.time()))

    def learners(self) -> dict[str, str]:
        """The names of the learners whose events were taken in, by their keys."""
        if not (self.folder / FILE).exists():
            return {}
        with self._opened() as database:
            return dict(database.execute("SELECT id, name FROM learner ORDER BY name, id").fetchall())

    @contextmanager
    def _opened(self, begin: str = "BEGIN") -> Iterator[sqlite3.Connection]:
        """The database in one transaction, kept whole or not at all; a plain one reads what may not be written too."""
        path = self.folder / FILE
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
            try:
                migrate(database)
                database.execute(begin)
                with database:
                    yield database
            finally:
                database.close()
        except (sqlite3.Error, OSError) as problem:
            raise NotKept(sentence(path, problem)) from problem


def as_json(event: Event) -> dict[str, Any]:
    """An event without whose it is, for a file that says that once."""
    return {name: value for name, value in asdict(event).items() if name != "learner"}


def sentence(path: Path, problem: Exception) -> str:
    """What happened to the file, and what to do."""
    said = str(problem)
    if "full" in said or "No space left" in said:
        return f"The disk of {path} is full, so your progress could not be kept: free some space and do it once more."
    if "readonly" in said or "unable to open" in said or isinstance(problem, PermissionError):
        return f"{path} can't be written, so your progress could not be kept: allow it (chmod u+w {path.name})."
    if "locked" in said:
        return f"{path} is in use by another program, so your progress could not be kept: do it once more in a moment."
    if "newer" in said:
        return f"{said} Use the newer lab."
    return (
        f"{path} can't be read as a record of progress ({said}). Nothing was changed in it. Move it away "
        f"(mv {path.name} {path.name}.damaged) to begin a new one; lab progress import brings an exported one back."
    )
