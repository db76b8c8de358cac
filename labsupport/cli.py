"""The `lab` command."""

import argparse
import sys
from collections.abc import Sequence

from labsupport import checks


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["test"]:  # what follows is pytest's, so it is not parsed here
        return checks.run(arguments[1:])
    parser = argparse.ArgumentParser(prog="lab", description="A training lab for AWS CI/CD.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("test", help="run every check; arguments that follow go to pytest, which then runs alone")
    parser.parse_args(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
