"""What a chain needs in the account before the first push: made by ordinary API calls, each once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labsupport.samples import fill

MAILBOX = "learner@example.com"
ROLES = {  # what a role is for in its name, and the documents that say what it may do
    "PipelineRole": ("pipeline", "pipeline-role"),
    "CodeBuildRole": ("build", "codebuild-role"),
    "CloudFormationRole": ("provision", "cloudformation-role"),
    "CodeDeployRole": ("deploy", "codedeploy-role"),
    "EventsRole": ("trigger", "events-role"),
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


def names(account: str, region: str, name: str = "shop") -> dict[str, str]:
    """The names of a chain; the bucket, the key and the topic are the shop's, whatever the chain is called."""
    roles = {f"{key}Arn": f"arn:aws:iam::{account}:role/{name}-{use}" for key, (use, _) in ROLES.items()}
    return {
        "Account": account,
        "Region": region,
        "Repository": name,
        "Project": f"{name}-build",
        "Application": name,
        "DeploymentGroup": f"{name}-instances",
        "Pipeline": name,
        "Stack": f"{name}-stack",
        "Rule": f"{name}-push",
        "Bucket": f"shop-artifacts-{account}",
        "TopicArn": f"arn:aws:sns:{region}:{account}:shop-approvals",
        **roles,
    }


def prepare(client: Any, region: str = "us-east-1") -> Setting:
    """Everything but the repository's content. Calling it again changes nothing."""
    return prepared(client, EVERYTHING, region)


def prepared(
    client: Any, steps: Sequence[Callable[[Setting], None]], region: str = "us-east-1", name: str = "shop"
) -> Setting:
    """A chain of that name, of which `steps` are made, in their order."""
    account = client("sts").get_caller_identity()["Account"]
    setting = Setting(client, account, region, names(account, region, name))
    for step in steps:
        step(setting)
    return setting


def unless_there(code: str, call: Any, **params: Any) -> Any:
    """Create something; that it is there already is as good."""
    try:
        return call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None


def key(setting: Setting) -> None:
    kms = setting.client("kms")
    aliases = {
        one["AliasName"]: one for page in kms.get_paginator("list_aliases").paginate() for one in page["Aliases"]
    }
    if "alias/shop" not in aliases:
        key = kms.create_key(Description="The shop's artifacts")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/shop", TargetKeyId=key)
    setting.values["KeyArn"] = kms.describe_key(KeyId="alias/shop")["KeyMetadata"]["Arn"]


def image(setting: Setting) -> None:
    images = setting.client("ec2").describe_images(Owners=["amazon"])["Images"]
    setting.values["ImageId"] = images[0]["ImageId"]


def bucket(setting: Setting) -> None:
    s3 = setting.client("s3")
    s3.create_bucket(Bucket=setting["Bucket"])
    s3.put_bucket_versioning(Bucket=setting["Bucket"], VersioningConfiguration={"Status": "Enabled"})


def topic(setting: Setting) -> None:
    setting.client("sns").create_topic(Name="shop-approvals")


def subscription(setting: Setting) -> None:
    sns, arn = setting.client("sns"), setting["TopicArn"]
    if not sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=MAILBOX)


def repository(setting: Setting) -> None:
    codecommit = setting.client("codecommit")
    params = {"repositoryName": setting["Repository"], "repositoryDescription": "A small shop"}
    unless_there("RepositoryNameExistsException", codecommit.create_repository, **params)


def roles(setting: Setting) -> None:
    for key in ROLES:
        allowed(setting, key)


def allowed(setting: Setting, key: str) -> None:
    """A role with the permissions that its documents give it, whatever it had before."""
    name = role(setting, key)
    permissions = json.dumps(fill(f"{ROLES[key][1]}-policy", **setting.values))
    setting.client("iam").put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=permissions)


def role(setting: Setting, key: str) -> str:
    """The name of a role, which is there now and which its service may assume."""
    name = setting[f"{key}Arn"].rsplit("/", 1)[-1]
    trust = json.dumps(fill(f"{ROLES[key][1]}-trust", **setting.values))
    call = setting.client("iam").create_role
    unless_there("EntityAlreadyExists", call, RoleName=name, AssumeRolePolicyDocument=trust)
    return name


def project(setting: Setting) -> None:
    unless_there(
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


def deployment_group(setting: Setting) -> None:
    codedeploy = setting.client("codedeploy")
    unless_there(
        "ApplicationAlreadyExistsException", codedeploy.create_application, applicationName=setting["Application"]
    )
    unless_there(
        "DeploymentGroupAlreadyExistsException",
        codedeploy.create_deployment_group,
        applicationName=setting["Application"],
        deploymentGroupName=setting["DeploymentGroup"],
        serviceRoleArn=setting["CodeDeployRoleArn"],
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
        ec2TagFilters=[{"Key": "app", "Value": setting["Application"], "Type": "KEY_AND_VALUE"}],
    )


def pipeline(setting: Setting) -> None:
    """Creating a pipeline starts it, as at AWS; that first run fails, for there is nothing to fetch yet."""
    declared = fill("pipeline", **setting.values)
    unless_there("PipelineNameInUseException", setting.client("codepipeline").create_pipeline, **declared)


def rule(setting: Setting) -> None:
    events, name = setting.client("events"), setting["Rule"]
    events.put_rule(Name=name, EventPattern=json.dumps(fill("rule", **setting.values)))
    arn = f"arn:aws:codepipeline:{setting.region}:{setting.account}:{setting['Pipeline']}"
    events.put_targets(Rule=name, Targets=[{"Id": "pipeline", "Arn": arn, "RoleArn": setting["EventsRoleArn"]}])


EVERYTHING = (
    key, image, bucket, topic, subscription, repository, roles, project, deployment_group, pipeline, rule,
)  # fmt: skip
