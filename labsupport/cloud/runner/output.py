"""Reads what a command writes without ever blocking the event loop, and hands it on line by line."""

import asyncio
import fcntl
import os
import struct
import termios
from dataclasses import dataclass, field

from labsupport.cloud.runner.lines import Lines
from labsupport.cloud.runner.spec import Sink

_CHUNK = 16 << 10
# A prompt or a progress bar without an end of line is shown after this many seconds.
_PARTIAL_AFTER = 1.0


@dataclass
class Output:
    """The reading end of a pipe. Closes by itself when the last writer has gone."""

    descriptor: int
    sink: Sink
    partial_after: float = _PARTIAL_AFTER
    lines: Lines = field(default_factory=Lines)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    timer: asyncio.TimerHandle | None = None

    def open(self) -> "Output":
        os.set_blocking(self.descriptor, False)
        self.loop.add_reader(self.descriptor, self.read, _CHUNK)
        return self

    def read(self, size: int) -> None:
        """One step: what is there now, up to `size` bytes."""
        try:
            data = os.read(self.descriptor, size)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        found = self.lines.feed(data)
        self.await_rest()
        for line in found:
            self.sink(line)

    def await_rest(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = self.loop.call_later(self.partial_after, self.flush, False) if self.lines.rest else None

    def flush(self, last: bool) -> None:
        for line in self.lines.flush(last):
            self.sink(line)

    def drain(self) -> None:
        """Hands on what has been written up to now, and no more: a child in the background may write for ever."""
        if self.descriptor >= 0:
            waiting = struct.unpack("i", fcntl.ioctl(self.descriptor, termios.FIONREAD, b"\0" * 4))[0]
            self.read(max(waiting, 1))
        self.flush(True)

    def close(self) -> None:
        if self.timer:
            self.timer.cancel()
        if self.descriptor >= 0:
            self.loop.remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1
        self.flush(True)
