"""What is there when a fuzz begins: one of everything, made by ordinary calls."""

import json
from typing import Any

TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": "*", "Service": [f"{name}.amazonaws.com" for name in
            ("codebuild", "codepipeline", "codedeploy", "cloudformation", "events", "ec2")]},
        "Action": "sts:AssumeRole",
    }],
})  # fmt: skip
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fuzz-role"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:fuzz-topic"
TAGS = [{"Key": "app", "Value": "fuzz"}]


def _action(name: str, category: str, provider: str, configuration: dict[str, str], **more: Any) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration, **more}


PIPELINE: dict[str, Any] = {
    "name": "fuzz-pipeline",
    "roleArn": ROLE,
    "artifactStore": {"type": "S3", "location": "fuzz-bucket"},
    "version": 1,
    "stages": [
        {"name": "Source", "actions": [_action(
            "Source", "Source", "CodeCommit", {"RepositoryName": "fuzz-repository", "BranchName": "main"},
            outputArtifacts=[{"name": "code"}])]},
        {"name": "Approve", "actions": [_action("Approve", "Approval", "Manual", {"NotificationArn": TOPIC})]},
    ],
}  # fmt: skip
PROJECT: dict[str, Any] = {
    "name": "fuzz-project",
    "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [true]}}\n"},
    "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {
        "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
    "serviceRole": ROLE,
}  # fmt: skip

# In the order in which they need each other. What is there already is refused, which does no harm.
# `<imageid>` is the first ImageId in the answers so far.
SEEDS: list[tuple[str, str, dict[str, Any]]] = [
    ("iam", "CreateRole", {"RoleName": "fuzz-role", "AssumeRolePolicyDocument": TRUST}),
    ("iam", "PutRolePolicy", {"RoleName": "fuzz-role", "PolicyName": "all", "PolicyDocument": ALLOW}),
    ("iam", "CreateUser", {"UserName": "fuzz-user", "Tags": TAGS}),
    ("iam", "CreateGroup", {"GroupName": "fuzz-group"}),
    ("iam", "CreatePolicy", {"PolicyName": "fuzz-policy", "PolicyDocument": ALLOW}),
    ("iam", "CreateInstanceProfile", {"InstanceProfileName": "fuzz-profile"}),
    ("iam", "PutUserPolicy", {"UserName": "fuzz-user", "PolicyName": "all", "PolicyDocument": ALLOW}),
    ("iam", "PutGroupPolicy", {"GroupName": "fuzz-group", "PolicyName": "all", "PolicyDocument": ALLOW}),
    ("iam", "CreateServiceSpecificCredential", {"UserName": "fuzz-user", "ServiceName": "codecommit.amazonaws.com"}),
    ("iam", "CreateRole", {"RoleName": "fuzz-spare", "AssumeRolePolicyDocument": TRUST}),
    ("iam", "CreateAccessKey", {"UserName": "fuzz-user"}),
    ("kms", "CreateKey", {"Description": "fuzz"}),
    ("kms", "CreateAlias", {"AliasName": "alias/fuzz", "TargetKeyId": "<keyid>"}),
    ("kms", "Encrypt", {"KeyId": "alias/fuzz", "Plaintext": b"fuzz"}),
    ("kms", "ListKeys", {}),
    ("kms", "ListAliases", {}),
    ("s3", "CreateBucket", {"Bucket": "fuzz-bucket"}),
    ("s3", "PutObject", {"Bucket": "fuzz-bucket", "Key": "a/b.txt", "Body": b"hello", "Metadata": {"a": "b"}}),
    ("s3", "CreateMultipartUpload", {"Bucket": "fuzz-bucket", "Key": "parts"}),
    ("ssm", "PutParameter", {"Name": "/fuzz/text", "Value": "v", "Type": "String"}),
    ("ssm", "PutParameter", {"Name": "/fuzz/secret", "Value": "s", "Type": "SecureString"}),
    ("logs", "CreateLogGroup", {"logGroupName": "/fuzz"}),
    ("logs", "ListTagsForResource", {"resourceArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/fuzz"}),
    ("logs", "CreateLogStream", {"logGroupName": "/fuzz", "logStreamName": "stream"}),
    ("sns", "CreateTopic", {"Name": "fuzz-topic"}),
    ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "fuzz@example.com"}),
    ("sqs", "CreateQueue", {"QueueName": "fuzz-queue"}),
    ("sqs", "SendMessage", {"QueueUrl": "<queueurl>", "MessageBody": "fuzz"}),
    ("sqs", "ReceiveMessage", {"QueueUrl": "<queueurl>"}),
    ("events", "PutRule", {"Name": "fuzz-rule", "EventPattern": '{"source": ["fuzz"]}'}),
    ("events", "PutEvents", {"Entries": [{"Source": "fuzz", "DetailType": "fuzz", "Detail": "{}"}]}),
    ("events", "PutTargets", {"Rule": "fuzz-rule", "Targets": [{"Id": "1", "Arn": TOPIC}]}),
    ("events", "CreateEventBus", {"Name": "fuzz-bus"}),
    ("ec2", "DescribeImages", {}),
    ("ec2", "RunInstances", {"ImageId": "<imageid>", "MinCount": 1, "MaxCount": 1, "ClientToken": "fuzz"}),
    ("ec2", "DescribeInstances", {}),
    ("ec2", "DescribeSubnets", {}),
    ("ec2", "DescribeSecurityGroups", {}),
    ("codecommit", "CreateRepository", {"repositoryName": "fuzz-repository"}),
    ("codecommit", "PutFile", {
        "repositoryName": "fuzz-repository", "branchName": "main", "filePath": "a.txt", "fileContent": b"a"}),
    ("codebuild", "CreateProject", PROJECT),
    ("codebuild", "StartBuild", {"projectName": "fuzz-project"}),
    ("codedeploy", "CreateApplication", {"applicationName": "fuzz-application"}),
    ("codedeploy", "CreateDeploymentGroup", {
        "applicationName": "fuzz-application", "deploymentGroupName": "fuzz-group", "serviceRoleArn": ROLE}),
    ("codedeploy", "CreateDeployment", {
        "applicationName": "fuzz-application", "deploymentGroupName": "fuzz-group",
        "revision": {
            "revisionType": "S3", "s3Location": {"bucket": "fuzz-bucket", "key": "a/b.txt", "bundleType": "zip"}}}),
    ("cloudformation", "CreateStack", {
        "StackName": "fuzz-stack", "TemplateBody": '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'}),
    ("cloudformation", "CreateChangeSet", {
        "StackName": "fuzz-stack", "ChangeSetName": "fuzz-changes",
        "TemplateBody": '{"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}'}),
    ("codepipeline", "CreatePipeline", {"pipeline": PIPELINE}),
    ("codepipeline", "StartPipelineExecution", {"name": "fuzz-pipeline"}),
]  # fmt: skip
