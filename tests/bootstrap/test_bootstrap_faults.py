"""What a machine may lack: each fault is one sentence that says what to do, without a traceback."""

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OFFLINE = """echo "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\
Failed to establish a new connection: [Errno -3] Temporary failure in name resolution)'"
echo 'ERROR: Could not find a version that satisfies the requirement click (from versions: none)'; exit 1"""

INSTALLATION_FAULTS = {
    OFFLINE: "The packages could not be fetched: check this machine's network",
    "echo 'error: Failed to fetch: `simple/click`'; exit 2": "The packages could not be fetched",
    "echo 'ERROR: Could not install packages [Errno 28] No space left on device'; exit 1": "The disk is full",
    "echo \"ERROR: [Errno 13] Permission denied: '/x/lib'\"; exit 1": "A folder cannot be written",
    "echo \"ERROR: Package 'cicd-lab' requires a different Python: 3.9 not in '>=3.11'\"; exit 1": "too old a Python",
    "echo 'ERROR: ResolutionImpossible'; exit 1": "The packages could not be installed: mend what the lines above tell",
    "kill -9 $$": "The packages could not be installed",
}


def sentence(capfd: pytest.CaptureFixture[str]) -> str:
    """The last line, which is all that a person has to read."""
    out, err = capfd.readouterr()
    assert out == ""
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert re.fullmatch(r"lab: [^\n]+\.", last), last
    return last.removeprefix("lab: ")


@pytest.mark.parametrize(("shell", "expected"), INSTALLATION_FAULTS.items())
def test_a_failing_installation(machine: Any, capfd: pytest.CaptureFixture[str], shell: str, expected: str) -> None:
    machine.installing(shell)
    assert machine.lab() == 1
    assert expected in sentence(capfd)
    machine.installing("")
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]


def test_a_failing_installation_shows_its_last_lines(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.installing("for i in 1 2 3 4 5 6 7 8 9; do echo line $i of pip; done; exit 1")
    assert machine.lab() == 1
    err = capfd.readouterr().err
    assert "    line 9 of pip\n" in err
    assert "line 1 of pip" not in err
    assert "line 1 of pip" in (machine.venv / "lab-install.log").read_text()


def test_a_known_fault_shows_its_own_line(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.installing(OFFLINE)
    assert machine.lab() == 1
    err = capfd.readouterr().err
    assert "name resolution" in err
    assert "Could not find a version" not in err


def test_a_failing_venv(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    (machine.bin / "venv-behaviour").write_text("echo 'OSError: [Errno 28] No space left on device'; exit 1")
    assert machine.lab() == 1
    assert sentence(capfd).startswith("The disk is full: free about 1 GB")


def test_no_network_leaves_a_working_lab_alone(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.lab("up")
    machine.installing(OFFLINE)
    assert machine.lab("test") == 1
    assert "network" in sentence(capfd)
    machine.calls()
    assert machine.lab("up") == [str(machine.venv / "bin/lab"), "up"]
    assert machine.calls() == []


def test_a_half_changed_environment_is_made_again(machine: Any) -> None:
    machine.lab("up")
    machine.installing('echo "Installing collected packages: click"; exit 1')
    assert machine.lab("test") == 1
    machine.calls()
    machine.installing("")
    machine.lab("up")
    assert [call.split()[1] for call in machine.calls()] == ["venv", "pip"]


def test_no_git(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    (machine.bin / "git").unlink()
    assert machine.lab() == 1
    assert sentence(capfd).startswith("git is needed: install it (Debian: apt install git;")


def test_an_old_python_alone(machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    machine.program("python3.12", "#!/bin/sh\nexit 127\n")  # a version manager's shim for what is not installed
    assert machine.lab() == 1
    assert sentence(capfd).startswith("Python 3.11 or newer is needed and this one is 3.9: install")


def test_an_old_python_beside_a_newer_one(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    machine.program("python3.12", "#!/bin/sh\nexit 127\n")
    newer = machine.program("python3.11", "#!/bin/sh\nexit 0\n")
    assert machine.lab("demo") == [str(newer), str(machine.root / "lab"), "demo"]


def test_the_launcher_parses_on_old_pythons() -> None:
    text = (Path(__file__).parents[2] / "lab").read_text()
    ast.parse(text, feature_version=(3, 6))
    imported = {name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= sys.stdlib_module_names
    for name in re.findall(r"\b(?:list|dict|tuple|set)\[", text):
        pytest.fail(f"{name} as a type hint fails before Python 3.9")


@pytest.fixture
def without_ensurepip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's Python without the package python3-venv."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else real(name))


@pytest.mark.usefixtures("without_ensurepip")
@pytest.mark.parametrize(("own", "package"), [(True, "python3-venv"), (False, "python{}.{}-venv")])
def test_a_python_without_venv(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], own: bool, package: str
) -> None:
    if not own:
        monkeypatch.setattr(sys, "_base_executable", str(machine.program("python3.11", "#!/bin/sh\n")))
    assert machine.lab() == 1
    assert f"(apt install {package.format(*sys.version_info)})" in sentence(capfd)
    assert not machine.venv.exists()


@pytest.mark.usefixtures("without_ensurepip")
def test_a_python_without_venv_but_uv(machine: Any) -> None:
    machine.tool("uv", pip=False)
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    venv, pip = machine.calls()
    assert venv == f"venv --allow-existing --python {machine.bin / 'python3'} {machine.venv}"
    assert pip == f"pip install --python {machine.venv / 'bin/python'} -c constraints.txt -e ."


def test_a_folder_that_cannot_be_written(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: real(path, mode) and (mode != os.W_OK))
    assert machine.lab() == 1
    assert sentence(capfd).startswith(f"{machine.root} cannot be written: make it writable")


REFUSED = {
    PermissionError(13, "Permission denied", "/x/y"): "/x/y cannot be written: make it writable, or name another",
    OSError(30, "Read-only file system", "/x/y"): "/x/y cannot be written",
    OSError(28, "No space left on device", "/x/y"): "The disk is full: free about 1 GB",
    NotADirectoryError(20, "Not a directory", "/x/y"): "/x/y: Not a directory; mend that and run ./lab again",
}


@pytest.mark.parametrize(("fault", "expected"), REFUSED.items())
def test_what_the_system_refuses(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fault: OSError, expected: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(os, "makedirs", refuse)
    assert machine.lab() == 1
    assert sentence(capfd).startswith(expected)


def test_a_folder_of_other_things_is_left_alone(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.venv.mkdir()
    (machine.venv / "diary").touch()
    assert machine.lab() == 1
    assert sentence(capfd).startswith(f"{machine.venv} holds files and no Python: move it away")
    assert (machine.venv / "diary").exists()


def test_a_system_without_posix(machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setattr(os, "name", "nt")
    status = machine.lab()
    monkeypatch.undo()
    assert status == 1
    assert "in Windows' WSL" in sentence(capfd)


START = """
import runpy, sys
sys._base_executable = sys.argv[2]
sys.argv = sys.argv[1:2]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_broken_off_installation_is_made_good(machine: Any, stop: signal.Signals, status: int) -> None:
    machine.installing(f"echo 'Installing collected packages: click'; kill -{stop.value} $PPID; exit 1")
    command = [sys.executable, "-c", START, str(machine.root / "lab"), str(machine.bin / "python3")]
    broken = subprocess.run(command, capture_output=True, text=True)
    assert broken.returncode == status
    assert "Traceback" not in broken.stderr
    machine.installing("")
    machine.calls()
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    assert [call.split()[1] for call in machine.calls()] == ["venv", "pip"]
