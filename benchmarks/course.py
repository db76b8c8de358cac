"""The course as a learner waits for it: importing it, starting a chapter, checking an exercise."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.table import Table

from benchmarks.shown import show
from labsupport import home
from labsupport.commands.background import started, stopped

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "5"))
IMPORT_RATIO = 2.0  # most that importing the lab may take, as a multiple of importing ipywidgets
STARTS, CHECKS = 1.0, 2.0  # seconds
CHAPTER = "start"
STARTING = f"lab.start({CHAPTER!r})"
CHECKING = f'lab.check("{CHAPTER}.1")'


def run() -> bool:
    own, other = (median(lambda name=name: importing(name)) for name in ("labsupport.lab", "ipywidgets"))
    with tempfile.TemporaryDirectory() as folder:
        start, again, check = in_a_kernel(Path(folder) / "home")
    rows = [
        ("import lab : import ipywidgets", f"{own:.3f} s : {other:.3f} s", own / other, IMPORT_RATIO),
        (f"{STARTING}, first in a kernel, s", "the starting point is there", start, STARTS),
        (f"{STARTING} once more, s", "", again, STARTS),
        (f"{CHECKING}, s", "", check, CHECKS),
    ]
    table = Table("What", "", "median", "at most", "")
    for what, more, found, most in rows:
        table.add_row(what, more, f"{found:.2f}", f"{most}", "ok" if found <= most else "MISSED")
    show(table)
    return all(found <= most for *_, found, most in rows)


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def importing(module: str) -> float:
    """Seconds that an import takes in a fresh Python, without that of starting Python."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


# A kernel has ipywidgets imported when a learner's first cell runs, and nothing of boto3.
KERNEL = f"""
import time, ipywidgets
from labsupport import lab
def took(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
print(*(took(call) for call in [lambda: {STARTING}, lambda: {STARTING}, lambda: {CHECKING}]))
"""


def in_a_kernel(folder: Path) -> tuple[float, float, float]:
    """Seconds of the first start, of one more, and of a check, with the cloud and the starting point there."""
    started(folder)
    try:
        environ = home.enclosed(dict(os.environ), folder, home.running(folder).url)
        command = [sys.executable, "-c", KERNEL]
        rounds = [
            subprocess.run(command, env=environ, capture_output=True, text=True, check=True) for _ in range(ROUNDS + 1)
        ]
        figures = [
            tuple(map(float, one.stdout.split())) for one in rounds[1:]
        ]  # the first brings the starting point about
    finally:
        stopped(folder)
    start, again, check = (statistics.median(column) for column in zip(*figures, strict=True))
    return start, again, check
