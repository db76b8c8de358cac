"""What the providers' tests make, and how they look at it through the other services."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from services_help import ACCOUNT, may, policy, trusting

ANY = ["CAPABILITY_NAMED_IAM"]
EC2 = json.loads(trusting("ec2.amazonaws.com"))
BUILDS = json.loads(trusting("codebuild.amazonaws.com", "codedeploy.amazonaws.com", "codepipeline.amazonaws.com"))
READ = json.loads(policy(may("s3:GetObject")))
WRITE = json.loads(policy(may("s3:PutObject")))
OPEN_TO_LOGS = json.loads(
    policy(
        {**may("kms:*"), "Principal": {"AWS": ACCOUNT}},
        {**may("kms:GenerateDataKey*", "kms:Decrypt"), "Principal": {"Service": "logs.us-east-1.amazonaws.com"}},
    )
)
OWN = {"Key": "own", "Value": "1"}
NEW = {"Key": "own", "Value": "2"}

Look = Callable[[Any, dict[str, str]], Any]
Case = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], Look, Any, Any]


def of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


ROLE = of("IAM::Role", AssumeRolePolicyDocument=BUILDS)
USER = of("IAM::User")


def inline(kind: str) -> Look:
    def look(cloud: Any, names: dict[str, str]) -> Any:
        who = {f"{kind.capitalize()}Name": names["Holder"], "PolicyName": "own"}
        return getattr(cloud.client("iam"), f"get_{kind}_policy")(**who)["PolicyDocument"]

    return look


def role_of(cloud: Any, names: dict[str, str]) -> Any:
    iam, who = cloud.client("iam"), {"RoleName": names["It"]}
    role = iam.get_role(**who)["Role"]
    attached = [one["PolicyName"] for one in iam.list_attached_role_policies(**who)["AttachedPolicies"]]
    own = iam.list_role_policies(**who)["PolicyNames"]
    return role.get("Description", ""), role["MaxSessionDuration"], attached, own, iam.list_role_tags(**who)["Tags"]


def user_of(cloud: Any, names: dict[str, str]) -> Any:
    iam, who = cloud.client("iam"), {"UserName": names["It"]}
    groups = [one["GroupName"] for one in iam.list_groups_for_user(**who)["Groups"]]
    return len(groups), iam.list_user_policies(**who)["PolicyNames"]


def managed(cloud: Any, names: dict[str, str]) -> Any:
    iam, who = cloud.client("iam"), {"PolicyArn": names["It"]}
    found = iam.get_policy(**who)["Policy"]
    version = iam.get_policy_version(**who, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    return version["Document"], found["AttachmentCount"]


def key_of(cloud: Any, names: dict[str, str]) -> Any:
    kms, who = cloud.client("kms"), {"KeyId": names["It"]}
    found = kms.describe_key(**who)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        raise ClientError({"Error": {"Code": "PendingDeletion"}}, "DescribeKey")
    return found["Description"], found["Enabled"], kms.list_resource_tags(**who)["Tags"]


def rotation_of(cloud: Any, names: dict[str, str]) -> Any:
    key_of(cloud, names)
    status = cloud.client("kms").get_key_rotation_status(KeyId=names["It"])
    return status["KeyRotationEnabled"], status["RotationPeriodInDays"]


def alias_of(cloud: Any, names: dict[str, str]) -> Any:
    return cloud.client("kms").describe_key(KeyId=names["It"])["KeyMetadata"]["KeyId"] == names["A"]


def bucket_of(cloud: Any, names: dict[str, str]) -> Any:
    s3, who = cloud.client("s3"), {"Bucket": names["It"]}
    rules = s3.get_bucket_encryption(**who)["ServerSideEncryptionConfiguration"]["Rules"]
    algorithm = rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    bridge = "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(**who)
    return s3.get_bucket_versioning(**who)["Status"], algorithm, bridge, s3.get_bucket_tagging(**who)["TagSet"]


def encrypted(algorithm: str) -> dict[str, Any]:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    return {"ServerSideEncryptionConfiguration": [rule]}


def bucket_policy(cloud: Any, names: dict[str, str]) -> Any:
    return json.loads(cloud.client("s3").get_bucket_policy(Bucket=names["B"])["Policy"])["Statement"][0]["Sid"]


def in_bucket(sid: str) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": {"Fn::Sub": "${B.Arn}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    return of("S3::BucketPolicy", Bucket={"Ref": "B"}, PolicyDocument={"Statement": [statement]})


def topic_of(cloud: Any, names: dict[str, str]) -> Any:
    sns, who = cloud.client("sns"), {"TopicArn": names["It"]}
    protocols = [one["Protocol"] for one in sns.list_subscriptions_by_topic(**who)["Subscriptions"]]
    return sns.get_topic_attributes(**who)["Attributes"]["DisplayName"], protocols


def subscription_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("sns").list_subscriptions_by_topic(TopicArn=names["T"])["Subscriptions"]
    if not found:
        raise ClientError({"Error": {"Code": "NotFound"}}, "GetSubscriptionAttributes")
    return [one["Endpoint"] for one in found]


def topic_policy(cloud: Any, names: dict[str, str]) -> Any:
    text = cloud.client("sns").get_topic_attributes(TopicArn=names["T"])["Attributes"]["Policy"]
    return json.loads(text)["Statement"][0]["Sid"]


def on_topic(sid: str) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "T"},
    }
    return of("SNS::TopicPolicy", Topics=[{"Ref": "T"}], PolicyDocument={"Statement": [statement]})


def queue_of(cloud: Any, names: dict[str, str]) -> Any:
    sqs, who = cloud.client("sqs"), {"QueueUrl": names["It"]}
    found = sqs.get_queue_attributes(**who, AttributeNames=["All"])["Attributes"]
    seen = ("DelaySeconds", "KmsMasterKeyId", "RedrivePolicy", "VisibilityTimeout")
    own = {key: value for key, value in sqs.list_queue_tags(**who).get("Tags", {}).items() if key == "own"}
    return [found.get(name, "")[:12] for name in seen], own


def queue_policy(cloud: Any, names: dict[str, str]) -> Any:
    sqs = cloud.client("sqs")
    text = sqs.get_queue_attributes(QueueUrl=names["Q"], AttributeNames=["Policy"])["Attributes"]["Policy"]
    return json.loads(text)["Statement"][0]["Sid"]


def on_queue(sid: str) -> dict[str, Any]:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Q", "Arn"]},
    }
    return of("SQS::QueuePolicy", Queues=[{"Ref": "Q"}], PolicyDocument={"Statement": [statement]})


def rule_of(cloud: Any, names: dict[str, str]) -> Any:
    events = cloud.client("events")
    found = events.describe_rule(Name=names["It"])
    return found["State"], [one["Id"] for one in events.list_targets_by_rule(Rule=names["It"])["Targets"]]


def rule(state: str, *targets: str) -> dict[str, Any]:
    ids = [{"Id": one, "Arn": {"Ref": "T"}} for one in targets]
    return of("Events::Rule", EventPattern={"source": ["aws.s3"]}, State=state, Targets=ids)


def parameter_of(cloud: Any, names: dict[str, str]) -> Any:
    return cloud.client("ssm").get_parameter(Name=names["It"])["Parameter"]["Value"]


def group_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=names["It"])["logGroups"]
    if not found:
        raise ClientError({"Error": {"Code": "NotFound"}}, "DescribeLogGroups")
    return found[0].get("retentionInDays")


def sealed_group(cloud: Any, names: dict[str, str]) -> Any:
    group_of(cloud, names)
    (found,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=names["It"])["logGroups"]
    return found.get("kmsKeyId", "").endswith(names["K"])


def repository_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("codecommit").list_repositories()["repositories"]
    mine = [one["repositoryName"] for one in found if one["repositoryId"] == names["It"]]
    if not mine:
        raise ClientError({"Error": {"Code": "NotFound"}}, "GetRepository")
    return mine[0]


def project_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("codebuild").batch_get_projects(names=[names["It"]])["projects"]
    if not found:
        raise ClientError({"Error": {"Code": "NotFound"}}, "BatchGetProjects")
    return found[0]["source"]["buildspec"], found[0]["timeoutInMinutes"], found[0]["environment"]["privilegedMode"]


def spec(command: str) -> str:
    return f"version: 0.2\nphases:\n  build:\n    commands: [{command}]\n"


def project(buildspec: str, minutes: Any) -> dict[str, Any]:
    return of(
        "CodeBuild::Project",
        ServiceRole={"Fn::GetAtt": ["R", "Arn"]},
        TimeoutInMinutes=minutes,
        Source={"Type": "NO_SOURCE", "BuildSpec": buildspec},
        Artifacts={"Type": "NO_ARTIFACTS"},
        Environment={
            "Type": "LINUX_CONTAINER",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "Image": "aws/codebuild/standard:7.0",
            "PrivilegedMode": "false",
        },
    )


def application_of(cloud: Any, names: dict[str, str]) -> Any:
    deploy = cloud.client("codedeploy")
    deploy.get_application(applicationName=names["It"])
    arn = f"arn:aws:codedeploy:us-east-1:{ACCOUNT}:application:{names['It']}"
    return deploy.list_tags_for_resource(ResourceArn=arn)["Tags"]


def deployment_group(cloud: Any, names: dict[str, str]) -> Any:
    who = {"applicationName": names["A"], "deploymentGroupName": names["It"]}
    found = cloud.client("codedeploy").get_deployment_group(**who)["deploymentGroupInfo"]
    return found["deploymentConfigName"], [one["Value"] for one in found.get("ec2TagFilters", [])]


def group(config: str, *values: str) -> dict[str, Any]:
    filters = [{"Key": "app", "Value": one, "Type": "KEY_AND_VALUE"} for one in values]
    more = {"Ec2TagFilters": filters} if filters else {}
    return of(
        "CodeDeploy::DeploymentGroup",
        ApplicationName={"Ref": "A"},
        ServiceRoleArn={"Fn::GetAtt": ["R", "Arn"]},
        DeploymentConfigName=config,
        **more,
    )


def config_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("codedeploy").get_deployment_config(deploymentConfigName=names["It"])
    return found["deploymentConfigInfo"]["minimumHealthyHosts"]["value"]


def config(value: Any) -> dict[str, Any]:
    return of("CodeDeploy::DeploymentConfig", MinimumHealthyHosts={"Type": "HOST_COUNT", "Value": value})


def pipeline_of(cloud: Any, names: dict[str, str]) -> Any:
    pipeline = cloud.client("codepipeline")
    found = pipeline.get_pipeline(name=names["It"])["pipeline"]
    state = pipeline.get_pipeline_state(name=names["It"])["stageStates"]
    shut = [one["stageName"] for one in state if not one["inboundTransitionState"]["enabled"]]
    return found["stages"][1]["actions"][0]["configuration"], shut


def pipeline(note: str, *shut: str) -> dict[str, Any]:
    kind = {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": 1}
    source = {
        "Name": "Get",
        "ActionTypeId": kind,
        "OutputArtifacts": [{"Name": "out"}],
        "Configuration": {"S3Bucket": {"Ref": "B"}, "S3ObjectKey": "k", "PollForSourceChanges": False},
    }
    approval = {
        "Name": "Ask",
        "ActionTypeId": {"Category": "Approval", "Owner": "AWS", "Provider": "Manual", "Version": "1"},
        "Configuration": {"CustomData": note},
    }
    stages = [{"Name": "Source", "Actions": [source]}, {"Name": "Ask", "Actions": [approval]}]
    store = {"Type": "S3", "Location": {"Ref": "B"}}
    closed = [{"StageName": one, "Reason": "not yet"} for one in shut]
    return of(
        "CodePipeline::Pipeline",
        RoleArn={"Fn::GetAtt": ["R", "Arn"]},
        Stages=stages,
        ArtifactStore=store,
        DisableInboundStageTransitions=closed,
    )


def access_key(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("iam").list_access_keys(UserName=names["Holder"])["AccessKeyMetadata"]
    if not found:
        raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "ListAccessKeys")
    return [one["Status"] for one in found]


def profile_of(cloud: Any, names: dict[str, str]) -> Any:
    found = cloud.client("iam").get_instance_profile(InstanceProfileName=names["It"])["InstanceProfile"]
    return [one["RoleName"] in (names["R"], names["S"]) for one in found["Roles"]]


def iam_group(cloud: Any, names: dict[str, str]) -> Any:
    return cloud.client("iam").list_group_policies(GroupName=names["It"])["PolicyNames"]


# Functions

FUNCTIONS = of("IAM::Role", AssumeRolePolicyDocument=json.loads(trusting("lambda.amazonaws.com")))


def function(answer: str, **more: Any) -> dict[str, Any]:
    code = {"ZipFile": f"def handler(event, context):\n    return {answer!r}\n"}
    usual = {"Runtime": "python3.12", "Handler": "index.handler", "Code": code, "Role": {"Fn::GetAtt": ["R", "Arn"]}}
    return of("Lambda::Function", **usual, **more)


def version(logical: str) -> dict[str, Any]:
    return of("Lambda::Version", FunctionName={"Ref": logical})


def answer_of(cloud: Any, names: dict[str, str]) -> Any:
    functions = cloud.client("lambda")
    answer = functions.invoke(FunctionName=names["It"])
    tags = functions.get_function(FunctionName=names["It"]).get("Tags", {})
    return json.loads(answer["Payload"].read()), tags.get("own")


def version_of(cloud: Any, names: dict[str, str]) -> Any:
    return cloud.client("lambda").get_function_configuration(FunctionName=names["It"])["Version"]


def alias_of_function(cloud: Any, names: dict[str, str]) -> Any:
    function_name, _, name = names["It"].rpartition(":")
    found = cloud.client("lambda").get_alias(FunctionName=function_name, Name=name)
    return found["Name"], found["Description"], found.get("RoutingConfig")


def permission(principal: str) -> dict[str, Any]:
    return of(
        "Lambda::Permission", FunctionName={"Ref": "F"}, Action="lambda:InvokeFunction", Principal=principal,
        SourceAccount=ACCOUNT,
    )  # fmt: skip


def permission_of(cloud: Any, names: dict[str, str]) -> Any:
    text = cloud.client("lambda").get_policy(FunctionName=names["F"])["Policy"]
    (statement,) = json.loads(text)["Statement"]
    return statement["Principal"]["Service"]
