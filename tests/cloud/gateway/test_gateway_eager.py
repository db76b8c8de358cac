"""Calls are begun without a task, and go on in one as soon as they wait."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from labsupport.cloud.gateway.eager import begun, in_task

place: ContextVar[str] = ContextVar("place", default="outside")


def run(work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    return begun(asyncio.get_running_loop(), work)


def test_what_never_waits_needs_no_task() -> None:
    seen: list[Any] = []

    async def work() -> None:
        seen.append(asyncio.current_task())

    async def main() -> None:
        assert run(work()) is None
        assert seen != [None]  # begun within the test's own task here; from a callback there is none
        asyncio.get_running_loop().call_soon(lambda: seen.append(run(work())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seen[1:] == [None, None]

    asyncio.run(main())


def test_the_rest_is_run_by_a_task_with_what_was_sent_and_thrown() -> None:
    seen: list[Any] = []

    async def work(first: asyncio.Future[str], second: asyncio.Future[str]) -> None:
        place.set("inside")
        seen.append(await first)
        try:
            await second
        except ValueError as error:
            seen.append(str(error))
        seen.append(place.get())
        await in_task()
        async with asyncio.timeout(5):
            seen.append("in time")

    async def main() -> None:
        first, second = asyncio.Future[str](), asyncio.Future[str]()
        task = run(work(first, second))
        assert task is not None
        first.set_result("first")
        await asyncio.sleep(0)
        second.set_exception(ValueError("second"))
        await task
        assert seen == ["first", "second", "inside", "in time"]
        assert place.get() == "outside"

    asyncio.run(main())


def test_a_call_that_is_cancelled_while_it_waits_cleans_up() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Future()
        finally:
            seen.append("cleaned up")

    async def main() -> None:
        task = run(work())
        assert task is not None
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen == ["cleaned up"]


def test_what_fails_at_once_tells_its_beginner() -> None:
    async def work() -> None:
        raise ValueError("at once")

    async def main() -> None:
        with pytest.raises(ValueError, match="at once"):
            run(work())

    asyncio.run(main())


def test_a_task_for_what_needs_one() -> None:
    seen: list[Any] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await in_task()
        seen.append(asyncio.current_task())

    async def main() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def begin() -> None:
            task = run(work())
            assert task is not None
            task.add_done_callback(lambda _: done.set())

        loop.call_soon(begin)
        await done.wait()

    asyncio.run(main())
    assert seen[0] is None
    assert isinstance(seen[1], asyncio.Task)
