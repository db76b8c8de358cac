"""Manual approvals: asked by mail, answered once, by whom it may be, in time."""

import json
from typing import Any

import pytest
from pipeline_help import Watched, approval, declared, prepare, source
from services_help import (
    ACCOUNT,
    code_of,
    may,
    news,
    person,
    policy,
    refused,
    service_role,
    subscribed,
    text_of,
    trail,
)

WEEK = 7 * 86_400


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return prepare(shared_cloud)


def topic_of(cloud: Any, name: str) -> str:
    arn: str = cloud.client("sns").create_topic(Name=name)["TopicArn"]
    return arn


def asking(cloud: Any, role: str, name: str, **configuration: str) -> Watched:
    return Watched(cloud, declared(name, role, [source()], [approval(configuration=configuration)]))


def test_asked_by_mail(shared_cloud: Any, role: str) -> None:
    topic = topic_of(shared_cloud, "approvals")
    subscribed(shared_cloud, topic, "people@example.com")
    subscribed(shared_cloud, topic, "machines@example.com", "email-json")
    configuration = {
        "NotificationArn": topic, "CustomData": "Look at the page", "ExternalEntityLink": "https://example.com/page",
    }  # fmt: skip
    pipeline = asking(shared_cloud, role, "asks", **configuration)
    token = pipeline.latest("S1", "Approve")["token"]
    (letter,) = news(shared_cloud, "people@example.com")
    assert letter["subject"] == "APPROVAL NEEDED: AWS CodePipeline asks for action Approve"
    text = text_of(letter)
    for part in (
        "Pipeline name: asks",
        "Stage name: S1",
        "Action name: Approve",
        "Look at the page",
        "https://example.com/page",
    ):
        assert part in text
    assert token in text
    (mail,) = news(shared_cloud, "machines@example.com")
    told = json.loads(json.loads(mail["body"])["Message"])
    assert told["region"] == "us-east-1"
    shown = told["approval"]
    assert shown.pop("approvalReviewLink").endswith(f"#/S1/Approve/approve/{token}")
    assert shown.pop("expires")[10:11] == "T"
    assert shown == {
        "pipelineName": "asks",
        "stageName": "S1",
        "actionName": "Approve",
        "token": token,
        "externalEntityLink": "https://example.com/page",
        "customData": "Look at the page",
    }
    published = trail(shared_cloud, "Publish")[-1]
    assert published["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == role
    assert published["sourceIPAddress"] == "codepipeline.amazonaws.com"


def test_without_a_topic_nobody_is_asked(shared_cloud: Any, role: str) -> None:
    pipeline = asking(shared_cloud, role, "quiet")
    assert pipeline.latest("S1", "Approve")["status"] == "InProgress"


def test_a_long_name_in_a_subject(shared_cloud: Any, role: str) -> None:
    topic = topic_of(shared_cloud, "long-subjects")
    subscribed(shared_cloud, topic, "long@example.com")
    asking(shared_cloud, role, "x" * 99, NotificationArn=topic)
    (letter,) = news(shared_cloud, "long@example.com")
    assert len(letter["subject"]) == 100
    assert letter["subject"].endswith("...")


@pytest.mark.parametrize(("status", "found"), [("Approved", "Succeeded"), ("Rejected", "Failed")])
def test_answered(shared_cloud: Any, role: str, status: str, found: str) -> None:
    pipeline = asking(shared_cloud, role, f"answered-{status}")
    before = pipeline.latest("S1", "Approve")
    answer = pipeline.client.put_approval_result(
        pipelineName=pipeline.name,
        stageName="S1",
        actionName="Approve",
        token=before["token"],
        result={"summary": "because", "status": status},
    )
    shared_cloud.settle()
    assert answer["approvedAt"]
    after = pipeline.latest("S1", "Approve")
    assert (after["status"], after["summary"]) == (found, "because")
    assert after["lastUpdatedBy"] == f"arn:aws:iam::{ACCOUNT}:user/learner"
    assert "token" not in after
    assert pipeline.statuses() == found
    assert ("errorDetails" in after) is (status == "Rejected")
    assert pipeline.actions()[-1]["updatedBy"] == after["lastUpdatedBy"]


def test_answered_twice(shared_cloud: Any, role: str) -> None:
    pipeline = asking(shared_cloud, role, "twice")
    token = pipeline.latest("S1", "Approve")["token"]
    pipeline.answer("S1")
    again = {"pipelineName": "twice", "stageName": "S1", "actionName": "Approve", "token": token}
    result = {"summary": "no!", "status": "Rejected"}
    assert code_of(pipeline.client.put_approval_result, **again, result=result) == "ApprovalAlreadyCompletedException"
    assert pipeline.latest("S1", "Approve")["summary"] == "ok"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "11111111-2222-3333-4444-555555555555"}, "InvalidApprovalTokenException"),
        ({"stageName": "S9"}, "StageNotFoundException"),
        ({"actionName": "Other"}, "ActionNotFoundException"),
        ({"stageName": "S0", "actionName": "Source"}, "InvalidApprovalTokenException"),
        ({"token": "no token"}, "ValidationException"),
    ],
)
def test_wrong_answers(shared_cloud: Any, role: str, change: dict[str, str], code: str) -> None:
    name = "wrong-answers"
    if name not in {one["name"] for one in shared_cloud.client("codepipeline").list_pipelines()["pipelines"]}:
        asking(shared_cloud, role, name)
    client = shared_cloud.client("codepipeline")
    state = client.get_pipeline_state(name=name)["stageStates"][1]["actionStates"][0]["latestExecution"]
    params = {"stageName": "S1", "actionName": "Approve", "token": state["token"], **change}
    result = {"summary": "", "status": "Approved"}
    assert code_of(client.put_approval_result, pipelineName=name, **params, result=result) == code
    state = client.get_pipeline_state(name=name)["stageStates"][1]["actionStates"][0]["latestExecution"]
    assert state["status"] == "InProgress"


