"""Lifecycle rules as they are put (User Guide: "Managing the lifecycle of objects"); `ageing` applies them."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import BUCKET, MALFORMED, Params, bucket_named, service, start_for
from labsupport.cloud.services.s3.dates import DAY, to_midnight

_SMALLEST = "TransitionDefaultMinimumObjectSize"
_ACTIONS = ("Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
            "AbortIncompleteMultipartUpload")  # fmt: skip
_LATER = {"STANDARD_IA": 30, "ONEZONE_IA": 30}  # days that an object has to be old at least


@service.operation(on=BUCKET, action="s3:PutLifecycleConfiguration")
def put_bucket_lifecycle_configuration(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    rules = params.get("LifecycleConfiguration", {}).get("Rules", [])
    if not 1 <= len(rules) <= 1000:
        raise _malformed()
    for rule in rules:
        rule.setdefault("ID", secrets.token_urlsafe(36))
        _check(rule)
    if len({rule["ID"] for rule in rules}) < len(rules):
        raise _invalid("Rule ID must be unique. Found same ID for more than one rule")
    smallest = params.get(_SMALLEST, "all_storage_classes_128K")
    bucket.lifecycle = {"Rules": [_dated(rule, _to_text) for rule in rules], _SMALLEST: smallest}
    call.store.put(bucket)
    start_for(call, bucket, "lifecycle", bucket.name, to_midnight(call.epoch))
    return {_SMALLEST: smallest}


@service.operation(on=BUCKET, action="s3:GetLifecycleConfiguration")
def get_bucket_lifecycle_configuration(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.lifecycle:
        message = "The lifecycle configuration does not exist"
        raise AwsError("NoSuchLifecycleConfiguration", message, 404, BucketName=bucket.name)
    rules = [_dated(rule, datetime.fromisoformat) for rule in bucket.lifecycle["Rules"]]
    return {"Rules": rules, _SMALLEST: bucket.lifecycle[_SMALLEST]}


@service.operation(on=BUCKET, action="s3:PutLifecycleConfiguration")
def delete_bucket_lifecycle(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.lifecycle = {}
    call.store.put(bucket)
    return {}


def _to_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _dated(rule: Params, change: Callable[[Any], Any]) -> Params:
    """A rule with its dates in another form: records hold text."""

    def one(action: Params) -> Params:
        return {**action, "Date": change(action["Date"])} if "Date" in action else action

    found = dict(rule)
    if "Expiration" in rule:
        found["Expiration"] = one(rule["Expiration"])
    if "Transitions" in rule:
        found["Transitions"] = [one(action) for action in rule["Transitions"]]
    return found


# Checks


def _malformed() -> AwsError:
    return AwsError("MalformedXML", MALFORMED, 400)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message, 400)


def _check(rule: Params) -> None:
    if len(rule["ID"]) > 255:
        raise _invalid("ID length should not exceed allowed limit of 255")
    if ("Prefix" in rule) == ("Filter" in rule) or len(rule.get("Filter", {})) > 1:
        raise _malformed()
    if not any(rule.get(name) for name in _ACTIONS):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule", 400)
    _check_filter(rule)
    _check_expiration(rule.get("Expiration"))
    for kind, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
        _check_transitions(rule.get(kind, []), days)
    _check_numbers(rule)
    _check_order(rule)


def _check_filter(rule: Params) -> None:
    """What cannot be told apart by tags or size: markers have neither, uploads not yet."""
    told = rule.get("Filter", {})
    both = told.get("And", {})
    has_tags, has_size = "Tag" in told or "Tags" in both, any("Size" in name for name in (*told, *both))
    if "And" in told and len(both.get("Tags", [])) + sum(name != "Tags" for name in both) < 2:
        raise _malformed()
    if has_tags and rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker"):
        raise AwsError("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags", 400)
    if (has_tags or has_size) and rule.get("AbortIncompleteMultipartUpload"):
        what = "Tags" if has_tags else "ObjectSize"
        raise AwsError("InvalidRequest", f"AbortIncompleteMultipartUpload cannot be specified with {what}.", 400)


def _check_expiration(action: Params | None) -> None:
    if action is None:
        return
    if len(action) != 1:
        raise _malformed()
    if action.get("Days", 1) < 1:
        raise _invalid("'Days' for Expiration action must be a positive integer")
    _check_date(action)


def _check_date(action: Params) -> None:
    moment = action.get("Date")
    if moment is not None and moment.timestamp() % DAY:
        raise _invalid("'Date' must be at midnight GMT")


def _check_transitions(actions: list[Params], days: str) -> None:
    for action in actions:
        if "StorageClass" not in action or len({days, "Date"} & action.keys()) != 1:
            raise _malformed()
        least = _LATER.get(action["StorageClass"], 0)
        if action.get(days, least) < least:
            kind = "Transition" if days == "Days" else "NoncurrentVersionTransition"
            which = f"storageClass '{action['StorageClass']}'"
            raise _invalid(f"'{days}' in {kind} action must be greater than or equal to {least} for {which}")
        _check_date(action)
    if len({action["StorageClass"] for action in actions}) < len(actions):
        raise _malformed()


def _check_numbers(rule: Params) -> None:
    for kind, name in (("NoncurrentVersionExpiration", "NoncurrentDays"),
                       ("AbortIncompleteMultipartUpload", "DaysAfterInitiation")):  # fmt: skip
        action = rule.get(kind)
        if action is None:
            continue
        if name not in action:
            raise _malformed()
        if action[name] < 1:
            raise _invalid(f"'{name}' for {kind} action must be a positive integer")
    newer = rule.get("NoncurrentVersionExpiration", {}).get("NewerNoncurrentVersions", 1)
    if not 1 <= newer <= 100:
        raise _invalid("'NewerNoncurrentVersions' must be a positive integer less than or equal to 100")


def _check_order(rule: Params) -> None:
    """An object has to live longer than until its last move."""
    ends, moves = rule.get("Expiration", {}).get("Days"), [one.get("Days", 0) for one in rule.get("Transitions", [])]
    if ends is not None and moves and ends <= max(moves):
        message = "'Days' in the Expiration action for filter must be greater than 'Days' in the Transition action"
        raise _invalid(message)
