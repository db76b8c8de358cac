"""The lab's time: stopped, stepped, waited for."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labsupport.cloud import server
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


# Across restarts


def test_what_has_ended_does_not_come_back_with_a_restart(start_cloud: Callable[..., Any]) -> None:
    first = start_cloud()
    session = first.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    first.advance(3600)
    before = first.on_loop(lambda cloud: cloud.clock.epoch())
    first.stop()
    again = start_cloud(first.home)
    assert again.on_loop(lambda cloud: cloud.clock.epoch()) >= before
    with pytest.raises(ClientError, match="ExpiredToken"):
        again.client("sts", credentials=session).get_caller_identity()


def test_a_reset_sets_the_clock_too(start_cloud: Callable[..., Any]) -> None:
    cloud = start_cloud()
    cloud.advance(3600)
    cloud.on_loop(server.reset)
    assert cloud.on_loop(lambda cloud: cloud.clock.epoch() - cloud.clock.true_epoch()) < 1
    cloud.stop()
    again = start_cloud(cloud.home)
    assert again.on_loop(lambda cloud: cloud.clock.epoch() - cloud.clock.true_epoch()) < 1
