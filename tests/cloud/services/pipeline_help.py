"""Pipelines for tests: declarations, a bucket with a source in it, and a look at what they do."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

from services_help import may, service_role

ACTIVE = ("InProgress", "Stopping")
NO_ID = "00000000-0000-0000-0000-000000000000"  # of an execution that is not there


def kind(category: str, provider: str) -> dict[str, str]:
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def source(name: str = "Source", key: str = "app.zip", output: str = "", **more: Any) -> dict[str, Any]:
    configuration = {"S3Bucket": "sources", "S3ObjectKey": key, "PollForSourceChanges": "false"}
    return {
        "name": name,
        "actionTypeId": kind("Source", "S3"),
        "configuration": {**configuration, **more.pop("configuration", {})},
        "outputArtifacts": [{"name": output or f"{name}Output"}],
        **more,
    }


def approval(name: str = "Approve", **more: Any) -> dict[str, Any]:
    return {"name": name, "actionTypeId": kind("Approval", "Manual"), **more}


def to_s3(name: str = "Deploy", given: str = "SourceOutput", **configuration: str) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": kind("Deploy", "S3"),
        "configuration": {"BucketName": "site", "Extract": "true", **configuration},
        "inputArtifacts": [{"name": given}],
    }


def declared(name: str, role: str, *stages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A pipeline of these stages, which are named S0, S1, …"""
    return {
        "name": name,
        "roleArn": role,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "pipelineType": "V2",
        "stages": [{"name": f"S{number}", "actions": actions} for number, actions in enumerate(stages)],
        **more,
    }


def packed(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return data.getvalue()


def prepare(cloud: Any) -> str:
    """The buckets, a source and the role that pipelines work under: its ARN."""
    s3 = cloud.client("s3")
    for bucket in ("sources", "artifacts", "site"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="sources", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="sources", Key="app.zip", Body=packed(index_html="<h1>1</h1>"))
    return service_role(cloud, "pipeline", "codepipeline", may("s3:*", "sns:Publish"))


class Watched:
    """A pipeline, and its executions by their number (0 is the one that its creation began)."""

    def __init__(self, cloud: Any, declaration: dict[str, Any]) -> None:
        self.cloud, self.name = cloud, declaration["name"]
        self.client = cloud.client("codepipeline")
        self.client.create_pipeline(pipeline=declaration)
        cloud.settle()

    def start(self, **more: Any) -> str:
        found: str = self.client.start_pipeline_execution(name=self.name, **more)["pipelineExecutionId"]
        self.cloud.settle()
        return found

    def executions(self) -> list[dict[str, Any]]:
        """The oldest first."""
        pages = self.client.get_paginator("list_pipeline_executions").paginate(pipelineName=self.name)
        return [one for page in pages for one in page["pipelineExecutionSummaries"]][::-1]

    def id(self, number: int = -1) -> str:
        return str(self.executions()[number]["pipelineExecutionId"])

    def statuses(self) -> str:
        return " ".join(one["status"] for one in self.executions())

    def execution(self, number: int = -1) -> dict[str, Any]:
        found = self.client.get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=self.id(number))
        return dict(found["pipelineExecution"])

    def actions(self, number: int | None = None) -> list[dict[str, Any]]:
        """Tries of actions (of one execution), the oldest first."""
        only = {} if number is None else {"filter": {"pipelineExecutionId": self.id(number)}}
        pages = self.client.get_paginator("list_action_executions").paginate(pipelineName=self.name, **only)
        return [one for page in pages for one in page["actionExecutionDetails"]][::-1]

    def told(self, number: int | None = None) -> str:
        return " ".join(f"{one['actionName']}:{one['status']}" for one in self.actions(number))

    def stage(self, name: str) -> dict[str, Any]:
        states = self.client.get_pipeline_state(name=self.name)["stageStates"]
        return dict(next(one for one in states if one["stageName"] == name))

    def latest(self, stage: str, action: str) -> dict[str, Any]:
        states = self.stage(stage)["actionStates"]
        return dict(next(one for one in states if one["actionName"] == action).get("latestExecution", {}))

    def answer(self, stage: str, action: str = "Approve", status: str = "Approved", **more: Any) -> Any:
        """Approve or reject what waits there."""
        params = {"token": self.latest(stage, action).get("token", "none"), **more}
        answer = self.client.put_approval_result(
            pipelineName=self.name,
            stageName=stage,
            actionName=action,
            result={"summary": "ok", "status": status},
            **params,
        )
        self.cloud.settle()
        return answer

    def shut(self, stage: str, reason: str = "later") -> None:
        self.client.disable_stage_transition(
            pipelineName=self.name, stageName=stage, transitionType="Inbound", reason=reason
        )

    def open(self, stage: str) -> None:
        self.client.enable_stage_transition(pipelineName=self.name, stageName=stage, transitionType="Inbound")
        self.cloud.settle()

    def stop(self, number: int = -1, **more: Any) -> None:
        self.client.stop_pipeline_execution(pipelineName=self.name, pipelineExecutionId=self.id(number), **more)
        self.cloud.settle()

    def retry(self, stage: str, mode: str = "FAILED_ACTIONS", number: int = -1) -> None:
        self.client.retry_stage_execution(
            pipelineName=self.name, stageName=stage, pipelineExecutionId=self.id(number), retryMode=mode
        )
        self.cloud.settle()


def maker(cloud: Any, role: str, test: str) -> Callable[..., Watched]:
    """Makes a pipeline of a source and approvals (or other stages), named like the test."""

    def make(*stages: list[dict[str, Any]], **more: Any) -> Watched:
        name = test.replace("[", "-").replace("]", "")[-90:]
        waits = stages or ([approval()], [approval()])
        return Watched(cloud, declared(name, role, [source(namespace="src")], *waits, **more))

    return make
