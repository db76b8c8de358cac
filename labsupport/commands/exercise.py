"""`lab exercise EXERCISE`: the task of an exercise."""

import argparse

from labsupport import home
from labsupport.commands import terminal
from labsupport.course import engine, registry


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="EXERCISE", help="the id of an exercise, such as start.3")


def run(arguments: argparse.Namespace) -> int:
    _, found = registry.exercise(arguments.exercise)
    terminal.show_exercise(found, terminal.console())
    engine.note(home.folder(arguments.home), "shown", found.id)
    return 0
