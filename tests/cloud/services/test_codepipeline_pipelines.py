"""Pipelines: created, read, changed, deleted, listed, tagged; roles; transitions."""

from typing import Any

import pytest
from pipeline_help import NO_ID, Watched, approval, declared, prepare, source
from services_help import ACCOUNT, code_of, may, person, refused, service_role, trail, trusting

PLACE = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:"


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return prepare(shared_cloud)


@pytest.fixture
def client(shared_cloud: Any) -> Any:
    return shared_cloud.client("codepipeline")


def simple(name: str, role: str, **more: Any) -> dict[str, Any]:
    return declared(name, role, [source()], [approval()], **more)


def test_created_and_read(client: Any, role: str) -> None:
    made = client.create_pipeline(pipeline=simple("new", role), tags=[{"key": "a", "value": "1"}])
    assert made["tags"] == [{"key": "a", "value": "1"}]
    found = client.get_pipeline(name="new")
    assert found["pipeline"] == made["pipeline"]
    assert found["metadata"]["pipelineArn"] == PLACE + "new"
    assert found["metadata"]["created"] == found["metadata"]["updated"]
    pipeline = found["pipeline"]
    assert (pipeline["version"], pipeline["executionMode"], pipeline["pipelineType"]) == (1, "SUPERSEDED", "V2")
    asked = pipeline["stages"][1]["actions"][0]
    assert (asked["runOrder"], asked["configuration"], asked["inputArtifacts"]) == (1, {}, [])
    assert refused(client.create_pipeline, pipeline=simple("new", role)) == (
        "PipelineNameInUseException",
        f"A pipeline with the name 'new' already exists in account '{ACCOUNT}'",
    )
    (first,) = client.list_pipeline_executions(pipelineName="new")["pipelineExecutionSummaries"]
    assert first["trigger"] == {
        "triggerType": "CreatePipeline",
        "triggerDetail": f"arn:aws:iam::{ACCOUNT}:user/learner",
    }


def test_changed(client: Any, role: str) -> None:
    client.create_pipeline(pipeline=simple("changed", role))
    before = len(client.list_pipeline_executions(pipelineName="changed")["pipelineExecutionSummaries"])
    more = declared("changed", role, [source()], [approval()], [approval("Again")])
    assert client.update_pipeline(pipeline=more)["pipeline"]["version"] == 2
    found = client.get_pipeline(name="changed", version=2)
    assert [stage["name"] for stage in found["pipeline"]["stages"]] == ["S0", "S1", "S2"]
    assert refused(client.get_pipeline, name="changed", version=7) == (
        "PipelineVersionNotFoundException",
        "Could not find version 7 of pipeline 'changed'",
    )
    after = client.list_pipeline_executions(pipelineName="changed")["pipelineExecutionSummaries"]
    assert len(after) == before  # a change starts nothing
    bad = declared("changed", role, [source()])
    assert code_of(client.update_pipeline, pipeline=bad) == "InvalidStructureException"
    assert client.get_pipeline(name="changed")["pipeline"]["version"] == 2


def test_deleted(client: Any, role: str) -> None:
    client.create_pipeline(pipeline=simple("gone", role))
    client.delete_pipeline(name="gone")
    client.delete_pipeline(name="gone")
    assert code_of(client.get_pipeline, name="gone") == "PipelineNotFoundException"
    client.create_pipeline(pipeline=simple("gone", role))
    assert len(client.list_pipeline_executions(pipelineName="gone")["pipelineExecutionSummaries"]) == 1


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_pipeline", {"name": "nowhere"}),
        ("get_pipeline_state", {"name": "nowhere"}),
        ("start_pipeline_execution", {"name": "nowhere"}),
        ("list_pipeline_executions", {"pipelineName": "nowhere"}),
        ("list_action_executions", {"pipelineName": "nowhere"}),
        ("get_pipeline_execution", {"pipelineName": "nowhere", "pipelineExecutionId": NO_ID}),
        ("stop_pipeline_execution", {"pipelineName": "nowhere", "pipelineExecutionId": NO_ID}),
        (
            "retry_stage_execution",
            {"pipelineName": "nowhere", "stageName": "S", "pipelineExecutionId": NO_ID, "retryMode": "ALL_ACTIONS"},
        ),
        (
            "put_approval_result",
            {
                "pipelineName": "nowhere",
                "stageName": "S",
                "actionName": "A",
                "token": "11111111-2222-3333-4444-555555555555",
                "result": {"summary": "x", "status": "Approved"},
            },
        ),
        (
            "disable_stage_transition",
            {"pipelineName": "nowhere", "stageName": "S", "transitionType": "Inbound", "reason": "x"},
        ),
        ("enable_stage_transition", {"pipelineName": "nowhere", "stageName": "S", "transitionType": "Inbound"}),
    ],
)
def test_a_pipeline_that_is_not_there(client: Any, operation: str, params: dict[str, Any]) -> None:
    assert refused(getattr(client, operation), **params) == (
        "PipelineNotFoundException",
        f"Account '{ACCOUNT}' does not have a pipeline with name 'nowhere'",
    )


