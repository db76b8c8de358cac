"""`lab why`: the last refused call, explained."""

import argparse
import json
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from labsupport import home, refusal


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the whole decision as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 with an explanation; 1 where no call has been refused."""
    found = home.ask(home.folder(arguments.home), "GET", "/_lab/why")
    if arguments.json:
        print(json.dumps(found, indent=2))
    elif found:
        show(found, Console())
    else:
        print("No call has been refused since the lab's first day (or its last reset).")
    return 0 if found else 1


def show(found: dict[str, Any], console: Console) -> None:
    console.print(Panel(Text(found["event"]["errorMessage"]), title=f"{refusal.title(found)} refused"))
    for line in refusal.story(found):
        console.print(Text(f"• {line}"))
    for where, statement in refusal.remedies(found):
        console.print(Text(f"\nThis would allow it, in {where}:"))
        console.print(Text(statement), soft_wrap=True)  # so that it can be copied whole
