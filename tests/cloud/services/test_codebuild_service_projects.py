"""Projects: what CodeBuild takes and refuses, who may, and how they are listed."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from codebuild_help import ENVIRONMENT, LOGS, NO_ARTIFACTS, Works, new_role, spec

S3_SOURCE = {"type": "S3", "location": "bucket/source.zip"}
S3_ARTIFACTS = {"type": "S3", "location": "bucket"}
PIPELINE = {"type": "CODEPIPELINE"}
MINIMAL = {"source": {"type": "NO_SOURCE", "buildspec": spec("true")}, "artifacts": NO_ARTIFACTS}


@pytest.fixture(scope="module")
def role(shared_cloud: Any) -> str:
    return new_role(shared_cloud, "projects-role")


@pytest.fixture(scope="module")
def codebuild(shared_cloud: Any) -> Any:
    return shared_cloud.client("codebuild")


def create(codebuild: Any, role: str, name: str, **settings: Any) -> dict[str, Any]:
    settings = {**MINIMAL, "environment": ENVIRONMENT, "serviceRole": role, **settings}
    project: dict[str, Any] = codebuild.create_project(name=name, **settings)["project"]
    return project


def refusal(call: Any, *args: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*args, **params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_created_and_described(codebuild: Any, role: str) -> None:
    project = create(codebuild, role, "whole", description="d", tags=[{"key": "a", "value": "b"}])
    assert project["arn"] == "arn:aws:codebuild:us-east-1:123456789012:project/whole"
    expected = {
        "name": "whole",
        "description": "d",
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
        "cache": {"type": "NO_CACHE"},
        "badge": {"badgeEnabled": False},
        "serviceRole": role,
        "tags": [{"key": "a", "value": "b"}],
        "secondarySources": [],
        "projectVisibility": "PRIVATE",
    }
    assert {name: project[name] for name in expected} == expected
    assert project["environment"]["privilegedMode"] is False
    assert project["created"] == project["lastModified"]
    answer = codebuild.batch_get_projects(names=["whole", "missing", project["arn"]])
    assert [one["name"] for one in answer["projects"]] == ["whole", "whole"]
    assert answer["projectsNotFound"] == ["missing"]
    assert answer["projects"][0] == project


def test_artifacts_with_what_was_left_out(codebuild: Any, role: str) -> None:
    """As in the AWS CLI's examples of create-project."""
    project = create(codebuild, role, "filled", source=S3_SOURCE, artifacts=S3_ARTIFACTS)
    assert project["artifacts"] == {
        "type": "S3",
        "location": "bucket",
        "name": "filled",
        "namespaceType": "NONE",
        "packaging": "NONE",
        "encryptionDisabled": False,
    }


def test_a_name_that_is_taken(codebuild: Any, role: str) -> None:
    create(codebuild, role, "taken")
    arn = "arn:aws:codebuild:us-east-1:123456789012:project/taken"
    assert refusal(create, codebuild, role, "taken") == (
        "ResourceAlreadyExistsException",
        f"Project already exists: {arn}",
    )


def test_updated(codebuild: Any, role: str) -> None:
    create(codebuild, role, "changing", description="before", concurrentBuildLimit=3)
    project = codebuild.update_project(name="changing", timeoutInMinutes=7, concurrentBuildLimit=-1)["project"]
    assert (project["timeoutInMinutes"], project["description"]) == (7, "before")
    assert "concurrentBuildLimit" not in project
    assert project["lastModified"] >= project["created"]
    bad = refusal(codebuild.update_project, name="changing", source=S3_SOURCE, artifacts=PIPELINE)
    assert bad[0] == "InvalidInputException"
    assert refusal(codebuild.update_project, name="missing", description="x")[0] == "ResourceNotFoundException"


