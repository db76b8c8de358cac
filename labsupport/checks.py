"""`lab test`: every check of the project in its order, pytest last, so that its summary closes the output."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[1]
# Much of a test's time is waiting for processes, so three workers more than there are cores are worth their while.
WORKERS = str((os.cpu_count() or 1) + 3)
STEPS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("pytest", "-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"),
)

# Pytest rewrites the tests' assertions and keeps the result: done once here, beside mypy, instead of in each worker.
COLLECT = ("pytest", "--collect-only", "-qq")

Runner = Callable[[Sequence[str]], int]


class Waiting(Protocol):
    """Something that goes on: `wait` returns when it has ended."""

    def wait(self) -> object: ...


def run(
    arguments: Sequence[str] = (),
    execute: Runner | None = None,
    beside: Callable[[Sequence[str]], Waiting] | None = None,
) -> int:
    """Run every check, or pytest alone where `arguments` (pytest's own) are given; 0 if all of them passed.

    `execute` takes a step (`("ruff", "check", ".")`) and returns its exit status; `beside` begins one meanwhile.
    """
    execute = execute or in_root
    if missing := missing_tools():
        return refuse(f"{', '.join(missing)} not installed here: run ./lab test, which installs what the tests need.")
    if not (ROOT / "tests").is_dir():
        return refuse(f"there are no tests beside {Path(__file__).parent}: run this in the lab's own folder.")
    if arguments:
        return execute(("pytest", *arguments))
    *others, tests = STEPS
    collecting = (beside or in_silence)(COLLECT)
    failed = [" ".join(step) for step in others if not passes(step, execute)]
    collecting.wait()
    failed += [" ".join(tests)] if not passes(tests, execute) else []
    if failed:
        print(f"\nFailed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def passes(step: tuple[str, ...], execute: Runner) -> bool:
    """One check under its heading."""
    print(f"\n== {' '.join(step)}", flush=True)
    return execute(step) == 0


def in_root(step: Sequence[str]) -> int:
    """Run a step's program from this environment in the project's folder."""
    return subprocess.call(command(step), cwd=ROOT, env=environ())


def in_silence(step: Sequence[str]) -> subprocess.Popen[bytes]:
    """Begin a step, and show nothing of it."""
    none = subprocess.DEVNULL
    return subprocess.Popen(command(step), cwd=ROOT, env=environ(), stdin=none, stdout=none, stderr=none)


def command(step: Sequence[str]) -> list[str]:
    return [str(tool(step[0])), *step[1:]]


def environ() -> dict[str, str]:
    """The tests start hundreds of Pythons; without bytecode on the disk each of them would compile the lab anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def tool(name: str) -> Path:
    """A program of the environment that this Python belongs to."""
    return Path(sys.executable).with_name(name)


def missing_tools() -> list[str]:
    """The programs of the `test` extra that are not installed."""
    return sorted(name for name in {step[0] for step in STEPS} if not tool(name).exists())


def refuse(sentence: str) -> int:
    """Say why nothing was checked."""
    print(f"lab test: {sentence}", file=sys.stderr)
    return 2
