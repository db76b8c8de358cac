"""Executions that are stopped, tried again, or lose their pipeline's form on the way."""

from typing import Any

import pytest
from pipeline_help import NO_ID, Watched, approval, declared, kind, maker, packed, prepare, source, to_s3
from services_help import ACCOUNT, code_of, may, policy, refused, service_role

LEARNER = f"arn:aws:iam::{ACCOUNT}:user/learner"


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return prepare(shared_cloud)


@pytest.fixture
def ask(shared_cloud: Any, role: str, request: pytest.FixtureRequest) -> Any:
    return maker(shared_cloud, role, request.node.name)


# Stopping


def test_stop_and_wait(ask: Any) -> None:
    pipeline = ask([approval("A"), approval("B", runOrder=2)])
    pipeline.stop(reason="lunch")
    assert pipeline.statuses() == "Stopping"
    assert pipeline.stage("S1")["latestExecution"]["status"] == "Stopping"
    again = {"pipelineName": pipeline.name, "pipelineExecutionId": pipeline.id()}
    assert code_of(pipeline.client.stop_pipeline_execution, **again) == "DuplicatedStopRequestException"
    pipeline.answer("S1", "A")
    assert (pipeline.statuses(), pipeline.told()) == ("Stopped", "Source:Succeeded A:Succeeded")
    assert pipeline.executions()[0]["stopTrigger"] == {"reason": "lunch"}
    assert pipeline.stage("S1")["latestExecution"]["status"] == "Stopped"
    assert code_of(pipeline.client.stop_pipeline_execution, **again) == "PipelineExecutionNotStoppableException"


def test_stop_and_abandon(ask: Any) -> None:
    pipeline = ask()
    pipeline.stop(abandon=True)
    assert (pipeline.statuses(), pipeline.told()) == ("Stopped", "Source:Succeeded Approve:Abandoned")
    assert pipeline.stage("S1")["latestExecution"]["status"] == "Stopped"
    assert pipeline.latest("S1", "Approve")["lastUpdatedBy"] == LEARNER


def test_waiting_and_then_abandoning(ask: Any) -> None:
    pipeline = ask()
    pipeline.stop(reason="first")
    pipeline.stop(abandon=True)
    assert pipeline.statuses() == "Stopped"
    assert pipeline.executions()[0]["stopTrigger"] == {"reason": "first"}


def test_stopping_what_waits(ask: Any) -> None:
    pipeline = ask()
    pipeline.start()
    pipeline.stop(1)
    assert pipeline.statuses() == "InProgress Stopped"
    assert pipeline.stage("S1")["inboundExecutions"] == []


def test_a_failure_while_stopping(ask: Any) -> None:
    pipeline = ask()
    pipeline.stop()
    pipeline.answer("S1", status="Rejected")
    assert pipeline.statuses() == "Stopped"


def test_a_stopped_one_makes_room(ask: Any) -> None:
    pipeline = ask()
    pipeline.start()
    pipeline.stop(0, abandon=True)
    assert pipeline.stage("S1")["latestExecution"]["pipelineExecutionId"] == pipeline.id(1)


@pytest.mark.parametrize("what", ["nothing", "over"])
def test_stopping_nothing(ask: Any, what: str) -> None:
    pipeline = ask([approval()])
    if what == "over":
        pipeline.answer("S1")
    execution = pipeline.id() if what == "over" else NO_ID
    code, message = refused(
        pipeline.client.stop_pipeline_execution, pipelineName=pipeline.name, pipelineExecutionId=execution
    )
    assert code == "PipelineExecutionNotStoppableException"
    assert message.startswith("Unable to stop the pipeline execution.")


# Retrying


def test_failed_actions_again(ask: Any) -> None:
    pipeline = ask([approval("A"), approval("B"), approval("C", runOrder=2)])
    pipeline.answer("S1", "A")
    pipeline.answer("S1", "B", "Rejected")
    pipeline.retry("S1")
    assert pipeline.told() == "Source:Succeeded A:Succeeded B:Failed B:InProgress"
    assert pipeline.statuses() == "InProgress"
    assert pipeline.stage("S1")["retryStageMetadata"]["manualStageRetryAttempt"] == 1
    pipeline.answer("S1", "B")
    pipeline.answer("S1", "C")
    assert pipeline.statuses() == "Succeeded"


def test_all_actions_again(ask: Any) -> None:
    pipeline = ask([approval("A"), approval("B", runOrder=2)])
    pipeline.answer("S1", "A")
    pipeline.answer("S1", "B", "Rejected")
    pipeline.retry("S1", "ALL_ACTIONS")
    assert pipeline.told() == "Source:Succeeded A:Succeeded B:Failed A:InProgress"
    pipeline.answer("S1", "A")
    pipeline.answer("S1", "B")
    assert pipeline.statuses() == "Succeeded"


def test_a_source_again(shared_cloud: Any, role: str) -> None:
    s3 = shared_cloud.client("s3")
    pipeline = Watched(shared_cloud, declared("late-source", role, [source(key="late.zip")], [to_s3()]))
    failed = pipeline.latest("S0", "Source")["errorDetails"]
    assert failed["message"].startswith("The object with key late.zip does not exist in the bucket sources.")
    s3.put_object(Bucket="sources", Key="late.zip", Body=packed(late_html="2"))
    pipeline.retry("S0")
    assert pipeline.statuses() == "Succeeded"
    assert s3.get_object(Bucket="site", Key="late.html")["Body"].read() == b"2"


