"""Where a learner stands: counted from the events, exercise by exercise and question by question."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from labsupport.course.declare import Chapter, Outcome
from labsupport.course.progress.record import Event


@dataclass(slots=True)
class Stand:
    """An exercise's: `tries` are checks that say something of the learner's work, so none of "the lab failed"."""

    outcome: Outcome | None = None  # of the newest check
    passed: float | None = None  # when it was passed first
    tries: int = 0
    hints: int = 0  # how many of the three were read
    solutions: int = 0  # how often a solution was looked at
    first: float | None = None  # when it was first looked at or checked


@dataclass(slots=True)
class Answered:
    """A question's: how often it was answered, how often rightly, and whether the newest answer was."""

    times: int = 0
    right_times: int = 0
    right: bool = False


@dataclass(slots=True)
class Standing:
    """All that a learner has done; an exercise that was never touched has a fresh `Stand`."""

    exercises: dict[str, Stand] = field(default_factory=dict)
    questions: dict[str, Answered] = field(default_factory=dict)

    def of(self, exercise: str) -> Stand:
        return self.exercises.get(exercise, Stand())

    def answered(self, question: str) -> Answered:
        return self.questions.get(question, Answered())

    def passed(self, exercise: str) -> bool:
        return self.of(exercise).passed is not None

    def shown(self, chapters: Iterable[Chapter]) -> set[str]:
        """The steps of the course's map that have been seen at work."""
        return {step for chapter in chapters for one in chapter.exercises if self.passed(one.id) for step in one.shows}


def standing(events: Iterable[Event]) -> Standing:
    found = Standing()
    for event in events:
        if event.what == "answered":
            _answer(found.questions.setdefault(event.subject, Answered()), event)
        elif event.what in _COUNTED:
            stand = found.exercises.setdefault(event.subject, Stand())
            stand.first = stand.first or event.at
            _COUNTED[event.what](stand, event)
    return found


def _answer(known: Answered, event: Event) -> None:
    known.times += 1
    known.right = bool(event.detail.get("right"))
    known.right_times += known.right


def _checked(stand: Stand, event: Event) -> None:
    outcome = Outcome(event.detail["outcome"])
    if outcome is Outcome.LAB_FAILED:  # never counted against the learner
        return
    stand.outcome = outcome
    stand.tries += 1
    if outcome is Outcome.PASSED and stand.passed is None:
        stand.passed = event.at


def _hint(stand: Stand, event: Event) -> None:
    stand.hints = max(stand.hints, int(event.detail.get("number", 1)))


def _solution(stand: Stand, _: Event) -> None:
    stand.solutions += 1


def _seen(_: Stand, __: Event) -> None:
    pass


_COUNTED = {"checked": _checked, "hint": _hint, "solution": _solution, "shown": _seen}