def test_update_of_nothing(client: Any, role: str) -> None:
    assert code_of(client.update_pipeline, pipeline=simple("never", role)) == "PipelineNotFoundException"


def test_listed(cloud: Any) -> None:
    role, client = prepare(cloud), cloud.client("codepipeline")
    names = [f"p{number}" for number in range(5)]
    for name in reversed(names):
        client.create_pipeline(pipeline=simple(name, role))
    pages = client.get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["name"] for one in page["pipelines"]] for page in pages] == [names[:2], names[2:4], names[4:]]
    found = client.list_pipelines()["pipelines"][0]
    assert (found["version"], found["pipelineType"], found["executionMode"]) == (1, "V2", "SUPERSEDED")
    assert code_of(client.list_pipelines, nextToken="bad") == "InvalidNextTokenException"
    assert cloud.client("codepipeline", region_name="eu-west-1").list_pipelines()["pipelines"] == []


def test_tags(client: Any, role: str) -> None:
    client.create_pipeline(pipeline=simple("tagged", role), tags=[{"key": "a", "value": "1"}])
    arn = PLACE + "tagged"
    client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
    client.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "3"}]
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert code_of(client.tag_resource, resourceArn=arn, tags=many) == "TooManyTagsException"
    assert code_of(client.tag_resource, resourceArn=arn, tags=[{"key": "aws:x", "value": ""}]) == "InvalidTagsException"
    for operation, params in (
        (client.tag_resource, {"tags": []}),
        (client.untag_resource, {"tagKeys": []}),
        (client.list_tags_for_resource, {}),
    ):
        assert code_of(operation, resourceArn=PLACE + "nowhere", **params) == "ResourceNotFoundException"


# Roles


@pytest.mark.parametrize("fault", ["no trust", "no role"])
def test_a_role_that_codepipeline_may_not_assume(client: Any, shared_cloud: Any, fault: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    if fault == "no trust":
        arn = service_role(shared_cloud, "untrusting", "codebuild")
    assert refused(client.create_pipeline, pipeline=simple("roleless", arn)) == (
        "InvalidStructureException",
        f"CodePipeline is not authorized to perform AssumeRole on role {arn}",
    )
    assert code_of(client.get_pipeline, name="roleless") == "PipelineNotFoundException"
    entry = trail(shared_cloud, "AssumeRole")[-1]
    assert entry["userIdentity"] == {"type": "AWSService", "invokedBy": "codepipeline.amazonaws.com"}
    assert entry["errorCode"] == "AccessDenied"


def test_roles_are_passed(client: Any, shared_cloud: Any, role: str) -> None:
    other = service_role(shared_cloud, "of-an-action", "codepipeline")
    pipeline = declared("passes", role, [source(roleArn=other)], [approval()])
    mine = person(shared_cloud, "no-passing", may("codepipeline:*"))("codepipeline")
    code, message = refused(mine.create_pipeline, pipeline=pipeline)
    assert (code, f"iam:PassRole on resource: {role}" in message) == ("AccessDeniedException", True)
    to_pipelines = {"StringEquals": {"iam:PassedToService": "codepipeline.amazonaws.com"}}
    half = person(shared_cloud, "half", may("codepipeline:*"), may("iam:PassRole", resource=role, **to_pipelines))
    code, message = refused(half("codepipeline").create_pipeline, pipeline=pipeline)
    assert f"iam:PassRole on resource: {other}" in message
    both = may("codepipeline:*"), may("iam:PassRole", resource=[role, other], **to_pipelines)
    made = person(shared_cloud, "passing", *both)("codepipeline").create_pipeline(pipeline=pipeline)
    assert made["pipeline"]["name"] == "passes"
    assert code_of(mine.update_pipeline, pipeline=pipeline) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("action", "resource", "call"),
    [
        ("GetPipeline", "guarded", lambda c: c.get_pipeline(name="guarded")),
        ("GetPipelineState", "guarded", lambda c: c.get_pipeline_state(name="guarded")),
        (
            "DisableStageTransition",
            "guarded/S1",
            lambda c: c.disable_stage_transition(
                pipelineName="guarded", stageName="S1", transitionType="Inbound", reason="x"
            ),
        ),
        ("ListTagsForResource", "guarded", lambda c: c.list_tags_for_resource(resourceArn=PLACE + "guarded")),
    ],
)
def test_permissions(shared_cloud: Any, role: str, action: str, resource: str, call: Any) -> None:
    admin = shared_cloud.client("codepipeline")
    if "guarded" not in {one["name"] for one in admin.list_pipelines()["pipelines"]}:
        admin.create_pipeline(pipeline=simple("guarded", role))
    allowed = may(f"codepipeline:{action}", resource=PLACE + resource)
    call(person(shared_cloud, f"may-{action}", allowed)("codepipeline"))
    elsewhere = may(f"codepipeline:{action}", resource=PLACE + "other*")
    other = person(shared_cloud, f"may-not-{action}", elsewhere)("codepipeline")
    code, message = refused(call, other)
    assert code == "AccessDeniedException"
    assert f"codepipeline:{action} on resource: {PLACE}{resource} because" in message


