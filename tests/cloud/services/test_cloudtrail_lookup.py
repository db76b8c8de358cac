"""The event history: what it holds, searched and in pages."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from services_help import ACCOUNT, code_of, may, person

TOPICS = f"arn:aws:sns:us-east-1:{ACCOUNT}:"


@pytest.fixture(scope="module")
def calls(shared_cloud: Any) -> Any:
    """A few calls of two people, refused and not."""
    sns = shared_cloud.client("sns")
    for name in ("alpha", "alphabet", "beta"):
        sns.create_topic(Name=name)
    sns.get_topic_attributes(TopicArn=TOPICS + "alpha")
    reader = person(shared_cloud, "trail-reader", may("sns:Get*"))("sns")
    reader.get_topic_attributes(TopicArn=TOPICS + "beta")
    assert code_of(reader.delete_topic, TopicArn=TOPICS + "beta") == "AuthorizationError"
    shared_cloud.client("sns", region_name="eu-west-1").create_topic(Name="far")
    shared_cloud.client("sns", "second").create_topic(Name="theirs")
    return shared_cloud


def lookup(cloud: Any, **attribute: str) -> list[dict[str, Any]]:
    """The events that an attribute finds, the newest first."""
    client = cloud.client("cloudtrail")
    wanted = [{"AttributeKey": key, "AttributeValue": value} for key, value in attribute.items()]
    pages = client.get_paginator("lookup_events").paginate(LookupAttributes=wanted)
    return [event for page in pages for event in page["Events"]]


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["EventName"] for event in events]


def test_an_event(calls: Any) -> None:
    event = lookup(calls, ResourceName="beta")[-1]
    record = json.loads(event.pop("CloudTrailEvent"))
    moment = event.pop("EventTime")
    assert moment.strftime("%Y-%m-%dT%H:%M:%SZ") == record["eventTime"]
    assert event == {
        "EventId": record["eventID"],
        "EventName": "CreateTopic",
        "ReadOnly": "false",
        "AccessKeyId": calls.keys()["aws_access_key_id"],
        "EventSource": "sns.amazonaws.com",
        "Username": "learner",
        "Resources": [{"ResourceName": TOPICS + "beta"}],
    }
    assert record["requestParameters"] == {"name": "beta"}
    assert record["responseElements"] == {"topicArn": TOPICS + "beta"}
    assert record["userIdentity"]["type"] == "IAMUser"
    assert record["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/learner"
    assert (record["awsRegion"], record["recipientAccountId"]) == ("us-east-1", ACCOUNT)
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in record["userAgent"]


def test_a_refused_one(calls: Any) -> None:
    (event,) = lookup(calls, EventName="DeleteTopic")
    record = json.loads(event["CloudTrailEvent"])
    assert record["errorCode"] == "AuthorizationErrorException"
    assert "is not authorized to perform: sns:DeleteTopic" in record["errorMessage"]
    assert record["responseElements"] is None


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        ({"EventName": "CreateTopic"}, ["CreateTopic"] * 3),
        ({"EventName": "createTopic"}, []),
        ({"Username": "trail-reader"}, ["DeleteTopic", "GetTopicAttributes"]),
        ({"ResourceName": TOPICS + "beta"}, ["DeleteTopic", "GetTopicAttributes", "CreateTopic"]),
        ({"ResourceName": "beta"}, ["DeleteTopic", "GetTopicAttributes", "CreateTopic"]),
        ({"ResourceName": "alpha"}, ["GetTopicAttributes", "CreateTopic"]),
        ({"ResourceName": "alph%"}, []),
        ({"ResourceName": "eta"}, []),
        ({"EventSource": "s3.amazonaws.com"}, []),
    ],
)
def test_by_attribute(calls: Any, attribute: dict[str, str], found: list[str]) -> None:
    assert names(lookup(calls, **attribute)) == found


def test_by_id_and_key(calls: Any) -> None:
    event = lookup(calls, Username="trail-reader")[0]
    (same,) = lookup(calls, EventId=event["EventId"])
    assert same["CloudTrailEvent"] == event["CloudTrailEvent"]
    assert names(lookup(calls, AccessKeyId=event["AccessKeyId"])) == ["DeleteTopic", "GetTopicAttributes"]
    sources = {one["EventSource"] for one in lookup(calls, EventSource="sns.amazonaws.com")}
    assert sources == {"sns.amazonaws.com"}


def test_reads_and_writes(calls: Any) -> None:
    reads, writes = names(lookup(calls, ReadOnly="true")), names(lookup(calls, ReadOnly="false"))
    assert "GetTopicAttributes" in reads
    assert "CreateTopic" in writes
    assert not set(reads) & set(writes)


def test_each_region_and_account_its_own(calls: Any) -> None:
    def created(**where: Any) -> list[Any]:
        wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}]
        events = calls.client("cloudtrail", **where).lookup_events(LookupAttributes=wanted)["Events"]
        return [json.loads(event["CloudTrailEvent"])["requestParameters"]["name"] for event in events]

    assert created(region_name="eu-west-1") == ["far"]
    assert created(profile="second") == ["theirs"]


def test_pages(cloud: Any) -> None:
    sns, client = cloud.client("sns"), cloud.client("cloudtrail")
    for number in range(7):
        sns.create_topic(Name=f"t{number}")
    wanted = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}], "MaxResults": 3}
    seen, token = [], {}
    while True:
        answer = client.lookup_events(**wanted, **token)
        seen.append([event["Resources"][0]["ResourceName"][-1] for event in answer["Events"]])
        sns.create_topic(Name=f"later{len(seen)}")  # what comes meanwhile is on no later page
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    for bad in ("bad", "MTph"):
        assert code_of(client.lookup_events, **wanted, NextToken=bad) == "InvalidNextTokenException"


def test_times(cloud: Any) -> None:
    sns, client = cloud.client("sns"), cloud.client("cloudtrail")
    sns.create_topic(Name="early")
    cloud.advance(3600)
    sns.create_topic(Name="late")
    now = datetime.fromtimestamp(cloud.cloud.clock.epoch(), UTC)

    def between(start: float | None, end: float | None) -> list[str]:
        times = {
            name: now + timedelta(minutes=minutes)
            for name, minutes in (("StartTime", start), ("EndTime", end))
            if minutes is not None
        }
        events = client.lookup_events(**times)["Events"]
        return [
            one["Resources"][0]["ResourceName"].rpartition(":")[2]
            for one in events
            if one["EventName"] == "CreateTopic"
        ]

    assert between(None, None) == ["late", "early"]
    assert between(-30, None) == ["late"]
    assert between(None, -30) == ["early"]
    assert between(-90, 1) == ["late", "early"]
    times = {"StartTime": now, "EndTime": now - timedelta(minutes=1)}
    assert code_of(client.lookup_events, **times) == "InvalidTimeRangeException"


def test_ninety_days(cloud: Any) -> None:
    sns, client = cloud.client("sns"), cloud.client("cloudtrail")
    sns.create_topic(Name="old")
    cloud.advance(91 * 86_400)
    sns.create_topic(Name="new")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateTopic"}]
    (event,) = client.lookup_events(LookupAttributes=wanted)["Events"]
    assert event["Resources"][0]["ResourceName"].endswith(":new")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": "x"} for key in ("EventName", "Username")]},
            "InvalidLookupAttributesException",
        ),
        ({"LookupAttributes": [{"AttributeKey": "ResourceType", "AttributeValue": "AWS::SNS::Topic"}]}, "NotSimulated"),
        ({"EventCategory": "insight"}, "NotSimulated"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"LookupAttributes": [{"AttributeKey": "Colour", "AttributeValue": "x"}]}, "InvalidLookupAttributesException"),
    ],
)
def test_what_is_refused(shared_cloud: Any, params: dict[str, Any], code: str) -> None:
    found = code_of(shared_cloud.client("cloudtrail").lookup_events, **params)
    assert found in (code, "ValidationException")


def test_permission(shared_cloud: Any) -> None:
    reader = person(shared_cloud, "trail-nobody", may("cloudtrail:Get*"))("cloudtrail")
    assert code_of(reader.lookup_events) == "AccessDeniedException"


def test_kept_over_a_restart(start_cloud: Any) -> None:
    first = start_cloud()
    first.client("sns").create_topic(Name="kept")
    first.stop()
    assert names(lookup(start_cloud(home=first.home), EventName="CreateTopic")) == ["CreateTopic"]
