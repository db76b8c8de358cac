"""What a check has found, part by part, and how the parts make one outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from labsupport.course.declare import Finding, Outcome

# A mark beside each word: nothing is told by colour alone.
MARKS = {
    Outcome.PASSED: "✔",
    Outcome.NOT_YET: "·",
    Outcome.NOT_RIGHT: "✘",
    Outcome.RAISED: "✘",
    Outcome.LAB_FAILED: "!",
}
SUMMARY = {
    Outcome.PASSED: "Well done: all of it holds.",
    Outcome.NOT_YET: "Nothing of it is there yet.",
    Outcome.NOT_RIGHT: "Some of it is not as it was asked for.",
    Outcome.RAISED: "Your code ended with an error.",
    Outcome.LAB_FAILED: "The lab could not check it. This does not count against you.",
}


@dataclass(frozen=True, slots=True)
class Part:
    """An expectation and what was found."""

    name: str
    finding: Finding
    given: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's answer. `note` tells what else went wrong, such as that the attempt could not be recorded."""

    exercise: str
    title: str
    outcome: Outcome
    parts: tuple[Part, ...] = field(default=())
    note: str = ""

    def __repr__(self) -> str:
        return words(self)

    def _repr_html_(self) -> str:
        from labsupport.course.html import verdict

        return verdict(self)


def combined(parts: Sequence[Part]) -> Outcome:
    """One outcome of all parts. Partly done counts as attempted; that what was given holds is no attempt."""
    outcomes = {part.finding.outcome for part in parts}
    for worst in (Outcome.LAB_FAILED, Outcome.RAISED, Outcome.NOT_RIGHT):
        if worst in outcomes:
            return worst
    if outcomes <= {Outcome.PASSED}:
        return Outcome.PASSED
    done = any(part.finding.outcome is Outcome.PASSED and not part.given for part in parts)
    return Outcome.NOT_RIGHT if done else Outcome.NOT_YET


def words(found: Verdict) -> str:
    """All of it as text: a line for each part that holds; expected, found and next for each that does not."""
    lines = [headline(found)]
    for part in found.parts:
        lines += _part(part)
    return "\n".join([*lines, *([found.note] if found.note else [])])


def headline(found: Verdict) -> str:
    title = f"{found.exercise} {found.title}".strip()
    return f"{MARKS[found.outcome]} {title}: {found.outcome}. {summary(found)}"


def summary(found: Verdict) -> str:
    done = sum(part.finding.outcome is Outcome.PASSED for part in found.parts)
    if found.outcome is Outcome.NOT_RIGHT:
        return f"{done} of {len(found.parts)} expectations hold."
    return SUMMARY[found.outcome]


def _part(part: Part) -> list[str]:
    finding = part.finding
    mark = MARKS[finding.outcome]
    if finding.outcome is Outcome.PASSED:
        return [f"  {mark} {part.name} ({finding.found})" if finding.found else f"  {mark} {part.name}"]
    lines = [f"  {mark} {finding.outcome}: {part.name}", _indented("found: ", finding.found)]
    return lines + ([_indented("next:  ", finding.next)] if finding.next else [])


def _indented(label: str, text: str) -> str:
    first, *rest = text.splitlines() or [""]
    gap = " " * (6 + len(label))
    return "\n".join([f"      {label}{first}", *(f"{gap}{line}" for line in rest)])