def test_deleted(codebuild: Any, role: str) -> None:
    create(codebuild, role, "going")
    codebuild.delete_project(name="going")
    codebuild.delete_project(name="going")
    assert codebuild.batch_get_projects(names=["going"])["projectsNotFound"] == ["going"]
    assert refusal(codebuild.start_build, projectName="going") == (
        "ResourceNotFoundException",
        "Project cannot be found: arn:aws:codebuild:us-east-1:123456789012:project/going",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": {"type": "S3"}}, "Project source location is required"),
        ({"source": {"type": "CODECOMMIT"}}, "Project source location is required"),
        ({"source": {"type": "S3", "location": "only-a-bucket"}}, "Invalid source location: only-a-bucket"),
        ({"source": {"type": "CODECOMMIT", "location": "https://example.com/x"}}, "Invalid source location"),
        ({"source": {"type": "NO_SOURCE"}}, "an inline buildspec is required for type NO_SOURCE"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "buildspec.yml"}}, "an inline buildspec is required"),
        ({"source": {"type": "NO_SOURCE", "buildspec": spec("x"), "location": "l"}}, "location must not be specified"),
        ({"source": PIPELINE}, "both sourceType, and artifactType must be set to: CODEPIPELINE"),
        ({"artifacts": PIPELINE}, "both sourceType, and artifactType must be set to: CODEPIPELINE"),
        ({"artifacts": {"type": "S3"}}, "Invalid artifacts: location is required"),
        ({"artifacts": {"type": "S3", "location": "b/c"}}, "Invalid artifacts: location should not have a forward-sla"),
        ({"secondarySources": [PIPELINE]}, "sourceType CODEPIPELINE is not allowed for secondarySources"),
        ({"secondarySources": [S3_SOURCE]}, "sourceIdentifier is required for secondarySources"),
        (
            {"secondarySources": [{**S3_SOURCE, "sourceIdentifier": "a"}] * 2},
            "sourceIdentifier must be unique in secondarySources",
        ),
        (
            {"secondaryArtifacts": [{**S3_ARTIFACTS, "artifactIdentifier": "../up"}]},
            "artifactIdentifier must be of letters, digits, - and _ only: ../up",
        ),
        ({"secondaryArtifacts": [PIPELINE]}, "artifactType CODEPIPELINE is not allowed for secondaryArtifacts"),
        ({"secondaryArtifacts": [S3_ARTIFACTS]}, "artifactIdentifier is required for secondaryArtifacts"),
        ({"environment": {**ENVIRONMENT, "computeType": "BUILD_LAMBDA_1GB"}}, "Invalid compute type BUILD_LAMBDA_1GB"),
        (
            {"environment": {**ENVIRONMENT, "environmentVariables": [{"name": "a=b", "value": ""}]}},
            "Invalid environment variable name: a=b",
        ),
        ({"concurrentBuildLimit": 0}, "the concurrent build limit must be a positive number"),
        ({"concurrentBuildLimit": 1000}, "cannot exceed the account-level concurrent build limit"),
        ({"serviceRole": "a-role"}, "Invalid service role: Service role should be a role ARN"),
        ({"serviceRole": "arn:aws:iam::123456789012:role/nobody"}, "not authorized to perform: sts:AssumeRole on serv"),
        ({"tags": [{"key": "aws:x", "value": "y"}]}, "aws: is reserved"),
    ],
)
def test_settings_that_are_refused(codebuild: Any, role: str, settings: dict[str, Any], message: str) -> None:
    code, found = refusal(create, codebuild, role, "refused", **settings)
    assert code == "InvalidInputException"
    assert message in found


def test_a_role_of_another_service(codebuild: Any, shared_cloud: Any) -> None:
    other = new_role(shared_cloud, "of-codedeploy", service="codedeploy")
    code, found = refusal(create, codebuild, other, "refused")
    assert (code, "sts:AssumeRole on service role" in found) == ("InvalidInputException", True)


