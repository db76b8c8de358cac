"""AWS CloudTrail: the calls that were made, found again (CloudTrail API Reference)."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.service import Service
from labsupport.cloud.store.trail import Entry

Params = dict[str, Any]
service = Service("cloudtrail")

DAYS = 90  # the event history reaches back so far
_SIMPLE = {
    "EventName": "name = ?",
    "Username": "username = ?",
    "AccessKeyId": "access_key = ?",
    "EventSource": "source = ?",
    "EventId": "json_extract(plain(event), '$.eventID') = ?",
}
# A resource is named by its ARN, or by what comes last in it.
_RESOURCE = """EXISTS (
    SELECT 1 FROM (SELECT json_extract(value, '$.ARN') AS arn FROM json_each(plain(event), '$.resources')),
                  (SELECT ? AS wanted)
    WHERE arn = wanted OR substr(arn, -length(wanted) - 1) IN ('/' || wanted, ':' || wanted))"""


@service.operation()
def lookup_events(call: Call, params: Params) -> Params:
    """The event history: management events of the last 90 days, newest first.

    Data events (an object read or written) are not in it, as at AWS ("Viewing events with CloudTrail Event history").
    """
    if params.get("EventCategory"):
        raise not_simulated("CloudTrail Insights")
    where, values = _condition(call, params)
    after = paging.last_of(params.get("NextToken"), _bad_token())
    if after is not None:
        if not re.fullmatch(r"[0-9]{1,18}", after):
            raise _bad_token()
        where, values = f"{where} AND id < ?", (*values, int(after))
    size = params.get("MaxResults", 50)
    found = list(call.store.trail.newest_first(where, values, size + 1))
    page: Params = {"Events": [_shown(entry) for _, entry in found[:size]]}
    return {**page, "NextToken": paging.token_for(str(found[size - 1][0]))} if len(found) > size else page


def _bad_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "The specified next token is not valid.")


def _condition(call: Call, params: Params) -> tuple[str, tuple[Any, ...]]:
    start, end = params.get("StartTime"), params.get("EndTime")
    if start and end and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time must be before the end time.")
    earliest = max(call.epoch - DAYS * 86400, start.timestamp() if start else 0)
    latest = end.timestamp() if end else call.epoch + 1
    where = "account = ? AND region = ? AND management = 1 AND time >= ? AND time <= ?"
    values: tuple[Any, ...] = (call.account, call.region, earliest, latest)
    attributes = params.get("LookupAttributes", [])
    if len(attributes) > 1:
        message = "You can specify only one lookup attribute."
        raise AwsError("InvalidLookupAttributesException", message)
    for attribute in attributes:
        more, value = _attribute(attribute["AttributeKey"], attribute["AttributeValue"])
        where, values = f"{where} AND {more}", (*values, value)
    return where, values


def _attribute(key: str, value: str) -> tuple[str, Any]:
    if key == "ReadOnly":
        return "read_only = ?", int(value.lower() == "true")
    if key in _SIMPLE:
        return _SIMPLE[key], value
    if key == "ResourceType":
        raise not_simulated("A search by the type of a resource: the lab's entries name resources by ARN")
    return _RESOURCE, value


def _shown(entry: Entry) -> Params:
    event = msgspec.json.decode(entry.event)
    return {
        "EventId": event["eventID"],
        "EventName": entry.name,
        "ReadOnly": str(bool(entry.read_only)).lower(),
        "AccessKeyId": entry.access_key or None,
        "EventTime": datetime.fromtimestamp(int(entry.time), UTC),
        "EventSource": entry.source,
        "Username": entry.username or None,
        "Resources": [{"ResourceName": one["ARN"]} for one in event["resources"]],
        "CloudTrailEvent": entry.event.decode(),
    }
