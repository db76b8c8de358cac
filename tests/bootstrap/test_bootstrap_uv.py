"""`./lab` installs with uv, which pip brings; where pip's configuration or a fault is in the way, pip does it alone."""

import os
import sys
from typing import Any

import pytest

UV = "--no-cache --system-certs"
FAILS = "echo 'error: Failed to fetch'; exit 2"
ONLY_UV = 'if [ "$(basename "$0")" = uv ]; then {}; fi'


def tools(machine: Any) -> list[str]:
    """Which program installed what, in turn."""
    asked = [call for call in machine.calls() if not call.startswith("-m venv ")]
    return [("uv: " if "--no-cache" in call else "pip: ") + call.split("constraints.txt ")[1] for call in asked]


def test_pip_brings_uv_which_installs(
    machine: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((80, 24)))
    machine.settings("global.find-links='/wheels'\nglobal.extra-index-url='more'")
    machine.installing("echo 'Downloading lxml (5.0MiB)'; echo 'Prepared 2 packages in 1s'")
    assert machine.lab("env") == [str(machine.venv / "bin/lab"), "env"]
    _, pip, uv = machine.calls()
    assert pip.startswith("-m pip install ")
    assert pip.endswith(" --only-binary :all: -c constraints.txt uv")
    assert uv == f"pip install {UV} --python {machine.venv / 'bin/python'} -c constraints.txt -e ."
    err = capfd.readouterr().err
    assert "Fetching packages: lxml" in err
    assert "Installing packages: 2" in err


@pytest.mark.parametrize("setting", ["global.index-url='a mirror'", ":env:.index-url='x'", "user.no-index='true'"])
def test_an_index_of_pips_own_is_kept_to(machine: Any, setting: str) -> None:
    machine.settings(f"global.timeout='60'\n{setting}")
    machine.lab()
    assert tools(machine) == ["pip: -e ."]


def test_where_pip_cannot_bring_uv_it_installs_by_itself(machine: Any) -> None:
    machine.settings("")
    (machine.bin / "uv-behaviour").write_text(FAILS)
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]
    assert tools(machine) == ["pip: uv", "pip: -e ."]


def test_where_uv_fails_pip_installs(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.settings("")
    machine.installing(ONLY_UV.format(FAILS))
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]
    assert tools(machine) == ["pip: uv", "uv: -e .", "pip: -e ."]
    assert "error" not in capfd.readouterr().err  # nobody has to do anything about it


def test_where_both_fail_pips_reason_is_told(machine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    machine.settings("")
    machine.installing("echo 'Errno 28 No space left on device'; exit 1")
    assert machine.lab() == 1
    assert capfd.readouterr().err.splitlines()[-1].startswith("lab: The disk is full")
    machine.installing("")
    assert machine.lab() == [str(machine.venv / "bin/lab"), "up"]


def test_uv_that_broke_off_half_way_leaves_nothing_behind(machine: Any) -> None:
    machine.settings("")
    machine.lab("up")
    machine.installing(f"{ONLY_UV.format('echo Prepared 2 packages in 1s')}; exit 1")
    assert machine.lab("test") == 1
    machine.calls()
    machine.installing("")
    machine.lab("up")
    assert machine.calls()[0] == f"-m venv {machine.venv}"