def test_the_answer_to_another_execution(shared_cloud: Any, role: str) -> None:
    """A token belongs to one try of one action."""
    pipeline = asking(shared_cloud, role, "tokens")
    old = pipeline.latest("S1", "Approve")["token"]
    pipeline.answer("S1", status="Rejected")
    pipeline.retry("S1")
    assert pipeline.latest("S1", "Approve")["token"] != old
    params = {"pipelineName": "tokens", "stageName": "S1", "actionName": "Approve", "token": old}
    result = {"summary": "", "status": "Approved"}
    assert code_of(pipeline.client.put_approval_result, **params, result=result) == "ApprovalAlreadyCompletedException"


def test_who_may_approve(shared_cloud: Any, role: str) -> None:
    pipeline = asking(shared_cloud, role, "by-right")
    place = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:by-right"
    params = {
        "pipelineName": "by-right", "stageName": "S1", "actionName": "Approve",
        "token": pipeline.latest("S1", "Approve")["token"], "result": {"summary": "", "status": "Approved"},
    }  # fmt: skip
    other = person(shared_cloud, "no-approver", may("codepipeline:PutApprovalResult", resource=place + "/S1/Other"))
    code, message = refused(other("codepipeline").put_approval_result, **params)
    assert code == "AccessDeniedException"
    assert f"codepipeline:PutApprovalResult on resource: {place}/S1/Approve" in message
    approver = person(shared_cloud, "approver", may("codepipeline:PutApprovalResult", resource=place + "/S1/Approve"))
    approver("codepipeline").put_approval_result(**params)
    shared_cloud.settle()
    assert pipeline.latest("S1", "Approve")["lastUpdatedBy"] == f"arn:aws:iam::{ACCOUNT}:user/approver"


def test_a_role_that_may_not_publish(cloud: Any) -> None:
    prepare(cloud)
    topic = topic_of(cloud, "unreachable")
    subscribed(cloud, topic, "nobody@example.com")
    silent = service_role(cloud, "silent", "codepipeline", may("s3:*"))
    pipeline = asking(cloud, silent, "silent", NotificationArn=topic)
    failed = pipeline.latest("S1", "Approve")
    assert (failed["status"], pipeline.statuses()) == ("Failed", "Failed")
    assert failed["errorDetails"]["code"] == "PermissionError"
    message = failed["errorDetails"]["message"]
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/silent/silent is not authorized to perform: ")
    assert f"on resource: {topic} because no identity-based policy allows the" in message
    assert news(cloud, "nobody@example.com") == []
    cloud.client("iam").put_role_policy(RoleName="silent", PolicyName="more", PolicyDocument=policy(may("sns:Publish")))
    pipeline.retry("S1")
    assert len(news(cloud, "nobody@example.com")) == 1
    pipeline.answer("S1")
    assert pipeline.statuses() == "Succeeded"


def test_a_topic_that_is_not_there(shared_cloud: Any, role: str) -> None:
    missing = f"arn:aws:sns:us-east-1:{ACCOUNT}:nowhere"
    pipeline = asking(shared_cloud, role, "no-topic", NotificationArn=missing)
    failed = pipeline.latest("S1", "Approve")
    assert (failed["status"], failed["errorDetails"]["message"]) == ("Failed", "Topic does not exist")


@pytest.mark.parametrize(("minutes", "seconds"), [(None, WEEK), (5, 300)])
def test_not_answered_in_time(cloud: Any, minutes: int | None, seconds: int) -> None:
    more = {"timeoutInMinutes": minutes} if minutes else {}
    pipeline = Watched(cloud, declared("slow", prepare(cloud), [source()], [approval(**more)]))
    token = pipeline.latest("S1", "Approve")["token"]
    cloud.advance(seconds - 30)
    cloud.settle()
    assert pipeline.statuses() == "InProgress"
    cloud.advance(60)
    cloud.settle()
    assert pipeline.statuses() == "Failed"
    assert pipeline.latest("S1", "Approve")["errorDetails"]["code"] == "TimeoutError"
    late = {"pipelineName": "slow", "stageName": "S1", "actionName": "Approve", "token": token}
    result = {"summary": "", "status": "Approved"}
    assert code_of(pipeline.client.put_approval_result, **late, result=result) == "ApprovalAlreadyCompletedException"


def test_waiting_over_a_restart(start_cloud: Any) -> None:
    """The question stands, is not asked again, and the answer goes on with the execution."""
    first = start_cloud()
    role = prepare(first)
    topic = topic_of(first, "restarts")
    subscribed(first, topic, "restart@example.com")
    stages = [source()], [approval(configuration={"NotificationArn": topic})], [approval("Last")]
    pipeline = Watched(first, declared("restarts", role, *stages))
    token = pipeline.latest("S1", "Approve")["token"]
    first.stop()
    second = start_cloud(home=first.home)
    second.settle()
    pipeline.cloud, pipeline.client = second, second.client("codepipeline")
    assert pipeline.latest("S1", "Approve")["token"] == token
    assert len(news(second, "restart@example.com")) == 1
    pipeline.answer("S1")
    assert pipeline.told().endswith("Approve:Succeeded Last:InProgress")
    second.advance(WEEK + 60)
    second.settle()
    assert pipeline.statuses() == "Failed"
