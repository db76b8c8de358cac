"""An exercise as a card in a notebook: the task, and buttons that check, hint, solve and reset."""

from dataclasses import dataclass
from pathlib import Path

from labsupport import home
from labsupport.course import engine, html, registry, starting
from labsupport.course.declare import Chapter, Exercise
from labsupport.course.progress.record import NotKept
from labsupport.course.progress.standing import Stand
from labsupport.course.verdict import words
from labsupport.panels.live import Panel, View, live
from labsupport.panels.markup import Markup, join, tag
from labsupport.words import counted


@dataclass(frozen=True, slots=True)
class Said:
    """The newest answer on a card, as HTML and in words."""

    html: Markup
    text: str


NOTHING = Said(Markup(), "")


class Card:
    """What `lab.exercise` gives: shown by a notebook with buttons, printed by anything else."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.chapter, self.exercise = registry.exercise(name)
        self._panel = Panel(view(folder, self.chapter, self.exercise, NOTHING), self._pressed)

    def _ipython_display_(self) -> None:
        self._panel.show()

    def __repr__(self) -> str:
        return self._panel.view.text

    def _pressed(self, what: str, _: dict[str, str]) -> View:
        try:
            said = pressed(self.folder, self.chapter, self.exercise, what)
        except home.Trouble as problem:
            said = _told(str(problem))
        return view(self.folder, self.chapter, self.exercise, said)


def pressed(folder: Path, chapter: Chapter, exercise: Exercise, what: str) -> Said:
    """What a button does: the same as typing it."""
    if what == "check":
        found = engine.check(folder, exercise.id)
        return Said(Markup(html.verdict(found)), words(found))
    if what == "hint":
        hint = engine.hint(folder, exercise.id)
        return Said(Markup(html.hint(hint)), hint.words())
    if what == "solution":
        shown = engine.solution(folder, exercise.id)
        return Said(Markup(html.solutions(shown.solutions, shown.note)), shown.words())
    if what == "reset":
        return _told(starting.reset(folder, chapter.id))
    raise ValueError(f"A card has no button {what!r}.")


def _told(text: str) -> Said:
    return Said(tag("div", *(tag("p", line) for line in text.splitlines())), text)


def view(folder: Path, chapter: Chapter, exercise: Exercise, said: Said) -> View:
    """The card as it is now."""
    state = _state(folder, exercise)
    head = join(
        tag("h4", f"{exercise.id} · {exercise.title}"),
        tag("p", f"{state} · {', '.join(exercise.objectives)}", class_="lab-quiet"),
    )
    answer = tag("div", said.html, role="status", aria_live="polite", data_key="answer")
    shown = join(head, Markup(html.markdown(exercise.task)), live(_buttons(chapter)), answer)
    return View(
        tag("section", shown, class_="lab-box", aria_label=f"Exercise {exercise.id}"), _text(exercise, state, said)
    )


def _buttons(chapter: Chapter) -> Markup:
    reset = tag(
        "details",
        tag("summary", "Reset…"),
        tag(
            "p",
            f"This takes the whole chapter {chapter.id} back to its starting point. Other chapters and your progress "
            "stay, and your clones are kept beside under another name. ",
            tag("button", f"Reset the chapter {chapter.id}", data_do="reset", type="button"),
        ),
    )
    return join(
        tag(
            "div",
            tag("button", "Check", data_do="check", class_="lab-main", type="button"),
            tag("button", "Hint", data_do="hint", type="button"),
            tag("button", "Solution", data_do="solution", type="button"),
            class_="lab-buttons",
        ),
        reset,
    )


def _state(folder: Path, exercise: Exercise) -> str:
    """Where the learner stands with it, in words and with a mark."""
    try:
        stand = engine.stand(folder).of(exercise.id)
    except NotKept:
        stand = Stand()
    if stand.passed is not None:
        return "✔ passed"
    return f"{stand.outcome}, {counted(stand.tries, 'try', 'tries')}" if stand.outcome else "open"


def _text(exercise: Exercise, state: str, said: Said) -> str:
    how = " · ".join(f'lab.{word}("{exercise.id}")' for word in ("check", "hint", "solution"))
    title = f"{exercise.id} {exercise.title} ({state}; {', '.join(exercise.objectives)})"
    return "\n\n".join(filter(None, [title, exercise.task.strip(), how, str(said.text)]))
