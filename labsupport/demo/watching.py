"""An execution followed to its end through CodePipeline's API."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labsupport.demo.setting import Setting

ENDED = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")
PAUSE = 0.1  # seconds between looks


class TooLate(Exception):
    """Something has not happened in the time allowed for it."""


@dataclass(slots=True)
class Run:
    """One execution as last seen."""

    id: str
    status: str = "InProgress"
    actions: list[dict[str, Any]] = field(default_factory=list)  # ActionExecutionDetail, in the order they began

    def action(self, name: str) -> dict[str, Any] | None:
        return next((one for one in reversed(self.actions) if one["actionName"] == name), None)

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def started_by(setting: Setting, commit: str, patience: float = 60.0) -> Run:
    """The execution that fetched a commit."""
    return _until(lambda: _with_commit(setting, commit), patience, f"No execution has fetched commit {commit[:8]}")


def _with_commit(setting: Setting, commit: str) -> Run | None:
    codepipeline = setting.client("codepipeline")
    summaries = codepipeline.list_pipeline_executions(pipelineName=setting["Pipeline"])["pipelineExecutionSummaries"]
    for one in summaries:
        if any(revision.get("revisionId") == commit for revision in one["sourceRevisions"]):
            return look(setting, one["pipelineExecutionId"])
    return None


def look(setting: Setting, execution_id: str) -> Run:
    codepipeline, name = setting.client("codepipeline"), setting["Pipeline"]
    answer = codepipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution_id)
    actions = codepipeline.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": execution_id})[
        "actionExecutionDetails"
    ]
    return Run(execution_id, answer["pipelineExecution"]["status"], actions[::-1])


def follow(setting: Setting, run: Run, patience: float = 300.0) -> Iterator[Run]:
    """The execution as it goes on, until it ends; each time round is one look."""
    end = time.monotonic() + patience
    while True:
        run = look(setting, run.id)
        yield run
        if run.ended:
            return
        if time.monotonic() > end:
            raise TooLate(f"The execution {run.id} has not ended within {patience:.0f} seconds")
        time.sleep(PAUSE)


def waits_for_approval(setting: Setting, run: Run) -> dict[str, str] | None:
    """What PutApprovalResult needs, while the execution waits for it."""
    waiting = run.action("Approve")
    if waiting is None or waiting["status"] != "InProgress":
        return None
    state = setting.client("codepipeline").get_pipeline_state(name=setting["Pipeline"])
    for stage in state["stageStates"]:
        for action in stage["actionStates"]:
            token = action.get("latestExecution", {}).get("token")
            if token and action["latestExecution"]["actionExecutionId"] == waiting["actionExecutionId"]:
                return {"stageName": stage["stageName"], "actionName": action["actionName"], "token": token}
    return None


def approve(setting: Setting, waiting: dict[str, str], summary: str = "The tests have passed", ok: bool = True) -> None:
    result = {"summary": summary, "status": "Approved" if ok else "Rejected"}
    setting.client("codepipeline").put_approval_result(pipelineName=setting["Pipeline"], result=result, **waiting)


def address(setting: Setting) -> str | None:
    """Where the application answers: the stack's instance."""
    reservations = setting.client("ec2").describe_instances(
        Filters=[
            {"Name": "tag:app", "Values": [setting["Application"]]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )["Reservations"]
    found = [instance for one in reservations for instance in one["Instances"]]
    return f"http://{found[0]['PrivateIpAddress']}:8080" if found else None


def build_log(setting: Setting, run: Run, token: str | None = None) -> tuple[list[str], str | None]:
    """The lines that the run's build has written since the last look."""
    action = run.action("Build")
    build = (action or {}).get("output", {}).get("executionResult", {}).get("externalExecutionId")
    if not build:
        return [], token
    logs = setting.client("logs")
    more = {"nextToken": token} if token else {}
    try:
        answer = logs.get_log_events(
            logGroupName=f"/aws/codebuild/{setting['Project']}",
            logStreamName=build.partition(":")[2],
            startFromHead=True,
            **more,
        )
    except logs.exceptions.ResourceNotFoundException:
        return [], token
    return [one["message"].rstrip("\n") for one in answer["events"]], answer["nextForwardToken"]


def _until(look_once: Callable[[], Run | None], patience: float, otherwise: str) -> Run:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look_once()
        if found:
            return found
        time.sleep(PAUSE)
    raise TooLate(f"{otherwise} within {patience:.0f} seconds")
