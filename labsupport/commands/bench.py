"""`lab bench`: ratios against what one could run instead, each measured side by side in one run."""

import argparse
import subprocess
import sys

from labsupport import home


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("only", nargs="*", help="names of benchmarks (default: all); `list` shows them")


def run(arguments: argparse.Namespace) -> int:
    folder = home.ROOT / "benchmarks"
    if not folder.is_dir():
        print(
            f"lab bench: there are no benchmarks beside {home.ROOT}: run this in the lab's own folder.", file=sys.stderr
        )
        return 2
    return subprocess.call([sys.executable, "-m", "benchmarks", *arguments.only], cwd=home.ROOT)
