"""Rules and targets: put, listed, refused, tagged."""

import json
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person, refused, service_role, trail

PLACE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/"
PATTERN = json.dumps({"source": ["shop"]})
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/x"


@pytest.fixture
def events(shared_cloud: Any) -> Any:
    return shared_cloud.client("events")


def test_put_and_described(events: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    arn = events.put_rule(Name="new", EventPattern=PATTERN, Description="d", State="DISABLED", Tags=tags)["RuleArn"]
    assert arn == PLACE + "new"
    found = events.describe_rule(Name="new")
    found.pop("ResponseMetadata")
    assert found == {
        "Name": "new",
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "DISABLED",
        "Description": "d",
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == tags


def test_put_again_replaces_all_but_targets_and_tags(events: Any) -> None:
    events.put_rule(Name="again", EventPattern=PATTERN, Description="d", Tags=[{"Key": "a", "Value": "1"}])
    events.put_targets(Rule="again", Targets=[{"Id": "1", "Arn": TOPIC}])
    events.put_rule(Name="again", ScheduleExpression="rate(1 hour)", Tags=[{"Key": "b", "Value": "2"}])
    found = events.describe_rule(Name="again", EventBusName="default")
    assert "EventPattern" not in found
    assert "Description" not in found
    assert found["ScheduleExpression"] == "rate(1 hour)"
    assert events.list_targets_by_rule(Rule="again")["Targets"] == [{"Id": "1", "Arn": TOPIC}]
    assert events.list_tags_for_resource(ResourceARN=PLACE + "again")["Tags"] == [{"Key": "a", "Value": "1"}]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        ({"EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid. Reason: Not valid JSON"),
        (
            {"EventPattern": "[" * 2000},
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Not valid JSON",
        ),
        (
            {"EventPattern": "[]"},
            "InvalidEventPatternException",
            "Event pattern is not valid. Reason: Filter is not an object",
        ),
        (
            {"EventPattern": '{"source": "shop"}'},
            "InvalidEventPatternException",
            'Event pattern is not valid. Reason: "source" must be an object or an array',
        ),
        (
            {"ScheduleExpression": "rate(1 minutes)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"ScheduleExpression": "cron(0 12 * * * *)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"EventPattern": PATTERN, "EventBusName": "other"},
            "ResourceNotFoundException",
            "Event bus other does not exist.",
        ),
        (
            {"EventPattern": PATTERN, "EventBusName": f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/other"},
            "ResourceNotFoundException",
            "Event bus other does not exist.",
        ),
    ],
)
def test_rules_that_are_refused(events: Any, params: dict[str, Any], code: str, message: str) -> None:
    assert refused(events.put_rule, Name="refused", **params) == (code, message)
    assert code_of(events.describe_rule, Name="refused") == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("describe_rule", {"Name": "nowhere"}),
        ("enable_rule", {"Name": "nowhere"}),
        ("disable_rule", {"Name": "nowhere"}),
        ("put_targets", {"Rule": "nowhere", "Targets": [{"Id": "1", "Arn": TOPIC}]}),
        ("remove_targets", {"Rule": "nowhere", "Ids": ["1"]}),
        ("list_targets_by_rule", {"Rule": "nowhere"}),
        ("tag_resource", {"ResourceARN": PLACE + "nowhere", "Tags": []}),
        ("untag_resource", {"ResourceARN": PLACE + "nowhere", "TagKeys": []}),
        ("list_tags_for_resource", {"ResourceARN": PLACE + "nowhere"}),
        ("describe_event_bus", {"Name": "nowhere"}),
    ],
)
def test_what_is_not_there(events: Any, operation: str, params: dict[str, Any]) -> None:
    code, message = refused(getattr(events, operation), **params)
    assert code == "ResourceNotFoundException"
    assert "nowhere" in message


