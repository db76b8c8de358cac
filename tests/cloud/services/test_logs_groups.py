"""Log groups and streams: made, listed, refused, tagged; policies for services."""

from typing import Any
from zlib import crc32

import pytest
from services_help import ACCOUNT, code_of, may, person, policy, refused, trail

PLACE = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"


@pytest.fixture
def logs(shared_cloud: Any) -> Any:
    return shared_cloud.client("logs")


def test_a_new_group(logs: Any) -> None:
    logs.create_log_group(logGroupName="/new/group", tags={"team": "shop"})
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/new")["logGroups"]
    assert found.pop("creationTime") > 1_700_000_000_000
    assert found == {
        "logGroupName": "/new/group",
        "arn": PLACE + "/new/group:*",
        "logGroupArn": PLACE + "/new/group",
        "metricFilterCount": 0,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
    }
    assert refused(logs.create_log_group, logGroupName="/new/group") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )


@pytest.mark.parametrize(
    "params",
    [
        {"logGroupClass": "INFREQUENT_ACCESS"},
        {"deletionProtectionEnabled": True},
    ],
)
def test_what_the_lab_has_not(logs: Any, params: dict[str, Any]) -> None:
    assert code_of(logs.create_log_group, logGroupName="/plain/only", **params) == "NotSimulated"
    assert logs.describe_log_groups(logGroupNamePrefix="/plain/only")["logGroups"] == []


@pytest.mark.parametrize("name", ["a b", "a:b", "x" * 513])
def test_names_that_are_refused(logs: Any, name: str) -> None:
    assert code_of(logs.create_log_group, logGroupName=name) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("delete_log_group", {}),
        ("put_retention_policy", {"retentionInDays": 7}),
        ("delete_retention_policy", {}),
        ("create_log_stream", {"logStreamName": "s"}),
        ("delete_log_stream", {"logStreamName": "s"}),
        ("describe_log_streams", {}),
        ("put_log_events", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "x"}]}),
        ("get_log_events", {"logStreamName": "s"}),
        ("filter_log_events", {}),
    ],
)
def test_a_group_that_is_not_there(logs: Any, operation: str, params: dict[str, Any]) -> None:
    found = refused(getattr(logs, operation), logGroupName="nowhere", **params)
    assert found == ("ResourceNotFoundException", "The specified log group does not exist.")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("delete_log_stream", {}),
        ("put_log_events", {"logEvents": [{"timestamp": 1, "message": "x"}]}),
        ("get_log_events", {}),
    ],
)
def test_a_stream_that_is_not_there(logs: Any, operation: str, params: dict[str, Any]) -> None:
    logs_ready(logs, "/streams/none")
    found = refused(getattr(logs, operation), logGroupName="/streams/none", logStreamName="s", **params)
    assert found == ("ResourceNotFoundException", "The specified log stream does not exist.")
    answer = refused(logs.filter_log_events, logGroupName="/streams/none", logStreamNames=["s"])
    assert answer == found


def logs_ready(logs: Any, group: str, *streams: str) -> None:
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    for stream in streams:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def test_pages_of_groups(logs: Any) -> None:
    names = [f"/pages/{number}" for number in range(7)]
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/pages/", PaginationConfig={"PageSize": 3}
    )
    seen = [[one["logGroupName"] for one in page["logGroups"]] for page in pages]
    assert seen == [names[:3], names[3:6], names[6:]]
    assert [one["logGroupName"] for one in logs.describe_log_groups(logGroupNamePattern="ages/4")["logGroups"]] == [
        "/pages/4"
    ]
    both = {"logGroupNamePrefix": "/pages", "logGroupNamePattern": "4"}
    assert code_of(logs.describe_log_groups, **both) == "InvalidParameterException"
    assert refused(logs.describe_log_groups, nextToken="bad") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


@pytest.mark.parametrize("days", [1, 3, 14, 365, 3653])
def test_retention(logs: Any, days: int) -> None:
    logs_ready(logs, "/retention")
    logs.put_retention_policy(logGroupName="/retention", retentionInDays=days)
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/retention")["logGroups"]
    assert found["retentionInDays"] == days
    logs.delete_retention_policy(logGroupName="/retention")
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix="/retention")["logGroups"][0]


