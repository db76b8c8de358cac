"""What a learner can ask of an exercise (check, hint, solution), for notebook and terminal alike.

Everything takes the home folder first. What cannot be recorded is said in a note, and hinders nothing.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labsupport import home
from labsupport.course import registry
from labsupport.course.declare import Chapter, Exercise, Solution, World
from labsupport.course.progress.record import NotKept, Record
from labsupport.course.progress.standing import Standing, standing
from labsupport.course.verdict import Part, Verdict, combined
from labsupport.words import Words

HINTS = ("a nudge", "the concept", "almost there")


class NotBegun(home.Trouble):
    """A chapter's starting point could not be brought about."""

    status = 4


_noting = threading.Lock()  # a card's buttons act in threads of their own


@cache
def record(folder: Path) -> Record:
    """The record of a home folder; one for a process, so that what waits to be written is not forgotten."""
    return Record(folder)


def stand(folder: Path) -> Standing:
    """Where the learner of a home folder stands."""
    return standing(record(folder).events())


def note(folder: Path, what: str, subject: str, **detail: object) -> str:
    """Record an event; a sentence where that fails, else nothing."""
    try:
        with _noting:
            record(folder).note(what, subject, **detail)
    except NotKept as problem:
        return str(problem)
    return ""


def check(folder: Path, name: str) -> Verdict:
    """Check an exercise and record how it went. Raises nothing but `registry.Unknown`."""
    _, exercise = registry.exercise(name)
    parts = _parts(folder, exercise)
    outcome = combined(parts)
    said = note(folder, "checked", name, outcome=outcome.value)
    return Verdict(name, exercise.title, outcome, parts, said)


def _parts(folder: Path, exercise: Exercise) -> tuple[Part, ...]:
    from labsupport.course.looking import looked
    from labsupport.course.mishaps import finding_of
    from labsupport.course.world import Here

    try:
        url = home.running(folder).url
    except home.Unreachable as problem:
        return (Part("the cloud answers", finding_of(problem)),)
    return looked(exercise.check, Here(folder, url, reading=True))


@dataclass(frozen=True, slots=True)
class Hint:
    """One of an exercise's three hints."""

    number: int
    text: str
    note: str = ""

    def words(self) -> Words:
        end = "That was the last hint; a solution comes next." if self.number == len(HINTS) else ""
        lines = [f"Hint {self.number} of {len(HINTS)} ({HINTS[self.number - 1]}):", self.text, end, self.note]
        return Words("\n".join(filter(None, lines)))


def hint(folder: Path, name: str) -> Hint:
    """The next hint of an exercise: one step further each time, and then the last again."""
    _, exercise = registry.exercise(name)
    number = min(_hints_read(folder, name) + 1, len(exercise.hints))
    return Hint(number, exercise.hints[number - 1], note(folder, "hint", name, number=number))


def _hints_read(folder: Path, name: str) -> int:
    try:
        return stand(folder).of(name).hints
    except NotKept:  # its note will say so
        waiting = record(folder).waiting
        return standing(waiting).of(name).hints


@dataclass(frozen=True, slots=True)
class Shown:
    """An exercise's solutions, shown."""

    exercise: str
    solutions: tuple[Solution, ...]
    note: str = ""

    def __repr__(self) -> str:
        return str(self.words())

    def _repr_html_(self) -> str:
        from labsupport.course import html

        return html.solutions(self.solutions, self.note)

    def words(self) -> Words:
        parts = [f"A solution with {one.by}:\n\n{_indented(one.step.code)}\n\n{one.why}" for one in self.solutions]
        return Words("\n\n".join([*parts, *filter(None, [self.note])]))


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in code.strip("\n").splitlines())


def solution(folder: Path, name: str) -> Shown:
    """Every solution of an exercise, with why it is one. It is counted, and never locked."""
    _, exercise = registry.exercise(name)
    return Shown(name, exercise.solutions, note(folder, "solution", name))


def begin(folder: Path, chapter: Chapter, url: str) -> str:
    """Bring a chapter's starting point about; words that say what is there."""
    said: str = _prepared(chapter, chapter.begin, folder, url)
    problem = note(folder, "started", chapter.id)
    return "\n".join(filter(None, [said, problem]))


def forget(folder: Path, chapter: Chapter, url: str) -> None:
    """Remove what a chapter's starting point and exercises made in the cloud."""
    _prepared(chapter, chapter.forget, folder, url)


def _prepared(chapter: Chapter, act: Callable[[World], Any], folder: Path, url: str) -> Any:
    """What the chapter's own function gives; where it ends with an error, a sentence that says what to do."""
    from labsupport.course.mishaps import finding_of
    from labsupport.course.world import Here

    try:
        return act(Here(folder, url))
    except Exception as error:
        found = finding_of(error)
        raise NotBegun(
            f"The starting point of the chapter {chapter.id} could not be brought about. {found.found}\n{found.next}\n"
            "Run lab.start again; where that does not help, lab.reset begins the chapter anew and keeps your clones."
        ) from error