def test_enabled_and_disabled(events: Any) -> None:
    events.put_rule(Name="switch", EventPattern=PATTERN)
    assert events.describe_rule(Name="switch")["State"] == "ENABLED"
    events.disable_rule(Name="switch")
    assert events.describe_rule(Name="switch")["State"] == "DISABLED"
    events.enable_rule(Name="switch")
    assert events.describe_rule(Name="switch")["State"] == "ENABLED"


def test_deleted_once_its_targets_are_gone(events: Any) -> None:
    events.put_rule(Name="gone", EventPattern=PATTERN)
    events.put_targets(Rule="gone", Targets=[{"Id": "1", "Arn": TOPIC}])
    assert refused(events.delete_rule, Name="gone") == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    events.remove_targets(Rule="gone", Ids=["1"])
    events.delete_rule(Name="gone")
    events.delete_rule(Name="gone")
    assert code_of(events.describe_rule, Name="gone") == "ResourceNotFoundException"


def test_pages_of_rules(cloud: Any) -> None:
    events = cloud.client("events")
    names = [f"r{number}" for number in range(7)]
    for name in names:
        events.put_rule(Name=name, EventPattern=PATTERN)
    events.put_rule(Name="other", EventPattern=PATTERN)
    seen, token = [], {}
    while True:
        answer = events.list_rules(NamePrefix="r", Limit=3, **token)
        seen.append([one["Name"] for one in answer["Rules"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [names[:3], names[3:6], names[6:]]
    assert code_of(events.list_rules, NextToken="bad") == "ValidationException"
    assert cloud.client("events", region_name="eu-west-1").list_rules()["Rules"] == []
    events.put_targets(Rule="r1", Targets=[{"Id": "1", "Arn": TOPIC}])
    events.put_targets(Rule="r5", Targets=[{"Id": "9", "Arn": TOPIC}])
    assert events.list_rule_names_by_target(TargetArn=TOPIC)["RuleNames"] == ["r1", "r5"]
    first = events.list_rule_names_by_target(TargetArn=TOPIC, Limit=1)
    assert first["RuleNames"] == ["r1"]
    rest = events.list_rule_names_by_target(TargetArn=TOPIC, Limit=1, NextToken=first["NextToken"])
    assert (rest["RuleNames"], "NextToken" in rest) == (["r5"], False)


def test_targets(events: Any, shared_cloud: Any) -> None:
    events.put_rule(Name="targets", EventPattern=PATTERN)
    role = service_role(shared_cloud, "events-starts", "events")
    pipeline = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo"
    given = [
        {"Id": "a", "Arn": TOPIC, "InputPath": "$.detail"},
        {"Id": "b", "Arn": pipeline, "RoleArn": role},
        {"Id": "c", "Arn": GROUP, "RetryPolicy": {"MaximumRetryAttempts": 1}},
        {"Id": "d", "Arn": TOPIC, "InputTransformer": {"InputPathsMap": {"s": "$.source"}, "InputTemplate": '"<s>"'}},
        {"Id": "e", "Arn": TOPIC, "Input": '"x"'},
    ]  # fmt: skip
    assert events.put_targets(Rule="targets", Targets=given)["FailedEntryCount"] == 0
    assert events.list_targets_by_rule(Rule="targets")["Targets"] == given
    first = events.list_targets_by_rule(Rule="targets", Limit=4)
    rest = events.list_targets_by_rule(Rule="targets", Limit=4, NextToken=first["NextToken"])
    assert [one["Id"] for one in first["Targets"] + rest["Targets"]] == list("abcde")
    assert code_of(events.put_targets, Rule="targets", Targets=[{"Id": "f", "Arn": TOPIC}]) == "LimitExceededException"
    changed = {"Id": "a", "Arn": TOPIC, "Input": '"changed"'}
    events.put_targets(Rule="targets", Targets=[changed])
    assert events.list_targets_by_rule(Rule="targets")["Targets"][0] == changed
    answer = events.remove_targets(Rule="targets", Ids=["b", "x"])
    assert answer["FailedEntryCount"] == 1
    assert (answer["FailedEntries"][0]["TargetId"], answer["FailedEntries"][0]["ErrorCode"]) == (
        "x",
        "ResourceNotFoundException",
    )
    assert [one["Id"] for one in events.list_targets_by_rule(Rule="targets")["Targets"]] == list("acde")


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        (
            {"Arn": "news"},
            "ValidationException",
            "Parameter news is not valid. Reason: Provided Arn is not in correct format.",
        ),
        (
            {"Arn": f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo"},
            "ValidationException",
            f"RoleArn is required for target arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo.",
        ),
        (
            {"Arn": TOPIC, "Input": '"x"', "InputPath": "$.detail"},
            "ValidationException",
            "Only one of Input, InputPath, or InputTransformer must be provided for target 1.",
        ),
        ({"Arn": TOPIC, "InputPath": "detail"}, "ValidationException", ""),
        (
            {"Arn": TOPIC, "InputTransformer": {"InputPathsMap": {"a": "$.a[*]"}, "InputTemplate": '"<a>"'}},
            "ValidationException",
            "",
        ),
        ({"Arn": TOPIC, "InputTransformer": {"InputTemplate": '"<nothing>"'}}, "ValidationException", ""),
        (
            {"Arn": TOPIC, "Input": "{'a': 1}"},
            "ValidationException",
            """JSON syntax error in input for target 1: [Source: (String)"{'a': 1}"; line: 1, column: 2]""",
        ),
        ({"Arn": TOPIC, "Input": "hello"}, "ValidationException", ""),
        ({"Arn": TOPIC, "Input": "[" * 8000}, "ValidationException", ""),
        ({"Arn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:s"}, "NotSimulated", ""),
        (
            {"Arn": TOPIC, "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q.fifo"}},
            "ValidationException",
            "",
        ),
        ({"Arn": TOPIC, "DeadLetterConfig": {"Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"}}, "ValidationException", ""),
    ],
)
def test_targets_that_are_refused(events: Any, target: dict[str, Any], code: str, message: str) -> None:
    events.put_rule(Name="strict", EventPattern=PATTERN)
    found = refused(events.put_targets, Rule="strict", Targets=[{"Id": "1", **target}])
    assert found[0] == code
    assert not message or found[1] == message
    assert events.list_targets_by_rule(Rule="strict")["Targets"] == []


def test_permissions(shared_cloud: Any) -> None:
    events = shared_cloud.client("events")
    events.put_rule(Name="mine", EventPattern=PATTERN)
    events.put_rule(Name="theirs", EventPattern=PATTERN)
    role = service_role(shared_cloud, "events-role", "events")
    own = person(shared_cloud, "rule-owner", may("events:*", resource=PLACE + "mine"))("events")
    assert own.describe_rule(Name="mine")["Name"] == "mine"
    assert refused(own.describe_rule, Name="theirs") == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/rule-owner is not authorized to perform: events:DescribeRule on resource: "
        f"{PLACE}theirs because no identity-based policy allows the events:DescribeRule action",
    )
    pipeline = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:demo"
    code, message = refused(own.put_targets, Rule="mine", Targets=[{"Id": "1", "Arn": pipeline, "RoleArn": role}])
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {role}" in message
    to_events = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    allowed = may("events:PutTargets", "events:PutRule"), may("iam:PassRole", resource=role, **to_events)
    passing = person(shared_cloud, "rule-passer", *allowed)("events")
    assert (
        passing.put_targets(Rule="mine", Targets=[{"Id": "1", "Arn": pipeline, "RoleArn": role}])["FailedEntries"] == []
    )
    assert passing.put_rule(Name="with-role", EventPattern=PATTERN, RoleArn=role)["RuleArn"] == PLACE + "with-role"
    assert events.describe_rule(Name="with-role")["RoleArn"] == role


