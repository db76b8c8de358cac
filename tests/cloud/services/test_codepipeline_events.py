"""What a pipeline publishes, in AWS's form, caught by a rule that sends it to a mailbox."""

import json
import re
from typing import Any

import pytest
from pipeline_help import Watched, approval, declared, prepare, source, to_s3
from services_help import ACCOUNT, news, open_topic, subscribed, text_of

ARN = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo"
RUN = "CodePipeline Pipeline Execution State Change"
STAGE = "CodePipeline Stage Execution State Change"
ACTION = "CodePipeline Action Execution State Change"


class Heard:
    """The events of a cloud's pipelines."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        topic = open_topic(cloud, "events", "events")
        subscribed(cloud, topic, "events@example.com")
        events = cloud.client("events")
        events.put_rule(Name="pipelines", EventPattern=json.dumps({"source": ["aws.codepipeline"]}))
        events.put_targets(Rule="pipelines", Targets=[{"Id": "1", "Arn": topic}])

    def all(self) -> list[dict[str, Any]]:
        self.cloud.settle()
        return [json.loads(text_of(mail)) for mail in news(self.cloud, "events@example.com")]

    def of(self, kind: str, *names: str) -> list[str]:
        """The events of a kind, each as the words that these parts of its detail say."""
        return [
            " ".join(event["detail"][name] for name in names) for event in self.all() if event["detail-type"] == kind
        ]


@pytest.fixture
def heard(cloud: Any) -> Heard:
    return Heard(cloud)


def demo(cloud: Any, *stages: list[dict[str, Any]]) -> Watched:
    return Watched(cloud, declared("demo", prepare(cloud), [source()], *(stages or ([approval()],))))


def test_from_start_to_end(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud, [to_s3()])
    assert sorted(heard.of(RUN, "state")) == ["STARTED", "SUCCEEDED"]
    assert sorted(heard.of(STAGE, "stage", "state")) == ["S0 STARTED", "S0 SUCCEEDED", "S1 STARTED", "S1 SUCCEEDED"]
    assert sorted(heard.of(ACTION, "action", "state")) == [
        "Deploy STARTED",
        "Deploy SUCCEEDED",
        "Source STARTED",
        "Source SUCCEEDED",
    ]
    assert {event["detail"]["execution-id"] for event in heard.all()} == {pipeline.id()}
    assert {tuple(event["resources"]) for event in heard.all()} == {(ARN,)}


def test_the_form_of_a_run(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud)
    (event,) = [one for one in heard.all() if one["detail-type"] == RUN]
    assert (event["source"], event["account"], event["region"]) == ("aws.codepipeline", ACCOUNT, "us-east-1")
    detail = event["detail"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", detail.pop("start-time"))
    assert detail == {
        "pipeline": "demo",
        "execution-id": pipeline.id(),
        "execution-trigger": {
            "trigger-type": "CreatePipeline",
            "trigger-detail": f"arn:aws:iam::{ACCOUNT}:user/learner",
        },
        "state": "STARTED",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }


def test_the_form_of_a_stage_and_of_an_action(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud, [to_s3()])
    events = heard.all()
    stage = next(
        one["detail"] for one in events if one["detail-type"] == STAGE and one["detail"]["state"] == "SUCCEEDED"
    )
    stage.pop("start-time")
    assert stage.pop("stage") in ("S0", "S1")
    assert stage == {
        "pipeline": "demo",
        "execution-id": pipeline.id(),
        "state": "SUCCEEDED",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }
    details = [one["detail"] for one in events if one["detail-type"] == ACTION]
    got, _ = pipeline.actions()
    place = got["output"]["outputArtifacts"][0]["s3location"]
    artifact = {"name": "SourceOutput", "s3location": place}
    first = next(one for one in details if (one["action"], one["state"]) == ("Source", "SUCCEEDED"))
    assert first["output-artifacts"] == [artifact]
    assert first["input-artifacts"] == []
    assert first["type"] == {"owner": "AWS", "provider": "S3", "category": "Source", "version": "1"}
    assert (first["stage"], first["region"]) == ("S0", "us-east-1")
    assert first["action-execution-id"] == got["actionExecutionId"]
    assert first["execution-result"]["external-execution-id"] == got["output"]["executionResult"]["externalExecutionId"]
    for state in ("STARTED", "SUCCEEDED"):
        second = next(one for one in details if (one["action"], one["state"]) == ("Deploy", state))
        assert (second["input-artifacts"], second["output-artifacts"]) == ([artifact], [])
        assert ("execution-result" in second) is (state == "SUCCEEDED")


def test_failed_and_resumed(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud)
    pipeline.answer("S1", status="Rejected")
    failed = next(
        one["detail"]
        for one in heard.all()
        if one["detail"].get("action") == "Approve" and one["detail"]["state"] == "FAILED"
    )
    assert failed["execution-result"]["error-code"] == "ApprovalRejected"
    assert "Rejected by" in failed["execution-result"]["external-execution-summary"]
    pipeline.retry("S1")
    pipeline.answer("S1")
    assert sorted(heard.of(RUN, "state")) == ["FAILED", "RESUMED", "STARTED", "SUCCEEDED"]
    attempts = {
        one["detail"]["state"]: one["detail"]["pipeline-execution-attempt"]
        for one in heard.all()
        if one["detail-type"] == RUN
    }
    assert attempts == {"STARTED": 1.0, "FAILED": 1.0, "RESUMED": 2.0, "SUCCEEDED": 2.0}
    states = [one for one in heard.of(STAGE, "stage", "state") if one.startswith("S1")]
    assert sorted(states) == ["S1 FAILED", "S1 RESUMED", "S1 STARTED", "S1 SUCCEEDED"]


def test_stopped(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud)
    pipeline.stop(abandon=True, reason="oops")
    states = {one["detail"]["state"]: one["detail"] for one in heard.all() if one["detail-type"] == RUN}
    assert set(states) == {"STARTED", "STOPPING", "STOPPED"}
    assert states["STOPPED"]["stop-execution-comments"] == "oops"
    assert "stop-execution-comments" not in states["STARTED"]
    assert "S1 STOPPING" in heard.of(STAGE, "stage", "state")
    assert "S1 STOPPED" in heard.of(STAGE, "stage", "state")
    assert "Approve ABANDONED" in heard.of(ACTION, "action", "state")


def test_superseded(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud)
    pipeline.start()
    pipeline.start()
    superseded = [one["detail"]["execution-id"] for one in heard.all() if one["detail"].get("state") == "SUPERSEDED"]
    assert superseded == [pipeline.id(1)]


def test_cancelled(cloud: Any, heard: Heard) -> None:
    pipeline = demo(cloud)
    pipeline.shut("S1")
    waits = pipeline.start()
    pipeline.client.update_pipeline(pipeline=pipeline.client.get_pipeline(name=pipeline.name)["pipeline"])
    cloud.settle()
    cancelled = [one["detail"]["execution-id"] for one in heard.all() if one["detail"].get("state") == "CANCELED"]
    assert cancelled == [waits]


def test_a_rule_for_failures_only(cloud: Any) -> None:
    """The pattern that the user guide gives for failed executions."""
    topic = open_topic(cloud, "failures", "events")
    subscribed(cloud, topic, "failures@example.com")
    events = cloud.client("events")
    pattern = {
        "source": ["aws.codepipeline"],
        "detail-type": [RUN],
        "detail": {"state": ["FAILED"], "pipeline": ["demo"]},
    }
    transformer = {
        "InputPathsMap": {"pipeline": "$.detail.pipeline", "state": "$.detail.state"},
        "InputTemplate": '"The pipeline <pipeline> has <state>."',
    }
    events.put_rule(Name="failures", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failures", Targets=[{"Id": "1", "Arn": topic, "InputTransformer": transformer}])
    pipeline = demo(cloud)
    pipeline.answer("S1", status="Rejected")
    assert [text_of(one) for one in news(cloud, "failures@example.com")] == ['"The pipeline demo has FAILED."']
