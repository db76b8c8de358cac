"""How the benchmarks' tables are printed."""

import sys

from rich.console import Console
from rich.table import Table

_WIDTH = 120  # columns, where the output is no terminal: a file, a log


def show(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
