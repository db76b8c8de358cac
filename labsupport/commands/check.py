"""`lab check EXERCISE`: whether an exercise is done, and what is missing."""

import argparse

from labsupport import home
from labsupport.commands import terminal
from labsupport.course import engine
from labsupport.course.declare import Outcome

ENDS = (
    "Exit status: 0 passed; 1 not yet, not right, or your code raised; 2 there is no such exercise; 3 no cloud runs; "
    "4 the lab failed, which never counts against you."
)
STATUS = {
    Outcome.PASSED: 0,
    Outcome.NOT_YET: 1,
    Outcome.NOT_RIGHT: 1,
    Outcome.RAISED: 1,
    Outcome.LAB_FAILED: 4,
}


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="EXERCISE", help="the id of an exercise, such as start.3")


def run(arguments: argparse.Namespace) -> int:
    folder = home.folder(arguments.home)
    found = engine.check(folder, arguments.exercise)
    terminal.show_verdict(found, terminal.console())
    if found.outcome is Outcome.LAB_FAILED and home.endpoint(folder) is None:
        return 3
    return STATUS[found.outcome]
