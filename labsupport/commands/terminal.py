"""How the course's commands show things in a terminal."""

from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from labsupport.course.declare import Exercise, Outcome
from labsupport.course.engine import HINTS, Hint, Shown
from labsupport.course.verdict import MARKS, Part, Verdict, summary

STYLES = {
    Outcome.PASSED: "green",
    Outcome.NOT_YET: "dim",
    Outcome.NOT_RIGHT: "yellow",
    Outcome.RAISED: "yellow",
    Outcome.LAB_FAILED: "magenta",
}


def console() -> Console:
    return Console(highlight=False)


def show_verdict(found: Verdict, out: Console) -> None:
    head = Text(f"{MARKS[found.outcome]} {found.outcome.value}", style=f"bold {STYLES[found.outcome]}")
    out.print(head.append(f"  {found.exercise} {found.title}", style="not bold default"))
    out.print(Text(summary(found)))
    for part in found.parts:
        _show_part(part, out)
    _show_note(found.note, out)


def _show_part(part: Part, out: Console) -> None:
    finding = part.finding
    mark = Text(f"  {MARKS[finding.outcome]} ", style=STYLES[finding.outcome])
    if finding.outcome is Outcome.PASSED:
        out.print(
            mark.append(part.name, style="default").append(f"  ({finding.found})" if finding.found else "", style="dim")
        )
        return
    out.print(mark.append(f"{finding.outcome.value}: ", style="bold").append(part.name, style="not bold default"))
    rows = Table.grid(padding=(0, 1))
    rows.add_row("     ", "found", Text(finding.found))
    if finding.next:
        rows.add_row("     ", "next", Text(finding.next))
    out.print(rows)


def show_exercise(found: Exercise, out: Console) -> None:
    out.print(Text(f"{found.id} {found.title}", style="bold"))
    out.print(Text(", ".join(found.objectives), style="dim"))
    out.print(Markdown(found.task))
    out.print(Text(f"\nlab check {found.id} · lab hint {found.id} · lab solution {found.id}", style="dim"))


def show_hint(found: Hint, out: Console) -> None:
    out.print(Text(f"Hint {found.number} of {len(HINTS)} ({HINTS[found.number - 1]})", style="bold"))
    out.print(Markdown(found.text))
    _show_note(found.note, out)


def show_solution(found: Shown, out: Console) -> None:
    for one in found.solutions:
        out.print(Text(f"A solution with {one.by}", style="bold"))
        out.print(_code(one.step.kind, one.step.code))
        out.print(Markdown(one.why))
    _show_note(found.note, out)


def _code(kind: str, code: str) -> RenderableType:
    return Syntax(code.strip("\n"), kind, background_color="default", word_wrap=True)


def _show_note(note: str, out: Console) -> None:
    if note:
        out.print(Text(note, style="magenta"))
