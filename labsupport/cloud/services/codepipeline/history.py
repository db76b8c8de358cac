"""What has run: executions and their actions, one by one and in pages."""

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.codepipeline.base import (
    Action,
    Execution,
    Params,
    actions_of,
    execution_of,
    executions_of,
    on_pipeline,
    pipeline_named,
    service,
)
from labsupport.cloud.services.codepipeline.pipelines import bad_token, moment


@service.operation(on=on_pipeline("pipelineName"))
def get_pipeline_execution(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["pipelineName"])
    execution = execution_of(call, pipeline.name, params["pipelineExecutionId"])
    return {
        "pipelineExecution": {
            "pipelineName": pipeline.name,
            "pipelineVersion": execution.version,
            "pipelineExecutionId": execution.id,
            "status": execution.status,
            "statusSummary": execution.summary or None,
            "artifactRevisions": execution.revisions,
            "variables": [{"name": name, "resolvedValue": value} for name, value in execution.variables.items()],
            "trigger": execution.trigger,
            "executionMode": execution.declaration["executionMode"],
            "executionType": "STANDARD",
        }
    }


@service.operation(on=on_pipeline("pipelineName"))
def list_pipeline_executions(call: Call, params: Params) -> Params:
    """The newest first; a stage that they have passed is one of the pipeline's version of now."""
    pipeline = pipeline_named(call, params["pipelineName"])
    wanted = params.get("filter", {}).get("succeededInStage", {}).get("stageName")
    every = reversed(executions_of(call, pipeline.name))
    found = [one for one in every if wanted is None or (one.version == pipeline.version and _passed(one, wanted))]
    chosen, token = paging.page(
        found,
        lambda one: one.order,
        params.get("nextToken"),
        params.get("maxResults", 100),
        bad_token(),
        descending=True,
    )
    return {"pipelineExecutionSummaries": [_summary(one) for one in chosen], "nextToken": token}


def _passed(execution: Execution, stage: str) -> bool:
    return any(one.name == stage and one.status == "Succeeded" for one in execution.stages)


def _summary(execution: Execution) -> Params:
    sources = [
        {"actionName": _source_of(execution, one["name"]), **{key: one[key] for key in one if key != "name"}}
        for one in execution.revisions
    ]
    stop = {"reason": execution.stop_reason} if execution.stop_reason else None
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.summary or None,
        "startTime": moment(execution.started),
        "lastUpdateTime": moment(execution.updated),
        "sourceRevisions": sources,
        "trigger": execution.trigger,
        "stopTrigger": stop,
        "executionMode": execution.declaration["executionMode"],
        "executionType": "STANDARD",
    }


def _source_of(execution: Execution, artifact: str) -> str:
    for action in execution.declaration["stages"][0]["actions"]:
        if artifact in {one["name"] for one in action.get("outputArtifacts", [])}:
            return str(action["name"])
    return artifact


@service.operation(on=on_pipeline("pipelineName"))
def list_action_executions(call: Call, params: Params) -> Params:
    """The newest first, of one execution or of all."""
    pipeline, chosen_by = pipeline_named(call, params["pipelineName"]), params.get("filter", {})
    latest = chosen_by.get("latestInPipelineExecution", {})
    if latest.get("startTimeRange", "All") != "All":
        raise not_simulated("The latest executions of actions within a time range")
    wanted = chosen_by.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    runs = [execution_of(call, pipeline.name, wanted)] if wanted else executions_of(call, pipeline.name)
    found = [(run.order, action) for run in reversed(runs) for action in reversed(actions_of(call, run.id))]
    if latest:
        found = _newest_of_each(found)
    chosen, token = paging.page(
        found, _position, params.get("nextToken"), params.get("maxResults", 100), bad_token(), descending=True
    )
    return {"actionExecutionDetails": [_detail(one) for _, one in chosen], "nextToken": token}


def _position(found: tuple[str, Action]) -> str:
    order, action = found
    return f"{order}/{action.started:020.6f}/{action.id}"


def _newest_of_each(found: list[tuple[str, Action]]) -> list[tuple[str, Action]]:
    seen: dict[tuple[str, str], tuple[str, Action]] = {}
    for order, action in found:
        seen.setdefault((action.stage, action.name), (order, action))
    return list(seen.values())


def _detail(action: Action) -> Params:
    kind = action.declaration
    result = {
        "externalExecutionId": action.external_id or None,
        "externalExecutionSummary": action.summary or None,
        "externalExecutionUrl": action.url or None,
        "errorDetails": action.error or None,
    }
    return {
        "pipelineExecutionId": action.execution,
        "actionExecutionId": action.id,
        "pipelineVersion": action.version,
        "stageName": action.stage,
        "actionName": action.name,
        "startTime": moment(action.started),
        "lastUpdateTime": moment(action.updated),
        "updatedBy": action.by or None,
        "status": action.status,
        "input": {
            "actionTypeId": kind["actionTypeId"],
            "configuration": kind.get("configuration", {}),
            "resolvedConfiguration": action.resolved,
            "roleArn": kind.get("roleArn"),
            "region": action.region,
            "inputArtifacts": action.inputs,
            "namespace": kind.get("namespace"),
        },
        "output": {
            "outputArtifacts": action.outputs if action.status == "Succeeded" else [],
            "executionResult": result,
            "outputVariables": action.variables,
        },
    }
