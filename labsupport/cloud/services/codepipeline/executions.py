"""Executions: start, stop, retry, list, describe; approvals; the state of a pipeline."""

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codepipeline import events, plan
from labsupport.cloud.services.codepipeline.base import (
    ACTIVE,
    Action,
    Execution,
    Params,
    Pipeline,
    actions_of,
    execution_of,
    executions_of,
    on_pipeline,
    pipeline_named,
    service,
)
from labsupport.cloud.services.codepipeline.pipelines import bad_token, moment
from labsupport.cloud.services.codepipeline.running import begin, end_action, seen_in


@service.operation(on=on_pipeline("name"))
def start_pipeline_execution(call: Call, params: Params) -> Params:
    pipeline = pipeline_named(call, params["name"])
    token = params.get("clientRequestToken", "")
    if params.get("sourceRevisions"):
        raise not_simulated("An execution with overridden source revisions")
    same = [one for one in executions_of(call, pipeline.name) if token and one.token == token]
    execution = same[0] if same else begin(call, pipeline, _trigger(call), _variables(pipeline, params), token)
    return {"pipelineExecutionId": execution.id}


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
    pipeline = pipeline_named(call, params["pipelineName"])
    execution = execution_of(call, pipeline.name, params["pipelineExecutionId"])
    abandon = params.get("abandon", False)
    if execution.status == "Stopping" and not abandon:
        message = f"Pipeline execution {execution.id} is already stopping"
        raise AwsError("DuplicatedStopRequestException", message)
    if execution.status not in ACTIVE:
        message = f"Unable to stop pipeline execution. The execution {execution.id} is in the state {execution.status}"
        raise AwsError("PipelineExecutionNotStoppableException", message)
    execution.status, execution.stop_reason = "Stopping", params.get("reason", "")
    execution.updated = call.epoch
    stage = execution.stages[execution.at]
    if stage.status == "InProgress":
        stage.status = "Stopping"
    call.store.put(execution)
    events.pipeline_changed(call, execution)
    for action in _running(call, execution) if abandon else []:
        end_action(call, execution, action, "Abandoned", call.caller.arn)
    call.start("advance", pipeline.name)
    return {"pipelineExecutionId": execution.id}


def _running(call: Call, execution: Execution) -> list[Action]:
    return [action for action in actions_of(call, execution.id) if action.status == "InProgress"]


def _on_stage(call: Call, params: Params) -> str:
    return call.arn(f"{params['pipelineName']}/{params['stageName']}")


@service.operation(on=_on_stage)
def retry_stage_execution(call: Call, params: Params) -> Params:
    """Run a failed stage again in the same execution: its failed actions, or all."""
    pipeline = pipeline_named(call, params["pipelineName"])
    execution = execution_of(call, pipeline.name, params["pipelineExecutionId"])
    stage = next((one for one in execution.stages if one.name == params["stageName"]), None)
    if stage is None:
        message = f"Pipeline '{pipeline.name}' does not have a stage with name '{params['stageName']}'"
        raise AwsError("StageNotFoundException", message)
    current = execution.stages[execution.at]
    if (
        execution.status not in ("Failed", "Stopped")
        or stage is not current
        or stage.status not in ("Failed", "Stopped")
    ):
        message = f"Stage '{stage.name}' is not in a state that can be retried: its last execution has not failed"
        raise AwsError("StageNotRetryableException", message)
    if executions_of(call, pipeline.name)[-1].version != execution.version and pipeline.version != execution.version:
        raise AwsError(
            "NotLatestPipelineExecutionException", "The pipeline has been changed since this execution began"
        )
    _forget(call, execution, params["retryMode"])
    stage.status, stage.retries = "InProgress", stage.retries + 1
    execution.status, execution.summary, execution.updated = "InProgress", "", call.epoch
    call.store.put(execution)
    events.pipeline_changed(call, execution, "Resumed")
    events.stage_changed(call, execution, stage.name, "Resumed")
    call.start("advance", pipeline.name)
    return {"pipelineExecutionId": execution.id}


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
    stage = next((one for one in pipeline.stages if one["name"] == params["stageName"]), None)
    if stage is None:
        raise AwsError("StageNotFoundException", f"Stage '{params['stageName']}' was not found in {pipeline.name}")
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


# Reading


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
    """The newest first."""
    pipeline = pipeline_named(call, params["pipelineName"])
    if params.get("filter"):
        raise not_simulated("A filter of pipeline executions")
    found = executions_of(call, pipeline.name)[::-1]
    chosen, token = paging.page_of_list(found, params.get("nextToken"), params.get("maxResults", 100), bad_token())
    return {"pipelineExecutionSummaries": [_summary(one) for one in chosen], "nextToken": token}


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
    pipeline = pipeline_named(call, params["pipelineName"])
    wanted = params.get("filter", {}).get("pipelineExecutionId")
    chosen_runs = [one for one in executions_of(call, pipeline.name) if wanted in (None, one.id)]
    if wanted and not chosen_runs:
        execution_of(call, pipeline.name, wanted)
    found = [action for one in reversed(chosen_runs) for action in reversed(actions_of(call, one.id))]
    chosen, token = paging.page_of_list(found, params.get("nextToken"), params.get("maxResults", 100), bad_token())
    return {"actionExecutionDetails": [_detail(one) for one in chosen], "nextToken": token}


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
