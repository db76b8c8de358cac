"""`./lab` sets up once, again when something changed, and is otherwise out of the way."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_first_start_installs_and_becomes_the_command(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert machine.lab("demo", "--home", "a b") == [str(machine.venv / "bin/lab"), "demo", "--home", "a b"]
    venv, pip = machine.calls()
    assert venv == f"-m venv {machine.venv}"
    assert pip.startswith("-m pip install ")
    assert pip.endswith(" -c constraints.txt -e .")
    out, err = capfd.readouterr()
    assert out == ""  # it belongs to the command
    assert "Fetching packages: 1 of about 1 (click)" in err
    assert "Installing packages: 2" in err
    assert "Collecting" in (machine.venv / "lab-install.log").read_text()


@pytest.mark.parametrize("columns", [40, 0])  # 0: a terminal that does not know its size
def test_progress_on_a_terminal_is_one_line(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    machine.installing("echo 'Processing /x/a_long_name_of_a_package-1.0-py3-none-any.whl'")
    machine.lab()
    moves = capfd.readouterr().err.split("\r\033[K")
    shown = "Fetching packages: 2 of about 2 (a_long_name_of_a_package)"
    assert shown[: (columns or 80) - 1] in moves  # not ended: the next one takes its place
    assert moves[-1] == "The lab is installed (0 s)\n"


def test_no_arguments_mean_up(machine: Any) -> None:
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]


def test_second_start_installs_nothing(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.lab()
    machine.calls()
    capfd.readouterr()
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    assert machine.calls() == []
    assert capfd.readouterr() == ("", "")


def test_a_ready_start_imports_next_to_nothing(machine: Any) -> None:
    machine.lab()
    script = """
import os, sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
module = ModuleType("launcher"); loader = SourceFileLoader("launcher", sys.argv[1])
code = loader.get_code("launcher"); module.__file__ = sys.argv[1]
before = set(sys.modules)
os.execv = lambda *ignored: print(sorted(set(sys.modules) - before))
exec(code, module.__dict__)
module.main(["status"])
"""
    command = [sys.executable, "-I", "-S", "-c", script, str(machine.root / "lab")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


PROJECT = '[project]\nname = "cicd-lab"\n'


@pytest.mark.parametrize(
    ("file", "text", "again"),
    [
        ("constraints.txt", "click==8.2\n", True),
        ("pyproject.toml", PROJECT + 'dependencies = ["rich"]\n\n[tool.ruff]\nline-length = 120\n', True),
        ("pyproject.toml", PROJECT + "\n[tool.ruff]\nline-length = 100\n", False),
        ("README.md", "# Read me\n", False),
    ],
)
def test_changed_dependencies_are_installed_in_place(machine: Any, file: str, text: str, again: bool) -> None:
    machine.lab()
    (machine.venv / "kept").touch()
    machine.calls()
    (machine.root / file).write_text(text)
    machine.lab()
    assert [call.split()[1] for call in machine.calls()] == (["pip"] if again else [])
    assert (machine.venv / "kept").exists()


def test_test_extra_is_added_once_and_kept(machine: Any) -> None:
    machine.lab("up")
    machine.calls()
    machine.lab("test", "-k", "wire")
    assert machine.calls()[0].endswith("-e .[test]")
    machine.lab("test")
    machine.lab("up")
    assert machine.calls() == []
    (machine.root / "constraints.txt").write_text("click==8.2\n")
    machine.lab("up")
    assert machine.calls()[0].endswith("-e .[test]")


BROKEN = {
    "pip was killed": lambda venv: (venv / "lab-installed").unlink(),
    "venv was killed": lambda venv: [(venv / "lab-installed").unlink(), (venv / "bin/python").unlink()],
    "the Python is gone": lambda venv: (venv / "bin/python").unlink(),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_environment_is_made_again(machine: Any, fault: str) -> None:
    machine.lab()
    (machine.venv / "rest of the old one").touch()
    machine.calls()
    BROKEN[fault](machine.venv)
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    assert [call.split()[1] for call in machine.calls()] == ["venv", "pip"]
    assert not (machine.venv / "rest of the old one").exists()


def test_a_lost_command_is_installed_again(machine: Any) -> None:
    machine.lab()
    (machine.venv / "bin/lab").unlink()
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]


def test_a_moved_folder_is_installed_anew(machine: Any, tmp_path: Path) -> None:
    machine.lab()
    machine.calls()
    machine.root = machine.root.rename(tmp_path / "moved")
    assert machine.lab("env") == [str(tmp_path / "moved/.venv/bin/lab"), "env"]
    assert [call.split()[1] for call in machine.calls()] == ["pip"]


def test_an_environment_of_others_is_used_and_never_removed(machine: Any) -> None:
    (machine.venv / "bin").mkdir(parents=True)
    shutil.copy(machine.bin / "python3", machine.venv / "bin/python")
    (machine.venv / "bin/pip").touch()
    (machine.venv / "theirs").touch()
    machine.installing("exit 1")
    assert machine.lab() == 1
    machine.installing("")
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]
    assert (machine.venv / "theirs").exists()
    assert not any("venv" in call.split()[1] for call in machine.calls())


def test_lab_venv_moves_the_environment(machine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAB_VENV", str(tmp_path / "else where/venv"))
    assert machine.lab() == [str(tmp_path / "else where/venv/bin/lab"), "up"]
    assert not machine.venv.exists()


def test_another_lab_that_sets_up_is_waited_for(machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    asked = []

    def flock(_: int, operation: int) -> None:
        asked.append(operation)
        if len(asked) == 1:
            raise BlockingIOError
        if len(asked) == 2:
            machine.lab()  # the other one, which finishes while this one waits

    monkeypatch.setattr(fcntl, "flock", flock)
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    assert asked[:2] == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX]
    assert [call.split()[1] for call in machine.calls()] == ["venv", "pip"]  # the other's alone
    assert "waiting for it to finish" in capfd.readouterr().err


@pytest.mark.parametrize("how", ["its own folder", "another folder", "a symbolic link"])
def test_it_starts_from_anywhere(machine: Any, tmp_path: Path, how: str) -> None:
    machine.lab()
    launcher, folder = machine.root / "lab", tmp_path
    if how == "its own folder":
        folder = machine.root
    if how == "a symbolic link":
        (tmp_path / "elsewhere").mkdir()
        launcher = tmp_path / "elsewhere/start"
        launcher.symlink_to(machine.root / "lab")
    command = [sys.executable, os.path.relpath(launcher, folder), "why", "two words"]
    assert subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout == "ran why two words\n"
