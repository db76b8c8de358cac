"""How many builds run at once on this machine; the others wait their turn."""

import asyncio
from dataclasses import dataclass, field

from labsupport.cloud.core.cloud import Cloud

ROOM = "codebuild"
MOST_AT_ONCE = 8


@dataclass
class Queue:
    """Builds by id: those that run, and those that wait, first come, first served."""

    running: dict[str, asyncio.Event] = field(default_factory=dict)
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)

    async def turn(self, build: str) -> None:
        """Wait until this build may run; several may wait for the same."""
        if build not in self.running:
            event = self.waiting.setdefault(build, asyncio.Event())
            self.admit()
            await event.wait()

    def leave(self, build: str) -> None:
        self.running.pop(build, None)
        self.waiting.pop(build, None)
        self.admit()

    def admit(self) -> None:
        while self.waiting and len(self.running) < MOST_AT_ONCE:
            build, event = next(iter(self.waiting.items()))
            self.running[build] = self.waiting.pop(build)
            event.set()


def queue_of(cloud: Cloud) -> Queue:
    queue: Queue = cloud.rooms.setdefault(ROOM, Queue())
    return queue
