"""The events that a pipeline publishes (User Guide: "Monitoring CodePipeline events")."""

from datetime import UTC, datetime

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codepipeline.base import Action, Execution, Params

_PIPELINE = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopping": "STOPPING",
    "Stopped": "STOPPED",
    "Superseded": "SUPERSEDED",
    "Cancelled": "CANCELED",
    "Resumed": "RESUMED",
}


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _arn(call: Call, execution: Execution) -> str:
    return f"arn:aws:codepipeline:{execution.region}:{execution.account}:{execution.pipeline}"


def _base(execution: Execution) -> Params:
    return {
        "pipeline": execution.pipeline,
        "execution-id": execution.id,
        "start-time": _time(execution.started),
        "version": float(execution.version),
        "pipeline-execution-attempt": float(execution.attempts),
    }


def pipeline_changed(call: Call, execution: Execution, state: str = "") -> None:
    detail = {**_base(execution), "state": _PIPELINE[state or execution.status]}
    if execution.status == "InProgress" and not state:
        detail["execution-trigger"] = {
            "trigger-type": execution.trigger["triggerType"],
            "trigger-detail": execution.trigger["triggerDetail"],
        }
    if execution.status in ("Stopping", "Stopped") and execution.stop_reason:
        detail["stop-execution-comments"] = execution.stop_reason
    call.emit("CodePipeline Pipeline Execution State Change", detail, [_arn(call, execution)])


def stage_changed(call: Call, execution: Execution, stage: str, state: str) -> None:
    detail = {**_base(execution), "stage": stage, "state": _PIPELINE[state]}
    call.emit("CodePipeline Stage Execution State Change", detail, [_arn(call, execution)])


def action_changed(call: Call, execution: Execution, action: Action) -> None:
    kind = action.declaration["actionTypeId"]
    detail: Params = {
        **_base(execution),
        "stage": action.stage,
        "action": action.name,
        "action-execution-id": action.id,
        "state": {"Abandoned": "ABANDONED"}.get(action.status) or _PIPELINE[action.status],
        "region": execution.region,
        "type": {name: kind[name] for name in ("owner", "provider", "category", "version")},
        "input-artifacts": [_artifact(one) for one in action.inputs],
        "output-artifacts": [_artifact(one) for one in action.outputs] if action.status == "Succeeded" else [],
    }
    if action.status != "InProgress":
        detail["execution-result"] = _result(action)
    call.emit("CodePipeline Action Execution State Change", detail, [_arn(call, execution)])


def _artifact(one: Params) -> Params:
    return {"name": one["name"], "s3location": one["s3location"]}


def _result(action: Action) -> Params:
    found = {
        "external-execution-url": action.url,
        "external-execution-summary": action.error.get("message", "") or action.summary,
        "external-execution-id": action.external_id,
        "error-code": action.error.get("code", ""),
    }
    return {name: value for name, value in found.items() if value}
