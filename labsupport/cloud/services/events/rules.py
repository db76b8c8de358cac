"""Rules: put, list, enable, delete, tags, and a pattern tried out."""

import json
from typing import Any

from labsupport.cloud.core import paging, patterncheck, patterns, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.events.base import (
    DEFAULT_BUS,
    Params,
    Rule,
    bad_token,
    check_bus,
    on_rule,
    rule_named,
    rule_of_arn,
    service,
    validation,
)
from labsupport.cloud.services.events.conditions import of_pattern
from labsupport.cloud.services.events.schedule import next_time

MOST = 300  # rules on a bus


def parsed(text: str) -> dict[str, Any]:
    """An event pattern's JSON, checked; InvalidEventPatternException says what is wrong with it."""
    try:
        pattern = json.loads(text)
        patterncheck.check(pattern)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, patterncheck.PatternError) else "Not valid JSON"
        raise AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}") from None
    found: dict[str, Any] = pattern
    return found


def _next(call: Call, expression: str) -> float | None:
    try:
        return next_time(expression, call.epoch)
    except ValueError:
        raise validation("Parameter ScheduleExpression is not valid.") from None


@service.operation(on=on_rule, passes=("RoleArn",), context=of_pattern, tagging="events:TagResource")
def put_rule(call: Call, params: Params) -> Params:
    """A new rule, or an old one replaced: its targets and tags stay."""
    check_bus(params.get("EventBusName"))
    pattern, schedule = params.get("EventPattern", ""), params.get("ScheduleExpression", "")
    if not pattern and not schedule:
        raise validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if pattern:
        parsed(pattern)
    old = call.store.get(Rule, call.account, call.region, params["Name"])
    rule = Rule(
        account=call.account,
        region=call.region,
        name=params["Name"],
        pattern=pattern,
        schedule=schedule,
        state=params.get("State", "ENABLED"),
        description=params.get("Description", ""),
        role=params.get("RoleArn", ""),
        targets=old.targets if old else {},
        tags=old.tags if old else _checked(tags.from_list(params.get("Tags"))),
    )
    if old is None and call.store.reaches(MOST, Rule, call.account, call.region):
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    _schedule(call, rule, old)
    call.store.put(rule)
    return {"RuleArn": rule.arn}


def _schedule(call: Call, rule: Rule, old: Rule | None) -> None:
    """Set the schedule's first time; one that has not been changed goes on as it was."""
    due = _next(call, rule.schedule) if rule.schedule else None
    if due is None:
        return
    rule.next = old.next if old and old.schedule == rule.schedule else due
    call.start("tick", rule.name, after=rule.next - call.epoch)


@service.operation(on=on_rule)
def describe_rule(call: Call, params: Params) -> Params:
    return {**_shown(rule_named(call, params)), "CreatedBy": call.account}


def _shown(rule: Rule) -> Params:
    return {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern or None,
        "ScheduleExpression": rule.schedule or None,
        "State": rule.state,
        "Description": rule.description or None,
        "RoleArn": rule.role or None,
        "EventBusName": DEFAULT_BUS,
    }


@service.operation(on="arn:{partition}:events:{region}:{account}:rule/*")
def list_rules(call: Call, params: Params) -> Params:
    check_bus(params.get("EventBusName"))
    found = call.store.list(Rule, call.account, call.region, starting=params.get("NamePrefix", ""))
    chosen, token = paging.page(
        found, lambda rule: rule.name, params.get("NextToken"), params.get("Limit", 100), bad_token()
    )
    return {"Rules": [_shown(rule) for rule in chosen], "NextToken": token}


@service.operation(on=on_rule)
def enable_rule(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    rule.state = "ENABLED"
    call.store.put(rule)
    return {}


@service.operation(on=on_rule)
def disable_rule(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    rule.state = "DISABLED"
    call.store.put(rule)
    return {}


@service.operation(on=on_rule)
def delete_rule(call: Call, params: Params) -> Params:
    check_bus(params.get("EventBusName"))
    rule = call.store.get(Rule, call.account, call.region, params["Name"])
    if rule and rule.targets:
        raise validation("Rule can't be deleted since it has targets.")
    if rule:
        call.store.delete(rule)
    return {}


@service.operation()
def test_event_pattern(call: Call, params: Params) -> Params:
    try:
        event = json.loads(params["Event"])
    except (ValueError, RecursionError):
        raise validation("Parameter Event is not valid.") from None
    needed = {"id", "account", "source", "time", "region", "resources", "detail-type"}
    if not isinstance(event, dict) or needed - set(event):
        raise validation("Parameter Event is not valid. It has to be a JSON object with all fields of an event.")
    return {"Result": patterns.matches(parsed(params["EventPattern"]), event)}


# Tags


def _tagged(call: Call, params: Params) -> Rule:
    rule = rule_of_arn(call, params["ResourceARN"])
    if rule is None:
        raise AwsError("ResourceNotFoundException", f"Rule {params['ResourceARN']} does not exist.")
    return rule


def _checked(found: dict[str, str]) -> dict[str, str]:
    reserved = "Tag keys that begin with aws: are reserved for AWS."
    tags.check(found, validation("A resource can have at most 50 tags."), validation(reserved))
    return found


@service.operation(on="{ResourceARN}")
def tag_resource(call: Call, params: Params) -> Params:
    rule = _tagged(call, params)
    rule.tags = _checked(tags.merged(rule.tags, tags.from_list(params["Tags"])))
    call.store.put(rule)
    return {}


@service.operation(on="{ResourceARN}")
def untag_resource(call: Call, params: Params) -> Params:
    rule = _tagged(call, params)
    rule.tags = tags.without(rule.tags, params["TagKeys"])
    call.store.put(rule)
    return {}


@service.operation(on="{ResourceARN}")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"Tags": tags.to_list(_tagged(call, params).tags)}


# The one bus


def _shown_bus(call: Call) -> Params:
    return {"Name": DEFAULT_BUS, "Arn": call.arn(f"event-bus/{DEFAULT_BUS}")}


@service.operation(on="arn:{partition}:events:{region}:{account}:event-bus/{Name}")
def describe_event_bus(call: Call, params: Params) -> Params:
    check_bus(params.get("Name"))
    return _shown_bus(call)


@service.operation(on="arn:{partition}:events:{region}:{account}:event-bus/*")
def list_event_buses(call: Call, params: Params) -> Params:
    is_asked_for = DEFAULT_BUS.startswith(params.get("NamePrefix", ""))
    return {"EventBuses": [_shown_bus(call)] if is_asked_for else []}
