"""GetPipelineState: what each stage and action last did, and who waits where."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codepipeline import links
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    Params,
    Pipeline,
    actions_of,
    executions_of,
    on_pipeline,
    pipeline_named,
    service,
)
from labsupport.cloud.services.codepipeline.pipelines import moment


@service.operation(on=on_pipeline("name"))
def get_pipeline_state(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["name"])
    executions = executions_of(call, pipeline.name)
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage(call, pipeline, executions, stage) for stage in pipeline.stages],
        "created": moment(pipeline.created),
        "updated": moment(pipeline.updated),
    }


def _stage(call: Call, pipeline: Pipeline, executions: list[Execution], stage: Params) -> Params:
    name = stage["name"]
    entered = [one for one in reversed(executions) if any(run.name == name and run.status for run in one.stages)]
    latest = entered[0] if entered else None
    waiting = [one for one in executions if one.status in ACTIVE and _waits(one, name)]
    state: Params = {
        "stageName": name,
        "inboundExecutions": [_shown(one, "InProgress") for one in waiting],
        "inboundExecution": _shown(waiting[-1], "InProgress") if waiting else None,
        "inboundTransitionState": _transition(pipeline, name),
        "actionStates": [_action(call, one, _newest_try(call, entered, name, one["name"])) for one in stage["actions"]],
    }
    if latest:
        status = next(one.status for one in latest.stages if one.name == name)
        state["latestExecution"] = _shown(latest, status)
        retries = next(one.retries for one in latest.stages if one.name == name)
        if retries:
            metadata = {"manualStageRetryAttempt": retries, "latestRetryTrigger": "ManualStageRetry"}
            state["retryStageMetadata"] = metadata
    return state


def _newest_try(call: Call, entered: list[Execution], stage: str, name: str) -> Action | None:
    """What an action last did, in whichever execution that was."""
    for execution in entered:
        tries = [one for one in actions_of(call, execution.id) if (one.stage, one.name) == (stage, name)]
        if tries:
            return tries[-1]
    return None


def _waits(execution: Execution, name: str) -> bool:
    stage = execution.stages[execution.at]
    return stage.name == name and not stage.status


def _shown(execution: Execution, status: str) -> Params:
    return {"pipelineExecutionId": execution.id, "status": status, "type": "STANDARD"}


def _transition(pipeline: Pipeline, name: str) -> Params:
    shut = pipeline.shut.get(name)
    if shut is None:
        return {"enabled": True}
    at = moment(shut.at)
    return {"enabled": False, "lastChangedBy": shut.by, "lastChangedAt": at, "disabledReason": shut.reason}


def _action(call: Call, declared: Params, newest: Action | None) -> Params:
    state: Params = {"actionName": declared["name"], "entityUrl": links.entity(declared, call.region)}
    if newest is None:
        return state
    state["latestExecution"] = {
        "actionExecutionId": newest.id,
        "status": newest.status,
        "summary": newest.summary or None,
        "lastStatusChange": moment(newest.updated),
        "token": newest.token if newest.status == "InProgress" and newest.token else None,
        "lastUpdatedBy": newest.by or None,
        "externalExecutionId": newest.external_id or None,
        "externalExecutionUrl": newest.url or None,
        "errorDetails": newest.error or None,
    }
    if newest.revision:
        revision = newest.revision["revisionId"]
        state["revisionUrl"] = newest.revision.get("revisionUrl")
        state["currentRevision"] = {
            "revisionId": revision,
            "revisionChangeId": revision[:100],
            "created": moment(newest.updated),
        }
    return state
