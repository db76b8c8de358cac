"""Answers as CodePipeline gives them, and a notebook that notes what is displayed."""

from typing import Any

NAMES = {"Source": "CodeCommit", "Build": "CodeBuild", "Approve": "Manual", "Deploy": "CodeDeploy"}


def declared(**configuration: dict[str, str]) -> dict[str, Any]:
    """Four stages of an action each, named alike."""
    return {"name": "shop", "version": 1, "stages": [_stage(*one, configuration) for one in NAMES.items()]}


def _stage(name: str, provider: str, configuration: dict[str, dict[str, str]]) -> dict[str, Any]:
    type_ = {"category": "Build", "owner": "AWS", "provider": provider, "version": "1"}
    return {
        "name": name,
        "actions": [{"name": name, "actionTypeId": type_, "configuration": configuration.get(name, {})}],
    }


def state(shut: str = "", waits: str = "", **actions: dict[str, Any]) -> dict[str, Any]:
    """GetPipelineState's answer: for each stage that was reached, what its action last did."""
    stages = []
    for name in NAMES:
        stage: dict[str, Any] = {"stageName": name, "actionStates": [{"actionName": name}]}
        transition = {"enabled": False, "disabledReason": "no releases today", "lastChangedBy": "learner"}
        stage["inboundTransitionState"] = transition if name == shut else {"enabled": True}
        if name == waits:
            stage["inboundExecutions"] = [{"pipelineExecutionId": "run-1", "status": "InProgress"}]
        if name in actions:
            stage["latestExecution"] = {"pipelineExecutionId": "run-1", "status": actions[name]["status"]}
            stage["actionStates"][0]["latestExecution"] = actions[name]
        stages.append(stage)
    return {"pipelineName": "shop", "pipelineVersion": 1, "stageStates": stages}


DONE = {"status": "Succeeded"}
FAILED = {"status": "Failed", "errorDetails": {"code": "JobFailed", "message": "1 test failed & <stopped>"}}
BUILDING = {"status": "InProgress", "externalExecutionId": "shop-build:1"}
WAITING = {"status": "InProgress", "token": "t-1"}
