"""Executions: through the stages, in the three modes, shown."""

from typing import Any

import pytest
from pipeline_help import NO_ID, Watched, approval, declared, maker, prepare, source, to_s3
from services_help import code_of


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return prepare(shared_cloud)


@pytest.fixture
def ask(shared_cloud: Any, role: str, request: pytest.FixtureRequest) -> Any:
    return maker(shared_cloud, role, request.node.name)


def test_from_source_to_site(shared_cloud: Any, ask: Any) -> None:
    pipeline = ask([approval()], [to_s3()])
    assert pipeline.told() == "Source:Succeeded Approve:InProgress"
    assert pipeline.statuses() == "InProgress"
    pipeline.answer("S1")
    assert pipeline.told() == "Source:Succeeded Approve:Succeeded Deploy:Succeeded"
    assert pipeline.statuses() == "Succeeded"
    page = shared_cloud.client("s3").get_object(Bucket="site", Key="index.html")
    assert (page["Body"].read(), page["ContentType"]) == (b"<h1>1</h1>", "text/html")


def test_what_an_execution_shows(shared_cloud: Any, ask: Any) -> None:
    pipeline = ask([to_s3()])
    version = shared_cloud.client("s3").head_object(Bucket="sources", Key="app.zip")["VersionId"]
    (summary,) = pipeline.executions()
    assert summary["startTime"] <= summary["lastUpdateTime"]
    assert summary["sourceRevisions"] == [
        {"actionName": "Source", "revisionId": version, "revisionSummary": f"Amazon S3 version id: {version}"}
    ]
    assert (summary["executionMode"], summary["executionType"]) == ("SUPERSEDED", "STANDARD")
    found = pipeline.execution()
    assert found["artifactRevisions"][0]["name"] == "SourceOutput"
    assert (found["pipelineVersion"], found["status"], found["variables"]) == (1, "Succeeded", [])
    missing = {"pipelineName": pipeline.name, "pipelineExecutionId": NO_ID}
    assert code_of(pipeline.client.get_pipeline_execution, **missing) == "PipelineExecutionNotFoundException"


def test_what_actions_show(shared_cloud: Any, ask: Any) -> None:
    pipeline = ask([to_s3()])
    got, put = pipeline.actions()
    version = shared_cloud.client("s3").head_object(Bucket="sources", Key="app.zip")["VersionId"]
    assert got["input"]["configuration"]["S3Bucket"] == "sources"
    assert got["input"]["actionTypeId"]["provider"] == "S3"
    assert got["output"]["executionResult"]["externalExecutionId"] == version
    assert got["output"]["outputVariables"]["VersionId"] == version
    (artifact,) = got["output"]["outputArtifacts"]
    assert artifact["name"] == "SourceOutput"
    assert artifact["s3location"]["bucket"] == "artifacts"
    assert artifact["s3location"]["key"].startswith(pipeline.name[:20] + "/SourceOutp/")
    assert put["input"]["inputArtifacts"] == [artifact]
    assert put["output"]["executionResult"]["externalExecutionSummary"] == "Deployment Succeeded"
    assert got["lastUpdateTime"] <= put["startTime"]
    state = pipeline.stage("S0")
    assert state["latestExecution"]["status"] == "Succeeded"
    assert state["actionStates"][0]["currentRevision"]["revisionId"] == version
    assert state["actionStates"][0]["latestExecution"]["actionExecutionId"] == got["actionExecutionId"]


def test_run_orders(ask: Any) -> None:
    """Actions of the same order run at the same time; the next begin when all of them have succeeded."""
    pipeline = ask([approval("A"), approval("B"), approval("C", runOrder=2)])
    assert pipeline.told() == "Source:Succeeded A:InProgress B:InProgress"
    pipeline.answer("S1", "A")
    assert "C" not in pipeline.told()
    pipeline.answer("S1", "B")
    assert pipeline.told().endswith("C:InProgress")
    pipeline.answer("S1", "C")
    assert pipeline.statuses() == "Succeeded"


def test_a_failure_waits_for_its_neighbours(ask: Any) -> None:
    pipeline = ask([approval("A"), approval("B"), approval("C", runOrder=2)], [approval()])
    pipeline.answer("S1", "A", "Rejected")
    assert pipeline.statuses() == "InProgress"
    pipeline.answer("S1", "B")
    assert pipeline.statuses() == "Failed"
    assert pipeline.stage("S1")["latestExecution"]["status"] == "Failed"
    assert "latestExecution" not in pipeline.stage("S2")


def test_the_request_token(ask: Any) -> None:
    pipeline = ask()
    first = pipeline.start(clientRequestToken="token-1")
    assert pipeline.start(clientRequestToken="token-1") == first
    assert pipeline.start(clientRequestToken="token-2") != first
    assert len(pipeline.executions()) == 3


