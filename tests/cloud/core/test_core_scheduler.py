"""Jobs run at their time, one at a time each, again after a failure and after a restart; no test here waits."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.clock import Clock
from labsupport.cloud.core.cloud import Cloud, Settings, WayIn
from labsupport.cloud.core.scheduler import Scheduler
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.jobs import Job
from labsupport.cloud.store.store import Store

START = 1_700_000_000.0
BUILD = Job("codebuild", "build", "111122223333", "eu-west-1", "b:1")
Work = Callable[[Call, str], Awaitable[float | None]]


def nothing(*_: Any) -> Any:
    raise AssertionError("no call is made here")


class Scene:
    """A scheduler over a database in `home`, with one task `build` whose work is the test's."""

    def __init__(self, home: Path, work: Work) -> None:
        service = Service("codebuild")
        service.task("build")(work)
        self.store, self.clock = Store(home / "db", bytes(32)), Clock(stopped_at=START)
        self.cloud = Cloud(
            Settings(home), self.store, self.clock, {"codebuild": service}.get, ("codebuild",), WayIn(*[nothing] * 5)
        )
        self.scheduler = Scheduler(self.cloud)
        self.cloud.wake = self.scheduler.wake

    def put(self, after: float = 0.0, job: Job = BUILD) -> None:
        self.store.jobs.put(job, self.clock.epoch() + after)
        self.scheduler.wake()

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settled()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


def play(home: Path, work: Work, act: Callable[[Scene], Awaitable[None]]) -> None:
    async def whole() -> None:
        scene = Scene(home, work)
        scene.scheduler.start()
        try:
            await act(scene)
        finally:
            await scene.scheduler.stop()
            scene.store.close()

    asyncio.run(whole())


def counting(*answers: float | Exception | None) -> tuple[Work, list[float]]:
    """Work that answers so in turn, and the times at which it was called."""
    times: list[float] = []

    async def work(call: Call, key: str) -> float | None:
        answer = answers[min(len(times), len(answers) - 1)]
        times.append(call.epoch - START)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return work, times


