"""When lifecycle rules fall due: a time and so many days, up to the next midnight (UTC).

User Guide: "Lifecycle configuration elements".
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from labsupport.cloud.services.s3.base import Bucket, Object, Params, Version

DAY = 86_400  # seconds
LATEST = 253_402_214_400.0  # midnight of the last day of the year 9999: no date is later


def to_midnight(epoch: float) -> float:
    """Seconds until the next midnight, UTC: rules are applied once a day."""
    return DAY - epoch % DAY


def rules_of(bucket: Bucket) -> Iterator[Params]:
    """The rules that are in force."""
    return (rule for rule in bucket.lifecycle.get("Rules", []) if rule["Status"] == "Enabled")


def due(since: float, action: Params, days: str = "Days") -> float:
    """When an action falls due for what is as it is `since` then."""
    if "Date" in action:
        return datetime.fromisoformat(action["Date"]).timestamp()
    ends = since + float(action[days]) * DAY
    return min(ends + to_midnight(ends), LATEST)


def covers(rule: Params, key: str, one: Object | None = None) -> bool:
    """Whether a rule's filter takes an object, or (without one) an upload of a key."""
    told = rule.get("Filter", {"Prefix": rule.get("Prefix", "")})
    told = told.get("And", told)
    tags = [*told.get("Tags", []), *([told["Tag"]] if "Tag" in told else [])]
    if not key.startswith(told.get("Prefix", "")):
        return False
    if one is None:
        return not tags
    size = told.get("ObjectSizeGreaterThan", -1) < one.size < told.get("ObjectSizeLessThan", float("inf"))
    return (size or one.marker) and all(one.tags.get(tag["Key"]) == tag["Value"] for tag in tags)


def expiry_of(bucket: Bucket, one: Object) -> Params:
    """What an answer says of the day when a current version expires (x-amz-expiration)."""
    if not bucket.lifecycle or one.marker or isinstance(one, Version):
        return {}
    ends = [
        (due(one.modified, rule["Expiration"]), rule["ID"])
        for rule in rules_of(bucket)
        if rule.get("Expiration", {}).keys() & {"Days", "Date"} and covers(rule, one.key, one)
    ]
    if not ends:
        return {}
    moment, name = min(ends)
    shown = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    return {"Expiration": f'expiry-date="{shown}", rule-id="{quote(name)}"'}


def abort_of(bucket: Bucket, key: str, begun: float) -> Params:
    """When an upload will be given up (x-amz-abort-date)."""
    ends = [
        (due(begun, rule["AbortIncompleteMultipartUpload"], "DaysAfterInitiation"), rule["ID"])
        for rule in rules_of(bucket)
        if rule.get("AbortIncompleteMultipartUpload") and covers(rule, key)
    ]
    moment, name = min(ends, default=(0.0, ""))
    return {"AbortDate": datetime.fromtimestamp(moment, UTC), "AbortRuleId": name} if ends else {}