def test_a_role_for_one_project_alone(codebuild: Any, shared_cloud: Any) -> None:
    """The trust policy may name the project (IAM User Guide: "The confused deputy problem")."""
    only = "arn:aws:codebuild:us-east-1:123456789012:project/the-one"
    role = new_role(shared_cloud, "for-one", LOGS, condition={"StringEquals": {"aws:SourceArn": only}})
    assert refusal(create, codebuild, role, "another")[0] == "InvalidInputException"
    create(codebuild, role, "the-one")
    build = codebuild.start_build(projectName="the-one")["build"]
    shared_cloud.settle("codebuild")
    assert codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]["buildStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "settings",
    [
        {"source": {"type": "GITHUB", "location": "https://github.com/a/b.git"}},
        {"source": {"type": "BITBUCKET", "location": "https://bitbucket.org/a/b.git"}},
        {"source": {**S3_SOURCE, "gitSubmodulesConfig": {"fetchSubmodules": True}}},
        {"vpcConfig": {"vpcId": "vpc-1", "subnets": ["s"], "securityGroupIds": ["g"]}},
        {"badgeEnabled": True},
        {"autoRetryLimit": 1},
        {"cache": {"type": "S3", "location": "b/c"}},
        {"cache": {"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"]}},
        {"logsConfig": {"s3Logs": {"status": "ENABLED", "location": "b/c"}}},
        {"environment": {**ENVIRONMENT, "type": "ARM_CONTAINER"}},
        {"environment": {**ENVIRONMENT, "type": "WINDOWS_SERVER_2022_CONTAINER"}},
        {"environment": {**ENVIRONMENT, "certificate": "b/c"}},
        {"environment": {**ENVIRONMENT, "fleet": {"fleetArn": "arn:aws:codebuild:us-east-1:123456789012:fleet/x"}}},
        {
            "environment": {
                **ENVIRONMENT,
                "environmentVariables": [{"name": "A", "value": "b", "type": "SECRETS_MANAGER"}],
            }
        },
        {"artifacts": {**S3_ARTIFACTS, "bucketOwnerAccess": "FULL"}},
        {"fileSystemLocations": [{"type": "EFS", "location": "fs", "mountPoint": "/m", "identifier": "i"}]},
        {"buildBatchConfig": {"serviceRole": "arn:aws:iam::123456789012:role/x"}},
    ],
)
def test_what_the_lab_has_not(codebuild: Any, role: str, settings: dict[str, Any]) -> None:
    code, message = refusal(create, codebuild, role, "refused", **settings)
    assert code == "NotSimulated"
    assert message.endswith("exists at AWS and is not simulated by this lab yet.")


@pytest.mark.parametrize(
    "settings",
    [
        {"vpcConfig": {}},
        {"badgeEnabled": False},
        {"autoRetryLimit": 0},
        {"cache": {"type": "NO_CACHE"}},
        {"logsConfig": {"s3Logs": {"status": "DISABLED"}, "cloudWatchLogs": {"status": "ENABLED"}}},
        {"source": S3_SOURCE, "artifacts": {**S3_ARTIFACTS, "bucketOwnerAccess": "NONE"}},
        {"source": PIPELINE, "artifacts": PIPELINE},
        {"secondarySources": [{**S3_SOURCE, "sourceIdentifier": "a"}]},
    ],
)
def test_settings_that_say_nothing_new_are_taken(codebuild: Any, role: str, settings: dict[str, Any]) -> None:
    create(codebuild, role, "taken-so", **settings)
    codebuild.delete_project(name="taken-so")


@pytest.mark.parametrize("operation", ["start_build_batch", "create_webhook", "list_reports", "create_fleet"])
def test_operations_that_the_lab_has_not(codebuild: Any, operation: str) -> None:
    params = {
        "start_build_batch": {"projectName": "any"},
        "create_webhook": {"projectName": "any"},
        "create_fleet": {"name": "any", "baseCapacity": 1, "environmentType": "LINUX_CONTAINER",
                         "computeType": "BUILD_GENERAL1_SMALL"},
    }  # fmt: skip
    assert refusal(getattr(codebuild, operation), **params.get(operation, {}))[0] == "NotSimulated"


def test_pages_of_projects(cloud: Any) -> None:
    codebuild, role = cloud.client("codebuild"), new_role(cloud, "pages")
    for number in range(103):
        create(codebuild, role, f"p{number:03d}")
    first = codebuild.list_projects()
    assert (len(first["projects"]), first["projects"][0]) == (100, "p000")
    create(codebuild, role, "p000-between")
    rest = codebuild.list_projects(nextToken=first["nextToken"])
    assert rest["projects"] == ["p100", "p101", "p102"]
    assert "nextToken" not in rest
    newest = codebuild.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING")
    assert newest["projects"][:2] == ["p000-between", "p102"]
    rest = codebuild.list_projects(sortBy="CREATED_TIME", sortOrder="DESCENDING", nextToken=newest["nextToken"])
    assert rest["projects"][-1] == "p000"
    codebuild.update_project(name="p050", description="changed")
    assert codebuild.list_projects(sortBy="LAST_MODIFIED_TIME", sortOrder="DESCENDING")["projects"][0] == "p050"
    assert refusal(codebuild.list_projects, nextToken="garbage")[0] == "InvalidInputException"


