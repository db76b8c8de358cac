"""Sources that are polled: a new commit or object starts the pipeline (PollForSourceChanges, on by default).

A rule for the source's events is the better way (User Guide: "Change detection methods").
"""

from collections.abc import Awaitable, Callable

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.ids import session_name
from labsupport.cloud.services.codepipeline.base import Params, Pipeline, service
from labsupport.cloud.services.codepipeline.running import begin, has_room

PAUSE = 60.0  # seconds


async def _head_of_branch(client: Client, configuration: dict[str, str]) -> str:
    names = {"repositoryName": configuration["RepositoryName"], "branchName": configuration["BranchName"]}
    found: str = (await client.get_branch(**names))["branch"]["commitId"]
    return found


async def _newest_version(client: Client, configuration: dict[str, str]) -> str:
    names = {"Bucket": configuration["S3Bucket"], "Key": configuration["S3ObjectKey"]}
    return str((await client.head_object(**names)).get("VersionId", ""))


_LOOKS: dict[str, tuple[str, Callable[[Client, dict[str, str]], Awaitable[str]]]] = {
    "CodeCommit": ("codecommit", _head_of_branch),
    "S3": ("s3", _newest_version),
}


def polled(pipeline: Pipeline) -> list[Params]:
    """The source actions that are to be polled."""
    sources = pipeline.stages[0]["actions"]
    return [
        one
        for one in sources
        if one["actionTypeId"]["provider"] in _LOOKS
        and one.get("configuration", {}).get("PollForSourceChanges", "true").lower() != "false"
    ]


def start(call: Call, pipeline: Pipeline) -> None:
    if polled(pipeline):
        call.start("poll", pipeline.name)


@service.task("poll")
async def poll(call: Call, name: str) -> float | None:
    """Look at the sources; one whose revision has changed since the last look starts an execution."""
    pipeline = call.store.get(Pipeline, call.account, call.region, name)
    sources = polled(pipeline) if pipeline else []
    if pipeline is None or not sources:
        return None
    seen = {one["name"]: await _revision(call, pipeline, one) for one in sources}
    with call.transaction():
        current = call.store.get(Pipeline, call.account, call.region, name)
        if current is None or current.version != pipeline.version:
            return 0.0 if current else None
        _compare(call, current, seen)
    return PAUSE


async def _revision(call: Call, pipeline: Pipeline, source: Params) -> str:
    """The newest revision of a source; "" where there is none or the role may not see it."""
    service_name, look = _LOOKS[source["actionTypeId"]["provider"]]
    role = pipeline.declaration["roleArn"]
    try:
        return await look(
            call.aws(service_name, role=role, session=session_name(pipeline.name)), source["configuration"]
        )
    except AwsError:
        return ""


def _compare(call: Call, pipeline: Pipeline, seen: dict[str, str]) -> None:
    """The first look only remembers: what is there then is the first execution's."""
    changed = [name for name, new in seen.items() if new and name in pipeline.polled and pipeline.polled[name] != new]
    pipeline.polled = {
        **pipeline.polled,
        **{name: new for name, new in seen.items() if new or name not in pipeline.polled},
    }
    call.store.put(pipeline)
    if changed and has_room(call, pipeline):
        begin(call, pipeline, {"triggerType": "PollForSourceChanges", "triggerDetail": changed[0]})
