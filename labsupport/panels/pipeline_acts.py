"""What the buttons of a pipeline's panel do: the same calls that `aws codepipeline …` makes."""

from collections.abc import Callable
from typing import Any

Fields = dict[str, str]
DEFAULT_REASON = "Shut in the notebook"


def acting(client: Callable[[str], Any], name: str) -> Callable[[str, Fields], str]:
    """A function that does what was pressed and tells it in words."""

    def act(what: str, fields: Fields) -> str:
        return ACTS[what](client("codepipeline"), name, fields)

    return act


def _start(codepipeline: Any, name: str, _: Fields) -> str:
    execution = codepipeline.start_pipeline_execution(name=name)["pipelineExecutionId"]
    return f"✔ Execution {execution[:8]} has begun."


def _answer(status: str, codepipeline: Any, name: str, fields: Fields) -> str:
    codepipeline.put_approval_result(
        pipelineName=name,
        stageName=fields["stage"],
        actionName=fields["action"],
        token=fields["token"],
        result={"summary": fields.get("summary", "").strip() or status, "status": status},
    )
    return f"✔ {status}: {fields['action']}."


def _approve(codepipeline: Any, name: str, fields: Fields) -> str:
    return _answer("Approved", codepipeline, name, fields)


def _reject(codepipeline: Any, name: str, fields: Fields) -> str:
    return _answer("Rejected", codepipeline, name, fields)


def _retry(codepipeline: Any, name: str, fields: Fields) -> str:
    codepipeline.retry_stage_execution(
        pipelineName=name,
        stageName=fields["stage"],
        pipelineExecutionId=fields["execution"],
        retryMode="FAILED_ACTIONS",
    )
    return f"✔ The failed actions of {fields['stage']} begin again."


def _stop(codepipeline: Any, name: str, fields: Fields) -> str:
    reason = "Stopped in the notebook"
    codepipeline.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=fields["execution"], reason=reason)
    return "✔ The execution stops when the actions that are at work have ended."


def _disable(codepipeline: Any, name: str, fields: Fields) -> str:
    codepipeline.disable_stage_transition(
        pipelineName=name,
        stageName=fields["stage"],
        transitionType="Inbound",
        reason=fields.get("reason", "").strip() or DEFAULT_REASON,
    )
    return f"✔ Nothing enters {fields['stage']} until its transition is enabled."


def _enable(codepipeline: Any, name: str, fields: Fields) -> str:
    codepipeline.enable_stage_transition(pipelineName=name, stageName=fields["stage"], transitionType="Inbound")
    return f"✔ Executions may enter {fields['stage']} again."


ACTS: dict[str, Callable[[Any, str, Fields], str]] = {
    "start": _start,
    "approve": _approve,
    "reject": _reject,
    "retry": _retry,
    "stop": _stop,
    "disable": _disable,
    "enable": _enable,
}
