"""Each resource type against the service that has it: created, changed in place, and removed."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_help import Stacks, bucket, listed, parameter, text, topic
from services_help import ACCOUNT, code_of, may, policy, refused, trusting

from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.providers import PROVIDERS
from labsupport.samples import shop

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


BOTH = {"R": ROLE, "S": ROLE}
CASES: list[Case] = [
    (
        "Role",
        {},
        of(
            "IAM::Role",
            AssumeRolePolicyDocument=EC2,
            Description="a",
            MaxSessionDuration=7200,
            Tags=[OWN],
            Policies=[{"PolicyName": "p", "PolicyDocument": READ}],
        ),
        of(
            "IAM::Role",
            AssumeRolePolicyDocument=BUILDS,
            Tags=[NEW],
            ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        ),
        role_of,
        ("a", 7200, [], ["p"], [OWN]),
        ("", 3600, ["ReadOnlyAccess"], [], [NEW]),
    ),
    (
        "User",
        {"G": of("IAM::Group")},
        of("IAM::User", Groups=[{"Ref": "G"}]),
        of("IAM::User", Policies=[{"PolicyName": "p", "PolicyDocument": READ}]),
        user_of,
        (1, []),
        (0, ["p"]),
    ),
    (
        "Group",
        {},
        of("IAM::Group"),
        of("IAM::Group", Policies=[{"PolicyName": "p", "PolicyDocument": READ}]),
        iam_group,
        [],
        ["p"],
    ),
    (
        "AccessKey",
        {"Holder": USER},
        of("IAM::AccessKey", UserName={"Ref": "Holder"}),
        of("IAM::AccessKey", UserName={"Ref": "Holder"}, Status="Inactive"),
        access_key,
        ["Active"],
        ["Inactive"],
    ),
    (
        "Policy",
        {"Holder": ROLE},
        of("IAM::Policy", PolicyName="own", PolicyDocument=READ, Roles=[{"Ref": "Holder"}]),
        of("IAM::Policy", PolicyName="own", PolicyDocument=WRITE, Roles=[{"Ref": "Holder"}]),
        inline("role"),
        READ,
        WRITE,
    ),
    (
        "RolePolicy",
        {"Holder": ROLE},
        of("IAM::RolePolicy", PolicyName="own", PolicyDocument=READ, RoleName={"Ref": "Holder"}),
        of("IAM::RolePolicy", PolicyName="own", PolicyDocument=WRITE, RoleName={"Ref": "Holder"}),
        inline("role"),
        READ,
        WRITE,
    ),
    (
        "UserPolicy",
        {"Holder": USER},
        of("IAM::UserPolicy", PolicyName="own", PolicyDocument=READ, UserName={"Ref": "Holder"}),
        of("IAM::UserPolicy", PolicyName="own", PolicyDocument=WRITE, UserName={"Ref": "Holder"}),
        inline("user"),
        READ,
        WRITE,
    ),
    (
        "ManagedPolicy",
        BOTH,
        of("IAM::ManagedPolicy", PolicyDocument=READ, Roles=[{"Ref": "R"}]),
        of("IAM::ManagedPolicy", PolicyDocument=WRITE, Roles=[{"Ref": "R"}, {"Ref": "S"}]),
        managed,
        (READ, 1),
        (WRITE, 2),
    ),
    (
        "InstanceProfile",
        BOTH,
        of("IAM::InstanceProfile", Roles=[{"Ref": "R"}]),
        of("IAM::InstanceProfile", Roles=[{"Ref": "S"}]),
        profile_of,
        [True],
        [True],
    ),
    (
        "Bucket",
        {},
        bucket(VersioningConfiguration={"Status": "Enabled"}, BucketEncryption=encrypted("aws:kms"), Tags=[OWN]),
        bucket(
            BucketEncryption=encrypted("AES256"),
            Tags=[NEW],
            NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        ),
        bucket_of,
        ("Enabled", "aws:kms", False, [OWN]),
        ("Suspended", "AES256", True, [NEW]),
    ),
    ("BucketPolicy", {"B": bucket()}, in_bucket("One"), in_bucket("Two"), bucket_policy, "One", "Two"),
    (
        "Key",
        {},
        of("KMS::Key", Description="a", Tags=[OWN]),
        of("KMS::Key", Description="b", Enabled=False),
        key_of,
        ("a", True, [{"TagKey": "own", "TagValue": "1"}]),
        ("b", False, []),
    ),
    (
        "RotatedKey",
        {},
        of("KMS::Key", EnableKeyRotation=True),
        of("KMS::Key", EnableKeyRotation=True, RotationPeriodInDays="180", Enabled=False),
        rotation_of,
        (True, 365),
        (True, 180),
    ),
    (
        "PairOfKeys",
        {},
        of("KMS::Key", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY"),
        of("KMS::Key", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Description="b"),
        key_of,
        ("", True, []),
        ("b", True, []),
    ),
    (
        "SealedLogGroup",
        {"K": of("KMS::Key", KeyPolicy=OPEN_TO_LOGS)},
        of("Logs::LogGroup", KmsKeyId={"Fn::GetAtt": ["K", "Arn"]}),
        of("Logs::LogGroup"),
        sealed_group,
        True,
        False,
    ),
    (
        "Alias",
        {"A": of("KMS::Key"), "B": of("KMS::Key")},
        of("KMS::Alias", AliasName="alias/cfn", TargetKeyId={"Ref": "A"}),
        of("KMS::Alias", AliasName="alias/cfn", TargetKeyId={"Ref": "B"}),
        alias_of,
        True,
        False,
    ),
    (
        "Topic",
        {},
        topic("a", Subscription=[{"Protocol": "email", "Endpoint": "a@example.com"}]),
        topic("b"),
        topic_of,
        ("a", ["email"]),
        ("b", ["email"]),
    ),
    (
        "Subscription",
        {"T": topic()},
        of("SNS::Subscription", TopicArn={"Ref": "T"}, Protocol="email", Endpoint="a@example.com"),
        of("SNS::Subscription", TopicArn={"Ref": "T"}, Protocol="email", Endpoint="b@example.com"),
        subscription_of,
        ["a@example.com"],
        None,
    ),
    ("TopicPolicy", {"T": topic()}, on_topic("One"), on_topic("Two"), topic_policy, "One", "Two"),
    (
        "Rule",
        {"T": topic()},
        rule("ENABLED", "a", "b"),
        rule("DISABLED", "b", "c"),
        rule_of,
        ("ENABLED", ["a", "b"]),
        ("DISABLED", ["b", "c"]),
    ),
    ("Parameter", {}, parameter("a"), parameter("b", Description="d"), parameter_of, "a", "b"),
    ("LogGroup", {}, of("Logs::LogGroup", RetentionInDays=7), of("Logs::LogGroup", Tags=[OWN]), group_of, 7, None),
    (
        "Repository",
        {},
        of("CodeCommit::Repository", RepositoryName="cfn-a"),
        of("CodeCommit::Repository", RepositoryName="cfn-b", RepositoryDescription="d"),
        repository_of,
        "cfn-a",
        "cfn-b",
    ),
    (
        "Project",
        {"R": ROLE},
        project(spec("a"), "15"),
        project(spec("b"), 30),
        project_of,
        (spec("a"), 15, False),
        (spec("b"), 30, False),
    ),
    (
        "Application",
        {},
        of("CodeDeploy::Application", Tags=[OWN]),
        of("CodeDeploy::Application", Tags=[NEW]),
        application_of,
        [OWN],
        [NEW],
    ),
    (
        "DeploymentGroup",
        {"R": ROLE, "A": of("CodeDeploy::Application")},
        group("CodeDeployDefault.OneAtATime", "shop"),
        group("CodeDeployDefault.AllAtOnce"),
        deployment_group,
        ("CodeDeployDefault.OneAtATime", ["shop"]),
        ("CodeDeployDefault.AllAtOnce", []),
    ),
    ("DeploymentConfig", {}, config(1), config("2"), config_of, 1, 2),
    (
        "Pipeline",
        {"R": ROLE, "B": bucket()},
        pipeline("a", "Ask"),
        pipeline("b"),
        pipeline_of,
        ({"CustomData": "a"}, ["Ask"]),
        ({"CustomData": "b"}, []),
    ),
]


@pytest.mark.parametrize(
    ("name", "others", "first", "second", "look", "made", "changed"), CASES, ids=[c[0] for c in CASES]
)
def test_created_changed_and_removed(
    shared_cloud: Any, name: str, others: Any, first: Any, second: Any, look: Look, made: Any, changed: Any
) -> None:
    stacks, stack = Stacks(shared_cloud), f"p-{name.lower()}"

    def names() -> dict[str, str]:
        return {logical: one["PhysicalResourceId"] for logical, one in stacks.resources(stack).items()}

    status = stacks.create(stack, {**others, "It": first}, Capabilities=ANY)
    assert status == "CREATE_COMPLETE", stacks.why(stack, "It")
    assert look(shared_cloud, names()) == made
    status = stacks.update(stack, {**others, "It": second}, Capabilities=ANY)
    assert status == "UPDATE_COMPLETE", stacks.why(stack, "It")
    last = names()
    assert changed is None or look(shared_cloud, last) == changed
    identity = stacks.look(stack)["StackId"]
    assert stacks.delete(stack) == "DELETE_COMPLETE", stacks.events(identity)
    with pytest.raises(ClientError):
        look(shared_cloud, last)


def test_every_type_is_tried() -> None:
    further = {"PairOfKeys", "RotatedKey", "SealedLogGroup"}  # another case of a type that has one
    assert {name.rsplit("::", 1)[1] for name in PROVIDERS} == {one[0] for one in CASES} - further | {"Instance"}


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (topic(FifoTopic=True), "The property FifoTopic of AWS::SNS::Topic"),
        (
            bucket(AccelerateConfiguration={"AccelerationStatus": "Enabled"}),
            "The property AccelerateConfiguration of AWS",
        ),
        (of("IAM::User", LoginProfile={"Password": "secret"}), "The property LoginProfile of AWS::IAM::User"),
        (of("SSM::Parameter", Type="String", Value="v", Policies="[]"), "The property Policies of AWS::SSM::Parameter"),
    ],
)
def test_a_property_that_is_not_simulated_is_said_at_once(shared_cloud: Any, resource: Any, named: str) -> None:
    stacks = Stacks(shared_cloud)
    request = {"StackName": "lacking", "TemplateBody": text({"It": resource}), "Capabilities": ANY}
    code, message = refused(stacks.client.create_stack, **request)
    assert (code, named in message) == ("ValidationError", True), message
    assert "not simulated by this lab yet" in message
    assert not stacks.there("lacking")


def test_a_property_that_comes_to_no_value_is_not_asked_for(shared_cloud: Any) -> None:
    nothing = {"Fn::If": ["Yes", {"Ref": "AWS::NoValue"}, True]}
    sections = {"Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}}}
    assert Stacks(shared_cloud).create("no-value", {"It": topic(FifoTopic=nothing)}, sections) == "CREATE_COMPLETE"


def test_what_the_service_has_not_is_the_resources_failure(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    key = of("KMS::Key", KeySpec="SM2", KeyUsage="SIGN_VERIFY")
    assert stacks.create("lacks", {"It": key}) == "ROLLBACK_COMPLETE"
    assert "the spec SM2" in stacks.why("lacks", "It")
    assert "not simulated by this lab yet" in stacks.why("lacks", "It")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (of("KMS::Key"), of("KMS::Key", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")),
        (of("KMS::Key"), of("KMS::Key", Origin="EXTERNAL")),
    ],
)
def test_a_change_that_cannot_be_made_is_taken_back(shared_cloud: Any, first: Any, second: Any) -> None:
    stacks, stack = Stacks(shared_cloud), f"back-{len(second['Properties'])}"
    assert stacks.create(stack, {"It": first}, Capabilities=ANY) == "CREATE_COMPLETE"
    assert stacks.update(stack, {"It": second}, Capabilities=ANY) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.resources(stack)["It"]["ResourceStatus"] == "UPDATE_COMPLETE"


def test_providers_take_properties_that_aws_has() -> None:
    for name, provider in PROVIDERS.items():
        assert set(provider.takes or ()) <= set(schemas.of(name)["properties"]), name
        assert set(provider.anew) <= set(provider.takes or ()), name


def test_scalars_become_what_the_schema_has(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), "true")
    resources = {
        "B": bucket(PublicAccessBlockConfiguration=block),
        "L": of("Logs::LogGroup", RetentionInDays="7"),
        "P": parameter(8080),
    }
    assert stacks.create("scalars", resources) == "CREATE_COMPLETE", stacks.events("scalars")
    s3, who = shared_cloud.client("s3"), {"Bucket": stacks.physical("scalars", "B")}
    assert s3.get_public_access_block(**who)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    value = shared_cloud.client("ssm").get_parameter(Name=stacks.physical("scalars", "P"))["Parameter"]["Value"]
    assert value == "8080"


def test_an_instance_changes_its_type_while_it_is_stopped(cloud: Any) -> None:
    stacks, ec2 = Stacks(cloud), cloud.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    small = of("EC2::Instance", ImageId=image, InstanceType="t3.micro", SecurityGroupIds=[{"Ref": "G"}])
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    sections = {"Parameters": {"G": {"Type": "AWS::EC2::SecurityGroup::Id", "Default": group}}}
    assert stacks.create("vm", {"It": small}, sections) == "CREATE_COMPLETE", stacks.why("vm", "It")
    name = stacks.physical("vm", "It")
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    large = {**small["Properties"], "InstanceType": "t3.large", "UserData": script, "DisableApiTermination": "true"}
    assert stacks.update("vm", {"It": of("EC2::Instance", **large)}, sections) == "UPDATE_COMPLETE"
    assert stacks.physical("vm", "It") == name
    found = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]
    assert (found["InstanceType"], found["State"]["Name"]) == ("t3.large", "running")
    data = ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")["UserData"]["Value"]
    assert data == script
    assert stacks.delete("vm") == "DELETE_FAILED"
    assert "may not be terminated" in stacks.why("vm", "It")


@pytest.fixture
def shop_template() -> str:
    return (Path(shop.__path__[0]) / "template.yml").read_text()


def test_the_shops_stack_comes_up(cloud: Any, shop_template: str) -> None:
    stacks = Stacks(cloud)
    image = cloud.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0000"
    params = listed(ImageId=image, ArtifactBucket="shop-artifacts", ArtifactKeyArn=key)
    stacks.client.create_stack(
        StackName="shop", TemplateBody=shop_template, Parameters=params, Capabilities=["CAPABILITY_IAM"]
    )
    assert stacks.end("shop") == "CREATE_COMPLETE"
    instance = stacks.outputs("shop")["InstanceId"]
    ec2 = cloud.client("ec2")
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"
    tags = {one["Key"]: one["Value"] for one in found["Tags"]}
    (stack,) = stacks.client.describe_stacks(StackName="shop")["Stacks"]
    marks = {"logical-id": "Instance", "stack-id": stack["StackId"], "stack-name": "shop"}
    assert tags == {
        "Name": "shop-instance", "app": "shop", **{f"aws:cloudformation:{key}": value for key, value in marks.items()}
    }  # fmt: skip
    taken = [{"Key": "aws:cloudformation:stack-name", "Value": "other"}]
    for change in (ec2.create_tags, ec2.delete_tags):
        assert code_of(change, Resources=[instance], Tags=taken) == "InvalidParameterValue"
    ec2.delete_tags(Resources=[instance])
    left = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Tags"]
    assert {one["Key"].rpartition(":")[2] for one in left} == set(marks)
    changed = [*params, *listed(AppName="store")]
    stacks.client.update_stack(
        StackName="shop", UsePreviousTemplate=True, Parameters=changed, Capabilities=["CAPABILITY_IAM"]
    )
    assert stacks.end("shop") == "UPDATE_COMPLETE"
    assert stacks.outputs("shop")["InstanceId"] == instance
    now = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["Tags"]
    assert {"Key": "app", "Value": "store"} in now
    assert stacks.delete("shop") == "DELETE_COMPLETE"
    assert refused(cloud.client("iam").get_role, RoleName="shop-InstanceRole")[0] == "NoSuchEntity"
    state = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "terminated"
