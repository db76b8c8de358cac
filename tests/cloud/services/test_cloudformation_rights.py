"""By whose rights a stack's resources are made, and who is told of it."""

import json
from typing import Any

import pytest
from cloudformation_help import TOPIC, Stacks, bucket, text, topic
from services_help import ACCOUNT, may, person, policy, refused, service_role, trusting

CFN = may("cloudformation:*")


def test_without_a_role_the_callers_rights_count(shared_cloud: Any) -> None:
    developer = person(shared_cloud, "builder", CFN, may("sns:*"))
    stacks = Stacks(shared_cloud, developer("cloudformation"))
    assert stacks.create("own-rights", {"T": TOPIC, "B": {**bucket(), "DependsOn": "T"}}) == "ROLLBACK_COMPLETE"
    reason = stacks.why("own-rights", "B")
    assert f"arn:aws:iam::{ACCOUNT}:user/builder is not authorized to perform: s3:CreateBucket" in reason
    assert stacks.create("own-rights2", {"T": TOPIC}) == "CREATE_COMPLETE"


def test_a_role_has_to_be_passed_and_then_counts(shared_cloud: Any) -> None:
    role = service_role(shared_cloud, "provisioner", "cloudformation", may("sns:*"))
    alone = person(shared_cloud, "cannot-pass", CFN)
    body = text({"T": TOPIC})
    code, message = refused(alone("cloudformation").create_stack, StackName="passed", TemplateBody=body, RoleARN=role)
    assert "AccessDenied" in code
    assert f"iam:PassRole on resource: {role}" in message
    passing = person(shared_cloud, "passes", CFN, may("iam:PassRole", resource=role))
    stacks = Stacks(shared_cloud, passing("cloudformation"))
    assert stacks.create("passed", {"T": topic("a")}, RoleARN=role) == "CREATE_COMPLETE"
    assert stacks.look("passed")["RoleARN"] == role
    assert stacks.update("passed", {"T": topic("b")}) == "UPDATE_COMPLETE", "the role stays the stack's"
    assert stacks.create("lacks", {"T": TOPIC, "B": {**bucket(), "DependsOn": "T"}}, RoleARN=role) == (
        "ROLLBACK_COMPLETE"
    )
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/provisioner/AWSCloudFormation"
    assert f"{who} is not authorized to perform: s3:CreateBucket" in stacks.why("lacks", "B")


def test_a_role_that_does_not_trust_cloudformation(shared_cloud: Any) -> None:
    iam = shared_cloud.client("iam")
    role = iam.create_role(RoleName="for-builds", AssumeRolePolicyDocument=trusting("codebuild.amazonaws.com"))["Role"]
    iam.put_role_policy(RoleName="for-builds", PolicyName="own", PolicyDocument=policy(may("*")))
    stacks = Stacks(shared_cloud)
    message = ("ValidationError", f"Role {role['Arn']} is invalid or cannot be assumed")
    request = {"StackName": "untrusted", "TemplateBody": text({"T": TOPIC}), "RoleARN": role["Arn"]}
    assert refused(stacks.client.create_stack, **request) == message
    assert not stacks.there("untrusted")
    stacks.create("untrusted", {"T": TOPIC})
    changed = {**request, "TemplateBody": text({"T": topic("x")})}
    for operation, params in (
        (stacks.client.update_stack, changed),
        (stacks.client.delete_stack, {"StackName": "untrusted", "RoleARN": role["Arn"]}),
    ):
        assert refused(operation, **params) == message
    assert stacks.look("untrusted")["StackStatus"] == "CREATE_COMPLETE"


def test_a_role_that_is_gone_by_the_time_it_is_needed(shared_cloud: Any) -> None:
    role, stacks = service_role(shared_cloud, "short", "cloudformation", may("sns:*")), Stacks(shared_cloud)
    assert stacks.create("short", {"T": TOPIC}, RoleARN=role) == "CREATE_COMPLETE"
    iam = shared_cloud.client("iam")
    iam.delete_role_policy(RoleName="short", PolicyName="own")
    iam.delete_role(RoleName="short")
    assert stacks.delete("short") == "DELETE_FAILED"
    other = service_role(shared_cloud, "longer", "cloudformation", may("sns:*"))
    assert stacks.delete("short", RoleARN=other) == "DELETE_COMPLETE"


