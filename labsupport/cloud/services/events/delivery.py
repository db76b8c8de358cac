"""From an event to the targets of the rules that match it.

Matching happens in the transaction of the call that causes the event; each target that is to get it
is a job of its own in the outbox, so that one that fails is tried again without the others.
"""

import json
import logging
import re
from typing import Any

import msgspec

from labsupport.cloud.core import patterns
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.events import Event, envelope
from labsupport.cloud.services.events.base import Params, Rule, service
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.events")

MOST_TRIES = 5
_PAUSES = (1.0, 5.0, 30.0, 120.0)  # seconds between tries
_FINAL = ("AccessDenied", "NotSimulated", "NotFound", "AuthorizationError")  # trying again would not help


@record("events.delivery", key=("account", "region", "id"))
class Delivery(msgspec.Struct, kw_only=True):
    """One target that is to get one event."""

    account: str
    region: str
    id: str
    event: dict[str, Any]
    rule: str
    target: Params
    tries: int = 0


def publish(call: Call, event: Event) -> None:
    """Ask for a delivery to each target of each rule that matches, in the transaction that caused the event."""
    with call.transaction():
        for rule in call.store.list(Rule, event.account, event.region):
            if _matches(rule, event):
                _fan_out(call, rule, event)
        _tell(call, event)


service.publish = publish


def _tell(call: Call, event: Event) -> None:
    """Services that wait for such an event go on at once, instead of at their next look."""
    service_name, task, part = call.cloud.listeners.get(event.detail_type, ("", "", ""))
    if service_name and event.source.startswith("aws.") and event.detail.get(part):
        call.start(task, str(event.detail[part]), service=service_name)


def _matches(rule: Rule, event: Event) -> bool:
    if not rule.enabled:
        return False
    if event.bus == rule.name and event.source == "aws.events":
        return True
    return bool(rule.pattern) and patterns.matches(json.loads(rule.pattern), envelope(event))


def _fan_out(call: Call, rule: Rule, event: Event) -> None:
    for target in rule.targets.values():
        delivery = Delivery(
            account=call.account,
            region=call.region,
            id=f"{event.id}:{rule.name}:{target['Id']}",
            event=envelope(event),
            rule=rule.arn,
            target=target,
        )
        call.store.put(delivery)
        call.start("invoke", delivery.id)


def _matches(rule: Rule, event: Event) -> bool:
    if not rule.enabled:
        return False
    if event.bus == rule.name and event.source == "aws.events":
        return True
    return bool(rule.pattern) and patterns.matches(json.loads(rule.pattern), envelope(event))


def _fan_out(call: Call, rule: Rule, event: Event) -> None:
    for target in rule.targets.values():
        delivery = Delivery(
            account=event.account,
            region=event.region,
            id=f"{event.id}:{rule.name}:{target['Id']}",
            event=envelope(event),
            rule=rule.arn,
            target=target,
        )
        call.store.put(delivery)
        call.start("invoke", delivery.id, service=service.name)


@service.task("invoke")
async def invoke(call: Call, delivery_id: str) -> float | None:
    delivery = call.store.get(Delivery, call.account, call.region, delivery_id)
    if delivery is None:
        return None
    try:
        with call.transaction():
            _send(call, delivery)
            call.store.delete(delivery)
    except AwsError as error:
        return _failed(call, delivery, error)
    return None


def _failed(call: Call, delivery: Delivery, error: AwsError) -> float | None:
    """A failed invocation: tried again after a while, unless the target's answer is final."""
    log.warning("%s could not be reached for %s: %s", delivery.target["Arn"], delivery.rule, error)
    delivery.tries += 1
    if delivery.tries >= MOST_TRIES or any(word in error.code for word in _FINAL):
        call.store.delete(delivery)
        return None
    call.store.put(delivery)
    return _PAUSES[delivery.tries - 1]


def _send(call: Call, delivery: Delivery) -> None:
    target = delivery.target
    arn = parse(target["Arn"])
    if arn is None:
        raise AwsError("ValidationException", f"{target['Arn']} is no ARN.")
    session = delivery.id.replace(":", "-")[:64]
    if arn.service == "codepipeline":
        client = call.aws("codepipeline", role=target["RoleArn"], session=session)
        client.start_pipeline_execution(name=arn.resource, clientRequestToken=_token(delivery))
    elif arn.service == "codebuild":
        client = call.aws("codebuild", role=target["RoleArn"], session=session)
        name = arn.resource.removeprefix("project/")
        client.start_build(projectName=name, idempotencyToken=_token(delivery))
    elif arn.service == "sns":
        client = call.aws("sns", as_service=True, source_arn=delivery.rule)
        client.publish(TopicArn=target["Arn"], Message=_input(delivery))
    else:
        _write_log(call, arn.resource, delivery)


def _token(delivery: Delivery) -> str:
    """The same for each try, so that a repeated one starts nothing twice."""
    return re.sub(r"[^A-Za-z0-9-]", "-", delivery.id)[:64]


def _write_log(call: Call, resource: str, delivery: Delivery) -> None:
    client = call.aws("logs", as_service=True, source_arn=delivery.rule)
    group = resource.removeprefix("log-group:").removesuffix(":*")
    stream = str(delivery.event["id"])
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
    entry = {"timestamp": int(call.epoch * 1000), "message": _input(delivery)}
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])


def _input(delivery: Delivery) -> str:
    """What the target gets: the event, a part of it, a constant, or a text made from its parts."""
    target, event = delivery.target, delivery.event
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(event, target["InputPath"]))
    if "InputTransformer" in target:
        return _transformed(target["InputTransformer"], delivery)
    return json.dumps(event)


def _transformed(transformer: Params, delivery: Delivery) -> str:
    values = {name: _at(delivery.event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    values["aws.events.rule-arn"] = delivery.rule
    values["aws.events.rule-name"] = delivery.rule.rsplit("/", 1)[-1]
    values["aws.events.event.json"] = delivery.event

    def filled(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return value if isinstance(value, str) else json.dumps(value)

    text = re.sub(r"<([A-Za-z0-9._-]+)>", filled, transformer["InputTemplate"])
    return json.loads(text) if _is_json_string(text) else text


def _is_json_string(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False


def _at(event: Any, path: str) -> Any:
    """`$.detail.state` in an event; `None` where it isn't there."""
    for part in re.findall(r"\.([\w-]+)|\[(\d+)\]", path.removeprefix("$")):
        name, number = part
        if name:
            event = event.get(name) if isinstance(event, dict) else None
        else:
            event = event[int(number)] if isinstance(event, list) and int(number) < len(event) else None
    return event
