"""Pipelines, their executions and actions as records (CodePipeline API Reference)."""

from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("codepipeline")

ACTIVE = ("InProgress", "Stopping")


class Transition(msgspec.Struct, kw_only=True):
    """The way into a stage, shut."""

    reason: str
    by: str
    at: float


@record("codepipeline.pipeline", key=("account", "region", "name"))
class Pipeline(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    version: int
    declaration: Params
    created: float
    updated: float
    shut: dict[str, Transition] = {}  # by stage name: transitions that are disabled
    tags: dict[str, str] = {}
    runs: int = 0  # executions so far: their order
    polled: dict[str, str] = {}  # by source action: the revision that was there when it was last looked

    @property
    def arn(self) -> str:
        return f"arn:aws:codepipeline:{self.region}:{self.account}:{self.name}"

    @property
    def stages(self) -> list[Params]:
        found: list[Params] = self.declaration["stages"]
        return found


class StageRun(msgspec.Struct, kw_only=True):
    """A stage in an execution: entered or not yet, and how it went."""

    name: str
    status: str = ""  # "", InProgress, Succeeded, Failed, Stopped, Stopping
    retries: int = 0


@record("codepipeline.execution", key=("account", "region", "pipeline", "order"))
class Execution(msgspec.Struct, kw_only=True):
    """One run. `order` counts a pipeline's runs, in ten digits, so that they list as they began."""

    account: str
    region: str
    pipeline: str
    order: str
    id: str
    version: int
    declaration: Params  # as it stood when the run began
    status: str = "InProgress"
    summary: str = ""
    started: float
    updated: float
    trigger: dict[str, str]
    stages: list[StageRun]
    at: int = 0  # the stage that it is in, or waits to enter
    revisions: list[Params] = []  # artifactRevisions of its sources
    variables: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {}  # namespace -> variables that actions have given
    stop_reason: str = ""
    token: str = ""  # clientRequestToken of the start
    overrides: dict[str, dict[str, str]] = {}  # by source action: revisions that this start asks for, by their type
    attempts: int = 1


@record("codepipeline.action", key=("account", "region", "execution", "id"))
class Action(msgspec.Struct, kw_only=True):
    """One try of one action in one execution."""

    account: str
    region: str
    pipeline: str
    execution: str
    id: str
    stage: str
    name: str
    declaration: Params
    version: int
    status: str = "InProgress"
    started: float
    updated: float
    by: str = ""
    summary: str = ""
    external_id: str = ""
    url: str = ""
    error: dict[str, str] = {}
    resolved: dict[str, str] = {}  # the configuration with its variables filled in
    inputs: list[Params] = []
    outputs: list[Params] = []
    variables: dict[str, str] = {}
    token: str = ""  # of an approval
    revision: Params = {}
    state: dict[str, Any] = {}  # what the provider has to remember between its steps

    @property
    def provider(self) -> str:
        return str(self.declaration["actionTypeId"]["provider"])


@record("codepipeline.external", key=("id",))
class External(msgspec.Struct, kw_only=True):
    """Which action waits for a build, deployment or stack: found when the event of its end comes."""

    id: str
    account: str
    region: str
    execution: str
    action: str


def on_pipeline(parameter: str) -> str:
    return "arn:{partition}:codepipeline:{region}:{account}:{" + parameter + "}"


def no_pipeline(call: Call, name: str) -> AwsError:
    message = f"Account '{call.account}' does not have a pipeline with name '{name}'"
    return AwsError("PipelineNotFoundException", message)


def pipeline_named(call: Call, name: str) -> Pipeline:
    pipeline = call.store.get(Pipeline, call.account, call.region, name)
    if pipeline is None:
        raise no_pipeline(call, name)
    return pipeline


def executions_of(call: Call, pipeline: str) -> list[Execution]:
    """All runs of a pipeline, the oldest first."""
    return list(call.store.list(Execution, call.account, call.region, pipeline))


def find_execution(call: Call, pipeline: str, execution_id: str) -> Execution | None:
    return next((one for one in executions_of(call, pipeline) if one.id == execution_id), None)


def execution_of(call: Call, pipeline: str, execution_id: str) -> Execution:
    execution = find_execution(call, pipeline, execution_id)
    if execution is None:
        message = f"Could not find any pipeline execution for pipeline {pipeline} with execution id {execution_id}"
        raise AwsError("PipelineExecutionNotFoundException", message)
    return execution


def actions_of(call: Call, execution_id: str) -> list[Action]:
    """An execution's actions in the order in which they began."""
    found = call.store.list(Action, call.account, call.region, execution_id)
    return sorted(found, key=lambda action: (action.started, action.id))


def wake(call: Call, execution: Execution, action: Action) -> None:
    """Have an action go on, or notice that it has been ended."""
    call.start("act", f"{execution.order}/{execution.id}/{action.id}")


def artifacts_of(call: Call, execution_id: str) -> dict[str, Params]:
    """The artifacts that an execution's actions have given out, by name; those of the newest try."""
    done = [one for one in actions_of(call, execution_id) if one.status == "Succeeded"]
    return {output["name"]: output for one in done for output in one.outputs}


def stage_named(stages: list[Params], name: str, pipeline: str) -> Params:
    for stage in stages:
        if stage["name"] == name:
            return stage
    raise AwsError("StageNotFoundException", f"Pipeline '{pipeline}' does not have a stage with name '{name}'")


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    found = parse(arn)
    name = found.resource.partition("/")[0] if found else ""
    pipeline = call.store.get(Pipeline, found.account, found.region, name) if found else None
    return pipeline.tags if pipeline else {}


service.resource_tags = _resource_tags