def test_variables(ask: Any) -> None:
    variables = [{"name": "stage", "defaultValue": "test"}, {"name": "who"}]
    pipeline = ask([approval(configuration={"CustomData": "#{variables.who} #{src.BucketName}"})], variables=variables)
    client, name = pipeline.client, pipeline.name
    assert code_of(client.start_pipeline_execution, name=name) == "ValidationException"
    unknown = [{"name": "colour", "value": "x"}, {"name": "who", "value": "x"}]
    assert code_of(client.start_pipeline_execution, name=name, variables=unknown) == "ValidationException"


def test_variables_filled_in(ask: Any, role: str, shared_cloud: Any) -> None:
    first = source(namespace="src")
    asks = approval(configuration={"CustomData": "#{variables.who}: #{src.ObjectKey} in #{src.BucketName}"})
    variables = [{"name": "who", "defaultValue": "ana"}]
    pipeline = Watched(shared_cloud, declared("filled", role, [first], [asks], variables=variables))
    pipeline.start(variables=[{"name": "who", "value": "bob"}])
    found = [
        action["input"]["resolvedConfiguration"] for action in pipeline.actions() if action["actionName"] == "Approve"
    ]
    assert found[0]["CustomData"] == "ana: app.zip in sources"
    pipeline.answer("S1")
    assert pipeline.actions(1)[-1]["input"]["resolvedConfiguration"]["CustomData"] == "bob: app.zip in sources"
    assert pipeline.execution(1)["variables"] == [{"name": "who", "resolvedValue": "bob"}]


def test_a_variable_that_is_never_given_out(ask: Any, role: str, shared_cloud: Any) -> None:
    asks = approval(configuration={"CustomData": "#{src.Colour}"})
    pipeline = Watched(shared_cloud, declared("unfilled", role, [source(namespace="src")], [asks]))
    failed = pipeline.latest("S1", "Approve")
    assert failed["status"] == "Failed"
    assert failed["errorDetails"]["code"] == "InvalidActionConfiguration"
    assert "#{src.Colour}" in failed["errorDetails"]["message"]


# Several at once


def test_superseded(ask: Any) -> None:
    """One execution in a stage; of those that wait before it the newest goes on."""
    pipeline = ask()
    pipeline.start()
    assert pipeline.statuses() == "InProgress InProgress"
    waiting = pipeline.stage("S1")["inboundExecutions"]
    assert [one["pipelineExecutionId"] for one in waiting] == [pipeline.id(1)]
    pipeline.start()
    assert pipeline.statuses() == "InProgress Superseded InProgress"
    assert pipeline.execution(1)["statusSummary"] == f"Superseded by {pipeline.id(2)}"
    pipeline.answer("S1")
    assert pipeline.stage("S1")["latestExecution"]["pipelineExecutionId"] == pipeline.id(2)
    assert pipeline.stage("S2")["latestExecution"]["pipelineExecutionId"] == pipeline.id(0)
    pipeline.answer("S2")
    pipeline.answer("S1")
    pipeline.answer("S2")
    assert pipeline.statuses() == "Succeeded Superseded Succeeded"


def test_queued(ask: Any) -> None:
    """One after another, in the order in which they began."""
    pipeline = ask(executionMode="QUEUED")
    for _ in range(2):
        pipeline.start()
    assert pipeline.statuses() == "InProgress InProgress InProgress"
    for number in range(3):
        assert pipeline.stage("S1")["latestExecution"]["pipelineExecutionId"] == pipeline.id(number)
        pipeline.answer("S1")
        pipeline.answer("S2")
    assert pipeline.statuses() == "Succeeded Succeeded Succeeded"


def test_parallel(ask: Any) -> None:
    """Nobody waits for another."""
    pipeline = ask(executionMode="PARALLEL")
    pipeline.start()
    assert pipeline.told(0) == pipeline.told(1) == "Source:Succeeded Approve:InProgress"
    pipeline.answer("S1")
    assert pipeline.told(1).endswith("Approve:Succeeded Approve:InProgress")
    assert pipeline.told(0) == "Source:Succeeded Approve:InProgress"


@pytest.mark.parametrize("mode", ["QUEUED", "PARALLEL"])
def test_fifty_at_most(ask: Any, mode: str) -> None:
    pipeline = ask(executionMode=mode)
    for _ in range(49):
        pipeline.client.start_pipeline_execution(name=pipeline.name)
    code = code_of(pipeline.client.start_pipeline_execution, name=pipeline.name)
    assert code == "ConcurrentPipelineExecutionsLimitExceededException"
    pipeline.client.delete_pipeline(name=pipeline.name)
    pipeline.cloud.settle()


