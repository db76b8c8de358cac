"""Executions: start, stop, retry; the answers to approvals."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline import events, plan
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    Params,
    Pipeline,
    actions_of,
    executions_of,
    find_execution,
    on_pipeline,
    pipeline_named,
    service,
    stage_named,
    wake,
)
from labsupport.cloud.services.codepipeline.running import begin, end_action, seen_in

_REVISIONS = {"CodeCommit": ("COMMIT_ID",), "S3": ("S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY")}
_NOT_STOPPABLE = (
    "Unable to stop the pipeline execution. The execution might already be in a Stopped state, or it might no longer "
    "be in progress."
)
_NOT_RETRYABLE = (
    "Unable to retry. The pipeline structure or stage state might have changed while actions awaited retry, or the "
    "stage contains no failed actions."
)
_NOT_LATEST = (
    "The stage has failed in a later run of the pipeline and the pipelineExecutionId associated with the request is "
    "out of date."
)


@service.operation(on=on_pipeline("name"))
def start_pipeline_execution(call: Call, params: Params) -> Params:
    """A new execution; the same request token again gives the one that it began."""
    pipeline = pipeline_named(call, params["name"])
    token = params.get("clientRequestToken", "")
    same = next((one for one in executions_of(call, pipeline.name) if token and one.token == token), None)
    execution = same or begin(
        call, pipeline, _trigger(call), _variables(pipeline, params), token, _overrides(pipeline, params)
    )
    return {"pipelineExecutionId": execution.id}


def _overrides(pipeline: Pipeline, params: Params) -> dict[str, dict[str, str]]:
    """The revisions that this start asks for instead of the newest, by source action."""
    sources = {one["name"]: one["actionTypeId"]["provider"] for one in pipeline.stages[0]["actions"]}
    found: dict[str, dict[str, str]] = {}
    for one in params.get("sourceRevisions", []):
        name, kind = one["actionName"], one["revisionType"]
        if kind not in _REVISIONS.get(sources.get(name, ""), ()):
            message = f"Source revision of the type {kind} for the action '{name}' does not fit any source action"
            raise AwsError("ValidationException", message)
        found.setdefault(name, {})[kind] = one["revisionValue"]
    return found


def _trigger(call: Call) -> dict[str, str]:
    """Who started it: an EventBridge rule, under its role, or somebody's call."""
    session = call.caller.session
    by_rule = session is not None and session.issued_to == "events.amazonaws.com"
    if by_rule and call.source_arn:
        return {"triggerType": "CloudWatchEvent", "triggerDetail": call.source_arn}
    return {"triggerType": "StartPipelineExecution", "triggerDetail": call.caller.arn}


def _variables(pipeline: Pipeline, params: Params) -> dict[str, str]:
    """The pipeline's variables: their defaults, overridden by what this start gives."""
    declared = {one["name"]: one.get("defaultValue") for one in pipeline.declaration.get("variables", [])}
    given = {one["name"]: one["value"] for one in params.get("variables", [])}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise AwsError("ValidationException", f"Pipeline variable {unknown[0]} is not declared in the pipeline")
    values = {**declared, **given}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        raise AwsError("ValidationException", f"Pipeline variable {missing[0]} has no default, and no value was given")
    return {name: str(value) for name, value in values.items()}


@service.operation(on=on_pipeline("pipelineName"))
def stop_pipeline_execution(call: Call, params: Params) -> Params:
    """Begin nothing more; what runs is waited for, or abandoned."""
    pipeline = pipeline_named(call, params["pipelineName"])
    execution = find_execution(call, pipeline.name, params["pipelineExecutionId"])
    abandon = params.get("abandon", False)
    if execution is None or execution.status not in ACTIVE:
        raise AwsError("PipelineExecutionNotStoppableException", _NOT_STOPPABLE)
    if execution.status == "Stopping" and not abandon:
        message = (
            "The pipeline execution is already in a Stopping state. If you already chose to stop and wait, you cannot "
            "make that request again."
        )
        raise AwsError("DuplicatedStopRequestException", message)
    _stop(call, execution, params.get("reason", ""))
    for action in _running(call, execution) if abandon else []:
        end_action(call, execution, action, "Abandoned", call.caller.arn)
        wake(call, execution, action)
    call.start("advance", pipeline.name)
    return {"pipelineExecutionId": execution.id}


