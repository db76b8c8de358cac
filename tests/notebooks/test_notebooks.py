"""Every notebook runs from top to bottom in a fresh kernel, under nbval, and leaves nothing running."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def environment(home: Path) -> dict[str, str]:
    """A learner's environment: the project's programs, nothing of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    programs = str(Path(sys.executable).parent)
    return {**kept, "LAB_HOME": str(home), "PATH": os.pathsep.join([programs, os.environ["PATH"]])}


def left_over(home: Path) -> list[str]:
    """Processes that still know the home folder."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "environ"]):
        known = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        if any(str(home) in one for one in known) and process.info["pid"] != os.getpid():
            found.append(" ".join(process.info["cmdline"] or []))
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(notebook, tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-q", "-o", "addopts=",
               "-o", "filterwarnings=default", str(notebook)]  # fmt: skip
    done = subprocess.run(command, env=environment(home), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    # The cloud that the notebook has started ends by itself once its kernel has.
    psutil.wait_procs([one for one in psutil.process_iter() if str(home) in " ".join(_line(one))], timeout=30)
    assert left_over(home) == []


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
