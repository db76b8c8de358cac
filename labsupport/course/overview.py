"""What has been done so far, as a notebook and a terminal show it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from labsupport.course import engine, registry
from labsupport.course.declare import Chapter, Exercise
from labsupport.course.progress.record import NotKept
from labsupport.course.progress.standing import Stand, Standing
from labsupport.course.verdict import MARKS
from labsupport.words import counted

HEAD = ("", "exercise", "state", "tries", "hints", "solution")
UNTOUCHED = " "


@dataclass(frozen=True, slots=True)
class Overview:
    """Rows of words, a chapter after the other; with the map above them in a notebook."""

    chapters: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    picture: Any
    note: str = ""

    def __repr__(self) -> str:
        lines = [str(self.picture), ""]
        for title, rows in self.chapters:
            lines += [title, *(_line(row) for row in rows), ""]
        return "\n".join([*lines, self.note]).strip()

    def _repr_html_(self) -> str:
        tables = "".join(_table(title, rows) for title, rows in self.chapters)
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"{self.picture._repr_html_()}{tables}{note}"


def of(folder: Path) -> Overview:
    """The overview of a home folder's learner."""
    from labsupport.diagrams.course import course_map

    chapters = registry.chapters()
    found, note = _standing(folder)
    rows = tuple((title(one, found), tuple(table(one, found))) for one in chapters)
    return Overview(rows, course_map(found.shown(chapters), reached(chapters, found)), note)


def seen(folder: Path) -> Collection[str]:
    """The steps of the map that have been seen at work."""
    return _standing(folder)[0].shown(registry.chapters())


def reached(chapters: Iterable[Chapter], found: Standing) -> dict[str, tuple[int, int]]:
    """For each chapter that is there: how many of its exercises are passed, and of how many."""
    return {one.id: (sum(found.passed(e.id) for e in one.exercises), len(one.exercises)) for one in chapters}


def drawn(folder: Path) -> Any:
    """The map of the course, with what has been done on it."""
    from labsupport.diagrams.course import course_map

    chapters, (found, _) = registry.chapters(), _standing(folder)
    return course_map(found.shown(chapters), reached(chapters, found))


def _standing(folder: Path) -> tuple[Standing, str]:
    try:
        return engine.stand(folder), ""
    except NotKept as problem:
        return Standing(), str(problem)


def title(chapter: Chapter, found: Standing) -> str:
    done = sum(found.passed(one.id) for one in chapter.exercises)
    right = sum(found.answered(one.id).right for one in chapter.questions)
    return (
        f"{chapter.id}: {chapter.title} ({done} of {len(chapter.exercises)} exercises passed, "
        f"{right} of {len(chapter.questions)} questions right)"
    )


def table(chapter: Chapter, found: Standing) -> Iterator[tuple[str, ...]]:
    """A row for each exercise, as `HEAD` names the columns."""
    for exercise in chapter.exercises:
        yield _row(exercise, found.of(exercise.id))


def _row(exercise: Exercise, stand: Stand) -> tuple[str, ...]:
    state = "passed" if stand.passed is not None else (stand.outcome.value if stand.outcome else "open")
    mark = next((MARKS[known] for known in MARKS if known.value == state), UNTOUCHED)
    shown = "shown" if stand.solutions else ""
    return (mark, f"{exercise.id} {exercise.title}", state, str(stand.tries), str(stand.hints), shown)


def _line(row: tuple[str, ...]) -> str:
    mark, name, state, tries, hints, shown = row
    more = [counted(int(tries), "try", "tries")] * (tries != "0") + [counted(int(hints), "hint", "hints")] * (
        hints != "0"
    )
    more += [f"solution {shown}"] * bool(shown)
    return f"  {mark} {name}: {', '.join([state, *more])}"


def _table(title: str, rows: tuple[tuple[str, ...], ...]) -> str:
    head = "".join(f"<th style='text-align: left'>{one}</th>" for one in HEAD)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align: left'>{escape(one)}</td>" for one in row) + "</tr>" for row in rows
    )
    return f"<p><strong>{escape(title)}</strong></p><table><tr>{head}</tr>{body}</table>"
