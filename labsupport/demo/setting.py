"""What the chain needs in the account before the first push: made by ordinary API calls, each once."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labsupport.samples import fill

MAILBOX = "learner@example.com"
ROLES = {
    "PipelineRole": ("shop-pipeline", "pipeline-role"),
    "CodeBuildRole": ("shop-build", "codebuild-role"),
    "CloudFormationRole": ("shop-provision", "cloudformation-role"),
    "CodeDeployRole": ("shop-deploy", "codedeploy-role"),
    "EventsRole": ("shop-trigger", "events-role"),
}


@dataclass(slots=True)
class Setting:
    """The names of the chain's resources; `values` fills the sample's documents."""

    client: Any  # boto3.Session.client
    account: str
    region: str
    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]


def names(account: str, region: str) -> dict[str, str]:
    roles = {f"{key}Arn": f"arn:aws:iam::{account}:role/{name}" for key, (name, _) in ROLES.items()}
    return {
        "Account": account,
        "Region": region,
        "Repository": "shop",
        "Project": "shop-build",
        "Application": "shop",
        "DeploymentGroup": "shop-instances",
        "Pipeline": "shop",
        "Stack": "shop-stack",
        "Bucket": f"shop-artifacts-{account}",
        "TopicArn": f"arn:aws:sns:{region}:{account}:shop-approvals",
        **roles,
    }


def prepare(client: Any, region: str = "us-east-1") -> Setting:
    """Everything but the repository's content. Calling it again changes nothing."""
    account = client("sts").get_caller_identity()["Account"]
    setting = Setting(client, account, region, names(account, region))
    for step in (_key, _image, _bucket, _topic, _repository, _roles, _project, _deployment_group, _pipeline, _rule):
        step(setting)
    return setting


def _unless_there(code: str, call: Any, **params: Any) -> Any:
    """Create something; that it is there already is as good."""
    try:
        return call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None


def _key(setting: Setting) -> None:
    kms = setting.client("kms")
    aliases = {
        one["AliasName"]: one for page in kms.get_paginator("list_aliases").paginate() for one in page["Aliases"]
    }
    if "alias/shop" not in aliases:
        key = kms.create_key(Description="The shop's artifacts")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/shop", TargetKeyId=key)
    setting.values["KeyArn"] = kms.describe_key(KeyId="alias/shop")["KeyMetadata"]["Arn"]


def _image(setting: Setting) -> None:
    images = setting.client("ec2").describe_images(Owners=["amazon"])["Images"]
    setting.values["ImageId"] = images[0]["ImageId"]


def _bucket(setting: Setting) -> None:
    s3 = setting.client("s3")
    s3.create_bucket(Bucket=setting["Bucket"])
    s3.put_bucket_versioning(Bucket=setting["Bucket"], VersioningConfiguration={"Status": "Enabled"})


def _topic(setting: Setting) -> None:
    sns = setting.client("sns")
    arn = sns.create_topic(Name="shop-approvals")["TopicArn"]
    if not sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=MAILBOX)


def _repository(setting: Setting) -> None:
    codecommit = setting.client("codecommit")
    params = {"repositoryName": setting["Repository"], "repositoryDescription": "A small shop"}
    _unless_there("RepositoryNameExistsException", codecommit.create_repository, **params)


def _roles(setting: Setting) -> None:
    iam = setting.client("iam")
    for name, document in ROLES.values():
        trust = json.dumps(fill(f"{document}-trust", **setting.values))
        params = {"RoleName": name, "AssumeRolePolicyDocument": trust}
        _unless_there("EntityAlreadyExists", iam.create_role, **params)
        permissions = json.dumps(fill(f"{document}-policy", **setting.values))
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=permissions)


def _project(setting: Setting) -> None:
    _unless_there(
        "ResourceAlreadyExistsException",
        setting.client("codebuild").create_project,
        name=setting["Project"],
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=setting["CodeBuildRoleArn"],
        encryptionKey=setting["KeyArn"],
    )


def _deployment_group(setting: Setting) -> None:
    codedeploy = setting.client("codedeploy")
    _unless_there(
        "ApplicationAlreadyExistsException", codedeploy.create_application, applicationName=setting["Application"]
    )
    _unless_there(
        "DeploymentGroupAlreadyExistsException",
        codedeploy.create_deployment_group,
        applicationName=setting["Application"],
        deploymentGroupName=setting["DeploymentGroup"],
        serviceRoleArn=setting["CodeDeployRoleArn"],
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
        ec2TagFilters=[{"Key": "app", "Value": setting["Application"], "Type": "KEY_AND_VALUE"}],
    )


def _pipeline(setting: Setting) -> None:
    """Creating a pipeline starts it, as at AWS; that first run fails, for there is nothing to fetch yet."""
    declared = fill("pipeline", **setting.values)
    _unless_there("PipelineNameInUseException", setting.client("codepipeline").create_pipeline, **declared)


def _rule(setting: Setting) -> None:
    events = setting.client("events")
    events.put_rule(Name="shop-push", EventPattern=json.dumps(fill("rule", **setting.values)))
    arn = f"arn:aws:codepipeline:{setting.region}:{setting.account}:{setting['Pipeline']}"
    events.put_targets(Rule="shop-push", Targets=[{"Id": "pipeline", "Arn": arn, "RoleArn": setting["EventsRoleArn"]}])
