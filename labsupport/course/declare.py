"""How a chapter says what it asks: exercises with their checks, solutions and wrong answers, and questions.

Everything here is a plain record. A chapter is a package below `labsupport/course/chapters/` with a `CHAPTER`;
adding an exercise touches that package and the notebook's cell. The engine, the cards, the terminal and the
proofs in `tests/course/` work on these records and know no chapter by name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol


class Outcome(StrEnum):
    """What a check can say. The five are never mixed up; only `LAB_FAILED` is never counted against the learner."""

    PASSED = "passed"
    NOT_YET = "not yet"  # nothing attempted
    NOT_RIGHT = "not right"  # attempted, and not (wholly) what was asked
    RAISED = "your code raised"  # code of the learner's that a check has to run (a script, a handler) raised
    LAB_FAILED = "the lab failed"


class World(Protocol):
    """What a check, a starting point or a solution may look at and use: the cloud as any client, and the clones."""

    home: Path

    def client(self, service: str, profile: str = "learner") -> Any:
        """boto3's client under one of the lab's profiles."""

    def clone(self, name: str) -> Path:
        """Where a clone of the learner's lies (it need not exist)."""

    def git(self, name: str, *arguments: str) -> str:
        """The output of a git command in a clone, stripped; `LookupError` where there is no clone or git refuses."""

    def run(self, step: "Step") -> "Ran":
        """Run a step as the learner would, with the lab's environment, in the home's `clones` folder."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands as a learner types them into a cell: `bash` below `%%bash`, `python` as it stands."""

    kind: Literal["bash", "python"]
    code: str


def bash(code: str) -> Step:
    return Step("bash", code)


def python(code: str) -> Step:
    return Step("python", code)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a step ended: `status` 0 where all went well, and what it printed (both streams)."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an expectation found. `found` is the evidence; `next` what to try, with the command that shows it."""

    outcome: Outcome
    found: str
    next: str = ""


def holds(found: str) -> Finding:
    return Finding(Outcome.PASSED, found)


def not_yet(found: str, next: str) -> Finding:
    return Finding(Outcome.NOT_YET, found, next)


def not_right(found: str, next: str) -> Finding:
    return Finding(Outcome.NOT_RIGHT, found, next)


def raised(found: str, next: str) -> Finding:
    return Finding(Outcome.RAISED, found, next)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One part of a check. Its name is a sentence that is true when it holds: `the branch main has a commit`.

    `look` only reads. `given` marks what holds at the starting point already: that it holds is no attempt.
    """

    name: str
    look: Callable[[World], Finding]
    given: bool = False


def expect(name: str, *, given: bool = False) -> Callable[[Callable[[World], Finding]], Expectation]:
    """A decorator that makes a function `(world) -> Finding` an expectation."""
    return lambda look: Expectation(name, look, given)


@dataclass(frozen=True, slots=True)
class Solution:
    """A way to reach the goal, shown and explained: `by` says with what (`the AWS CLI`, `boto3`, `git`)."""

    by: str
    step: Step
    why: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A likely wrong answer: after `step`, the check gives `outcome` and says `says` somewhere in its message.

    An exercise's wrong answers are tried one after the other, and then the first solution: each has to work on top of
    the ones before, as it would for a learner who mends the mistake; where it cannot, `mend` takes this one back first.
    """

    tag: str
    step: Step
    outcome: Outcome
    says: str
    mend: Step | None = None


@dataclass(frozen=True, slots=True)
class Exercise:
    """`objectives` name tasks of the exam guides (`DVA-C02 3.4`); `hints` are a nudge, the concept, almost there.

    `breaks` each remove one resource, statement or file of the solved state, after which the check has to fail;
    the first solution has to work again after each. `shows` are the steps of the course's map (`code`, `build`, `test`,
    `deploy`, `provision`) that are seen at work once the exercise is passed.
    """

    id: str
    title: str
    task: str  # Markdown
    objectives: tuple[str, ...]
    hints: tuple[str, str, str]
    check: tuple[Expectation, ...]
    solutions: tuple[Solution, ...]
    wrong: tuple[Wrong, ...]
    breaks: tuple[Step, ...]
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """Shows an option right (its step ends with status 0) or wrong (it doesn't, and prints `says`)."""

    step: Step
    says: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to choose from, and why it is right or wrong."""

    text: str
    right: bool
    why: str
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One option right: single choice; several: choose exactly so many, all or nothing.

    `setting` is run before the options' proofs.
    """

    id: str
    text: str
    options: tuple[Option, ...]
    objectives: tuple[str, ...]
    setting: Step | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """`begin` brings the starting point about by ordinary calls, idempotent, whatever was done before; it gives words
    that say what is there. `forget` removes what the chapter's exercises and its starting point made in the cloud,
    and nothing of other chapters; `clones` are the learner's folders, of which a reset keeps a copy.
    """

    id: str
    title: str
    notebook: str
    begin: Callable[[World], str]
    forget: Callable[[World], None]
    clones: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    questions: tuple[Question, ...]
