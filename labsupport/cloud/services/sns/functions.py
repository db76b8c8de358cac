"""Messages to functions (Lambda Developer Guide: "Invoking Lambda functions with Amazon SNS notifications").

Lambda takes a message for later, so it is kept until then: with the transaction that published it. Messages here bear
no signature.
"""

import logging
from typing import Any

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.sns.base import Subscription, service
from labsupport.cloud.services.sns.queues import keep
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.sns")
_SPELT = {"UnsubscribeURL": "UnsubscribeUrl"}


@record("sns.handover", key=("id",))
class Handover(msgspec.Struct, kw_only=True):
    """A message on its way to a function; `subscription` is its ARN."""

    id: str
    subscription: str
    message: dict[str, Any]


def hand_over(call: Call, subscription: Subscription, envelope: dict[str, Any]) -> None:
    message = {_SPELT.get(name, name): value for name, value in envelope.items()}
    message = {"Subject": None, "MessageAttributes": {}, **message}
    one = Handover(id=ids.uuid4(), subscription=subscription.arn, message=message)
    call.store.put(one)
    call.start("hand-over", one.id)


@service.task("hand-over")
async def deliver(call: Call, number: str) -> None:
    """Without a dead-letter queue, a function that is gone or doesn't let SNS in loses the message, as at AWS."""
    one = call.store.get(Handover, number)
    if one is None:
        return
    subscription = call.store.get(Subscription, *one.subscription.rpartition(":")[::2])
    try:
        if subscription:
            await _call(call, subscription, one)
    except AwsError as error:
        log.warning("a message could not be delivered to %s: %s", one.subscription, error)
        if subscription:
            keep(call, subscription, msgspec.json.encode(one.message).decode(), {})
    call.store.delete(one)


async def _call(call: Call, subscription: Subscription, one: Handover) -> None:
    entry = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": one.message,
    }
    topic = parse(subscription.topic)
    owner = service_principal(service.principal, topic.account if topic else call.account)
    target = Client(call, "lambda", owner, subscription.topic)
    payload = msgspec.json.encode({"Records": [entry]})
    await target.invoke(FunctionName=subscription.endpoint, InvocationType="Event", Payload=payload)
