"""Rules: put, list, enable, delete, tags, and a pattern tried out."""

import json
import re
from typing import Any

from labsupport.cloud.core import paging, patterncheck, patterns, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.events.base import (
    DEFAULT_BUS,
    Params,
    Rule,
    bus_of,
    on_rule,
    rule_named,
    rule_of_arn,
    service,
    validation,
)

_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|minutes|hour|hours|day|days)\s*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


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


def interval(expression: str) -> int:
    """The seconds of a `rate(5 minutes)`."""
    match = _RATE.fullmatch(expression)
    if match is None:
        if expression.startswith("cron("):
            raise not_simulated("A rule with a cron expression")
        raise validation("Parameter ScheduleExpression is not valid.")
    number, unit = int(match[1]), match[2]
    if number < 1 or (number == 1) == unit.endswith("s"):
        raise validation("Parameter ScheduleExpression is not valid.")
    return number * _SECONDS[unit.removesuffix("s")]


@service.operation(on=on_rule, passes=("RoleArn",))
def put_rule(call: Call, params: Params) -> Params:
    bus_of(params)
    pattern, schedule = params.get("EventPattern", ""), params.get("ScheduleExpression", "")
    if not pattern and not schedule:
        raise validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if pattern:
        parsed(pattern)
    seconds = interval(schedule) if schedule else 0
    old = call.store.get(Rule, call.account, call.region, params["Name"])
    rule = Rule(
        account=call.account,
        region=call.region,
        name=params["Name"],
        pattern=pattern,
        schedule=schedule,
        enabled=params.get("State", "ENABLED") != "DISABLED",
        description=params.get("Description", ""),
        role=params.get("RoleArn", ""),
        targets=old.targets if old else {},
        tags=old.tags if old else _checked(tags.from_list(params.get("Tags"))),
    )
    call.store.put(rule)
    if seconds:
        call.start("tick", rule.name, after=seconds)
    return {"RuleArn": rule.arn}


@service.operation(on=on_rule)
def describe_rule(call: Call, params: Params) -> Params:
    return _shown(rule_named(call, params))


def _shown(rule: Rule) -> Params:
    return {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern or None,
        "ScheduleExpression": rule.schedule or None,
        "State": "ENABLED" if rule.enabled else "DISABLED",
        "Description": rule.description or None,
        "RoleArn": rule.role or None,
        "EventBusName": DEFAULT_BUS,
    }


@service.operation(on="arn:{partition}:events:{region}:{account}:rule/*")
def list_rules(call: Call, params: Params) -> Params:
    bus_of(params)
    found = call.store.list(Rule, call.account, call.region, starting=params.get("NamePrefix", ""))
    chosen, token = paging.page(
        found, lambda rule: rule.name, params.get("NextToken"), params.get("Limit", 100), validation("Bad NextToken")
    )
    return {"Rules": [_shown(rule) for rule in chosen], "NextToken": token}


@service.operation(on=on_rule)
def enable_rule(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    rule.enabled = True
    call.store.put(rule)
    return {}


@service.operation(on=on_rule)
def disable_rule(call: Call, params: Params) -> Params:
    rule = rule_named(call, params)
    rule.enabled = False
    call.store.put(rule)
    return {}


@service.operation(on=on_rule)
def delete_rule(call: Call, params: Params) -> Params:
    bus_of(params)
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
    tags.check(found, validation("A resource can have at most 50 tags."), validation("aws: tags are reserved."))
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
