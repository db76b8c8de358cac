"""The lab's time: stopped, stepped, waited for."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from labsupport.cloud.core.clock import Clock

START = 1_700_000_000.0


async def reached(*tasks: asyncio.Task[None]) -> list[bool]:
    """Whether each has ended, after everything that could run has run."""
    for _ in range(20):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


def test_a_stopped_clock_moves_only_when_it_is_advanced() -> None:
    clock = Clock(stopped_at=START)
    assert (clock.epoch(), clock.now()) == (START, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    clock.advance(90)
    assert clock.epoch() == START + 90


def test_a_running_clock_is_the_machine_s_and_can_be_ahead() -> None:
    clock = Clock()
    before = time.time()
    assert before <= clock.epoch() <= time.time()
    clock.advance(3600)
    assert before + 3600 <= clock.epoch() <= time.time() + 3600


def test_what_is_skipped_does_not_count_for_the_time_that_clients_sign_with() -> None:
    clock = Clock(stopped_at=START)
    clock.advance(3600)
    assert clock.true_epoch() == START
    assert clock.true_now() == datetime.fromtimestamp(START, UTC)


def test_sleepers_go_on_in_their_time() -> None:
    async def scene() -> None:
        clock = Clock(stopped_at=START)
        short, long = asyncio.create_task(clock.sleep(10)), asyncio.create_task(clock.sleep_until(START + 60))
        assert await reached(short, long) == [False, False]
        clock.advance(9.5)
        assert await reached(short, long) == [False, False]
        clock.advance(0.5)
        assert await reached(short, long) == [True, False]
        clock.advance(1000)
        assert await reached(long) == [True]

    asyncio.run(scene())


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_time_that_has_come_is_not_waited_for(seconds: float) -> None:
    asyncio.run(asyncio.wait_for(Clock(stopped_at=START).sleep(seconds), 5))


def test_a_running_clock_that_is_advanced_wakes_who_waits() -> None:
    async def scene() -> None:
        clock = Clock()
        waits = asyncio.create_task(clock.sleep(3600))
        assert await reached(waits) == [False]
        clock.advance(3600)
        await asyncio.wait_for(waits, 5)

    asyncio.run(scene())
