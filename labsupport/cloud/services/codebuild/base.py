"""Projects and builds as records, their names, and the errors about them (CodeBuild API Reference)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("codebuild")

PAGE = 100
DEFAULT_KEY = "alias/aws/s3"
SUCCEEDED, FAILED, FAULT = "SUCCEEDED", "FAILED", "FAULT"
STOPPED, TIMED_OUT, IN_PROGRESS = "STOPPED", "TIMED_OUT", "IN_PROGRESS"
_BUILD_ID = re.compile(r"[A-Za-z0-9][\w-]{1,149}:[0-9a-f-]{36}", re.ASCII)


@record("codebuild.project", key=("account", "region", "name"))
class Project(msgspec.Struct, kw_only=True):
    """`settings` are CreateProject's parameters, in AWS's spelling."""

    account: str
    region: str
    name: str
    created: float
    modified: float
    settings: Params
    tags: dict[str, str] = {}
    builds: int = 0  # so far: a build's number

    @property
    def arn(self) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.account}:project/{self.name}"


class PhaseRun(msgspec.Struct, kw_only=True):
    """A phase of a build; it has no status while it runs. `contexts` are AWS's: statusCode and message."""

    type: str
    started: float
    status: str = ""
    ended: float | None = None
    contexts: list[dict[str, str]] = []

    @property
    def seconds(self) -> int:
        return int((self.ended or self.started) - self.started)


@record("codebuild.build", key=("account", "region", "id"))
class Build(msgspec.Struct, kw_only=True):
    """`settings` are the project's, with what StartBuild overrode. `begun`: it has left the queue."""

    account: str
    region: str
    id: str
    project: str
    number: int
    initiator: str
    settings: Params
    started: float
    ended: float | None = None
    status: str = IN_PROGRESS
    phases: list[PhaseRun] = []
    begun: bool = False
    stop: bool = False  # StopBuild was called
    resolved: str = ""  # the commit that the source version means
    group: str = ""  # of its log; empty where there is none
    stream: str = ""
    artifacts: Params = {}
    secondary_artifacts: list[Params] = []
    exported: dict[str, str] = {}

    @property
    def uuid(self) -> str:
        return self.id.partition(":")[2]

    @property
    def arn(self) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.account}:build/{self.id}"

    @property
    def phase(self) -> PhaseRun:
        return self.phases[-1]

    @property
    def by_pipeline(self) -> bool:
        return self.initiator.startswith("codepipeline/")


@record("codebuild.listed", key=("account", "region", "listing", "at", "id"))
class Listed(msgspec.Struct, kw_only=True):
    """Where a build stands in the listing of its project, and (`*`) in that of all builds: by the time of its start."""

    account: str
    region: str
    listing: str
    at: str  # microseconds since 1970, in 17 digits
    id: str


def invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message)


def project_name(given: str) -> str:
    """The name of a project, where a name or an ARN may be given."""
    return given.rpartition(":project/")[2] if given.startswith("arn:") else given


def project_arn(call: Call, given: str) -> str:
    return call.arn(f"project/{project_name(given)}")


def find_project(call: Call, given: str) -> Project | None:
    return call.store.get(Project, call.account, call.region, project_name(given))


def project_named(call: Call, given: str) -> Project:
    found = find_project(call, given)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Project cannot be found: {project_arn(call, given)}")
    return found


def build_id(given: str) -> str:
    """The id of a build, where an id or an ARN may be given."""
    return given.rpartition(":build/")[2] if given.startswith("arn:") else given


def find_build(call: Call, given: str) -> Build | None:
    return call.store.get(Build, call.account, call.region, build_id(given))


def build_named(call: Call, given: str) -> Build:
    if not _BUILD_ID.fullmatch(build_id(given)):
        raise invalid("Invalid build ID provided")
    found = find_build(call, given)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Build cannot be found: {call.arn(f'build/{build_id(given)}')}")
    return found


def builds_of(call: Call, project: str) -> Iterator[Build]:
    return call.store.list(Build, call.account, call.region, starting=f"{project}:")


def on_builds_project(call: Call, given: str) -> str:
    """Permissions on builds are asked for on their projects ("Actions, resources, and condition keys")."""
    return project_arn(call, build_id(given).partition(":")[0])


def time(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def bucket_and_key(text: str) -> tuple[str, str]:
    """`bucket/path/key`, or the same as an ARN, in two parts."""
    bucket, _, key = text.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key
