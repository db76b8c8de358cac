"""House rules that can be seen in the files themselves."""

import ast
import json
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLOUD = Path("labsupport/cloud")
REAL_TIME = (CLOUD / "core/clock.py", CLOUD / "runner")  # the runner watches processes, which live in the system's time
HOME = str(Path.home())
OF_INSTANCES = ("/", "/home/ec2-user", "/home/ubuntu", "/home/admin")  # may stand in a lesson
PLACES = ["/work", "/root", *([] if HOME in OF_INSTANCES else [HOME])]
IN_BUILDS = r"\.(m2|gradle|npm|cache|ivy2|nuget|docker|aws)\b"  # folders that builds at AWS keep in root's home
HERE = re.compile(rf"(?<![\w.~$}}/-])({'|'.join(map(re.escape, PLACES))})/(?!{IN_BUILDS})")


@cache
def tracked() -> tuple[Path, ...]:
    """The files in git that exist; in a copy without git, none."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    names = filter(None, listed.stdout.split("\0"))
    return tuple(path for path in map(Path, names) if (ROOT / path).is_file())


def named(suffix: str, *folders: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == suffix and (not folders or path.parts[0] in folders)]


def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@pytest.fixture(autouse=True)
def _in_git() -> None:
    if not tracked():
        pytest.skip("this copy of the lab is no git repository")


def test_no_file_tells_where_it_was_written() -> None:
    found = {str(path): match.group() for path in tracked() if (match := HERE.search(text_of(path)))}
    assert {path for path in found if path != "tests/test_tree.py"} == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"cd {PLACES[0]}/here", True),
        (f'"{PLACES[1]}/.pyenv"', True),
        ("paths: [/root/.m2/**/*]", False),
        (f"see {PLACES[-1]}/x", True),
        ("/codebuild/work/x", False),
        ("https://example.org/root/", False),
        ("$HOME/work/x", False),
    ],
)
def test_the_rule_about_places(text: str, found: bool) -> None:
    assert bool(HERE.search(text)) is found


def test_notebooks_are_stored_without_outputs() -> None:
    ran = [
        (str(path), number)
        for path in named(".ipynb")
        for number, cell in enumerate(json.loads(text_of(path))["cells"])
        if cell.get("outputs") or cell.get("execution_count")
    ]
    assert ran == []


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports them by their bare names."""
    names = Counter(path.name for path in named(".py", "tests") if path.name.startswith("test_"))
    assert [name for name, times in names.items() if times > 1] == []


def system_time(source: str) -> list[int]:
    """The lines that ask the system for the time, or wait for it, instead of the lab's clock."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            lines += [node.lineno for name in node.names if name.name in ("time", "sleep")]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time":
            lines += [node.lineno] if node.attr in ("time", "sleep") else []
    return lines


def test_the_cloud_takes_its_time_from_its_clock() -> None:
    sources = [
        path
        for path in named(".py", "labsupport")
        if CLOUD in path.parents and not any(real in (path, *path.parents) for real in REAL_TIME)
    ]
    assert [(str(path), line) for path in sources for line in system_time(text_of(path))] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time\ntime.sleep(1)", [2]),
        ("x = [time.time]", [1]),
        ("from time import sleep as rest", [1]),
        ("from time import monotonic\nclock.time()\n'time.sleep()'", []),
    ],
)
def test_the_rule_about_time(source: str, lines: list[int]) -> None:
    assert system_time(source) == lines


def test_every_source_file_says_what_it_is_for() -> None:
    sources = [*named(".py", "labsupport", "tests", "benchmarks"), Path("lab")]
    assert [
        str(path) for path in sources if text_of(path).strip() and not ast.get_docstring(ast.parse(text_of(path)))
    ] == []
