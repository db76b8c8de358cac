"""Commands as processes: their output, their end, and that nothing of them stays."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.runner import bodies
from labsupport.cloud.runner import reap as reaping
from labsupport.cloud.runner.process import run, start
from labsupport.cloud.runner.reap import find, reap
from labsupport.cloud.runner.spec import MARKER, ExitStatus, Spec, StartError, script

PATH = {"PATH": os.defpath + ":/usr/local/bin:/usr/bin:/bin"}


def spec(folder, text, **more):
    given = {"argv": script(text), "run_id": f"run-{folder}", "environment": PATH, **more}
    return Spec(folder, **given)


def ran(folder, text, **more):
    lines = []
    return asyncio.run(run(spec(folder, text, sink=lines.append, **more))), lines


def alive(pid):
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("text", "code", "lines"),
    [
        ("echo out; echo err >&2", 0, ["out", "err"]),
        ("exit 3", 3, []),
        ("printf 'no end'", 0, ["no end"]),
        ("printf 'caf\\351\\n'", 0, ["caf\ufffd"]),
        ("echo ünïcode", 0, ["ünïcode"]),
        ("kill -9 $$", 137, []),
        ("nonsense-command", 127, None),
        ("cat; echo $?", 0, ["0"]),
        ("head -c 70000 /dev/zero | tr '\\0' x", 0, ["x" * 32768, "x" * 32768, "x" * 4464]),
        ("seq 30000 | tail -n 20000", 0, [str(n) for n in range(10001, 30001)]),
    ],
)
def test_status_and_output(tmp_path, text, code, lines):
    status, written = ran(tmp_path, text)
    assert status == ExitStatus(code)
    assert status.ok is (code == 0)
    assert lines is None or written == lines


def test_nothing_is_inherited(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the server's own")
    status, lines = ran(tmp_path, "", argv=("/usr/bin/env",), environment={"A": "b c"}, run_id="r-1")
    assert status.ok
    assert sorted(lines) == ["A=b c", f"{MARKER}=r-1"]
    _, lines = ran(tmp_path, "pwd; ls /proc/self/fd | wc -l")
    # ls has its three and the folder that it reads.
    assert lines == [str(tmp_path), "4"]


def test_lines_come_while_the_command_runs(tmp_path):
    os.mkfifo(tmp_path / "go")

    async def main():
        lines = asyncio.Queue()
        running = await start(spec(tmp_path, "echo before; read x <go; echo after $x", sink=lines.put_nowait))
        assert await asyncio.wait_for(lines.get(), 5) == "before"
        assert running.process.returncode is None
        (tmp_path / "go").write_text("now\n")
        assert (await running.wait()).ok
        assert lines.get_nowait() == "after now"
        await running.stop()

    asyncio.run(main())


def test_a_child_in_the_background_holds_nothing_up_and_is_ended(tmp_path):
    async def main():
        lines = asyncio.Queue()
        running = await start(spec(tmp_path, "sleep 300 & echo $!", sink=lines.put_nowait))
        assert await asyncio.wait_for(running.wait(), 10) == ExitStatus(0)
        child = lines.get_nowait()
        assert alive(child)
        # What ended by itself was not stopped.
        assert await running.stop() == ExitStatus(0)
        assert not alive(child)

    asyncio.run(main())


@pytest.mark.parametrize(
    "command",
    [
        "setsid sleep 300 & echo $!",
        "env -i sleep 300 & echo $!",
        "trap '' TERM; sleep 300 & echo $!; wait",
        "(trap '' TERM; exec sleep 300) & echo $!; wait",
        "sleep 300 & kill -STOP $!; echo $!; wait",
        "(setsid sleep 300 & echo $!) & wait",
        "nohup bash -c 'echo $$; while :; do sleep 300; done' 2>/dev/null & wait",
    ],
)
def test_stop_ends_all_descendants(tmp_path, command):
    async def main():
        lines = asyncio.Queue()
        running = await start(spec(tmp_path, command, sink=lines.put_nowait))
        child = await asyncio.wait_for(lines.get(), 10)
        assert alive(child)
        await running.stop(grace=0.2)
        assert not alive(child)
        assert find([running.spec.run_id]) == []

    asyncio.run(main())


def test_a_timeout_ends_everything(tmp_path):
    status, lines = ran(tmp_path, "echo begun; sleep 300 & sleep 300", timeout=0.2)
    assert lines == ["begun"]
    assert (status.timed_out, status.stopped, status.ok) == (True, False, False)
    assert find([f"run-{tmp_path}"]) == []


def test_an_unused_timeout_does_no_harm(tmp_path):
    assert ran(tmp_path, "true", timeout=60)[0] == ExitStatus(0)


def test_stop_while_waiting(tmp_path):
    async def main():
        begun = asyncio.Event()
        running = await start(spec(tmp_path, "echo begun; sleep 300", sink=lambda line: begun.set()))
        waiting = asyncio.create_task(running.wait())
        await asyncio.wait_for(begun.wait(), 5)
        stopped = await running.stop()
        assert stopped == await waiting == ExitStatus(143, stopped=True)
        assert await running.stop() == stopped

    asyncio.run(main())


def test_a_flood_leaves_the_loop_free(tmp_path):
    async def main():
        count = 0

        def sink(_line):
            nonlocal count
            count += 1

        running = await start(spec(tmp_path, "yes | head -n 400000; echo done", sink=sink))
        turns = 0
        waiting = asyncio.create_task(running.wait())
        while not waiting.done():
            await asyncio.sleep(0)
            turns += 1
        assert count == 400_001
        # 800 KB in steps of 16 KiB: between them, others have their turn.
        assert turns > 40
        await running.stop()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"argv": ("/no/such/program",)}, "make could not be started: No such file"),
        ({"folder": Path("/no/such/folder")}, "make could not be started: No such file"),
        ({"environment": {"A": "b\0c"}}, "make could not be started: embedded null byte"),
        ({"environment": {"A=B": "c"}}, "make could not be started: illegal environment variable name"),
        ({"environment": {"A": "x" * 3_000_000}}, "make could not be started: Argument list too long"),
        ({"argv": ("/etc/passwd",)}, "make could not be started: Permission denied"),
    ],
)
def test_what_cannot_be_started_says_why(tmp_path, change, cause):
    open_before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(StartError, match=cause):
        asyncio.run(run(replace(spec(tmp_path, "true", name="make"), **change)))
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_no_descriptor_is_left_open(tmp_path):
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        ran(tmp_path, "echo x; sleep 300 &")
    assert len(os.listdir("/proc/self/fd")) == open_before


def orphan(run_id):
    """A process as a killed server leaves it: in a session of its own, nobody's child that matters."""
    code = "import sys, time; print('up', flush=True); time.sleep(300)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, MARKER: run_id}, stdout=subprocess.PIPE, start_new_session=True
    )
    process.stdout.readline()
    return process