@pytest.mark.parametrize("days", [0, 2, 100, -1])
def test_retentions_that_are_refused(logs: Any, days: int) -> None:
    logs_ready(logs, "/retention/not")
    code, message = refused(logs.put_retention_policy, logGroupName="/retention/not", retentionInDays=days)
    assert code == "InvalidParameterException"
    assert f"Value '{days}' at 'retentionInDays' failed to satisfy constraint" in message


def test_streams(logs: Any) -> None:
    logs_ready(logs, "/streams/list", "b", "a", "c")
    assert refused(logs.create_log_stream, logGroupName="/streams/list", logStreamName="a") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    (found,) = logs.describe_log_streams(logGroupName="/streams/list", logStreamNamePrefix="a")["logStreams"]
    assert found.pop("creationTime") > 0
    assert found == {"logStreamName": "a", "arn": PLACE + "/streams/list:log-stream:a", "storedBytes": 0}
    logs.delete_log_stream(logGroupName="/streams/list", logStreamName="a")
    names = [one["logStreamName"] for one in logs.describe_log_streams(logGroupName="/streams/list")["logStreams"]]
    assert names == ["b", "c"]


def test_pages_of_streams(cloud: Any) -> None:
    logs = cloud.client("logs")
    logs_ready(logs, "/g", *"abcde")
    now = int(cloud.cloud.clock.epoch() * 1000)
    for number, name in enumerate("dbeac"):
        params = {"logGroupName": "/g", "logStreamName": name}
        logs.put_log_events(**params, logEvents=[{"timestamp": now - 1000 * number, "message": "x"}])

    def listed(**params: Any) -> str:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="/g", **params, PaginationConfig={"PageSize": 2}
        )
        return "|".join("".join(one["logStreamName"] for one in page["logStreams"]) for page in pages)

    assert listed() == "ab|cd|e"
    assert listed(descending=True) == "ed|cb|a"
    assert listed(orderBy="LastEventTime") == "ca|eb|d"
    assert listed(orderBy="LastEventTime", descending=True) == "db|ea|c"
    by_time = {"orderBy": "LastEventTime", "logStreamNamePrefix": "a"}
    assert code_of(logs.describe_log_streams, logGroupName="/g", **by_time) == "InvalidParameterException"
    arn = PLACE + "/g"
    assert len(logs.describe_log_streams(logGroupIdentifier=arn)["logStreams"]) == 5
    other = arn.replace(ACCOUNT, "210987654321")
    assert code_of(logs.describe_log_streams, logGroupIdentifier=other) == "ResourceNotFoundException"


def test_deleted_with_all_that_is_in_it(logs: Any) -> None:
    logs_ready(logs, "/gone", "s")
    logs.delete_log_group(logGroupName="/gone")
    logs_ready(logs, "/gone")
    assert logs.describe_log_streams(logGroupName="/gone")["logStreams"] == []


