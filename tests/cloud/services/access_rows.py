"""For each action the requests and the values of its condition keys that they have (see test_access_keys)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services_help import ACCOUNT

REFERENCE = json.loads((Path(__file__).parent / "access_reference.json").read_text())["services"]
HERE = f"us-east-1:{ACCOUNT}"
PROFILE = f"arn:aws:iam::{ACCOUNT}:instance-profile/web"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyed"
BRANCH = {"repositoryName": "tagged", "branchName": "main"}
PROJECT = {
    "name": "tagged",
    "artifacts": {"type": "S3", "location": "site", "encryptionDisabled": True, "bucketOwnerAccess": "FULL"},
    "secondaryArtifacts": [{"artifactIdentifier": "more", "type": "S3", "location": "more-site",
                            "encryptionDisabled": True, "bucketOwnerAccess": "FULL"}],
    "autoRetryLimit": 2,
    "buildBatchConfig": {"serviceRole": ROLE, "restrictions": {"computeTypesAllowed": ["BUILD_GENERAL1_SMALL"],
                                                               "fleetsAllowed": ["fleet"]}},
    "cache": {"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"], "location": "cached"},
    "concurrentBuildLimit": 3,
    "encryptionKey": "alias/own",
    "environment": {
        "type": "LINUX_CONTAINER", "image": "own/image:1", "computeType": "BUILD_GENERAL1_SMALL",
        "certificate": "bucket/cert.pem", "privilegedMode": True, "imagePullCredentialsType": "SERVICE_ROLE",
        "fleet": {"fleetArn": f"arn:aws:codebuild:{HERE}:fleet/f"},
        "registryCredential": {"credential": "secret", "credentialProvider": "SECRETS_MANAGER"},
        "environmentVariables": [{"name": "STAGE", "value": "prod"}],
        "computeConfiguration": {"vCpu": 2, "memory": 4, "disk": 64, "machineType": "GENERAL", "instanceType": "c5"},
    },
    "fileSystemLocations": [{"identifier": "files", "type": "EFS", "location": "fs-1:/"}],
    "logsConfig": {"s3Logs": {"status": "ENABLED", "location": "logged/x", "encryptionDisabled": True,
                              "bucketOwnerAccess": "FULL"}},
    "source": {"type": "GITHUB", "location": "https://github.com/own/app", "buildspec": "version: 0.2",
               "insecureSsl": True, "auth": {"type": "OAUTH", "resource": "token"},
               "buildStatusConfig": {"context": "ci", "targetUrl": "https://ci"}},
    "secondarySources": [{"sourceIdentifier": "lib", "type": "GITHUB", "location": "https://github.com/own/lib",
                          "buildspec": "version: 0.2", "insecureSsl": True,
                          "auth": {"type": "OAUTH", "resource": "token"},
                          "buildStatusConfig": {"context": "ci", "targetUrl": "https://ci"}}],
    "serviceRole": ROLE,
    "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    "tags": [{"key": "team", "value": "blue"}],
}  # fmt: skip
BUILD = {
    "projectName": "tagged",
    **{f"{name}Override": PROJECT[name] for name in (
        "artifacts", "secondaryArtifacts", "autoRetryLimit", "cache", "encryptionKey", "logsConfig", "serviceRole",
        "secondarySources")},
    **{f"{name}Override": PROJECT["environment"][name] for name in (
        "image", "computeType", "certificate", "privilegedMode", "imagePullCredentialsType", "fleet",
        "registryCredential", "environmentVariables")},
    "environmentTypeOverride": "LINUX_CONTAINER",
    "sourceLocationOverride": "https://github.com/own/app",
    "buildspecOverride": "version: 0.2",
    "insecureSslOverride": True,
    "sourceAuthOverride": PROJECT["source"]["auth"],
    "buildStatusConfigOverride": PROJECT["source"]["buildStatusConfig"],
}  # fmt: skip


# StartBuild overrides parts of these, never the whole.
PARTS = {("StartBuild", "codebuild:source"), ("StartBuild", "codebuild:environment")}


def built(action: str) -> Iterator[tuple[str, Any]]:
    """CodeBuild's keys and what the requests above have for them, as the reference names the keys."""
    names = {"name": "STAGE", "identifier": "files", "artifactIdentifier": "more", "sourceIdentifier": "lib"}
    for key in REFERENCE["codebuild"][action]["keys"].split():
        if not key.startswith("codebuild:") or (action, key) in PARTS:
            continue
        value: Any = PROJECT
        for part in key.removeprefix("codebuild:").split("."):
            value = value[0] if isinstance(value, list) else value
            name, _, chosen = part.partition("/")
            value = value[name][0] if chosen else value[name]
        concrete = key
        for place, name in names.items():
            concrete = concrete.replace(f"${{{place}}}", name)
        yield concrete, _text("buildspec" if key.endswith("buildspec") else "", value)


