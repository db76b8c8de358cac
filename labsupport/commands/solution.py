"""`lab solution EXERCISE`: an exercise's solutions, explained."""

import argparse

from labsupport import home
from labsupport.commands import terminal
from labsupport.course import engine


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("exercise", metavar="EXERCISE", help="the id of an exercise, such as start.3")


def run(arguments: argparse.Namespace) -> int:
    terminal.show_solution(engine.solution(home.folder(arguments.home), arguments.exercise), terminal.console())
    return 0
