"""Constraints, and AWS's words for breaking them."""

from typing import Any

import pytest

from labsupport.cloud import wire
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.wire.refusals import words_of
from labsupport.cloud.wire.validate import LONGEST_UNBOUNDED

ROLE = "arn:aws:iam::123456789012:role/x"
TYPE = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
ACTION = {"name": "a", "actionTypeId": TYPE}
DETECTED = "1 validation error detected: "
KEY_PATTERN = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"


def refusal(service: str, operation: str, params: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as raised:
        wire.validate(wire.operation(service, operation), params)
    return raised.value


def pipeline(**action: Any) -> dict[str, Any]:
    stages = [{"name": "s", "actions": [ACTION | action]}]
    return {"pipeline": {"name": "p", "roleArn": ROLE, "stages": stages}}


WORDINGS = [
    ("kms", "CreateAlias", {"AliasName": "alias/x"}, "ValidationException",
     DETECTED + "Value null at 'targetKeyId' failed to satisfy constraint: Member must not be null"),
    ("kms", "CreateAlias", {"AliasName": "alias/a b", "TargetKeyId": "x"}, "ValidationException",
     DETECTED + "Value 'alias/a b' at 'aliasName' failed to satisfy constraint: "
     "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "x", "PendingWindowInDays": 0}, "ValidationException",
     DETECTED + "Value '0' at 'pendingWindowInDays' failed to satisfy constraint: "
     "Member must have value greater than or equal to 1"),
    ("ssm", "GetParametersByPath", {"Path": "/", "MaxResults": 11}, "ValidationException",
     DETECTED + "Value '11' at 'maxResults' failed to satisfy constraint: "
     "Member must have value less than or equal to 10"),
    ("ssm", "PutParameter", {"Name": "n", "Value": "v", "Type": "Text"}, "ValidationException",
     DETECTED + "Value 'Text' at 'type' failed to satisfy constraint: "
     "Member must satisfy enum value set: [String, StringList, SecureString]"),
    ("ssm", "GetParameters", {"Names": []}, "ValidationException",
     DETECTED + "Value '[]' at 'names' failed to satisfy constraint: "
     "Member must have length greater than or equal to 1"),
    ("logs", "CreateLogGroup", {"logGroupName": ""}, "InvalidParameterException",
     "2 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: "
     r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+; "
     "Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    ("iam", "GetRole", {"RoleName": "r" * 65}, "ValidationError",
     DETECTED + f"Value '{'r' * 65}' at 'roleName' failed to satisfy constraint: "
     "Member must have length less than or equal to 64"),
    ("iam", "GetRole", {}, "ValidationError",
     DETECTED + "Value null at 'roleName' failed to satisfy constraint: Member must not be null"),
    ("iam", "CreateLoginProfile", {"UserName": "u", "Password": ""}, "ValidationError",
     "2 validation errors detected: Value at 'password' failed to satisfy constraint: "
     r"Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+; "
     "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "a b"}, "ValidationError",
     DETECTED + "Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
     r"Member must satisfy regular expression pattern: [\w+=,.@-]*"),
    ("codepipeline", "CreatePipeline", pipeline(namespace="a b"), "ValidationException",
     DETECTED + "Value at 'pipeline.stages.1.member.actions.1.member.namespace' failed to satisfy constraint: "
     r"Member must satisfy regular expression pattern: [A-Za-z0-9@\-_]+"),
    ("codepipeline", "CreatePipeline", pipeline(configuration={"k": ""}), "ValidationException",
     DETECTED + "Value at 'pipeline.stages.1.member.actions.1.member.configuration' failed to satisfy constraint: "
     "Map value must satisfy constraint: [Member must have length less than or equal to 1000, "
     "Member must have length greater than or equal to 1]"),
    ("codebuild", "BatchGetBuilds", {"ids": ["x", ""]}, "ValidationException",
     DETECTED + "Value '[x, ]' at 'ids' failed to satisfy constraint: "
     "Member must satisfy constraint: [Member must have length greater than or equal to 1]"),
    ("codebuild", "BatchGetBuilds", {"ids": [None]}, "ValidationException",
     DETECTED + "Value '[null]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: "
     "[Member must have length greater than or equal to 1, Member must not be null]"),
    ("events", "TagResource", {"ResourceARN": "arn", "Tags": [{"Key": "k"}]}, "ValidationException",
     DETECTED + "Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"),
    ("lambda", "GetFunction", {"FunctionName": "a", "Qualifier": "!"}, "ValidationException",
     DETECTED + "Value '!' at 'qualifier' failed to satisfy constraint: "
     r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"),
    ("cloudwatch", "DescribeAlarms", {"MaxRecords": 101}, "ValidationError",
     DETECTED + "Value '101' at 'maxRecords' failed to satisfy constraint: "
     "Member must have value less than or equal to 100"),
    ("sqs", "SendMessage", {"QueueUrl": "x"}, "MissingParameter",
     "The request must contain the parameter MessageBody"),
    ("ec2", "RunInstances", {"MaxCount": 1}, "MissingParameter", "The request must contain the parameter MinCount"),
    ("ec2", "RunInstances", {"MinCount": 1, "MaxCount": 1, "InstanceType": "huge"}, "InvalidParameterValue",
     "Value (huge) for parameter instanceType is invalid."),
    ("ec2", "DescribeVpcs", {"MaxResults": 1}, "InvalidParameterValue",
     "Value (1) for parameter maxResults is invalid. Expecting a value greater than or equal to 5."),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "StorageClass": "COLD"}, "InvalidStorageClass",
     "The storage class you specified is not valid"),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "ACL": "x"}, "InvalidArgument", "Invalid value for x-amz-acl"),
    ("s3", "CopyObject", {"Bucket": "b", "Key": "k"}, "InvalidRequest",
     "Missing required header for this request: x-amz-copy-source"),
    ("s3", "PutBucketVersioning", {"Bucket": "b", "VersioningConfiguration": {"Status": "on"}}, "MalformedXML",
     "The XML you provided was not well-formed or did not validate against our published schema"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "params", "code", "message"), WORDINGS)
