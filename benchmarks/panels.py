"""How soon a picture is there after lab.start(), and a change in it, against typing `aws codepipeline …`."""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.table import Table

from benchmarks.shown import show

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "5"))
FIRST, CHANGE = 1.0, 0.5  # most seconds
# A kernel that has just started: what a learner's second cell does.
PICTURE = """
import time
from labsupport import lab
lab.start()
begin = time.perf_counter()
assert "<svg" in lab.pipeline("shop")._repr_html_()
print(time.perf_counter() - begin)
"""


def run() -> bool:
    with _cloud():
        firsts = [float(_python(PICTURE)) for _ in range(ROUNDS)]
        changes = list(_changes())
        typed = statistics.median(_seconds(_cli) for _ in range(ROUNDS))
    rows = [
        ("lab.start() to the first picture, s", firsts, FIRST),
        ("change told by the API to change shown, s", changes, CHANGE),
    ]
    table = Table("What", "median", "slowest", "at most", "aws CLI, s", "CLI : lab", "")
    for what, found, most in rows:
        median = statistics.median(found)
        ok = "ok" if median <= most else "MISSED"
        table.add_row(
            what, f"{median:.2f}", f"{max(found):.2f}", f"{most}", f"{typed:.2f}", f"{typed / median:.1f}", ok
        )
    show(table)
    return all(statistics.median(found) <= most for _, found, most in rows)


@contextlib.contextmanager
def _cloud() -> Iterator[None]:
    """A cloud of this benchmark's own with the chain in it; this process is its learner's kernel."""
    from labsupport import lab
    from labsupport.commands.background import stopped
    from labsupport.demo import setting

    with tempfile.TemporaryDirectory(prefix="bench-panels-") as folder:
        os.environ["LAB_HOME"] = folder
        lab.start()
        setting.prepare(lab.client)
        try:
            yield
        finally:
            stopped(Path(folder))


def _changes() -> Iterator[float]:
    """Seconds from the call that shuts or opens a transition until the panel shows it."""
    from labsupport import lab

    with contextlib.redirect_stdout(io.StringIO()):
        watching = lab.pipeline("shop").begin()
    codepipeline = lab.client("codepipeline")
    way = {"pipelineName": "shop", "stageName": "Build", "transitionType": "Inbound"}
    for number in range(2 * ROUNDS):
        reason = f"reason {number}"
        codepipeline.disable_stage_transition(**way, reason=reason)
        begin = time.perf_counter()
        while reason not in watching.panel.view.text:
            time.sleep(0.002)
        yield time.perf_counter() - begin
    watching.stop()


def _python(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def _cli() -> None:
    command = [str(Path(sys.executable).with_name("aws")), "codepipeline", "get-pipeline-state", "--name", "shop"]
    subprocess.run(command, capture_output=True, check=True)


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
