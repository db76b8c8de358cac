"""Everything of the chapter removed again, whatever state it is in: only its own names are touched."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.chapters.start.beginning import REGION
from labsupport.course.declare import World
from labsupport.demo import setting
from labsupport.demo.setting import Setting, prepared

PATIENCE = 20.0  # seconds for a stack to go
PAUSE = 0.05
CHAINS = ("shop", "stock")


def forget(world: World) -> None:
    """What is gone already is as good: each step goes on where something is missing."""
    chains = [prepared(world.client, (), REGION, name) for name in CHAINS]
    for one in chains:
        for step in (_pipeline, _rule, _builds, _deployments):
            step(one)
    for one in chains:
        _ask_stack_to_go(one)
    for one in chains:
        _stack(one)
        _roles(one)
        _repositories(one)
    _shared(chains[0])


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """That something does not exist is what was wanted; it may also be on its way out."""
    with contextlib.suppress(ClientError):
        yield


def _pipeline(one: Setting) -> None:
    with _gone():
        one.client("codepipeline").delete_pipeline(name=one["Pipeline"])


def _rule(one: Setting) -> None:
    events = one.client("events")
    with _gone():
        targets = events.list_targets_by_rule(Rule=one["Rule"])["Targets"]
        if targets:
            events.remove_targets(Rule=one["Rule"], Ids=[each["Id"] for each in targets])
        events.delete_rule(Name=one["Rule"])


def _builds(one: Setting) -> None:
    """The project, its builds that still run, and their log."""
    codebuild, project = one.client("codebuild"), one["Project"]
    with _gone():
        ids = codebuild.list_builds_for_project(projectName=project)["ids"]
        for build in codebuild.batch_get_builds(ids=ids)["builds"] if ids else []:
            if not build["buildComplete"]:
                codebuild.stop_build(id=build["id"])
    with _gone():
        codebuild.delete_project(name=project)
    with _gone():
        one.client("logs").delete_log_group(logGroupName=f"/aws/codebuild/{project}")


def _deployments(one: Setting) -> None:
    codedeploy, application = one.client("codedeploy"), one["Application"]
    with _gone():
        running = codedeploy.list_deployments(
            applicationName=application,
            deploymentGroupName=one["DeploymentGroup"],
            includeOnlyStatuses=["Created", "Queued", "InProgress"],
        )["deployments"]
        for each in running:
            codedeploy.stop_deployment(deploymentId=each)
    with _gone():
        codedeploy.delete_deployment_group(applicationName=application, deploymentGroupName=one["DeploymentGroup"])
    with _gone():
        codedeploy.delete_application(applicationName=application)


def _ask_stack_to_go(one: Setting) -> None:
    """A stack is deleted under its role, so the role must be there and whole, and its buckets empty."""
    cloudformation = one.client("cloudformation")
    try:
        resources = cloudformation.describe_stack_resources(StackName=one["Stack"])["StackResources"]
    except ClientError:
        return
    setting.allowed(one, "CloudFormationRole")
    for each in resources:
        if each["ResourceType"] == "AWS::S3::Bucket" and each.get("PhysicalResourceId"):
            _emptied(one, each["PhysicalResourceId"])
    with _gone():
        cloudformation.delete_stack(StackName=one["Stack"])


def _stack(one: Setting) -> None:
    """Wait until the stack is gone. What of it cannot be deleted is left where it is, and belongs to nobody then."""
    if _until(lambda: _status(one) != "DELETE_IN_PROGRESS") and _status(one) == "DELETE_FAILED":
        cloudformation = one.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=one["Stack"])["StackResources"]
        stuck = [each["LogicalResourceId"] for each in resources if each["ResourceStatus"] == "DELETE_FAILED"]
        cloudformation.delete_stack(StackName=one["Stack"], RetainResources=stuck)
        _until(lambda: _status(one) != "DELETE_IN_PROGRESS")


def _status(one: Setting) -> str:
    try:
        answer = one.client("cloudformation").describe_stacks(StackName=one["Stack"])
    except ClientError:
        return ""
    return str(answer["Stacks"][0]["StackStatus"])


def _until(done: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def _roles(one: Setting) -> None:
    """A role goes when nothing is attached to it any more, whoever attached it."""
    iam = one.client("iam")
    for key in setting.ROLES:
        name = one[f"{key}Arn"].rsplit("/", 1)[-1]
        with _gone():
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            iam.delete_role(RoleName=name)


def _repositories(one: Setting) -> None:
    """The repository, and one whose name differs in capitals only: a slip that the first exercise speaks of."""
    codecommit = one.client("codecommit")
    for each in codecommit.list_repositories()["repositories"]:
        if each["repositoryName"].lower() == one["Repository"]:
            codecommit.delete_repository(repositoryName=each["repositoryName"])


def _shared(one: Setting) -> None:
    """The bucket, the topic and the key."""
    with _gone():
        _emptied(one, one["Bucket"])
        one.client("s3").delete_bucket(Bucket=one["Bucket"])
    one.client("sns").delete_topic(TopicArn=one["TopicArn"])
    kms = one.client("kms")
    with _gone():
        key = kms.describe_key(KeyId="alias/shop")["KeyMetadata"]["KeyId"]
        kms.delete_alias(AliasName="alias/shop")
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _emptied(one: Setting, bucket: str) -> None:
    """Every version of every object removed."""
    s3: Any = one.client("s3")
    with _gone():
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            there = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if there:
                objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in there]
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