def test_permission_by_target(shared_cloud: Any) -> None:
    shared_cloud.client("events").put_rule(Name="conditional", EventPattern=PATTERN)
    only = {"ForAllValues:ArnEquals": {"events:TargetArn": TOPIC}}
    member = person(shared_cloud, "target-member", may("events:PutTargets", **only))("events")
    member.put_targets(Rule="conditional", Targets=[{"Id": "1", "Arn": TOPIC}])
    assert (
        code_of(member.put_targets, Rule="conditional", Targets=[{"Id": "1", "Arn": TOPIC + "2"}])
        == "AccessDeniedException"
    )


def test_permission_by_source(shared_cloud: Any) -> None:
    member = person(shared_cloud, "shop-sender", may("events:PutEvents", StringEquals={"events:source": "shop"}))(
        "events"
    )
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
    assert member.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert code_of(member.put_events, Entries=[{**entry, "Source": "bank"}]) == "AccessDeniedException"


def test_tags(events: Any) -> None:
    arn = events.put_rule(Name="tagged", EventPattern=PATTERN)["RuleArn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["b", "c"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert code_of(events.tag_resource, ResourceARN=arn, Tags=many) == "ValidationException"
    assert (
        code_of(events.put_rule, Name="x", EventPattern=PATTERN, Tags=[{"Key": "aws:x", "Value": ""}])
        == "ValidationException"
    )


def test_a_pattern_is_tried_out(events: Any) -> None:
    event = {
        "id": "1", "account": ACCOUNT, "source": "shop", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
        "resources": [], "detail-type": "order", "detail": {"price": 7},
    }  # fmt: skip
    pattern = {"detail": {"price": [{"numeric": ["<", 10]}]}}

    def tried(pattern: Any, event: Any) -> Any:
        return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]

    assert tried(pattern, event) is True
    assert tried(pattern, {**event, "detail": {"price": 11}}) is False
    less = {name: event[name] for name in event if name != "time"}
    assert code_of(events.test_event_pattern, EventPattern=PATTERN, Event=json.dumps(less)) == "ValidationException"
    assert code_of(events.test_event_pattern, EventPattern=PATTERN, Event="{") == "ValidationException"
    assert (
        code_of(events.test_event_pattern, EventPattern="{", Event=json.dumps(event)) == "InvalidEventPatternException"
    )


