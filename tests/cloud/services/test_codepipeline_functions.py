"""The Lambda invoke action: a function is called with a job, and answers how it went."""

import json
from typing import Any

import pytest
from lambda_help import function, role_for_functions
from pipeline_help import Watched, declared, kind, prepare, source
from services_help import ACCOUNT, code_of, may, policy, service_role

CODE = """
import boto3, json
def handler(event, context):
    job = event["CodePipeline.job"]
    told = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    pipeline = boto3.client("codepipeline")
    if told["do"] == "fail":
        details = {"type": "JobFailed", "message": "not good enough"}
        pipeline.put_job_failure_result(jobId=job["id"], failureDetails=details)
    elif told["do"] == "read":
        place = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
        keys = job["data"]["artifactCredentials"]
        s3 = boto3.client("s3", aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
                          aws_session_token=keys["sessionToken"])
        size = s3.get_object(Bucket=place["bucketName"], Key=place["objectKey"])["ContentLength"]
        try:
            s3.list_objects_v2(Bucket=place["bucketName"])
            may_list = "yes"
        except s3.exceptions.ClientError:
            may_list = "no"
        pipeline.put_job_success_result(jobId=job["id"], outputVariables={"size": str(size), "list": may_list})
    elif told["do"] == "continue":
        if "continuationToken" not in job["data"]:
            pipeline.put_job_success_result(jobId=job["id"], continuationToken="more")
        else:
            pipeline.put_job_success_result(jobId=job["id"], executionDetails={"summary": "at last"})
"""


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    arn = prepare(shared_cloud)
    answers = may("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult")
    function(shared_cloud, "hook", CODE, role=role_for_functions(shared_cloud, "functions", answers))
    rights = policy(may("s3:*", "sns:Publish", "lambda:InvokeFunction"))
    shared_cloud.client("iam").put_role_policy(RoleName="pipeline", PolicyName="own", PolicyDocument=rights)
    return arn


def hooked(cloud: Any, role: str, name: str, do: str, **more: Any) -> Watched:
    action = {
        "name": "Hook",
        "actionTypeId": kind("Invoke", "Lambda"),
        "configuration": {"FunctionName": "hook", "UserParameters": json.dumps({"do": do})},
        "inputArtifacts": [{"name": "SourceOutput"}],
        **more,
    }
    return Watched(cloud, declared(name, role, [source()], [action]))


def test_a_function_reads_the_artifact_and_gives_variables(shared_cloud: Any, role: str) -> None:
    pipeline = hooked(shared_cloud, role, "reads", "read", namespace="hook")
    assert pipeline.statuses() == "Succeeded", pipeline.latest("S1", "Hook")
    found = pipeline.actions()[-1]["output"]["outputVariables"]
    assert int(found["size"]) > 0
    assert found["list"] == "no"  # the credentials are for the artifacts alone


def test_a_function_fails_its_action(shared_cloud: Any, role: str) -> None:
    pipeline = hooked(shared_cloud, role, "fails", "fail")
    assert pipeline.statuses() == "Failed"
    assert pipeline.latest("S1", "Hook")["errorDetails"] == {"code": "JobFailed", "message": "not good enough"}


def test_a_function_goes_on_with_a_token(shared_cloud: Any, role: str) -> None:
    pipeline = hooked(shared_cloud, role, "continues", "continue")
    assert pipeline.statuses() == "InProgress"
    shared_cloud.advance(31)
    shared_cloud.settle()
    assert pipeline.statuses() == "Succeeded"
    assert pipeline.latest("S1", "Hook")["summary"] == "at last"


def test_twenty_minutes_of_silence_are_a_failure(shared_cloud: Any, role: str) -> None:
    pipeline = hooked(shared_cloud, role, "silent", "nothing")
    assert pipeline.statuses() == "InProgress"
    shared_cloud.advance(1201)
    shared_cloud.settle()
    assert pipeline.statuses() == "Failed"
    assert pipeline.latest("S1", "Hook")["errorDetails"]["code"] == "TimeoutError"


def test_a_role_that_may_not_call_the_function(shared_cloud: Any, role: str) -> None:
    other = service_role(shared_cloud, "no-caller", "codepipeline", may("s3:*"))
    pipeline = hooked(shared_cloud, other, "refused", "read")
    assert pipeline.latest("S1", "Hook")["errorDetails"]["code"] == "PermissionError"


def test_answers_about_no_job(shared_cloud: Any) -> None:
    client = shared_cloud.client("codepipeline")
    nothing = "11111111-1111-1111-1111-111111111111"
    assert code_of(client.put_job_success_result, jobId=nothing) == "JobNotFoundException"
    details = {"type": "JobFailed", "message": ACCOUNT}
    assert code_of(client.put_job_failure_result, jobId=nothing, failureDetails=details) == "JobNotFoundException"
