"""What a notebook shows of an exercise, as HTML that is legible in light and dark themes and says all in words too."""

from collections.abc import Iterable
from html import escape

from labsupport.course.declare import Outcome, Solution
from labsupport.course.engine import HINTS, Hint
from labsupport.course.verdict import MARKS, Part, Verdict, summary
from labsupport.panels.live import NO_MATHS

# Colours that have enough contrast on white and on JupyterLab's dark background alike; they only support the marks.
COLOURS = {
    Outcome.PASSED: "#2e8b57",
    Outcome.NOT_YET: "#7a7a7a",
    Outcome.NOT_RIGHT: "#d2691e",
    Outcome.RAISED: "#d2691e",
    Outcome.LAB_FAILED: "#b03a8c",
}
PRE = "margin: .2em 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 90%; background: none; color: inherit"


def markdown(text: str) -> str:
    """Markdown of ours as HTML; raw HTML in it is shown, not obeyed."""
    from markdown_it import MarkdownIt

    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return rendered


def verdict(found: Verdict) -> str:
    parts = "".join(_part(part) for part in found.parts)
    note = f"<p>{escape(found.note)}</p>" if found.note else ""
    head = f"{MARKS[found.outcome]} {found.outcome.value.capitalize()}."
    return (
        f'<div role="status" class="{NO_MATHS}" '
        f'style="border-left: 4px solid {COLOURS[found.outcome]}; padding: .2em 0 .2em .8em">'
        f"<p style='margin: 0'><strong>{head}</strong> {escape(summary(found))}</p>"
        f'<ul style="list-style: none; padding: 0; margin: .4em 0 0 0">{parts}</ul>{note}</div>'
    )


def _part(part: Part) -> str:
    finding = part.finding
    mark = f'<span style="color: {COLOURS[finding.outcome]}" aria-hidden="true">{MARKS[finding.outcome]}</span>'
    if finding.outcome is Outcome.PASSED:
        return f"<li>{mark} {inline(part.name)} <small>holds: {inline(finding.found)}</small></li>"
    further = _row("next", finding.next) if finding.next else ""
    return (
        f"<li>{mark} <strong>{finding.outcome}</strong>: {inline(part.name)}"
        f'<table style="margin: 0 0 .4em 1.4em; border: none; background: none">{_row("found", finding.found)}{further}'
        "</table></li>"
    )


_CELL = "text-align: left; vertical-align: top; padding: 0 .6em 0 0; border: none; background: none"


def _row(label: str, text: str) -> str:
    """JupyterLab colours every other row of a table; here that would single out one part of a sentence."""
    head = f"<th scope='row' style='{_CELL}; font-weight: normal; white-space: nowrap; opacity: .8'>{label}</th>"
    return f"<tr style='background: none'>{head}<td style='{_CELL}'>{_next(text)}</td></tr>"


def inline(text: str) -> str:
    """A sentence with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _next(text: str) -> str:
    return f'<span style="white-space: pre-wrap; overflow-wrap: anywhere">{inline(text)}</span>'


def hint(found: Hint) -> str:
    title = f"Hint {found.number} of {len(HINTS)} ({HINTS[found.number - 1]})"
    note = f"<p>{escape(found.note)}</p>" if found.note else ""
    return f"<div><p style='margin: 0'><strong>{escape(title)}</strong></p>{markdown(found.text)}{note}</div>"


def solutions(shown: Iterable[Solution], note: str = "") -> str:
    last = f"<p>{escape(note)}</p>" if note else ""
    return f"<div>{''.join(map(solution, shown))}{last}</div>"


def solution(one: Solution) -> str:
    language = "in a cell that begins with %%bash" if one.step.kind == "bash" else "in a cell"
    return (
        f"<p style='margin: .4em 0 0 0'><strong>A solution with {escape(one.by)}</strong> ({language}):</p>"
        f"<pre style='{PRE}; padding-left: 1em'>{escape(one.step.code.strip())}</pre>{markdown(one.why)}"
    )
