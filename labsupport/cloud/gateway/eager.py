"""Coroutines that are begun at once, without a task of their own as long as they don't have to wait.

Most calls never wait. A task for each of them, and a turn of the loop before it begins, is a tenth of what they cost.
Python has this from 3.12 on (`asyncio.eager_task_factory`); here it is for every version that the lab runs under.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from functools import partial
from types import coroutine
from typing import Any


def begun(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run `work` until it waits for the first time; a task for the rest of it, or None if it has ended.

    Up to there it runs in no task: see `in_task`.
    """
    context = copy_context()
    try:
        awaited = context.run(work.send, None)
    except StopIteration:
        return None
    return loop.create_task(_rest(work, awaited), context=context)


@coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that has waited for `awaited`: what `yield from` does, which can't begin in the midst."""
    while True:
        try:
            sent = yield awaited
        except BaseException as error:
            resume = partial(work.throw, error)
        else:
            resume = partial(work.send, sent)
        try:
            awaited = resume()
        except StopIteration:
            return


async def in_task() -> None:
    """Have what follows run in a task: `asyncio.timeout`, task groups and anyio need one."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)
