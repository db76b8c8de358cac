"""The lab's time: the only place that reads it or waits for it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Time that can be stepped and sped up.

    A clock made with `stopped_at` moves only by `advance`, which is what tests use. `epoch` is in
    seconds since 1970, `now` the same as an aware datetime. `skipped` is told by how much it is ahead in all.
    """

    def __init__(self, stopped_at: float | None = None) -> None:
        self._stopped_at = stopped_at
        self._ahead = 0.0
        self.skipped: Callable[[float], None] = lambda _: None
        self._changed: asyncio.Event | None = None

    def epoch(self) -> float:
        return self.true_epoch() + self._ahead

    def true_epoch(self) -> float:
        """The time without what `advance` has skipped: the one that clients have and sign with."""
        return time.time() if self._stopped_at is None else self._stopped_at

    def true_now(self) -> datetime:
        return datetime.fromtimestamp(self.true_epoch(), UTC)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once; whoever waits for them goes on."""
        self._ahead += seconds
        self.skipped(self._ahead)
        if self._changed is not None:
            self._changed.set()

    def back(self) -> None:
        """As if nothing had been skipped: for a lab that begins anew."""
        self._ahead = 0.0

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.epoch() + seconds)

    async def sleep_until(self, due: float) -> None:
        while (left := due - self.epoch()) > 0:
            await self._next_change(None if self._stopped_at is not None else left)

    async def _next_change(self, at_most: float | None) -> None:
        if self._changed is None or self._changed.is_set():
            self._changed = asyncio.Event()
        try:
            await asyncio.wait_for(self._changed.wait(), at_most)
        except TimeoutError:
            pass
