"""Messages to queues (SNS Developer Guide: "Fanout to Amazon SQS queues", "Amazon SNS raw message delivery").

A queue gets a message with the transaction that published it. Messages here bear no signature.
"""

import json
import logging
from dataclasses import replace
from typing import Any

from msgspec import structs

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse, queue_url
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.sns.base import Params, Subscription, Topic, invalid, service

log = logging.getLogger("labsupport.cloud.sns")


def check_endpoint(endpoint: str) -> None:
    arn = parse(endpoint)
    if arn is None or arn.service != "sqs" or not arn.account:
        raise invalid("SQS endpoint ARN")
    if arn.resource.endswith(".fifo"):
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )


def deliver(call: Call, subscription: Subscription, params: Params, text: str, envelope: dict[str, Any]) -> None:
    """The message alone with its attributes, or in the envelope that tells where it comes from."""
    if subscription.attributes.get("RawMessageDelivery", "").lower() != "true":
        _send(call, subscription, json.dumps(envelope), {})
    else:
        _send(call, subscription, text, params.get("MessageAttributes", {}))


def ask(call: Call, topic: Topic, subscription: Subscription, link: str) -> None:
    """Ask the owner of a queue, which another account has subscribed, for its confirmation."""
    text = (
        f"You have chosen to subscribe to the topic {topic.arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    message = {
        "Type": "SubscriptionConfirmation",
        "MessageId": ids.uuid4(),
        "Token": subscription.token,
        "TopicArn": topic.arn,
        "Message": text,
        "SubscribeURL": link,
        "Timestamp": call.now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }
    _send(call, subscription, json.dumps(message), {})


def check_redrive(value: str) -> None:
    """A subscription's dead-letter queue is a standard queue here."""
    try:
        found = json.loads(value or "{}")
    except (ValueError, RecursionError):
        raise invalid("RedrivePolicy: failed to parse JSON.") from None
    arn = parse(str(found.get("deadLetterTargetArn", ""))) if isinstance(found, dict) else None
    if value and (arn is None or arn.service != "sqs" or arn.resource.endswith(".fifo")):
        raise invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")


def keep(call: Call, subscription: Subscription, body: str, attributes: Params) -> None:
    """Put what could not be delivered into the subscription's dead-letter queue, if it has one that lets SNS in."""
    policy = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
    if policy:
        _send(call, _dead_letters_of(subscription, policy["deadLetterTargetArn"]), body, attributes)


def _dead_letters_of(subscription: Subscription, arn: str) -> Subscription:
    """The dead-letter queue, as if it were what is subscribed; it has none of its own."""
    return structs.replace(subscription, endpoint=arn, attributes={})


def _send(call: Call, subscription: Subscription, body: str, attributes: Params) -> None:
    """As SNS on the topic's behalf: a queue that is gone, or whose policy doesn't let SNS in, loses the message."""
    queue, topic = parse(subscription.endpoint), parse(subscription.topic)
    if queue is None or topic is None:
        return
    principal = service_principal(service.principal, topic.account)
    sqs = Client(replace(call, region=queue.region), "sqs", principal, subscription.topic)
    more = {"MessageAttributes": attributes} if attributes else {}
    try:
        sqs.send_message(QueueUrl=queue_url(subscription.endpoint), MessageBody=body, **more)
    except AwsError as error:
        log.warning("a message could not be delivered to %s: %s", subscription.arn, error)
        keep(call, subscription, body, attributes)
