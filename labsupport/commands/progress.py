"""`lab progress`: what has been done; `export FILE` writes it as one signed file, `import FILE …` reads such files.

A signature shows that a file is unchanged since its export, and which files come from one home folder. It does not show
who sat at the keyboard: the key lies in the learner's own home folder.
"""

import argparse
import getpass
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labsupport import home
from labsupport.commands import terminal
from labsupport.course import engine, overview, registry
from labsupport.course.progress.record import Record
from labsupport.course.progress.signing import NotGenuine, exported, fingerprint, read, taken_in
from labsupport.course.progress.standing import Standing, standing

ENDS = "Exit status: 0 done; 1 a file could not be written or taken; 4 the record of progress can't be read or written."


def options(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", metavar="WHAT")
    out = what.add_parser("export", help="write your progress as one signed file")
    out.add_argument("file", metavar="FILE", type=Path)
    out.add_argument("--name", default=None, help="whose it is (default: your name on this machine)")
    into = what.add_parser("import", help="read signed files: a class's, or your own of another machine")
    into.add_argument("files", metavar="FILE", type=Path, nargs="+")
    into.add_argument("--mine", action="store_true", help="they are your own: add them to your progress")


def run(arguments: argparse.Namespace) -> int:
    """0 done; 1 a file could not be taken; 4 the record can't be read or written."""
    folder = home.folder(arguments.home)
    if arguments.what == "export":
        return _export(folder, arguments.file, arguments.name)
    if arguments.what == "import":
        return _import(folder, arguments.files, arguments.mine)
    _show(folder, terminal.console())
    return 0


def _show(folder: Path, out: Console) -> None:
    record = engine.record(folder)
    own = standing(record.events())
    for chapter in registry.chapters():
        table = Table(*overview.HEAD, title=overview.title(chapter, own), title_justify="left")
        for row in overview.table(chapter, own):
            table.add_row(*row)
        out.print(table)
    if record.learners():
        out.print(_class(record))


def _class(record: Record) -> Table:
    """A line for each learner whose file was read."""
    table = Table(
        "learner", "key", "passed", "questions right", "solutions seen", title="Imported", title_justify="left"
    )
    for learner, name in record.learners().items():
        table.add_row(Text(name), learner, *_counts(standing(record.events(learner))))
    return table


def _counts(found: Standing) -> tuple[str, str, str]:
    passed = sum(found.passed(name) for name in found.exercises)
    right = sum(one.right for one in found.questions.values())
    return str(passed), str(right), str(sum(bool(one.solutions) for one in found.exercises.values()))


def _export(folder: Path, file: Path, name: str | None) -> int:
    name = name or getpass.getuser()
    text = exported(engine.record(folder), name, time.time())
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        print(
            f"lab progress: {file} could not be written ({problem.strerror}); nothing else has changed.",
            file=sys.stderr,
        )
        return 1
    print(f"The progress of {name} is in {file}, signed with the key {fingerprint(folder)}.")
    return 0


def _import(folder: Path, files: list[Path], mine: bool) -> int:
    """Each file by itself: one that can't be taken hinders no other."""
    failed = 0
    for file in files:
        try:
            print(f"{file}: {_taken(engine.record(folder), file, mine)}")
        except (NotGenuine, OSError, UnicodeDecodeError) as problem:
            print(f"lab progress: {file}: {problem}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _taken(record: Record, file: Path, mine: bool) -> str:
    found = read(file.read_text(encoding="utf-8"))
    namesakes = [key for key, name in record.learners().items() if name == found.name and key != found.learner]
    new = taken_in(record, found, mine=mine)
    whose = "added to your own" if mine else f"of {found.name}, key {found.learner}"
    warning = f" Another key has come under this name before: {', '.join(namesakes)}." if namesakes and not mine else ""
    return f"unchanged since its export; {new} new entries, {whose}.{warning}"
