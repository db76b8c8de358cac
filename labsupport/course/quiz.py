"""A chapter's questions: answered, scored, explained, and shown at work."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from labsupport import home
from labsupport.course import engine, registry
from labsupport.course.declare import Option, Question
from labsupport.course.progress.record import NotKept
from labsupport.course.progress.standing import Answered, Standing

LETTERS = ascii_uppercase


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer, marked: all or nothing. `chosen` are the numbers of options, from 0."""

    question: Question
    chosen: frozenset[int]
    right: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """An option that was run. `as_said`: it did what its explanation says."""

    option: Option
    code: str
    output: str
    worked: bool
    as_said: bool

    def sentence(self) -> str:
        what = "It worked" if self.worked else "It was refused"
        if self.as_said:
            return f"{what}, as the explanation says."
        return f"{what}, and the explanation says otherwise: something else in your lab may stand in the way."


def questions(chapter: str) -> tuple[Question, ...]:
    return registry.chapter(chapter).questions


def right(question: Question) -> frozenset[int]:
    return frozenset(number for number, option in enumerate(question.options) if option.right)


def how_many(question: Question) -> str:
    """What a learner is told: choose one, or exactly so many."""
    wanted = len(right(question))
    return "Choose one." if wanted == 1 else f"Choose exactly {wanted}; all of them have to be right."


def marked(folder: Path, question: Question, chosen: Collection[int]) -> Marked:
    """Mark an answer and keep the score."""
    choice = frozenset(chosen)
    ok = choice == right(question)
    note = engine.note(folder, "answered", question.id, chosen=sorted(choice), right=ok)
    return Marked(question, choice, ok, note)


def so_far(folder: Path, question: Question) -> Answered:
    """How a question was answered before."""
    try:
        return engine.stand(folder).answered(question.id)
    except NotKept:
        return Standing().answered(question.id)


def score(folder: Path, asked: Collection[Question]) -> str:
    """How many are right by their newest answers."""
    done = sum(so_far(folder, one).right for one in asked)
    return f"{done} of {len(asked)} right so far."


def shown(folder: Path, question: Question, number: int) -> Demonstration:
    """Run an option against the cloud, as the tests do. `home.Unreachable` where none runs."""
    from labsupport.course.world import Here

    option = question.options[number]
    if option.proof is None:
        raise NoProof(f"Option {LETTERS[number]} of this question can't be run: its explanation has to do.")
    world = Here(folder, home.running(folder).url)
    if question.setting:
        ready = world.run(question.setting)
        if ready.status:
            return Demonstration(option, question.setting.code, ready.output, worked=False, as_said=False)
    ran = world.run(option.proof.step)
    worked = ran.status == 0
    as_said = worked is option.right and option.proof.says in ran.output
    return Demonstration(option, option.proof.step.code, ran.output, worked, as_said)


class NoProof(home.Trouble):
    """There is nothing to run for an option."""

    status = 2


def question_words(question: Question, number: int = 1, of: int = 1) -> str:
    """A question as text, its options under letters."""
    options = [f"  {LETTERS[at]}  {option.text}" for at, option in enumerate(question.options)]
    return "\n".join([f"Question {number} of {of}. {question.text}", *options, how_many(question)])


def explained(found: Marked) -> str:
    """Every option's explanation, with its mark and what was chosen."""
    lines = ["✔ Right." if found.right else "✘ Not right."]
    for number, option in enumerate(found.question.options):
        mark = "✔ right" if option.right else "✘ wrong"
        chosen = ", and chosen" if number in found.chosen else ""
        lines.append(f"  {LETTERS[number]}  {mark}{chosen}: {option.why}")
    return "\n".join([*lines, *filter(None, [found.note])])
