"""Runs the outbox's jobs: each at its time, each once at a time, all of them again after a restart."""

import asyncio
import logging

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.store.jobs import Job

log = logging.getLogger("labsupport.cloud.scheduler")
_LONGEST_PAUSE = 60.0  # seconds between tries of a task that fails unexpectedly
_SOON = 3.0  # seconds: a job that is due later than that is not waited for


class Scheduler:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.running: dict[Job, asyncio.Task[None]] = {}
        self.signals: dict[Job, asyncio.Event] = {}
        self._asleep: dict[Job, float] = {}  # those that wait for their time
        self._quieter = asyncio.Event()  # set whenever one ends or falls asleep
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pumping = False

    def start(self) -> None:
        """Take up all jobs that the store holds; from now on `wake` brings new ones."""
        self._loop = asyncio.get_running_loop()
        for job in self.cloud.store.jobs.all():
            self._take_up(job)

    def wake(self) -> None:
        """Look at newly put jobs as soon as the current transaction has ended."""
        if self._loop is not None and not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    async def stop(self) -> None:
        tasks, self._loop = list(self.running.values()), None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self, service: str = "") -> None:
        """Wait until no job (of a service) runs or is due soon: for tests and an orderly stop."""
        while self._pumping or any(service in ("", job.service) and not self._sleeps(job) for job in self.running):
            if self._pumping:  # new jobs are about to be taken up
                await asyncio.sleep(0)
                continue
            self._quieter.clear()
            await self._quieter.wait()

    def _sleeps(self, job: Job) -> bool:
        is_woken = self.signals[job].is_set()
        return not is_woken and self._asleep.get(job, 0.0) > self.cloud.clock.epoch() + _SOON

    def _pump(self) -> None:
        self._pumping = False
        fresh, self.cloud.store.jobs.fresh = self.cloud.store.jobs.fresh, []
        for job in dict.fromkeys(fresh):
            if job in self.running:
                self.signals[job].set()
            else:
                self._take_up(job)

    def _take_up(self, job: Job) -> None:
        self.signals[job] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._run(job), name=":".join(job))
        self.running[job] = task
        task.add_done_callback(lambda _: self._finished(job))

    def _finished(self, job: Job) -> None:
        self.running.pop(job, None)
        self.signals.pop(job, None)
        self._quieter.set()
        if self._loop is not None and self.cloud.store.jobs.wakes(job) is not None:
            self._take_up(job)

    async def _run(self, job: Job) -> None:
        jobs, failures = self.cloud.store.jobs, 0
        while (due := jobs.due(job)) is not None:
            if due > self.cloud.clock.epoch():
                await self._until(job, due)
                continue
            wakes = jobs.wakes(job) or 0
            again, failures = await self._once(job, failures)
            if again is None:
                jobs.done(job, wakes)
            else:
                jobs.again(job, wakes, self.cloud.clock.epoch() + again)

    async def _once(self, job: Job, failures: int) -> tuple[float | None, int]:
        self.signals[job].clear()
        try:
            return await self._work(job), 0
        except Exception:
            log.exception("task %s failed", ":".join(job))
            return min(_LONGEST_PAUSE, 2.0**failures), failures + 1

    async def _work(self, job: Job) -> float | None:
        service = self.cloud.service(job.service)
        if service is None or job.task not in service.tasks:
            log.error("no task %s of %s: the job is dropped", job.task, job.service)
            return None
        caller = service_principal(service.principal, job.account)
        call = Call(self.cloud, service, job.task, caller, job.account, job.region, signal=self.signals[job])
        return await service.tasks[job.task](call, job.key)

    async def _until(self, job: Job, due: float) -> None:
        signal = self.signals[job]
        waits = [asyncio.ensure_future(self.cloud.clock.sleep_until(due)), asyncio.ensure_future(signal.wait())]
        self._asleep[job] = due
        self._quieter.set()
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._asleep.pop(job, None)
            for wait in waits:
                wait.cancel()
            signal.clear()