def test_tags(logs: Any) -> None:
    logs.create_log_group(logGroupName="/tagged", tags={"a": "1"})
    arn = PLACE + "/tagged"
    logs.tag_resource(resourceArn=arn, tags={"b": "2", "a": "3"})
    logs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "3"}
    many = {str(number): "" for number in range(50)}
    assert code_of(logs.tag_resource, resourceArn=arn, tags=many) == "TooManyTagsException"
    assert code_of(logs.tag_resource, resourceArn=arn, tags={"aws:x": "1"}) == "InvalidParameterException"
    for missing in (PLACE + "nowhere", arn.replace(ACCOUNT, "210987654321"), arn.replace("us-east-1", "eu-west-1")):
        assert code_of(logs.list_tags_for_resource, resourceArn=missing) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("resource", "action", "fits"),
    [
        (PLACE + "/app:*", "logs:CreateLogStream", True),
        (PLACE + "/app:*", "logs:PutLogEvents", True),
        (PLACE + "/app:*", "logs:FilterLogEvents", True),
        (PLACE + "/app:log-stream:s", "logs:PutLogEvents", True),
        (PLACE + "/app:log-stream:t", "logs:PutLogEvents", False),
        (PLACE + "/app", "logs:CreateLogStream", False),
        (PLACE + "/app", "logs:ListTagsForResource", True),
        (PLACE + "/app:*", "logs:ListTagsForResource", False),
        (f"arn:aws:logs:us-east-1:{ACCOUNT}:*", "logs:PutLogEvents", True),
        (f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*", "logs:DescribeLogGroups", True),
        (PLACE + "/other:*", "logs:CreateLogStream", False),
    ],
)
def test_the_arns_that_policies_name(shared_cloud: Any, resource: str, action: str, fits: bool) -> None:
    """Which form AWS asks for: with `:*` for all but tags (CloudWatch Logs User Guide)."""
    logs = shared_cloud.client("logs")
    logs_ready(logs, "/app")
    if not logs.describe_log_streams(logGroupName="/app")["logStreams"]:
        logs.create_log_stream(logGroupName="/app", logStreamName="s")
    name = f"logs-{crc32((resource + action).encode())}"
    mine = person(shared_cloud, name, may(action, resource=resource))("logs")
    stream = {"logGroupName": "/app", "logStreamName": "s"}
    calls = {
        "logs:CreateLogStream": lambda: mine.create_log_stream(logGroupName="/app", logStreamName=name),
        "logs:PutLogEvents": lambda: mine.put_log_events(**stream, logEvents=[{"timestamp": 1, "message": "x"}]),
        "logs:FilterLogEvents": lambda: mine.filter_log_events(logGroupName="/app"),
        "logs:ListTagsForResource": lambda: mine.list_tags_for_resource(resourceArn=PLACE + "/app"),
        "logs:DescribeLogGroups": lambda: mine.describe_log_groups(),
    }
    if fits:
        calls[action]()
    else:
        assert code_of(calls[action]) == "AccessDeniedException"


def test_a_refusal_in_aws_words(shared_cloud: Any) -> None:
    nobody = person(shared_cloud, "logs-nobody")("logs")
    assert refused(nobody.describe_log_groups) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/logs-nobody is not authorized to perform: logs:DescribeLogGroups on "
        f"resource: {PLACE}:log-stream: because no identity-based policy allows the logs:DescribeLogGroups action",
    )
    assert trail(shared_cloud, "DescribeLogGroups")[-1]["errorCode"] == "AccessDenied"


def test_resource_policies(cloud: Any) -> None:
    logs = cloud.client("logs")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "logs:*",
        "Resource": "*",
    }
    text = policy(statement)
    made = logs.put_resource_policy(policyName="a", policyDocument=text)["resourcePolicy"]
    assert (made["policyName"], made["policyDocument"]) == ("a", text)
    for name in "bcdefghij":
        logs.put_resource_policy(policyName=name, policyDocument=text)
    assert code_of(logs.put_resource_policy, policyName="k", policyDocument=text) == "LimitExceededException"
    logs.put_resource_policy(policyName="a", policyDocument=text)
    first = logs.describe_resource_policies(limit=6)
    rest = logs.describe_resource_policies(limit=6, nextToken=first["nextToken"])
    assert "".join(one["policyName"] for one in first["resourcePolicies"] + rest["resourcePolicies"]) == "abcdefghij"
    logs.delete_resource_policy(policyName="a")
    assert code_of(logs.delete_resource_policy, policyName="a") == "ResourceNotFoundException"
    assert code_of(logs.put_resource_policy, policyName="a", policyDocument="{}") == "InvalidParameterException"
    assert code_of(logs.put_resource_policy, policyName="a") == "InvalidParameterException"
    of_group = {"policyDocument": text, "resourceArn": PLACE + "/g"}
    assert code_of(logs.put_resource_policy, **of_group) in ("NotSimulated", "InvalidParameterException")
