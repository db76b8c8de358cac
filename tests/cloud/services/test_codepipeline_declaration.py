"""Declarations that CreatePipeline takes and refuses; each refusal is one change to a good one."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from pipeline_help import approval, declared, kind, source, to_s3

import labsupport.samples
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline import actions
from labsupport.cloud.services.codepipeline.declaration import PROVIDERS, check, store

ROLE = "arn:aws:iam::123456789012:role/pipeline"


def build(name: str = "Build", given: str = "SourceOutput", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": kind("Build", "CodeBuild"),
        "configuration": {"ProjectName": "web"},
        "inputArtifacts": [{"name": given}],
        "outputArtifacts": [{"name": f"{name}Output"}],
        **more,
    }


def good() -> dict[str, Any]:
    return declared(
        "demo",
        ROLE,
        [source(namespace="src")],
        [build(), {**to_s3(given="BuildOutput"), "runOrder": 2}],
        [approval()],
        variables=[{"name": "stage", "defaultValue": "test"}],
        executionMode="QUEUED",
    )


def action(pipeline: dict[str, Any], stage: int, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = pipeline["stages"][stage]["actions"][number]
    return found


def test_a_good_one() -> None:
    check(good(), "us-east-1")
    assert store(good()) == {"type": "S3", "location": "artifacts"}


def test_the_samples() -> None:
    text = (labsupport.samples.__file__ or "").replace("__init__.py", "pipeline.json")
    with open(text) as file:
        sample = json.load(file)["pipeline"]
    check(sample, "us-east-1")


def put(place: Callable[[dict[str, Any]], dict[str, Any]], **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(pipeline: dict[str, Any]) -> None:
        place(pipeline).update(values)

    return change


def at(stage: int, number: int = 0) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda pipeline: action(pipeline, stage, number)


def configured(stage: int, number: int = 0) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda pipeline: action(pipeline, stage, number).setdefault("configuration", {})


STRUCTURE, ACTION, LACKING = "InvalidStructureException", "InvalidActionDeclarationException", "NotSimulated"
ITSELF: Callable[[dict[str, Any]], dict[str, Any]] = lambda pipeline: pipeline  # noqa: E731
STORES = {"us-east-1": {"type": "S3", "location": "a"}, "eu-west-1": {"type": "S3", "location": "b"}}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            lambda p: p.update(stages=p["stages"][:1]),
            STRUCTURE,
            "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline",
        ),
        (lambda p: p.pop("artifactStore"), STRUCTURE, "Either artifactStore or artifactStores has to be given"),
        (put(ITSELF, artifactStores=STORES), STRUCTURE, "Either artifactStore or artifactStores has to be given"),
        (
            lambda p: (p.pop("artifactStore"), p.update(artifactStores=STORES)),
            LACKING,
            "artifact stores in several regions",
        ),
        (
            lambda p: (p.pop("artifactStore"), p.update(artifactStores={"eu-west-1": {}})),
            STRUCTURE,
            "need one in the region of the pipeline",
        ),
        (lambda p: p["stages"][2].update(name="S1"), STRUCTURE, "more than one stage with name 'S1'"),
        (lambda p: p["stages"][2].update(actions=[]), STRUCTURE, "Stage 'S2' has no actions"),
        (put(at(1, 1), name="Build"), STRUCTURE, "more than one action with name 'Build'"),
        (put(at(1), namespace="src"), STRUCTURE, "The namespace 'src' is used by more than one action"),
        (
            lambda p: p["stages"][0]["actions"].append(approval()),
            STRUCTURE,
            "Pipeline should start with a stage that only contains source actions",
        ),
        (
            lambda p: p["stages"][2]["actions"].append(source("Late", output="Late")),
            STRUCTURE,
            "Only the first stage may contain source actions",
        ),
        (put(at(1), actionTypeId=kind("Build", "Jenkins")), LACKING, "The action type Build/Jenkins"),
        (put(at(0), actionTypeId=kind("Source", "ECR")), LACKING, "The action type Source/ECR"),
        (put(at(1), actionTypeId=kind("Invoke", "StepFunctions")), LACKING, "The action type Invoke/StepFunctions"),
        (put(at(1), actionTypeId={**kind("Build", "X"), "owner": "Custom"}), LACKING, "An action of the owner Custom"),
        (
            put(at(1), actionTypeId=kind("Build", "CodeBuilder")),
            STRUCTURE,
            "ActionType (category=Build, owner=AWS, provider=CodeBuilder, version=1)",
        ),
        (
            put(at(1), actionTypeId={**kind("Build", "CodeBuild"), "version": "2"}),
            STRUCTURE,
            "is not available in region",
        ),
        (put(at(0), outputArtifacts=[]), ACTION, "Action 'Source' has 0 output artifact(s)"),
        (put(at(0), outputArtifacts=[{"name": "a"}, {"name": "b"}]), ACTION, "a minimum of 1 and a maximum of 1"),
        (put(at(1), inputArtifacts=[]), ACTION, "Action 'Build' has 0 input artifact(s)"),
        (put(at(2), inputArtifacts=[{"name": "SourceOutput"}]), ACTION, "Action 'Approve' has 1 input artifact(s)"),
        (
            lambda p: action(p, 0)["configuration"].pop("S3Bucket"),
            ACTION,
            "Action configuration for action 'Source' is missing required configuration 'S3Bucket'",
        ),
        (put(configured(0), S3Bucket=""), ACTION, "is missing required configuration 'S3Bucket'"),
        (
            put(configured(1), Colour="red"),
            ACTION,
            "Action configuration for action 'Build' contains unknown configuration 'Colour'",
        ),
        (
            put(at(1), inputArtifacts=[{"name": "Nothing"}]),
            STRUCTURE,
            "Input Artifact Bundle Nothing in action Build is not declared as Output Artifact Bundle in any of the "
            "preceding actions",
        ),
        (
            put(at(1), inputArtifacts=[{"name": "BuildOutput"}]),
            STRUCTURE,
            "Input Artifact Bundle BuildOutput in action Build",
        ),
        (put(at(1, 1), runOrder=1), STRUCTURE, "Input Artifact Bundle BuildOutput in action Deploy"),
        (
            put(at(1), outputArtifacts=[{"name": "SourceOutput"}]),
            STRUCTURE,
            "Output artifact name must be unique within the pipeline",
        ),
        (put(at(1), timeoutInMinutes=5), ACTION, "timeoutInMinutes, which only manual approvals have"),
        (put(at(1), region="eu-west-1"), LACKING, "An action in another region"),
        (put(ITSELF, pipelineType="V1"), STRUCTURE, "is available for pipelines of type V2 only"),
        (put(ITSELF, triggers=[{"providerType": "CodeStarSourceConnection"}]), LACKING, "Triggers with filters"),
        (
            lambda p: p["stages"][1].update(onFailure={"result": "ROLLBACK"}),
            LACKING,
            "The condition onFailure of a stage",
        ),
        (lambda p: p["stages"][1].update(beforeEntry={"conditions": [1]}), LACKING, "The condition beforeEntry"),
        (lambda p: p["stages"][1].update(blockers=[{"name": "b"}]), LACKING, "The gate b of a stage"),
        (put(configured(2), CustomData="#{nobody.x}"), ACTION, "'#{nobody.x}'"),
        (put(configured(2), CustomData="#{variables.colour}"), ACTION, "'#{variables.colour}'"),
    ],
)
def test_refused(change: Callable[[dict[str, Any]], Any], code: str, message: str) -> None:
    pipeline = good()
    change(pipeline)
    with pytest.raises(AwsError) as caught:
        check(pipeline, "us-east-1")
    assert caught.value.code == code
    assert message in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        put(at(1), region="us-east-1"),
        put(at(2), timeoutInMinutes=5),
        put(configured(2), CustomData="#{src.VersionId} #{variables.stage} #{codepipeline.PipelineExecutionId}"),
        put(at(1), outputArtifacts=[{"name": f"Out{number}"} for number in range(5)], name="Build"),
        lambda p: (p.pop("variables"), p.pop("executionMode"), p.update(pipelineType="V1")),
        lambda p: (p.pop("variables"), p.pop("pipelineType"), p.update(executionMode="SUPERSEDED")),
        lambda p: (p.pop("artifactStore"), p.update(artifactStores={"us-east-1": {"type": "S3", "location": "a"}})),
    ],
)
def test_taken(change: Callable[[dict[str, Any]], Any]) -> None:
    pipeline = good()
    change(pipeline)
    if action(pipeline, 1).get("outputArtifacts") != [{"name": "BuildOutput"}]:
        action(pipeline, 1, 1)["inputArtifacts"] = [{"name": "Out0"}]
    check(copy.deepcopy(pipeline), "us-east-1")
    assert store(pipeline)["type"] == "S3"


def test_every_provider_is_one_that_acts() -> None:
    assert {provider for _, provider in PROVIDERS} == set(actions.PROVIDERS)