def test_action_types(client: Any) -> None:
    found = {(one["id"]["category"], one["id"]["provider"]): one for one in client.list_action_types()["actionTypes"]}
    build = found["Build", "CodeBuild"]
    assert build["inputArtifactDetails"] == {"minimumCount": 1, "maximumCount": 5}
    required = [one["name"] for one in build["actionConfigurationProperties"] if one["required"]]
    assert required == ["ProjectName"]
    assert client.list_action_types(actionOwnerFilter="Custom")["actionTypes"] == []
    assert code_of(client.list_action_types, regionFilter="eu-west-1") == "NotSimulated"


# Transitions


def test_transitions(client: Any, role: str) -> None:
    client.create_pipeline(pipeline=simple("doors", role))
    where = {"pipelineName": "doors", "stageName": "S1", "transitionType": "Inbound"}

    def door() -> Any:
        return client.get_pipeline_state(name="doors")["stageStates"][1]["inboundTransitionState"]

    assert door() == {"enabled": True}
    client.disable_stage_transition(**where, reason="not now")
    shut = door()
    assert shut.pop("lastChangedAt")
    assert shut == {
        "enabled": False,
        "lastChangedBy": f"arn:aws:iam::{ACCOUNT}:user/learner",
        "disabledReason": "not now",
    }
    client.update_pipeline(pipeline=simple("doors", role))
    assert door()["enabled"] is False
    client.enable_stage_transition(**where)
    client.enable_stage_transition(**where)
    assert door() == {"enabled": True}
    outward = {**where, "transitionType": "Outbound"}
    assert code_of(client.disable_stage_transition, **outward, reason="x") == "NotSimulated"
    assert code_of(client.enable_stage_transition, **outward) == "NotSimulated"
    missing = {**where, "stageName": "S9"}
    assert refused(client.enable_stage_transition, **missing) == (
        "StageNotFoundException",
        "Pipeline 'doors' does not have a stage with name 'S9'",
    )
    assert code_of(client.disable_stage_transition, **missing, reason="x") == "StageNotFoundException"


def test_an_old_pipeline_is_read_after_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    Watched(first, simple("kept", prepare(first)))
    first.stop()
    second = start_cloud(home=first.home)
    found = second.client("codepipeline").get_pipeline(name="kept")["pipeline"]
    assert found["stages"][0]["actions"][0]["name"] == "Source"


def test_trust_withdrawn_later(cloud: Any) -> None:
    """The role is assumed anew for each action: an execution begun later fails, and says why."""
    role = prepare(cloud)
    pipeline = Watched(cloud, simple("withdrawn", role))
    cloud.client("iam").update_assume_role_policy(RoleName="pipeline", PolicyDocument=trusting("ec2.amazonaws.com"))
    pipeline.start()
    failed = pipeline.latest("S0", "Source")
    assert failed["status"] == "Failed"
    assert failed["errorDetails"] == {
        "code": "PermissionError",
        "message": f"CodePipeline is not authorized to perform AssumeRole on role {role}",
    }
