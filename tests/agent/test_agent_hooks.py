"""Scripts of a lifecycle event: what they get, how they fail, and what they leave behind."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.agent.appspec import Script
from labsupport.agent.diagnostics import (
    SCRIPT_FAILED,
    SCRIPT_MISSING,
    SCRIPT_NOT_EXECUTABLE,
    SCRIPT_TIMED_OUT,
    UNKNOWN,
    CommandError,
)
from labsupport.agent.hooks import Hook, ScriptLog

PATH = {"PATH": os.environ["PATH"]}


class Stage:
    """A revision whose scripts can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "deployment-archive"
        self.archive.mkdir()
        self.warnings: list[str] = []
        self.log = ScriptLog(folder / "logs" / "scripts.log", folder / "every.log", "d-1")

    def write(self, name: str, text: str, mode: int = 0o755) -> str:
        (self.archive / name).write_text(text)
        (self.archive / name).chmod(mode)
        return name

    def run(self, *scripts: Script, **environment: str) -> str:
        hook = Hook("AfterInstall", scripts, self.archive, {**PATH, **environment}, self.folder, self.warnings.append)
        hook.run(self.log)
        return self.log.tail()

    def failure(self, *scripts: Script) -> CommandError:
        with pytest.raises(CommandError) as caught:
            self.run(*scripts)
        return caught.value


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def ended() -> Iterator[Callable[[Path], int]]:
    """Ends, after the test, the process whose number a file holds."""
    pids: list[int] = []

    def note(path: Path) -> int:
        pids.append(int(path.read_text()))
        return pids[-1]

    yield note
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_scripts_run_in_order_in_the_agents_folder_with_what_the_agent_gives(stage: Stage) -> None:
    one = stage.write("one.sh", "#!/bin/sh\necho first $LIFECYCLE_EVENT\npwd\necho second >&2\n")
    two = stage.write("two.sh", "#!/bin/sh\nread line || echo no input\nprintf unfinished")
    said = stage.run(Script(one), Script(two), LIFECYCLE_EVENT="AfterInstall")
    assert said.startswith("LifecycleEvent - AfterInstall\nScript - one.sh\n")
    assert f"[stdout]{stage.folder}\n" in said
    assert "[stdout]first AfterInstall\n" in said
    assert "[stderr]second\n" in said
    assert said.endswith("Script - two.sh\n[stdout]no input\n[stdout]unfinished\n")
    whole = (stage.folder / "logs/scripts.log").read_text()
    assert [line[20:] for line in whole.splitlines()] == said.splitlines()
    assert "[d-1][stdout]no input" in (stage.folder / "every.log").read_text()


def test_a_failing_script_ends_the_event(stage: Stage) -> None:
    bad = stage.write("bad.sh", "#!/bin/sh\necho why >&2\nexit 7\n")
    after = stage.write("after.sh", "#!/bin/sh\ntouch ran\n")
    error = stage.failure(Script(bad), Script(after))
    assert (error.code, error.script) == (SCRIPT_FAILED, "bad.sh")
    assert error.message == "Script at specified location: bad.sh failed with exit code 7"
    assert error.log.endswith("[stderr]why\n")
    assert not (stage.folder / "ran").exists()


def test_a_script_run_as_somebody_says_so_when_it_fails(stage: Stage) -> None:
    error = stage.failure(Script(stage.write("bad.sh", "#!/bin/sh\nkill -9 $$\n"), runas="ec2-user"))
    assert error.message == "Script at specified location: bad.sh run as user ec2-user failed with exit code 137"
    assert stage.warnings == ["bad.sh is to run as ec2-user; here it runs as the user of the lab"]


def test_a_script_that_takes_too_long_is_ended_with_its_children(stage: Stage) -> None:
    text = "#!/bin/sh\ntrap '' TERM\nsleep 600 &\necho $! > child\necho started\nwait\nsleep 600\n"
    begun = time.monotonic()
    error = stage.failure(Script(stage.write("slow.sh", text), timeout=1))
    assert (error.code, error.script) == (SCRIPT_TIMED_OUT, "slow.sh")
    assert error.message == "Script at specified location: slow.sh failed to complete in 1 seconds"
    assert "[stdout]started" in error.log
    assert time.monotonic() - begun < 10
    child = int((stage.folder / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_missing_script(stage: Stage) -> None:
    error = stage.failure(Script("scripts/gone.sh"))
    assert (error.code, error.script) == (SCRIPT_MISSING, "scripts/gone.sh")
    assert error.message == "Script does not exist at specified location: scripts/gone.sh"


def test_a_script_is_made_executable(stage: Stage) -> None:
    assert "[stdout]ok" in stage.run(Script(stage.write("plain.sh", "#!/bin/sh\necho ok\n", 0o644)))
    assert stage.warnings[0].startswith("Script at specified location: plain.sh is not executable.")


def test_a_folder_cannot_be_made_executable(stage: Stage) -> None:
    (stage.archive / "folder").mkdir()
    error = stage.failure(Script("folder"))
    assert error.code == SCRIPT_NOT_EXECUTABLE
    assert error.message == "Unable to set script at specified location: folder as executable"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo no interpreter is named\n", "Exec format error - script.sh"),
        ("#!/no/such/interpreter\n", "No such file or directory - script.sh"),
    ],
)
def test_a_script_that_cannot_be_started(stage: Stage, text: str, message: str) -> None:
    error = stage.failure(Script(stage.write("script.sh", text)))
    assert (error.code, error.message) == (UNKNOWN, message)


def test_a_service_that_holds_the_output_is_not_waited_for_and_lives(
    stage: Stage, ended: Callable[[Path], int]
) -> None:
    service = "#!/bin/sh\n(while :; do echo tick; sleep 0.02; done) &\necho $! > service\necho started\n"
    begun = time.monotonic()
    said = stage.run(Script(stage.write("start.sh", service)))
    assert "[stdout]started" in said
    assert time.monotonic() - begun < 5
    pid = ended(stage.folder / "service")
    lines = len(stage.log.lines)
    deadline = time.monotonic() + 10
    while len(stage.log.lines) < lines + 3:  # what it writes goes on being read: it never stands still
        assert time.monotonic() < deadline
        os.kill(pid, 0)


def test_output_that_is_no_text_is_shown_as_far_as_it_can_be(stage: Stage) -> None:
    said = stage.run(Script(stage.write("odd.sh", "#!/bin/sh\nprintf 'a\\377b\\n\\n%5000s\\n' x\n")))
    assert said == "x".rjust(2048 - 1) + "\n" or said.endswith("x\n")
    assert "[stdout]a\N{REPLACEMENT CHARACTER}b\n" in (stage.folder / "logs/scripts.log").read_text()
