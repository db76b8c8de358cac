"""git as a process: a clean environment, bytes in and out as they come, nothing left behind."""

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path

from labsupport.cloud.core.errors import AwsError

log = logging.getLogger("labsupport.cloud.codecommit")
CHUNK = 64 * 1024  # bytes
LONGEST = 3600  # seconds that one transfer may take
_LONGEST_COMPLAINT = 4096  # bytes of git's stderr that are kept


class Git:
    """A running git; `complaint` is what it wrote to stderr, complete once it has ended."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.stdin, self.stdout = process, process.stdin, process.stdout
        self.complaint = ""

    async def feed(self, source: AsyncIterator[bytes]) -> None:
        """Give it its input. If it ends before the input does, the rest is read and thrown away; a source that
        fails (the client has gone) ends it."""
        try:
            async for part in source:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.stdin.write(part)
                    await self.stdin.drain()
            self.stdin.close()
        except BaseException:
            self.stop()
            raise

    async def output(self) -> AsyncGenerator[bytes, None]:
        while part := await self.stdout.read(CHUNK):
            yield part

    async def all_output(self, limit: int) -> bytes:
        """All that it writes; what goes beyond `limit` bytes is left out."""
        parts, size = [], 0
        async for part in self.output():
            if size < limit:
                parts.append(part[: limit - size])
            size += len(part)
        return b"".join(parts)

    def stop(self) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def git(
    arguments: Sequence[str],
    *,
    folder: Path,
    protocol: str = "",
) -> AsyncIterator[Git]:
    """Run git in a repository's folder. It has ended when the block does: by itself, or killed if that was left before.

    `protocol` is the client's Git-Protocol header.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(protocol),
            cwd=folder, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise AwsError("ServiceUnavailable", "git is not installed where the lab runs: install it.", 503) from None
    running = Git(process)
    complaints = asyncio.create_task(_complaints(running))
    too_long = asyncio.get_running_loop().call_later(LONGEST, running.stop)
    try:
        yield running
        await process.wait()
    finally:
        too_long.cancel()
        running.stop()
        await process.wait()
        await complaints
        if process.returncode:
            log.warning("git %s ended with %s: %s", arguments[0], process.returncode, running.complaint.strip())


async def _complaints(running: Git) -> None:
    """Read all of stderr, so that git never waits for it; keep its beginning."""
    kept, stderr = b"", running.process.stderr
    while stderr is not None and (part := await stderr.read(CHUNK)):
        kept = (kept + part)[:_LONGEST_COMPLAINT]
    running.complaint = kept.decode("utf-8", "replace")


def _environment(protocol: str) -> dict[str, str]:
    """Nothing of the configuration of whoever started the lab; the folder is the lab's, whoever it is owned by."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_COMMITTER_NAME": "lab",
        "GIT_COMMITTER_EMAIL": "",
    }
    return environment | {"GIT_PROTOCOL": protocol} if protocol else environment