def test_a_job_runs_in_the_service_s_own_name_where_it_was_put(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def work(call: Call, key: str) -> None:
        seen.extend((call.caller.arn, call.caller.kind, call.account, call.region, call.operation, key))

    async def act(scene: Scene) -> None:
        scene.put()
        await settled()
        assert scene.store.jobs.all() == []

    play(tmp_path, work, act)
    assert seen == ["codebuild.amazonaws.com", "service", "111122223333", "eu-west-1", "build", "b:1"]


def test_a_job_waits_for_its_time(tmp_path: Path) -> None:
    work, times = counting(None)

    async def act(scene: Scene) -> None:
        scene.put(after=60)
        await settled()
        await scene.advance(59)
        assert times == []
        await scene.advance(1)

    play(tmp_path, work, act)
    assert times == [60]


def test_a_job_that_sleeps_can_be_put_forward(tmp_path: Path) -> None:
    work, times = counting(None)

    async def act(scene: Scene) -> None:
        scene.put(after=3600)
        await settled()
        scene.put(after=10)
        await settled()
        await scene.advance(10)

    play(tmp_path, work, act)
    assert times == [10]


def test_work_is_called_again_until_it_is_done(tmp_path: Path) -> None:
    work, times = counting(5.0, 0.0, 7.0, None)

    async def act(scene: Scene) -> None:
        scene.put()
        for _ in range(12):
            await settled()
            await scene.advance(1)
        assert scene.store.jobs.all() == []

    play(tmp_path, work, act)
    assert times == [0, 5, 5, 12]


def test_a_wake_while_it_runs_sets_the_signal_and_has_it_run_once_more(tmp_path: Path) -> None:
    runs: list[str] = []
    at_once: list[int] = []

    async def work(call: Call, key: str) -> None:
        at_once.append(1)
        assert len(at_once) == 1, "the same job runs twice at once"
        if not runs:
            await call.signal.wait()
        runs.append(key)
        at_once.pop()

    async def act(scene: Scene) -> None:
        scene.put()
        await settled()
        assert runs == []
        scene.put()
        await settled()
        assert scene.store.jobs.all() == []

    play(tmp_path, work, act)
    assert runs == ["b:1", "b:1"]


def test_jobs_of_different_keys_run_beside_each_other(tmp_path: Path) -> None:
    inside: set[str] = set()
    most: list[int] = []

    async def work(call: Call, key: str) -> None:
        inside.add(key)
        await asyncio.sleep(0)
        most.append(len(inside))
        inside.discard(key)

    async def act(scene: Scene) -> None:
        for key in ("a", "b", "c"):
            scene.put(job=BUILD._replace(key=key))
        await settled()

    play(tmp_path, work, act)
    assert max(most) == 3


def test_work_that_fails_is_tried_again_ever_more_rarely(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    work, times = counting(*[ValueError("broken")] * 9, None)

    async def act(scene: Scene) -> None:
        scene.put()
        for _ in range(400):
            await settled()
            await scene.advance(1)
        assert scene.store.jobs.all() == []

    play(tmp_path, work, act)
    assert [later - earlier for earlier, later in pairwise(times)] == [
        1,
        2,
        4,
        8,
        16,
        32,
        60,
        60,
        60,
    ]
    assert "codebuild:build:111122223333:eu-west-1:b:1 failed" in caplog.text


def test_a_success_forgives_earlier_failures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    work, times = counting(ValueError(), ValueError(), 0.0, ValueError(), None)

    async def act(scene: Scene) -> None:
        scene.put()
        for _ in range(10):
            await settled()
            await scene.advance(1)

    play(tmp_path, work, act)
    assert times == [0, 1, 3, 3, 4]


def test_a_restart_takes_all_jobs_up_again(tmp_path: Path) -> None:
    async def interrupted(call: Call, key: str) -> None:
        await asyncio.Event().wait()

    async def begin(scene: Scene) -> None:
        scene.put()
        scene.put(after=30, job=BUILD._replace(key="later"))
        await settled()

    play(tmp_path, interrupted, begin)
    work, times = counting(None)

    async def resume(scene: Scene) -> None:
        await settled()
        assert times == [0]
        await scene.advance(30)
        assert scene.store.jobs.all() == []

    play(tmp_path, work, resume)
    assert times == [0, 30]


@pytest.mark.parametrize("job", [BUILD._replace(task="gone"), BUILD._replace(service="gone")])
def test_a_job_that_no_lab_knows_is_dropped(tmp_path: Path, job: Job, caplog: pytest.LogCaptureFixture) -> None:
    work, times = counting(None)

    async def act(scene: Scene) -> None:
        scene.put(job=job)
        await settled()
        assert scene.store.jobs.all() == []

    play(tmp_path, work, act)
    assert times == []
    assert "the job is dropped" in caplog.text


def test_a_job_of_a_call_that_is_taken_back_never_runs(tmp_path: Path) -> None:
    work, times = counting(None)

    async def act(scene: Scene) -> None:
        def refused() -> None:
            with scene.store.transaction():
                scene.put()
                raise ValueError

        with pytest.raises(ValueError):
            refused()
        await settled()

    play(tmp_path, work, act)
    assert times == []


def test_idle_waits_for_what_runs_and_is_due_soon_but_not_for_distant_timers(tmp_path: Path) -> None:
    release, done = asyncio.Event(), []

    async def work(call: Call, key: str) -> None:
        await release.wait()
        done.append(key)

    async def act(scene: Scene) -> None:
        scene.put()
        scene.put(after=86_400, job=BUILD._replace(key="tomorrow"))
        await settled()
        waits = asyncio.create_task(scene.scheduler.idle())
        await settled()
        assert not waits.done()
        release.set()
        await asyncio.wait_for(waits, 5)
        assert done == ["b:1"]
        await asyncio.wait_for(scene.scheduler.idle("s3"), 5)

    play(tmp_path, work, act)
