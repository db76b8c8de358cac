"""`lab quiz CHAPTER`: its questions one after the other; letters answer, and then a letter shows an option at work."""

import argparse
import sys
from collections.abc import Container
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from labsupport import home
from labsupport.commands import terminal
from labsupport.course import quiz
from labsupport.course.declare import Question

ENDS = "Exit status: 0 where the newest answer to every question is right, else 1; 2 there is no such chapter."


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chapter", metavar="CHAPTER", help="the id of a chapter, such as start")
    parser.add_argument("--left", action="store_true", help="only what has not been answered rightly yet")


def run(arguments: argparse.Namespace) -> int:
    """0 where every question's newest answer is right; else 1."""
    folder, out = home.folder(arguments.home), terminal.console()
    every = quiz.questions(arguments.chapter)
    asked = [one for one in every if not arguments.left or not quiz.so_far(folder, one).right]
    for number, question in enumerate(asked, 1):
        if not _asked(folder, question, f"Question {number} of {len(asked)}", out):
            break
    out.print(quiz.score(folder, every))
    return 0 if all(quiz.so_far(folder, one).right for one in every) else 1


def _asked(folder: Path, question: Question, title: str, out: Console) -> bool:
    """Put one question; False where nobody answers any more."""
    out.print(Panel(Markdown(question.text), title=title, title_align="left"))
    for number, option in enumerate(question.options):
        out.print(Text(f"  {quiz.LETTERS[number]}  {option.text}"))
    chosen = _letters(question, f"{quiz.how_many(question)} Letters: ", {len(quiz.right(question))})
    if chosen is None:
        return False
    out.print(Text(quiz.explained(quiz.marked(folder, question, chosen))))
    return _shown(folder, question, out)


def _shown(folder: Path, question: Question, out: Console) -> bool:
    runs = [quiz.LETTERS[number] for number, option in enumerate(question.options) if option.proof]
    while runs:
        chosen = _letters(question, f"See it work ({', '.join(runs)}), or Enter for the next: ")
        if chosen is None:
            return False
        if not chosen:
            return True
        for number in sorted(chosen):
            _show(folder, question, number, out)
    return True


def _show(folder: Path, question: Question, number: int, out: Console) -> None:
    try:
        found = quiz.shown(folder, question, number)
    except home.Trouble as problem:
        out.print(Text(str(problem)))
        return
    out.print(Text(found.code.strip("\n")), style="dim")
    out.print(Text(found.output.strip() or "(no output)"))
    out.print(Text(found.sentence()))


def _letters(question: Question, prompt: str, counts: Container[int] = range(100)) -> set[int] | None:
    """The options that somebody names; asked again until they exist and are so many. None at the end of the input."""
    known = quiz.LETTERS[: len(question.options)]
    while True:
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            print()
            return None
        letters = set(line.upper()) - set(" ,\t\r\n")
        if letters <= set(known) and len(letters) in counts:
            return {known.index(letter) for letter in letters}
        print(f"Please answer with letters from {known[0]} to {known[-1]}. {quiz.how_many(question)}")