def _stop(call: Call, execution: Execution, reason: str) -> None:
    execution.status, execution.updated = "Stopping", call.epoch
    execution.stop_reason = reason or execution.stop_reason
    events.pipeline_changed(call, execution)
    stage = execution.stages[execution.at]
    if stage.status == "InProgress":
        stage.status = "Stopping"
        events.stage_changed(call, execution, stage.name, "Stopping")
    call.store.put(execution)


def _running(call: Call, execution: Execution) -> list[Action]:
    return [action for action in actions_of(call, execution.id) if action.status == "InProgress"]


def _on_stage(call: Call, params: Params) -> str:
    return call.arn(f"{params['pipelineName']}/{params['stageName']}")


@service.operation(on=_on_stage)
def retry_stage_execution(call: Call, params: Params) -> Params:
    """Run a failed stage again in the same execution: its failed actions, or all."""
    pipeline = pipeline_named(call, params["pipelineName"])
    stage_named(pipeline.stages, params["stageName"], pipeline.name)
    execution = find_execution(call, pipeline.name, params["pipelineExecutionId"])
    if execution is None:
        raise AwsError("NotLatestPipelineExecutionException", _NOT_LATEST)
    _check_retry(call, pipeline, execution, params["stageName"])
    stage = execution.stages[execution.at]
    _forget(call, execution, params["retryMode"])
    stage.status, stage.retries = "InProgress", stage.retries + 1
    execution.status, execution.summary, execution.updated = "InProgress", "", call.epoch
    execution.stop_reason, execution.attempts = "", execution.attempts + 1
    call.store.put(execution)
    events.pipeline_changed(call, execution, "Resumed")
    events.stage_changed(call, execution, stage.name, "Resumed")
    call.start("advance", pipeline.name)
    return {"pipelineExecutionId": execution.id}


def _check_retry(call: Call, pipeline: Pipeline, execution: Execution, name: str) -> None:
    stage = execution.stages[execution.at]
    is_over = execution.status in ("Failed", "Stopped") and stage.status in ("Failed", "Stopped")
    if not is_over or stage.name != name or pipeline.version != execution.version:
        raise AwsError("StageNotRetryableException", _NOT_RETRYABLE)
    if pipeline.declaration["executionMode"] == "PARALLEL":
        return
    later = [one for one in executions_of(call, pipeline.name) if one.order > execution.order]
    if any(run.name == name and run.status for one in later for run in one.stages):
        raise AwsError("NotLatestPipelineExecutionException", _NOT_LATEST)


def _forget(call: Call, execution: Execution, mode: str) -> None:
    declared = execution.declaration["stages"][execution.at]["actions"]
    names = plan.retried(declared, seen_in(call, execution), mode)
    for action in actions_of(call, execution.id):
        if action.stage == execution.stages[execution.at].name and action.name in names:
            action.state["forgotten"] = True
            call.store.put(action)


def _on_action(call: Call, params: Params) -> str:
    return call.arn(f"{params['pipelineName']}/{params['stageName']}/{params['actionName']}")


@service.operation(on=_on_action)
def put_approval_result(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["pipelineName"])
    stage = stage_named(pipeline.stages, params["stageName"], pipeline.name)
    if params["actionName"] not in {one["name"] for one in stage["actions"]}:
        raise AwsError("ActionNotFoundException", f"Action '{params['actionName']}' was not found in {stage['name']}")
    execution, action = _waiting_approval(call, pipeline, params)
    result, by = params["result"], call.caller.arn
    action.summary = result["summary"]
    if result["status"] == "Approved":
        end_action(call, execution, action, "Succeeded", by)
    else:
        action.error = {"code": "ApprovalRejected", "message": f"Rejected by {by}"}
        end_action(call, execution, action, "Failed", by)
    wake(call, execution, action)
    return {"approvedAt": call.now}


def _waiting_approval(call: Call, pipeline: Pipeline, params: Params) -> tuple[Execution, Action]:
    """The approval that the token belongs to."""
    for execution in executions_of(call, pipeline.name):
        for action in actions_of(call, execution.id):
            if (action.stage, action.name, action.token) == (
                params["stageName"],
                params["actionName"],
                params["token"],
            ):
                if action.status == "InProgress" and execution.status in ACTIVE:
                    return execution, action
                message = "The approval action has already been approved or rejected, or its execution has ended"
                raise AwsError("ApprovalAlreadyCompletedException", message)
    message = "Invalid approval token: it does not belong to an approval of this action"
    raise AwsError("InvalidApprovalTokenException", message)
