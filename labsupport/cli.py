"""The `lab` command: what it can do, and which module does it."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from labsupport.home import Trouble

Command = Callable[[argparse.Namespace], int]
Setup = Callable[[argparse.ArgumentParser], None]

# name -> (module of labsupport.commands, one line of help). A module has `run(arguments) -> exit status`
# and, where it takes options, `options(parser)`; `ENDS` says what its exit status means, where that is not plain.
COMMANDS = {
    "up": ("up", "start the cloud and open JupyterLab on the first notebook (what ./lab alone does)"),
    "demo": ("demo", "one push through the whole chain, live in this terminal"),
    "serve": ("serve", "run the cloud alone, in the foreground"),
    "env": ("env", "print what a shell has to export to reach the cloud"),
    "exercise": ("exercise", "show the task of an exercise"),
    "check": ("check", "look whether an exercise is done"),
    "hint": ("hint", "one hint of an exercise, a step further each time"),
    "solution": ("solution", "show and explain an exercise's solutions"),
    "progress": ("progress", "show what you have done; export it as a signed file, or import such files"),
    "quiz": ("quiz", "answer the questions on a chapter"),
    "status": ("status", "say whether the cloud runs, and where"),
    "down": ("down", "stop the cloud"),
    "reset": ("reset", "begin a chapter anew, or, without one, empty the whole cloud"),
    "doctor": ("doctor", "say what is missing on this machine, and what that limits"),
    "watch": ("watch", "follow a pipeline until it ends or waits for an approval"),
    "why": ("why", "explain the last refused call"),
    "bench": ("bench", "measure the lab against what one could run instead"),
    "test": ("test", "run every check; arguments that follow go to pytest, which then runs alone"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Its status: 0 done, 1 failed or not right yet, 2 used wrongly, 3 not running, 4 lab failed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["test"]:  # what follows is pytest's, so it is not parsed here
        from labsupport import checks

        return checks.run(arguments[1:])
    parsed = parser(arguments[0] if arguments else "").parse_args(arguments or ["up"])
    try:
        return int(importlib.import_module(f"labsupport.commands.{COMMANDS[parsed.command][0]}").run(parsed))
    except Trouble as problem:
        print(f"lab {parsed.command}: {problem}", file=sys.stderr)
        return problem.status
    except KeyboardInterrupt:
        return 130


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """The command line. Only the wanted command's module is imported, for its options."""
    top = argparse.ArgumentParser(
        prog="lab",
        description="CI/CD Lab: a training lab for AWS CI/CD on one machine. Without a command: lab up.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        if name == wanted or (not wanted and name == "up"):
            _add_options(sub, module)
    return top


def _add_options(sub: argparse.ArgumentParser, module: str) -> None:
    sub.add_argument("--home", metavar="DIR", help="the home folder (default: $LAB_HOME, or .lab beside the notebooks)")
    found = importlib.import_module(f"labsupport.commands.{module}")
    sub.epilog = getattr(found, "ENDS", None)
    options = getattr(found, "options", None)
    if options:
        options(sub)


if __name__ == "__main__":
    sys.exit(main())
