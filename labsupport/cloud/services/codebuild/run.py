"""One build as it runs: what its steps share."""

import asyncio
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.runner.shell import Shell
from labsupport.cloud.services.codebuild.base import Build, Params, project_arn
from labsupport.cloud.services.codebuild.buildspec import Buildspec
from labsupport.cloud.services.codebuild.log import BuildLog

T = TypeVar("T")
_STATUS = {"AccessDenied": 403, "NoSuchKey": 404, "NoSuchBucket": 404, "NotSimulated": 501}


@dataclass
class Run:
    """`began` is when its turn came, in seconds since 1970; `credentials` are those of the service role's session;
    `sources` the folders by identifier, "" the primary."""

    call: Call
    build: Build
    log: BuildLog
    began: float = 0.0
    credentials: Params = field(default_factory=dict)
    caller: Caller | None = None
    sources: dict[str, Path] = field(default_factory=dict)
    buildspec: Buildspec | None = None
    shell: Shell | None = None

    @property
    def folder(self) -> Path:
        """All that the build has on this machine. Its name has no colon: PATH and the like are split at those."""
        return self.call.cloud.home / "builds" / self.build.uuid

    @property
    def source(self) -> Path:
        """CODEBUILD_SRC_DIR."""
        return self.sources[""]

    @property
    def settings(self) -> Params:
        return self.build.settings

    def assume(self) -> None:
        """Begin a session of the service role. Raises AwsError."""
        project = project_arn(self.call, self.build.project)
        sts = self.call.aws("sts", as_service=True, source_arn=project)
        session = f"AWSCodeBuild-{self.build.uuid}"
        answer = sts.assume_role(RoleArn=self.settings["serviceRole"], RoleSessionName=session)
        self.credentials = answer["Credentials"]
        self.caller = self.call.cloud.way_in.caller(self.credentials["AccessKeyId"])

    def client(self, service: str) -> Client:
        """Another service, under the build's service role. Raises AwsError where the role cannot be assumed."""
        session = self.caller.session if self.caller else None
        if session is None or session.expires <= self.call.epoch + 1:
            self.assume()
        if self.caller is None:
            raise AwsError("AccessDenied", "The build has no session of its service role", 403)
        return Client(self.call, service, self.caller)

    def send(self, events: list[Params]) -> None:
        """Put events into the build's log stream."""
        logs = self.client("logs")
        logs.put_log_events(logGroupName=self.build.group, logStreamName=self.build.stream, logEvents=events)


def sentence(error: AwsError) -> str:
    """An error of another service, as CodeBuild repeats it."""
    return f"{error.code}: {error.message} status code: {error.status or _STATUS.get(error.code, 400)}"


async def in_thread(work: Callable[..., T], *args: Any, **options: Any) -> T:
    """Do what blocks in a worker thread. A build that is stopped meanwhile waits until it is done: nothing must
    go on writing into a folder that is being removed."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **options))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def remove(folder: Path) -> None:
    """Remove a build's folder, even where its commands have taken away the permission to. Blocks."""

    def permit(_function: Any, path: str, _error: Any) -> None:
        parent = Path(path).parent
        parent.chmod(parent.stat().st_mode | stat.S_IRWXU)
        target = Path(path)
        if target.is_dir() and not target.is_symlink():
            target.chmod(stat.S_IRWXU)
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)

    shutil.rmtree(folder, onerror=lambda *found: _quietly(permit, *found))


def _quietly(work: Callable[..., None], *args: Any) -> None:
    try:
        work(*args)
    except OSError:
        pass
