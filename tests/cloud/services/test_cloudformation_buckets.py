"""AWS::S3::Bucket: what templates write, seen by S3's own operations, set, changed and taken away again."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_help import Stacks

LIFECYCLE = {
    "Rules": [
        {"Id": "all", "Status": "Enabled", "ExpirationInDays": "30",
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
        {"Id": "logs", "Status": "Disabled", "Prefix": "logs/", "TagFilters": [{"Key": "a", "Value": "b"}],
         "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 10}],
         "NoncurrentVersionTransition": {"StorageClass": "GLACIER", "TransitionInDays": 5},
         "NoncurrentVersionExpirationInDays": 40},
        {"Id": "day", "Status": "Enabled", "TagFilters": [{"Key": "a", "Value": "b"}],
         "ExpirationDate": "2040-01-01T00:00:00Z"},
    ]
}  # fmt: skip
ENDS = [
    {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30},
     "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
    {"ID": "logs", "Status": "Disabled", "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
     "Transitions": [{"Days": 10, "StorageClass": "GLACIER"}],
     "NoncurrentVersionTransitions": [{"NoncurrentDays": 5, "StorageClass": "GLACIER"}],
     "NoncurrentVersionExpiration": {"NoncurrentDays": 40}},
]  # fmt: skip
CORS = {"CorsRules": [{"Id": "one", "AllowedMethods": ["GET"], "AllowedOrigins": ["https://x"], "MaxAge": 60,
                       "ExposedHeaders": ["ETag"]}]}  # fmt: skip
SITE = {
    "IndexDocument": "index.html",
    "ErrorDocument": "error.html",
    "RoutingRules": [{"RoutingRuleCondition": {"KeyPrefixEquals": "old/"},
                      "RedirectRule": {"ReplaceKeyPrefixWith": "new/"}}],
}  # fmt: skip
Row = tuple[str, Any, str, Any, Any]
ROWS: list[Row] = [  # property, value, how S3 is asked, what it says of the value, what it says without it
    ("LifecycleConfiguration", LIFECYCLE, "get_bucket_lifecycle_configuration:Rules", ENDS, None),
    ("CorsConfiguration", CORS, "get_bucket_cors:CORSRules",
     [{"ID": "one", "AllowedMethods": ["GET"], "AllowedOrigins": ["https://x"], "MaxAgeSeconds": 60,
       "ExposeHeaders": ["ETag"]}], None),
    ("WebsiteConfiguration", SITE, "get_bucket_website:RoutingRules",
     [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}], None),
    ("WebsiteConfiguration", {"RedirectAllRequestsTo": {"HostName": "example.com"}},
     "get_bucket_website:RedirectAllRequestsTo", {"HostName": "example.com"}, None),
    ("LoggingConfiguration", {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "a/"},
     "get_bucket_logging:LoggingEnabled", {"TargetBucket": "{Logs}", "TargetPrefix": "a/"}, None),
    ("NotificationConfiguration", {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
     "get_bucket_notification_configuration:EventBridgeConfiguration", {}, None),
    ("NotificationConfiguration", {"TopicConfigurations": [{"Topic": {"Ref": "T"}, "Event": "s3:ObjectCreated:*",
      "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}}}]},
     "get_bucket_notification_configuration:TopicConfigurations", [{"TopicArn": "{T}", "Events": ["s3:ObjectCreated:*"],
      "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}]}}}], None),
    ("PublicAccessBlockConfiguration", {"BlockPublicPolicy": False, "BlockPublicAcls": "true"},
     "get_public_access_block:PublicAccessBlockConfiguration",
     {"BlockPublicPolicy": False, "BlockPublicAcls": True, "IgnorePublicAcls": False, "RestrictPublicBuckets": False},
     dict.fromkeys(("BlockPublicPolicy", "BlockPublicAcls", "IgnorePublicAcls", "RestrictPublicBuckets"), True)),
    ("OwnershipControls", {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
     "get_bucket_ownership_controls:OwnershipControls", {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
     {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
]  # fmt: skip


def others() -> dict[str, Any]:
    """A bucket for logs, and a topic that S3 may publish to."""
    logs = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
            "Resource": {"Fn::Sub": "${Logs.Arn}/*"}}  # fmt: skip
    publish = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish",
               "Resource": {"Ref": "T"}}  # fmt: skip
    document = {"Version": "2012-10-17"}
    return {
        "Logs": {"Type": "AWS::S3::Bucket"},
        "LogsPolicy": {"Type": "AWS::S3::BucketPolicy",
                       "Properties": {"Bucket": {"Ref": "Logs"}, "PolicyDocument": {**document, "Statement": [logs]}}},
        "T": {"Type": "AWS::SNS::Topic"},
        "TPolicy": {"Type": "AWS::SNS::TopicPolicy",
                    "Properties": {"Topics": [{"Ref": "T"}], "PolicyDocument": {**document, "Statement": [publish]}}},
    }  # fmt: skip


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "DependsOn": ["LogsPolicy", "TPolicy"], "Properties": properties}


def said(cloud: Any, name: str, asked: str) -> Any:
    operation, _, member = asked.partition(":")
    try:
        return getattr(cloud.client("s3"), operation)(Bucket=name).get(member)
    except ClientError:
        return None


def named(value: Any, names: dict[str, str]) -> Any:
    text = json.dumps(value).replace("{Logs}", names["Logs"]).replace("{T}", names["T"])
    return json.loads(text)


def plain(value: Any) -> Any:
    """An answer without the ids that S3 gives to rules of notifications."""
    return [{key: one for key, one in rule.items() if key != "Id"} for rule in value] if _rules(value) else value


def _rules(value: Any) -> bool:
    return isinstance(value, list) and any("TopicArn" in one for one in value)


@pytest.mark.parametrize(("prop", "value", "asked", "expected", "without"), ROWS)
def test_a_property_is_set_and_taken_away(
    shared_cloud: Any, request: pytest.FixtureRequest, prop: str, value: Any, asked: str, expected: Any, without: Any
) -> None:
    stacks, stack = Stacks(shared_cloud), f"bucket-{ROWS.index((prop, value, asked, expected, without))}"
    assert stacks.create(stack, {**others(), "B": bucket(**{prop: value})}) == "CREATE_COMPLETE", stacks.why(stack, "B")
    names = {logical: one["PhysicalResourceId"] for logical, one in stacks.resources(stack).items()}
    found = plain(said(shared_cloud, names["B"], asked))
    if prop == "LifecycleConfiguration":
        assert found.pop()["Expiration"]["Date"].year == 2040
    assert found == named(expected, names)
    assert stacks.update(stack, {**others(), "B": bucket()}) == "UPDATE_COMPLETE", stacks.why(stack, "B")
    assert said(shared_cloud, names["B"], asked) == without


def test_a_bucket_with_object_lock(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    made = {"Type": "AWS::S3::Bucket", "Properties": {"ObjectLockEnabled": True, "ObjectLockConfiguration": lock}}
    assert stacks.create("locked", {"B": made}) == "CREATE_COMPLETE", stacks.why("locked", "B")
    name = stacks.resources("locked")["B"]["PhysicalResourceId"]
    assert said(shared_cloud, name, "get_object_lock_configuration:ObjectLockConfiguration") == lock


def test_a_public_bucket_is_asked_for_three_times_over(shared_cloud: Any) -> None:
    """A public list needs lists to be heeded, and the block of public access to be off."""
    stacks = Stacks(shared_cloud)
    settings = {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": False},
    }
    made = {"Type": "AWS::S3::Bucket", "Properties": {**settings, "AccessControl": "PublicRead"}}
    assert stacks.create("public", {"B": made}) == "CREATE_COMPLETE", stacks.why("public", "B")
    name = stacks.resources("public")["B"]["PhysicalResourceId"]
    assert len(said(shared_cloud, name, "get_bucket_acl:Grants")) == 2
    made = {"Type": "AWS::S3::Bucket", "Properties": settings}
    assert stacks.update("public", {"B": made}) == "UPDATE_COMPLETE", stacks.why("public", "B")
    assert len(said(shared_cloud, name, "get_bucket_acl:Grants")) == 1


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"AccessControl": "PublicRead"}, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced"),
        ({"NotificationConfiguration": {"QueueConfigurations": [{"Queue": "arn:aws:sqs:us-east-1:123456789012:q",
          "Event": "s3:ObjectCreated:*"}]}}, "Unable to validate the following destination configurations"),
    ],
)  # fmt: skip
def test_what_s3_refuses_is_the_bucket_s_failure(shared_cloud: Any, properties: dict[str, Any], says: str) -> None:
    stacks, stack = Stacks(shared_cloud), f"refused-{len(properties)}-{len(says)}"
    made = {"Type": "AWS::S3::Bucket", "Properties": properties}
    assert stacks.create(stack, {"B": made}) == "ROLLBACK_COMPLETE"
    assert says in stacks.why(stack, "B")