def test_a_stopped_stage_again(ask: Any) -> None:
    pipeline = ask()
    pipeline.stop(abandon=True, reason="oops")
    pipeline.retry("S1")
    assert pipeline.told() == "Source:Succeeded Approve:Abandoned Approve:InProgress"
    pipeline.answer("S1")
    pipeline.answer("S2")
    assert pipeline.statuses() == "Succeeded"
    assert "stopTrigger" not in pipeline.executions()[0]


def test_retries_that_are_refused(ask: Any, role: str) -> None:
    pipeline = ask()
    where = {"pipelineName": pipeline.name, "retryMode": "FAILED_ACTIONS"}
    retry = pipeline.client.retry_stage_execution
    first = pipeline.id()
    assert code_of(retry, **where, stageName="S1", pipelineExecutionId=first) == "StageNotRetryableException"
    assert code_of(retry, **where, stageName="S9", pipelineExecutionId=first) == "StageNotFoundException"
    assert code_of(retry, **where, stageName="S1", pipelineExecutionId=NO_ID) == "NotLatestPipelineExecutionException"
    pipeline.answer("S1", status="Rejected")
    assert code_of(retry, **where, stageName="S2", pipelineExecutionId=first) == "StageNotRetryableException"
    pipeline.start()
    assert (
        refused(retry, **where, stageName="S1", pipelineExecutionId=first)[0] == "NotLatestPipelineExecutionException"
    )
    pipeline.answer("S1", status="Rejected")
    pipeline.client.update_pipeline(
        pipeline=declared(pipeline.name, role, [source()], [approval()], [approval("Other")])
    )
    assert code_of(retry, **where, stageName="S1", pipelineExecutionId=pipeline.id()) == "StageNotRetryableException"


# Changes of the pipeline


def test_changed_under_an_execution(ask: Any, role: str) -> None:
    """What runs is completed; then its stage and the execution fail, for good."""
    pipeline = ask()
    pipeline.client.update_pipeline(pipeline=declared(pipeline.name, role, [source()], [approval()]))
    assert pipeline.statuses() == "InProgress"
    pipeline.answer("S1")
    assert pipeline.told() == "Source:Succeeded Approve:Succeeded"
    assert pipeline.stage("S1")["latestExecution"]["status"] == "Failed"
    assert pipeline.execution()["status"] == "Failed"
    assert "was updated" in pipeline.execution()["statusSummary"]
    again = {"pipelineName": pipeline.name, "stageName": "S1", "retryMode": "FAILED_ACTIONS"}
    code = code_of(pipeline.client.retry_stage_execution, **again, pipelineExecutionId=pipeline.id())
    assert code == "StageNotRetryableException"
    pipeline.start()
    pipeline.answer("S1")
    assert pipeline.statuses() == "Failed Succeeded"


def test_changed_while_executions_wait_and_stop(ask: Any, role: str, shared_cloud: Any) -> None:
    """One that waits before a stage is cancelled; one that was being stopped before ends as stopped."""
    pipeline = ask()
    pipeline.stop()
    pipeline.shut("S1")
    pipeline.start()
    pipeline.client.update_pipeline(pipeline=declared(pipeline.name, role, [source()], [approval()]))
    shared_cloud.settle()
    assert pipeline.statuses() == "Stopping Cancelled"
    pipeline.answer("S1")
    assert pipeline.statuses() == "Stopped Cancelled"


def test_deleted_under_an_execution(ask: Any, shared_cloud: Any) -> None:
    pipeline = ask()
    token = pipeline.latest("S1", "Approve")["token"]
    pipeline.client.delete_pipeline(name=pipeline.name)
    shared_cloud.settle()
    answer = {"pipelineName": pipeline.name, "stageName": "S1", "actionName": "Approve", "token": token}
    code = code_of(pipeline.client.put_approval_result, **answer, result={"summary": "", "status": "Approved"})
    assert code == "PipelineNotFoundException"


# What other services say of it


def test_a_deployment_and_where_to_look_at_it(cloud: Any) -> None:
    """The links have the form of the AWS CLI's example of get-pipeline-state."""
    role, codedeploy = prepare(cloud), cloud.client("codedeploy")
    allowed = policy(may("codedeploy:*"))
    cloud.client("iam").put_role_policy(RoleName="pipeline", PolicyName="deploy", PolicyDocument=allowed)
    deployer = service_role(cloud, "deployer", "codedeploy", may("ec2:DescribeInstances"))
    codedeploy.create_application(applicationName="shop")
    names = {"applicationName": "shop", "deploymentGroupName": "prod"}
    codedeploy.create_deployment_group(**names, serviceRoleArn=deployer)
    action = {
        "name": "Deploy",
        "actionTypeId": kind("Deploy", "CodeDeploy"),
        "configuration": {"ApplicationName": "shop", "DeploymentGroupName": "prod"},
        "inputArtifacts": [{"name": "SourceOutput"}],
    }
    pipeline = Watched(cloud, declared("deploys", role, [source()], [action]))
    found, result = pipeline.latest("S1", "Deploy"), pipeline.actions()[-1]["output"]["executionResult"]
    assert (found["status"], found["errorDetails"]["code"]) == ("Failed", "JobFailed")
    assert "no instances were found" in found["errorDetails"]["message"]
    (deployment,) = codedeploy.list_deployments(**names)["deployments"]
    link = f"https://console.aws.amazon.com/codedeploy/home?region=us-east-1#/deployments/{deployment}"
    assert (found["externalExecutionId"], found["externalExecutionUrl"]) == (deployment, link)
    assert result["externalExecutionUrl"] == link
    group = "https://console.aws.amazon.com/codedeploy/home?region=us-east-1#/applications/shop/deployment-groups/prod"
    assert pipeline.stage("S1")["actionStates"][0]["entityUrl"] == group