def test_curated_images(codebuild: Any) -> None:
    platforms = codebuild.list_curated_environment_images()["platforms"]
    names = {image["name"] for one in platforms for language in one["languages"] for image in language["images"]}
    assert {"aws/codebuild/amazonlinux-x86_64-standard:5.0", "aws/codebuild/standard:7.0"} <= names
    assert {one["platform"] for one in platforms} == {"AMAZON_LINUX", "UBUNTU"}


def test_there_is_no_cache_to_invalidate(codebuild: Any, role: str) -> None:
    create(codebuild, role, "uncached")
    codebuild.invalidate_project_cache(projectName="uncached")
    assert refusal(codebuild.invalidate_project_cache, projectName="missing")[0] == "ResourceNotFoundException"


# Who may


def developer(cloud: Any, name: str, *statements: dict[str, Any]) -> Any:
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return boto3.client("codebuild", endpoint_url=cloud.url, region_name="us-east-1", **credentials)


PROJECT = "arn:aws:codebuild:us-east-1:123456789012:project"


def test_passing_the_role_is_asked_for(shared_cloud: Any, role: str) -> None:
    client = developer(
        shared_cloud, "no-passer", {"Effect": "Allow", "Action": "codebuild:*", "Resource": f"{PROJECT}/mine*"}
    )
    code, message = refusal(create, client, role, "mine")
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message


@pytest.mark.parametrize("service", ["codebuild.amazonaws.com", "ec2.amazonaws.com"])
def test_passing_the_role_to_a_service(shared_cloud: Any, role: str, service: str) -> None:
    condition = {"StringEquals": {"iam:PassedToService": service}}
    client = developer(
        shared_cloud, f"passer-{service[:3]}", {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition},
    )  # fmt: skip
    if service.startswith("codebuild"):
        assert create(client, role, "passed")["serviceRole"] == role
    else:
        assert refusal(create, client, role, "not-passed")[0] == "AccessDeniedException"


def test_permissions_are_on_projects(shared_cloud: Any, role: str) -> None:
    works = Works(shared_cloud, "mine-alone")
    works.project(role)
    other = Works(shared_cloud, "of-others")
    other.project(role)
    client = developer(
        shared_cloud, "owner", {"Effect": "Allow", "Action": "codebuild:*", "Resource": f"{PROJECT}/mine*"}
    )
    build = client.start_build(projectName="mine-alone")["build"]
    assert build["initiator"] == "owner"
    assert client.batch_get_builds(ids=[build["id"]])["builds"]
    theirs = other.start()
    for operation, params in [
        ("start_build", {"projectName": "of-others"}),
        ("batch_get_builds", {"ids": [build["id"], theirs["id"]]}),
        ("stop_build", {"id": theirs["id"]}),
        ("batch_delete_builds", {"ids": [theirs["id"]]}),
        ("list_builds_for_project", {"projectName": "of-others"}),
        ("batch_get_projects", {"names": ["of-others"]}),
        ("delete_project", {"name": "of-others"}),
        ("start_build", {"projectName": "unknown"}),
    ]:
        code, message = refusal(getattr(client, operation), **params)
        assert code == "AccessDeniedException"
        assert "because no identity-based policy allows the codebuild:" in message
    assert refusal(client.list_projects)[0] == "AccessDeniedException"
    shared_cloud.settle("codebuild")


def test_by_tags(shared_cloud: Any, role: str) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    client = developer(
        shared_cloud, "red", {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*", "Condition": condition}
    )
    codebuild = shared_cloud.client("codebuild")
    for team in ("red", "blue"):
        create(codebuild, role, f"of-{team}", tags=[{"key": "team", "value": team}])
    client.start_build(projectName="of-red")
    assert refusal(client.start_build, projectName="of-blue")[0] == "AccessDeniedException"
    shared_cloud.settle("codebuild")