def test_codes_and_wording(service: str, operation: str, params: dict[str, Any], code: str, message: str) -> None:
    error = refusal(service, operation, params)
    assert (error.code, error.message) == (code, message)


# What the operations declare decides; nothing of this is written down in the code.
@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("codecommit", "CreateRepository", {}, "RepositoryNameRequiredException"),
        ("codecommit", "CreateRepository", {"repositoryName": "a b"}, "InvalidRepositoryNameException"),
        ("codecommit", "CreateRepository", {"repositoryName": "a" * 101}, "InvalidRepositoryNameException"),
        ("codecommit", "UpdateRepositoryName", {"oldName": "a"}, "RepositoryNameRequiredException"),
        ("codecommit", "UpdateRepositoryName", {"oldName": "a", "newName": "!"}, "InvalidRepositoryNameException"),
        ("codecommit", "BatchGetRepositories", {}, "RepositoryNamesRequiredException"),
        ("codecommit", "BatchGetRepositories", {"repositoryNames": ["!"]}, "InvalidRepositoryNameException"),
        ("codecommit", "CreateBranch", {"repositoryName": "a", "commitId": "x"}, "BranchNameRequiredException"),
        ("codecommit", "CreateBranch", {"repositoryName": "a", "branchName": "x"}, "CommitIdRequiredException"),
        ("codecommit", "GetDifferences", {"repositoryName": "a"}, "CommitRequiredException"),
        ("codecommit", "GetFile", {"repositoryName": "a"}, "PathRequiredException"),
        ("codecommit", "TagResource", {"tags": {}}, "ResourceArnRequiredException"),
        ("codecommit", "TagResource", {"resourceArn": "a"}, "TagsMapRequiredException"),
        ("codecommit", "UntagResource", {"resourceArn": "a"}, "TagKeysListRequiredException"),
        ("codecommit", "ListRepositories", {"sortBy": "size"}, "InvalidSortByException"),
        ("codedeploy", "CreateApplication", {}, "ApplicationNameRequiredException"),
        ("codedeploy", "CreateApplication", {"applicationName": "a" * 101}, "InvalidApplicationNameException"),
        ("codedeploy", "CreateApplication", {"applicationName": "a", "computePlatform": "x"},
         "InvalidComputePlatformException"),
        ("codedeploy", "GetDeploymentGroup", {"applicationName": "a"}, "DeploymentGroupNameRequiredException"),
        ("codedeploy", "CreateDeploymentGroup", {"applicationName": "a", "deploymentGroupName": "b"},
         "RoleRequiredException"),
        ("codedeploy", "AddTagsToOnPremisesInstances", {"instanceNames": ["x"]}, "TagRequiredException"),
        ("codedeploy", "GetDeployment", {}, "DeploymentIdRequiredException"),
    ],
)  # fmt: skip
def test_exceptions_of_codecommit_and_codedeploy(
    service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    error = refusal(service, operation, params)
    assert error.code == code
    assert code in [shape.name for shape in wire.operation(service, operation).error_shapes]


@pytest.mark.parametrize("service", ["codecommit", "codedeploy"])
def test_every_missing_parameter_of_theirs_has_an_exception(service: str) -> None:
    """Where an operation of theirs declares a `…RequiredException` for its only required member, it is found."""
    without = set()
    for name in sorted(wire.operation_names(service)):
        operation = wire.operation(service, name)
        declared = [shape.name for shape in operation.error_shapes if shape.name.endswith("RequiredException")]
        required = operation.input_shape.required_members if operation.input_shape else []
        if declared and required and refusal(service, name, {}).code not in declared:
            without.add(name)
    assert without == set()


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("sts", "GetCallerIdentity", {}),
        ("codecommit", "CreateRepository", {"repositoryName": "a.b-c_D", "tags": {"k": "v"}}),
        ("codecommit", "CreateRepository", {"repositoryName": "a" * 100, "repositoryDescription": None}),
        ("codepipeline", "CreatePipeline", pipeline(namespace="ab", configuration={"k": "v"})),
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "é", "Value": ""}]}),
        ("s3", "PutObjectAnnotation", {"Bucket": "b", "Key": "k", "AnnotationName": "a"}),
    ],
)
def test_what_is_allowed_passes(service: str, operation: str, params: dict[str, Any]) -> None:
    wire.validate(wire.operation(service, operation), params)


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("codecommit", "CreateRepository", {"repositoryName": 5}, "SerializationException"),
        ("codecommit", "CreateRepository", {"repositoryName": "a", "tags": []}, "SerializationException"),
        ("codecommit", "CreateRepository", {"repositryName": "a"}, "SerializationException"),
        ("codecommit", "BatchGetRepositories", {"repositoryNames": "a"}, "SerializationException"),
        ("ssm", "GetParametersByPath", {"Path": "/", "MaxResults": True}, "SerializationException"),
        ("iam", "GetRole", {"RoleName": b"x"}, "MalformedInput"),
        ("s3", "PutBucketTagging", {"Bucket": "b", "Tagging": []}, "InvalidArgument"),
    ],
)
def test_wrong_types_are_refused(service: str, operation: str, params: dict[str, Any], code: str) -> None:
    """Services call each other with Python values, which no bytes have made right."""
    assert refusal(service, operation, params).code == code


def test_a_pattern_without_a_length_is_not_tried_on_endless_values() -> None:
    operation = wire.operation("codepipeline", "TagResource")
    tags = [{"key": "k", "value": "v"}]
    assert refusal("codepipeline", "TagResource", {"resourceArn": "x" * LONGEST_UNBOUNDED, "tags": tags})
    wire.validate(operation, {"resourceArn": "x" * (LONGEST_UNBOUNDED + 1), "tags": tags})


def test_names_fall_into_words() -> None:
    assert words_of("serviceRoleArn") == ["service", "role", "arn"]
    assert words_of("EC2TagFilterList") == ["ec", "2", "tag", "filter", "list"]
    assert words_of("ec2TagFilters") == ["ec", "2", "tag", "filters"]
    assert words_of("GitHubAccountTokenName") == ["git", "hub", "account", "token", "name"]
