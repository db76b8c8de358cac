"""From an event to the targets of the rules that match it.

Matching happens in the transaction of the call that causes the event; each target that is to get it
is a job of its own in the outbox, so that one that fails is tried again without the others.
"""

import json
import logging
from typing import Any

import msgspec

from labsupport.cloud.core import patterns
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.events import Event, envelope
from labsupport.cloud.services.events import dead_letters
from labsupport.cloud.services.events.base import Params, Rule, service
from labsupport.cloud.services.events.sinks import send
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.events")

PAUSES = (1.0, 5.0, 30.0, 120.0)  # seconds between tries, so there are five
DAY = 86_400.0  # seconds after which an event is given up, unless the target says otherwise
# Trying again would not help.
_FINAL = ("AccessDenied", "NotSimulated", "NotFound", "DoesNotExist", "AuthorizationError")


@record("events.delivery", key=("account", "region", "id"))
class Delivery(msgspec.Struct, kw_only=True):
    """One target that is to get one event."""

    account: str
    region: str
    id: str
    event: dict[str, Any]
    rule: str
    target: Params
    created: float
    tries: int = 0


def publish(call: Call, event: Event) -> None:
    """Ask for a delivery to each target of each rule that matches, in the transaction that caused the event."""
    seen = envelope(event)
    matching = [rule for rule, pattern in _listening(call, event) if patterns.matches(pattern, seen)]
    if not matching and event.detail_type not in call.cloud.listeners:
        return
    with call.transaction():
        for rule in matching:
            send_to(call, rule, event)
        _tell(call, event)


service.publish = publish


def _listening(call: Call, event: Event) -> list[tuple[Rule, Any]]:
    """The rules that wait for events, with their patterns read."""

    def found() -> list[tuple[Rule, Any]]:
        rules = call.store.list(Rule, event.account, event.region)
        return [(rule, json.loads(rule.pattern)) for rule in rules if rule.enabled and rule.pattern]

    return call.store.remembered(("events.listening", event.account, event.region), found)


def _tell(call: Call, event: Event) -> None:
    """Services that wait for such an event go on at once, instead of at their next look."""
    service_name, task, part = call.cloud.listeners.get(event.detail_type, ("", "", ""))
    if service_name and event.source.startswith("aws.") and event.detail.get(part):
        call.start(task, str(event.detail[part]), service=service_name)


def send_to(call: Call, rule: Rule, event: Event) -> None:
    """Hand an event to all targets of a rule, whether its pattern matches or not."""
    for target in rule.targets.values():
        delivery = Delivery(
            account=event.account,
            region=event.region,
            id=f"{event.id}:{rule.name}:{target['Id']}",
            event=envelope(event),
            rule=rule.arn,
            target=target,
            created=call.epoch,
        )
        call.store.put(delivery)
        call.start("invoke", delivery.id, service=service.name)


@service.task("invoke")
async def invoke(call: Call, delivery_id: str) -> float | None:
    """One try to reach a target. What the call changes there and the end of the delivery commit together."""
    delivery = call.store.get(Delivery, call.account, call.region, delivery_id)
    if delivery is None:
        return None
    try:
        with call.transaction():
            waiting = send(call, delivery.id, delivery.rule, delivery.target, delivery.event)
            if waiting is None:
                call.store.delete(delivery)
        if waiting is not None:  # the token keeps a second try from doing it twice
            await waiting
            call.store.delete(delivery)
    except AwsError as error:
        return _failed(call, delivery, error)
    except Exception as error:
        log.exception("the delivery %s failed", delivery.id)
        return _failed(call, delivery, AwsError("InternalFailure", str(error)))
    return None


def _failed(call: Call, delivery: Delivery, error: AwsError) -> float | None:
    """A failed invocation: tried again after a while, unless the target's answer is final or its policy forbids."""
    log.warning("%s could not be reached for %s: %s", delivery.target["Arn"], delivery.rule, error)
    policy = delivery.target.get("RetryPolicy", {})
    most = min(policy.get("MaximumRetryAttempts", len(PAUSES)), len(PAUSES))
    too_old = call.epoch - delivery.created >= policy.get("MaximumEventAgeInSeconds", DAY)
    too_often = delivery.tries >= most
    if too_often or too_old or any(word in error.code for word in _FINAL):
        condition = "MaximumRetryAttempts" if too_often else "MaximumEventAgeInSeconds" if too_old else ""
        with call.transaction():
            call.store.delete(delivery)
            dead_letters.keep(call, delivery.rule, delivery.target, delivery.event, delivery.tries, error, condition)
        return None
    delivery.tries += 1
    call.store.put(delivery)
    return PAUSES[delivery.tries - 1]
