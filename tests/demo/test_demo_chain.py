"""`lab demo`: the whole chain as a user starts it, and how it is shown."""

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from labsupport.demo.view import Screen, table
from labsupport.demo.watching import Run

ROOT = Path(__file__).resolve().parents[2]


def demo(home: Path, *options: str, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "labsupport.cli", "demo", "--home", str(home), *options]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=200, **more)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo")
    done = demo(home, "--approve", "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout)
    told["home"] = str(home)
    return told


def test_it_ends_well(report):
    assert report["ok"] is True
    assert report["version"] == "1.1.1"
    assert report["url"].startswith("http://127.")
    assert report["pipeline"] == "shop"


@pytest.mark.parametrize(
    ("number", "status", "last", "served"),
    [
        (0, "Succeeded", ("Deploy", "Succeeded"), "1.0.0"),
        (1, "Failed", ("Build", "Failed"), "1.0.0"),
        (2, "Succeeded", ("Deploy", "Succeeded"), "1.1.1"),
        (3, "Failed", ("Build", "Failed"), "1.1.1"),
    ],
)
def test_each_push_ends_as_it_should(report, number, status, last, served):
    push = report["pushes"][number]
    assert push["status"] == status
    assert (push["actions"][-1]["action"], push["actions"][-1]["status"]) == last
    assert push["version"] == served
    assert all(one["seconds"] >= 0 for one in push["actions"] + push["stages"])


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "an order of exactly 50.00 must ship free of charge"),
        (3, "is not authorized to perform: s3:PutObject on resource"),
    ],
)
def test_a_failure_says_why(report, number, words):
    assert words in report["pushes"][number]["why"]


def test_nothing_is_left_running(report):
    lines = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    assert [line for line in lines if report["home"] in line] == []


def test_somebody_has_to_be_there_to_approve(tmp_path):
    done = demo(tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 3
    assert "use --approve" in done.stderr
    assert "Traceback" not in done.stderr


def action(name: str, status: str) -> dict:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return {"actionName": name, "status": status, "startTime": start, "lastUpdateTime": start + timedelta(seconds=2)}


def shown(screen_of, width: int = 100) -> str:
    out = io.StringIO()
    screen_of(Console(file=out, width=width))
    return out.getvalue()


def test_the_table_marks_what_stands_how():
    run = Run("1", actions=[action("Source", "Succeeded"), action("Build", "Failed")])
    text = shown(lambda console: console.print(table(run)))
    assert "✔" in text
    assert "✘" in text
    assert "waiting" in text


def test_without_a_terminal_the_lines_are_printed_as_they_come():
    run = Run("1", status="InProgress", actions=[action("Source", "Succeeded")])
    text = shown(lambda console: Screen(console=console).show(run, ["Running command true", "[not markup]"]))
    assert "Running command true\n[not markup]\n" in text


def test_a_quiet_screen_says_nothing(capsys):
    Screen(quiet=True).tell("something")
    assert capsys.readouterr().out == ""