@pytest.mark.parametrize("has_proc", [True, False])  # False: macOS
def test_reap_ends_left_overs_of_these_runs_only(tmp_path, monkeypatch, has_proc):
    monkeypatch.setattr(reaping, "_HAS_PROC", has_proc and reaping._HAS_PROC)
    one, two, other = orphan(f"{tmp_path}-1"), orphan(f"{tmp_path}-2"), orphan(f"{tmp_path}-3")
    try:
        assert reap([f"{tmp_path}-1", f"{tmp_path}-2"]) == 2
        assert one.wait(5) == two.wait(5) == -15
        assert other.poll() is None
        assert reap([]) == 0
        assert reap([""]) == 0
        assert other.poll() is None
    finally:
        for process in (one, two, other):
            process.kill()
            process.wait()
            process.stdout.close()


def test_bodies_by_name(tmp_path):
    assert asyncio.run(_status(bodies.body("process"), spec(tmp_path, "exit 4"))) == ExitStatus(4)
    with pytest.raises(AwsError, match=r"NotSimulated: Running the build in a Docker container exists at AWS"):
        asyncio.run(_status(bodies.body("docker"), spec(tmp_path, "true", name="the build")))
    with pytest.raises(AwsError, match="NotSimulated: Running commands by magic"):
        bodies.body("magic")


async def _status(body, asked):
    running = await body(asked)
    try:
        return await running.wait()
    finally:
        await running.stop()


def test_a_number_that_another_process_had_before(tmp_path):
    """psutil remembers processes by their number, and passes once over one whose number has been given anew."""

    async def stopped():
        running = await start(spec(tmp_path, "sleep 1000"))
        before = psutil.Process(running.process.pid)
        before._ident = (before.pid, 1.0)
        assert list(psutil.process_iter())
        psutil._pmap[before.pid] = before
        return await asyncio.wait_for(running.stop(), 20)

    try:
        assert asyncio.run(stopped()) == ExitStatus(143, stopped=True)
    finally:
        psutil.process_iter.cache_clear()
        reap([f"run-{tmp_path}"])
