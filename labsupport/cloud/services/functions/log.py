"""The log of an execution environment: lines of the function and of Lambda itself, sent under the function's role."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from labsupport.cloud.core.call import Client
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.functions.base import Params

TAIL = 4096  # bytes that LogType Tail gives
_PAUSE = 0.5  # seconds in which lines gather while a function runs
_MOST_AT_ONCE = 500
_LONGEST = 64_000  # characters of a message, so that a batch stays below PutLogEvents' limit with `_BATCH`
_BATCH = 900_000


@dataclass
class Log:
    """A stream, made with the first lines. A role that may not write loses them, as at AWS, and nothing else."""

    cloud: Cloud
    group: str
    stream: str
    logs: Callable[[], Client] | None = None  # CloudWatch Logs, for the call that runs
    waiting: list[Params] = field(default_factory=list)
    recent: list[str] = field(default_factory=list)  # of the invocation
    last: int = 0
    made: bool = False
    timer: asyncio.TimerHandle | None = None

    def begin(self, logs: Callable[[], Client]) -> None:
        """For the next invocation."""
        self.logs, self.recent = logs, []

    def add(self, line: str) -> None:
        self.last = max(self.last, int(self.cloud.clock.epoch() * 1000))
        self.waiting.append({"timestamp": self.last, "message": line[:_LONGEST] + "\n"})
        self.recent.append(line)
        if len(self.waiting) >= _MOST_AT_ONCE:
            self.flush()
        elif self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(_PAUSE, self.flush)

    def tail(self) -> bytes:
        return "".join(f"{line}\n" for line in self.recent[-500:]).encode()[-TAIL:]

    def flush(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = None
        while self.waiting and self.logs:
            batch, self.waiting = _cut(self.waiting)
            try:
                self._send(self.logs(), batch)
            except AwsError:
                self.waiting = []

    def _send(self, logs: Client, batch: list[Params]) -> None:
        place = {"logGroupName": self.group, "logStreamName": self.stream}
        if not self.made:
            self._make(logs, place)
            self.made = True
        logs.put_log_events(**place, logEvents=batch)

    def _make(self, logs: Client, place: dict[str, str]) -> None:
        try:
            logs.create_log_stream(**place)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            logs.create_log_group(logGroupName=self.group)
            logs.create_log_stream(**place)


def _cut(events: list[Params]) -> tuple[list[Params], list[Params]]:
    """As many as one call takes, and the others."""
    size = 0
    for number, event in enumerate(events):
        size += len(event["message"].encode()) + 26
        if number and size > _BATCH:
            return events[:number], events[number:]
    return events, []
