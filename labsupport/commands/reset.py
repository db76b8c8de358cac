"""`lab reset [CHAPTER]`: a chapter from its starting point again, or the whole cloud empty. Progress stays."""

import argparse
import shutil
import sys
from pathlib import Path

from labsupport import home

STATE = (
    "cloud.sqlite3",
    "cloud.sqlite3-wal",
    "cloud.sqlite3-shm",
    "git",
    "cache",
    "tls",
    "objects",
    "instances",
    "builds",
    "logs",
    "aws",
)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chapter", metavar="CHAPTER", nargs="?", help="a chapter, such as start (default: everything)")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    folder = home.folder(arguments.home)
    if arguments.chapter:
        return _chapter(folder, arguments.chapter)
    if not arguments.yes and not _agreed(folder):
        return 1
    if home.endpoint(folder):
        home.ask(folder, "POST", "/_lab/reset", profile="root")
    else:
        _remove(folder)
    print("The cloud is as on its first day.")
    return 0


def _chapter(folder: Path, name: str) -> int:
    from labsupport.course import starting

    print(starting.reset(folder, name))
    return 0


def _agreed(folder: Path) -> bool:
    if not sys.stdin.isatty():
        print("lab reset: this deletes every repository, bucket and pipeline of the lab: say --yes.", file=sys.stderr)
        return False
    answer = input(f"Delete every repository, bucket and pipeline in {folder}? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _remove(folder: Path) -> None:
    for name in STATE:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