def _text(name: str, value: Any) -> str:
    first = value[0] if isinstance(value, list) else value
    if name or isinstance(first, dict):
        return "true"
    return str(first).lower() if isinstance(first, bool) else str(first)


TAGGED = {"aws:RequestTag/team": "blue", "aws:TagKeys": "team"}
KEYED = {"aws:TagKeys": "team"}
PATTERN = json.dumps({"source": ["shop"], "detail-type": ["Order"], "detail": {
    "service": ["EC2"], "eventTypeCode": ["X"], "userIdentity": {"principalId": ["p"]}}})  # fmt: skip
RULE = {"events:creatorAccount": ACCOUNT}
STACK = {"StackName": "tagged"}
CREATED = {
    "cloudformation:RoleArn": ROLE, "cloudformation:TemplateUrl": "https://s3/t.yml",
    "cloudformation:ResourceTypes": "AWS::SNS::Topic", "cloudformation:StackPolicyUrl": "https://s3/p.json", **TAGGED,
}  # fmt: skip
CREATING = {
    **STACK, "RoleARN": ROLE, "TemplateURL": "https://s3/t.yml", "ResourceTypes": ["AWS::SNS::Topic"],
    "StackPolicyURL": "https://s3/p.json", "Tags": [{"Key": "team", "Value": "blue"}],
}  # fmt: skip
CHANGES = {**STACK, "ChangeSetName": "change"}
PAIRS, LOWER = {"Tags": [{"Key": "team", "Value": "blue"}]}, {"tags": [{"key": "team", "value": "blue"}]}
RUN = {
    "ImageId": "{image}", "InstanceType": "t3.micro", "IamInstanceProfile": {"Arn": PROFILE}, "MinCount": 1,
    "MaxCount": 1, "Placement": {"AvailabilityZone": "us-east-1a"}, "SecurityGroupIds": ["{group}"],
    "SubnetId": "{subnet}", "EbsOptimized": True, "TagSpecifications": [{"ResourceType": "instance", **PAIRS}],
    "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1,
                        "InstanceMetadataTags": "enabled"},
}  # fmt: skip
METADATA = {
    "ec2:MetadataHttpTokens": "required", "ec2:MetadataHttpEndpoint": "enabled", "ec2:Tenancy": "default",
    "ec2:InstanceMetadataTags": "disabled", "ec2:MetadataHttpPutResponseHopLimit": "2", "ec2:RootDeviceType": "ebs",
    "ec2:AvailabilityZone": "{zone}", "ec2:InstanceType": "m1.small", "ec2:InstanceID": "{instance}",
    "ec2:InstanceProfile": "{profile}", "ec2:EbsOptimized": "false",
}  # fmt: skip
VPC = {"ec2:Vpc": f"arn:aws:ec2:{HERE}:vpc/{{vpc}}"}
NETWORK = f"arn:aws:ec2:{HERE}"
# An action, a request, the keys with the values that it has, and which of the resources that it is asked for has them.
ROWS: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    (one[0], one[1], one[2], one[3] if len(one) > 3 else "*") for one in [
    *((f"codecommit:{name}", BRANCH, {"codecommit:References": "refs/heads/main"}) for name in (
        "CreateBranch", "DeleteBranch", "PutFile", "DeleteFile", "CreateCommit")),
    ("codecommit:CreateRepository", {"repositoryName": "x", "tags": {"team": "blue"}}, TAGGED),
    ("codecommit:TagResource", {"tags": {"team": "blue"}}, TAGGED),
    ("codecommit:UntagResource", {"tagKeys": ["team"]}, KEYED),
    ("sns:Subscribe", {"Protocol": "email", "Endpoint": "a@example.com"},
        {"sns:Protocol": "email", "sns:Endpoint": "a@example.com"}),
    ("sns:CreateTopic", {"Name": "x", **PAIRS}, TAGGED),
    ("sns:TagResource", PAIRS, TAGGED),
    ("lambda:CreateFunction", {"Tags": {"team": "blue"}, "Role": ROLE}, TAGGED),
    ("lambda:TagResource", {"Tags": {"team": "blue"}}, TAGGED),
    ("lambda:UntagResource", {"TagKeys": ["team"]}, KEYED),
    ("lambda:AddPermission", {"Principal": "s3.amazonaws.com"}, {"lambda:Principal": "s3.amazonaws.com"}),
    ("lambda:RemovePermission", {"FunctionName": "shared"}, {"lambda:Principal": "s3.amazonaws.com"}),
    ("sns:UntagResource", {"TagKeys": ["team"]}, KEYED),
    ("sqs:CreateQueue", {"QueueName": "x", "tags": {"team": "blue"}}, TAGGED),
    ("sqs:TagQueue", {"Tags": {"team": "blue"}}, TAGGED),
    ("sqs:UntagQueue", {"TagKeys": ["team"]}, KEYED),
    ("ssm:PutParameter", {"Name": "/x", **PAIRS, "Overwrite": True, "Policies": "[]", "Value": "x"},
        {**TAGGED, "ssm:Overwrite": "true", "ssm:Policies": "true"}),
    ("ssm:PutParameter", {"Name": "/x", "Value": "x"}, {"ssm:Overwrite": "false"}),
    ("ssm:AddTagsToResource", PAIRS, TAGGED),
    ("ssm:RemoveTagsFromResource", {"TagKeys": ["team"]}, KEYED),
    ("ssm:GetParametersByPath", {"Path": "/x", "Recursive": True}, {"ssm:Recursive": "true"}),
    ("logs:CreateLogGroup", {"logGroupName": "x", "tags": {"team": "blue"}}, TAGGED),
    ("logs:TagResource", {"tags": {"team": "blue"}}, TAGGED),
    ("logs:UntagResource", {"tagKeys": ["team"]}, KEYED),
    ("events:PutRule", {"Name": "x", "EventPattern": PATTERN, **PAIRS}, {**TAGGED, **RULE, "events:source": "shop",
        "events:detail-type": "Order", "events:detail.service": "EC2", "events:detail.eventTypeCode": "X",
        "events:detail.userIdentity.principalId": "p"}),
    *((f"events:{name}", {}, RULE) for name in ("DescribeRule", "EnableRule", "DisableRule", "DeleteRule",
        "ListTagsForResource", "RemoveTargets", "ListTargetsByRule")),
    ("events:TagResource", PAIRS, {**TAGGED, **RULE}),
    ("events:UntagResource", {"TagKeys": ["team"]}, {**KEYED, **RULE}),
    ("events:PutTargets", {"Targets": [{"Id": "1", "Arn": f"arn:aws:sns:{HERE}:t"}]},
        {**RULE, "events:TargetArn": f"arn:aws:sns:{HERE}:t"}),
    ("events:PutEvents", {"Entries": [{"Source": "shop", "DetailType": "Order"}]},
        {"events:source": "shop", "events:detail-type": "Order", "events:eventBusInvocation": "false"}),
    ("codebuild:CreateProject", PROJECT, {**TAGGED, **dict(built("CreateProject"))}),
    ("codebuild:UpdateProject", PROJECT, {**TAGGED, **dict(built("UpdateProject"))}),
    ("codebuild:StartBuild", BUILD, dict(built("StartBuild"))),
    ("codedeploy:CreateApplication", {"applicationName": "x", "tags": PAIRS["Tags"]}, TAGGED),
    ("codedeploy:CreateDeploymentGroup", {"tags": PAIRS["Tags"]}, TAGGED),
    ("codedeploy:TagResource", PAIRS, TAGGED),
    ("codedeploy:UntagResource", {"TagKeys": ["team"]}, KEYED),
    ("codepipeline:CreatePipeline", {"pipeline": {"name": "x", "roleArn": ROLE}, **LOWER}, TAGGED),
    ("codepipeline:TagResource", LOWER, TAGGED),
    ("codepipeline:UntagResource", {"tagKeys": ["team"]}, KEYED),
    ("cloudformation:CreateStack", CREATING, CREATED),
    ("cloudformation:UpdateStack", CREATING, CREATED),
    ("cloudformation:CreateChangeSet", {**CREATING, **CHANGES, "ResourcesToImport": [{"ResourceType": "AWS::SNS::Topic",
        "LogicalResourceId": "A", "ResourceIdentifier": {}}]},
        {**CREATED, "cloudformation:ChangeSetName": "change", "cloudformation:ImportResourceTypes": "AWS::SNS::Topic"}),
    *((f"cloudformation:{name}", CHANGES, {"cloudformation:ChangeSetName": "change"}) for name in (
        "DescribeChangeSet", "DeleteChangeSet", "ExecuteChangeSet")),
    *((f"cloudformation:{name}", {**STACK, "RoleARN": ROLE}, {"cloudformation:RoleArn": ROLE}) for name in (
        "DeleteStack", "ContinueUpdateRollback", "RollbackStack")),
    *((f"cloudformation:{name}", {"TemplateURL": "https://s3/t.yml"}, {"cloudformation:TemplateUrl":
        "https://s3/t.yml"}) for name in ("ValidateTemplate", "GetTemplateSummary")),
    *((f"ec2:{name}", {}, {"ec2:Region": "us-east-1"}) for name in (
        "DescribeRegions", "DescribeAvailabilityZones", "DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups",
        "DescribeInstances", "DescribeInstanceStatus", "DescribeImages", "DescribeTags", "RunInstances")),
    *((f"ec2:{name}", {}, {"ec2:Region": "us-east-1", **METADATA}) for name in (
        "DescribeInstanceAttribute", "TerminateInstances", "StopInstances", "StartInstances", "RebootInstances")),
    ("ec2:ModifyInstanceAttribute", {"DisableApiTermination": {"Value": True}}, {"ec2:Region": "us-east-1", **METADATA,
        "ec2:Attribute": "DisableApiTermination", "ec2:Attribute/DisableApiTermination": "true"}),
    ("ec2:CreateTags", PAIRS, {"ec2:Region": "us-east-1", **METADATA, **TAGGED}),
    ("ec2:DeleteTags", PAIRS, {"ec2:Region": "us-east-1", **TAGGED}),
    ("ec2:RunInstances", RUN, {**TAGGED, "ec2:InstanceType": "t3.micro", "ec2:InstanceProfile": PROFILE,
        "ec2:AvailabilityZone": "us-east-1a", "ec2:MetadataHttpTokens": "required", "ec2:EbsOptimized": "true",
        "ec2:MetadataHttpEndpoint": "enabled", "ec2:MetadataHttpPutResponseHopLimit": "1", "ec2:Tenancy": "default",
        "ec2:InstanceMetadataTags": "enabled", "ec2:RootDeviceType": "ebs"}, f"{NETWORK}:instance/*"),
    ("ec2:RunInstances", RUN, {"ec2:Owner": "amazon", "ec2:ImageType": "machine", "ec2:Public": "true",
        "ec2:ImageID": "{image}", "ec2:RootDeviceType": "ebs"}, "arn:aws:ec2:us-east-1::image/*"),
    ("ec2:RunInstances", RUN, {**VPC, "ec2:SubnetID": "{subnet}"}, f"{NETWORK}:subnet/*"),
    ("ec2:RunInstances", RUN, {**VPC, "ec2:SecurityGroupID": "{group}"}, f"{NETWORK}:security-group/*"),
    ("ec2:RunInstances", RUN, {**VPC, "ec2:Subnet": f"{NETWORK}:subnet/{{subnet}}"}, f"{NETWORK}:network-interface/*"),
]]  # fmt: skip