def test_the_one_bus(events: Any) -> None:
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    assert events.describe_event_bus()["Arn"] == arn
    assert [one["Arn"] for one in events.list_event_buses()["EventBuses"]] == [arn]
    assert events.list_event_buses(NamePrefix="x")["EventBuses"] == []
    assert code_of(events.create_event_bus, Name="own") == "NotSimulated"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Source": ""}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        ({"Detail": None}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[" * 9999}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.ec2"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
        ({"EventBusName": "own"}, "ResourceNotFoundException", "Event bus own does not exist."),
    ],
)
def test_one_bad_event_keeps_no_other_back(events: Any, change: dict[str, Any], code: str, message: str) -> None:
    good = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    bad = {name: value for name, value in {**good, **change}.items() if value is not None}
    answer = events.put_events(Entries=[good, bad, good])
    first, failed, last = answer["Entries"]
    assert answer["FailedEntryCount"] == 1
    assert failed == {"ErrorCode": code, "ErrorMessage": message}
    assert first["EventId"] != last["EventId"]


def test_events_that_are_too_large(events: Any) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"x": "y" * 131_072})}
    assert code_of(events.put_events, Entries=[entry, entry]) == "ValidationException"


def test_the_trail_sees_it(events: Any, shared_cloud: Any) -> None:
    events.put_rule(Name="seen", EventPattern=PATTERN)
    seen = [one for one in trail(shared_cloud, "PutRule") if one["requestParameters"]["name"] == "seen"]
    assert seen[0]["responseElements"] == {"ruleArn": PLACE + "seen"}
    assert seen[0]["readOnly"] is False