def test_a_shut_door(ask: Any) -> None:
    pipeline = ask()
    pipeline.shut("S2")
    pipeline.answer("S1")
    assert "latestExecution" not in pipeline.stage("S2")
    assert pipeline.stage("S2")["inboundExecution"]["pipelineExecutionId"] == pipeline.id()
    pipeline.start()
    pipeline.answer("S1")
    assert pipeline.statuses() == "Superseded InProgress"
    pipeline.open("S2")
    assert pipeline.stage("S2")["latestExecution"] == {
        "pipelineExecutionId": pipeline.id(1),
        "status": "InProgress",
        "type": "STANDARD",
    }


# Listings


def test_pages(cloud: Any) -> None:
    pipeline = Watched(cloud, declared("pages", prepare(cloud), [source()], [approval()], executionMode="PARALLEL"))
    for _ in range(4):
        pipeline.start()
    ids = [one["pipelineExecutionId"] for one in pipeline.executions()][::-1]
    client, where = pipeline.client, {"pipelineName": "pages", "maxResults": 2}
    first = client.list_pipeline_executions(**where)
    pipeline.start()  # comes in between
    second = client.list_pipeline_executions(**where, nextToken=first["nextToken"])
    third = client.list_pipeline_executions(**where, nextToken=second["nextToken"])
    seen = [
        [one["pipelineExecutionId"] for one in page["pipelineExecutionSummaries"]] for page in (first, second, third)
    ]
    assert seen == [ids[:2], ids[2:4], ids[4:]]
    actions = client.get_paginator("list_action_executions").paginate(
        pipelineName="pages", PaginationConfig={"PageSize": 5}
    )
    counts = [len(page["actionExecutionDetails"]) for page in actions]
    assert counts == [5, 5, 2]
    for operation in (client.list_pipeline_executions, client.list_action_executions):
        assert code_of(operation, pipelineName="pages", nextToken="bad") == "InvalidNextTokenException"


def test_the_filter_by_stage_is_of_the_version_of_now(ask: Any) -> None:
    """SucceededInStageFilter: "in the current pipeline version"."""
    pipeline = ask()
    client, name = pipeline.client, pipeline.name

    def passed() -> list[str]:
        only = {"succeededInStage": {"stageName": "S0"}}
        found = client.list_pipeline_executions(pipelineName=name, filter=only)["pipelineExecutionSummaries"]
        return [one["pipelineExecutionId"] for one in found]

    assert passed() == [pipeline.id(0)]
    client.update_pipeline(pipeline=client.get_pipeline(name=name)["pipeline"])
    assert passed() == []
    pipeline.start()
    assert passed() == [pipeline.id(1)]


def test_filters(ask: Any) -> None:
    pipeline = ask()
    pipeline.answer("S1", status="Rejected")
    pipeline.start()
    pipeline.answer("S1")
    client, name = pipeline.client, pipeline.name

    def passed(stage: str) -> list[str]:
        only = {"succeededInStage": {"stageName": stage}}
        found = client.list_pipeline_executions(pipelineName=name, filter=only)["pipelineExecutionSummaries"]
        return [one["pipelineExecutionId"] for one in found]

    assert (passed("S0"), passed("S1"), passed("S2")) == ([pipeline.id(1), pipeline.id(0)], [pipeline.id(1)], [])
    pipeline.stop(abandon=True)
    pipeline.retry("S2")
    latest = {"latestInPipelineExecution": {"pipelineExecutionId": pipeline.id(1), "startTimeRange": "All"}}
    found = client.list_action_executions(pipelineName=name, filter=latest)["actionExecutionDetails"]
    assert [(one["actionName"], one["status"]) for one in found] == [
        ("Approve", "InProgress"),
        ("Approve", "Succeeded"),
        ("Source", "Succeeded"),
    ]
    missing = {"pipelineName": name, "filter": {"pipelineExecutionId": NO_ID}}
    assert code_of(client.list_action_executions, **missing) == "PipelineExecutionNotFoundException"


def test_the_last_known_state_of_an_action(ask: Any) -> None:
    """Until a new execution reaches an action, what it did last is shown."""
    pipeline = ask([approval("A"), approval("B", runOrder=2)])
    pipeline.answer("S1", "A")
    pipeline.answer("S1", "B")
    pipeline.start()
    assert pipeline.latest("S1", "A")["status"] == "InProgress"
    assert pipeline.latest("S1", "B")["status"] == "Succeeded"
    assert pipeline.stage("S1")["latestExecution"]["pipelineExecutionId"] == pipeline.id(1)
