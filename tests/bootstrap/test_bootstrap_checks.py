"""`lab test` runs every check and tells which failed; given arguments, it is pytest."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from labsupport import checks

PYTEST = f"pytest -n {checks.WORKERS} --dist loadfile --no-loadscope-reorder"
NAMES = ["ruff check .", "ruff format --check .", "mypy", "lint-imports", PYTEST]


ran: list[str] = []


class Collecting:
    """What goes on beside the checks, and is waited for before the tests begin."""

    def __init__(self, step: Sequence[str]) -> None:
        ran.append(f"begun: {' '.join(step)}")

    def wait(self) -> None:
        ran.append("waited")


@pytest.mark.parametrize("failing", [[], ["mypy"], ["ruff check .", PYTEST], NAMES])
def test_all_run_whatever_fails(capsys: pytest.CaptureFixture[str], failing: list[str]) -> None:
    ran.clear()

    def execute(step: Sequence[str]) -> int:
        ran.append(" ".join(step))
        print(f"(output of {ran[-1]})")
        return 1 if ran[-1] in failing else 0

    assert checks.run([], execute, Collecting) == (1 if failing else 0)
    assert ran == ["begun: pytest --collect-only -qq", *NAMES[:-1], "waited", PYTEST]
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("== ")] == [f"== {name}" for name in NAMES]
    assert lines[-1] == (f"Failed: {', '.join(failing)}" if failing else f"(output of {PYTEST})")


def test_arguments_are_pytests(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[Sequence[str]] = []
    assert checks.run(["-k", "wire"], lambda step: ran.append(step) or 5) == 5  # type: ignore[func-returns-value]
    assert ran == [("pytest", "-k", "wire")]
    assert capsys.readouterr().out == ""


def test_a_step_runs_this_environments_program_in_the_projects_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "mypy"
    program.write_text('#!/bin/sh\npwd\necho "$@" $PYTHONDONTWRITEBYTECODE\nexit 4\n')
    program.chmod(0o755)
    monkeypatch.setattr(checks.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert checks.in_root(("mypy", "x y")) == 4
    assert capfd.readouterr().out == f"{checks.ROOT}\nx y\n"


def test_missing_tools_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest").touch()
    monkeypatch.setattr(checks.sys, "executable", str(tmp_path / "python"))
    assert checks.run([]) == 2
    assert capsys.readouterr().err.startswith("lab test: lint-imports, mypy, ruff not installed here: run ./lab test")


def test_no_tests_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    assert checks.run([]) == 2
    assert "there are no tests beside" in capsys.readouterr().err
