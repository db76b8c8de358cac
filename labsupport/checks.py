"""`lab test`: every check of the project in its order, pytest last, so that its summary closes the output."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Much of a test's time is waiting for processes, so two workers more than there are cores are worth their while.
WORKERS = str((os.cpu_count() or 1) + 2)
STEPS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("pytest", "-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder"),
)

Runner = Callable[[Sequence[str]], int]


def run(arguments: Sequence[str] = (), execute: Runner | None = None) -> int:
    """Run every check, or pytest alone where `arguments` (pytest's own) are given; 0 if all of them passed.

    `execute` takes a step (`("ruff", "check", ".")`) and returns its exit status.
    """
    execute = execute or in_root
    if missing := missing_tools():
        return refuse(f"{', '.join(missing)} not installed here: run ./lab test, which installs what the tests need.")
    if not (ROOT / "tests").is_dir():
        return refuse(f"there are no tests beside {Path(__file__).parent}: run this in the lab's own folder.")
    if arguments:
        return execute(("pytest", *arguments))
    failed = [" ".join(step) for step in STEPS if not passes(step, execute)]
    if failed:
        print(f"\nFailed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def passes(step: tuple[str, ...], execute: Runner) -> bool:
    """One check under its heading."""
    print(f"\n== {' '.join(step)}", flush=True)
    return execute(step) == 0


def in_root(step: Sequence[str]) -> int:
    """Run a step's program from this environment in the project's folder.

    The tests start hundreds of Pythons; without bytecode on the disk each of them would compile the lab anew.
    """
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.call([str(tool(step[0])), *step[1:]], cwd=ROOT, env=environ)


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
