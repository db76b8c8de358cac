"""A build's log: line by line to CloudWatch Logs, a few times a second, without what is secret.

CodeBuild's own lines begin with `[Container]` and the time. Every event ends with a line feed, as CodeBuild's do.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from labsupport.cloud.core.clock import Clock
from labsupport.cloud.core.errors import AwsError

PAUSE = 0.1  # seconds in which lines gather before they are sent
MOST_AT_ONCE = 1000
LARGEST_BATCH = 1_000_000  # bytes; PutLogEvents takes 1 MiB
LONGEST_BATCH = 23 * 3600 * 1000  # milliseconds; PutLogEvents takes those of 24 hours
LONGEST_MESSAGE = 50_000  # characters; CloudWatch Logs takes 256 KiB
MOST_LINES = 100_000
SHORTEST_SECRET = 3  # characters; what is shorter stands in any text by chance
MASK = "***"
_KEY_ID = r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
_BYTES_FOR_EVENT = 26

Event = dict[str, Any]


@dataclass
class BuildLog:
    """`send` puts events into the stream, None where the build has no log; `refused` is why that failed."""

    clock: Clock
    send: Callable[[list[Event]], None] | None = None
    refused: AwsError | None = None
    secrets: set[str] = field(default_factory=set)
    waiting: list[Event] = field(default_factory=list)
    lines: int = 0
    last: int = 0
    timer: asyncio.TimerHandle | None = None
    pattern: re.Pattern[str] = re.compile(_KEY_ID)

    def hide(self, values: Iterable[str]) -> None:
        """From now on these are masked, each line of them by itself."""
        parts = {part.strip() for value in values for part in value.splitlines()}
        self.secrets |= {part for part in parts if len(part) >= SHORTEST_SECRET}
        longest_first = sorted(self.secrets, key=len, reverse=True)
        self.pattern = re.compile("|".join([*map(re.escape, longest_first), _KEY_ID]))

    def masked(self, text: str) -> str:
        return self.pattern.sub(MASK, text)

    def say(self, text: str) -> None:
        """A line of CodeBuild's own."""
        self.add(f"[Container] {self.clock.now():%Y/%m/%d %H:%M:%S.%f} {self.masked(text)}")

    def output(self, line: str) -> None:
        """A line that a command has written."""
        self.lines += 1
        if self.lines <= MOST_LINES:
            self.add(self.masked(line))
        elif self.lines == MOST_LINES + 1:
            self.say(f"The log shows no more of the commands' output: it is longer than {MOST_LINES:,} lines")

    def add(self, message: str) -> None:
        if self.send is None:
            return
        self.last = max(self.last, int(self.clock.epoch() * 1000))
        self.waiting.append({"timestamp": self.last, "message": message[:LONGEST_MESSAGE] + "\n"})
        if len(self.waiting) >= MOST_AT_ONCE:
            self.flush()
        elif self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(PAUSE, self.flush)

    def flush(self) -> None:
        """Send what is waiting. Must not be called within a transaction."""
        if self.timer:
            self.timer.cancel()
        self.timer = None
        while self.waiting and self.send:
            batch, self.waiting = _cut(self.waiting)
            try:
                self.send(batch)
            except AwsError as error:
                self.refused, self.send, self.waiting = error, None, []


def _cut(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """The events that one call may take, and the others: so many, so large, and within so long a time."""
    size, latest = 0, events[0]["timestamp"] + LONGEST_BATCH
    for number, event in enumerate(events[:MOST_AT_ONCE]):
        size += len(event["message"].encode("utf-8", "replace")) + _BYTES_FOR_EVENT
        if number and (size > LARGEST_BATCH or event["timestamp"] > latest):
            return events[:number], events[number:]
    return events[:MOST_AT_ONCE], events[MOST_AT_ONCE:]
