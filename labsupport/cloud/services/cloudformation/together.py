"""Work on many things at once, each as soon as those that it needs are done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

CANCELLED = "cancelled with the others"  # what a piece of work is told that is stopped because another has failed


async def together(
    needs: dict[str, list[str]], work: Callable[[str], Awaitable[None]], stop: Awaitable[Exception]
) -> None:
    """Do `work` for every name. The first error ends all of it: what is under way is cancelled, and waited for.

    `stop` gives an error from outside whenever there is one. Names that need each other in a circle are begun
    when nothing else is left.
    """
    crew = _Crew(needs, work)
    outside: asyncio.Future[Any] = asyncio.ensure_future(stop)
    try:
        while crew.begin():
            await asyncio.wait({*crew.running, outside}, return_when=asyncio.FIRST_COMPLETED)
            if outside.done():
                raise outside.result()
            crew.collect()
    except asyncio.CancelledError:
        await crew.send_home()
        raise
    except BaseException:
        await crew.send_home(CANCELLED)
        raise
    finally:
        outside.cancel()


class _Crew:
    def __init__(self, needs: dict[str, list[str]], work: Callable[[str], Awaitable[None]]) -> None:
        self.left, self.work = dict(needs), work
        self.done: set[str] = set()
        self.running: dict[asyncio.Future[Any], str] = {}

    def begin(self) -> bool:
        """Begin what can begin; whether anything is under way."""
        ready = [name for name, before in self.left.items() if self.done.issuperset(before)]
        for name in ready or ([] if self.running else list(self.left)):
            del self.left[name]
            self.running[asyncio.ensure_future(self.work(name))] = name
        return bool(self.running)

    def collect(self) -> None:
        """Take note of what has ended, and raise the first error of it."""
        ended = {one: self.running.pop(one) for one in list(self.running) if one.done()}
        errors = [error for error in (one.exception() for one in ended) if error]
        if errors:
            raise errors[0]
        self.done |= set(ended.values())

    async def send_home(self, why: str | None = None) -> None:
        for one in self.running:
            one.cancel(why)
        await asyncio.gather(*self.running, return_exceptions=True)