def test_with_all_checks_off_anybody_may(start_cloud: Any) -> None:
    cloud = start_cloud(auth="open")
    keys = {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None}
    stacks = Stacks(cloud, cloud.client("cloudformation", credentials=keys))
    assert stacks.create("open", {"T": TOPIC}) == "CREATE_COMPLETE"


def test_rights_on_single_stacks(shared_cloud: Any) -> None:
    mine = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/mine-*/*"
    client = person(shared_cloud, "narrow", may("cloudformation:*", resource=mine), may("sns:*"))("cloudformation")
    client.create_stack(StackName="mine-1", TemplateBody=text({"T": TOPIC}))
    shared_cloud.settle("cloudformation")
    assert client.describe_stacks(StackName="mine-1")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    for operation in (client.describe_stacks, client.delete_stack, client.describe_stack_events):
        assert "AccessDenied" in refused(operation, StackName="yours-1")[0]


def test_a_stack_of_another_account_is_not_there(shared_cloud: Any) -> None:
    stacks = Stacks(shared_cloud)
    stacks.create("theirs", {"T": TOPIC})
    identity = stacks.look("theirs")["StackId"]
    elsewhere = shared_cloud.client("cloudformation", region_name="eu-west-1")
    elsewhere.delete_stack(StackName=identity)
    assert refused(elsewhere.describe_stacks, StackName=identity)[1] == f"Stack with id {identity} does not exist"
    other = shared_cloud.client("cloudformation", "second")
    for operation in (other.delete_stack, other.describe_stacks):
        assert refused(operation, StackName=identity)[0] in ("AccessDenied", "ValidationError")
    assert stacks.look("theirs")["StackStatus"] == "CREATE_COMPLETE"


def test_eventbridge_and_the_trail_are_told(shared_cloud: Any) -> None:
    events, logs = shared_cloud.client("events"), shared_cloud.client("logs")
    logs.create_log_group(logGroupName="/aws/events/stacks")
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*",
               "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}  # fmt: skip
    logs.put_resource_policy(policyName="rules", policyDocument=policy(allowed))
    events.put_rule(
        Name="stacks",
        EventPattern=json.dumps(
            {
                "source": ["aws.cloudformation"],
                "detail-type": ["CloudFormation Stack Status Change", "CloudFormation Resource Status Change"],
            }
        ),
    )
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/stacks"
    events.put_targets(Rule="stacks", Targets=[{"Id": "log", "Arn": arn}])
    stacks = Stacks(shared_cloud)
    stacks.create("told", {"T": TOPIC}, ClientRequestToken="abc")
    shared_cloud.settle()
    found = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName="/aws/events/stacks")["events"]]
    identity = stacks.look("told")["StackId"]
    mine = [one for one in found if one["detail"]["stack-id"] == identity]
    whole = [one["detail"] for one in mine if one["detail-type"] == "CloudFormation Stack Status Change"]
    assert [one["status-details"]["status"] for one in whole] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert {one["client-request-token"] for one in whole} == {"abc"}
    parts = [one["detail"] for one in mine if one["detail-type"] == "CloudFormation Resource Status Change"]
    assert parts[-1]["logical-resource-id"] == "T"
    assert parts[-1]["resource-type"] == "AWS::SNS::Topic"
    trail = shared_cloud.client("cloudtrail")
    seen = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}])
    last = json.loads(seen["Events"][0]["CloudTrailEvent"])
    assert last["sourceIPAddress"] == last["userAgent"] == "cloudformation.amazonaws.com"


@pytest.mark.parametrize("operation", ["describe_stack_events", "get_template", "list_stack_resources", "update_stack"])
def test_a_stack_that_is_not_there(shared_cloud: Any, operation: str) -> None:
    client = shared_cloud.client("cloudformation")
    more = {"TemplateBody": text({"T": TOPIC})} if operation == "update_stack" else {}
    found = refused(getattr(client, operation), StackName="nowhere", **more)
    assert found == ("ValidationError", "Stack with id nowhere does not exist")
