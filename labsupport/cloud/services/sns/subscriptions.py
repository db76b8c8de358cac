"""Subscriptions: asked for, confirmed from a message, ended."""

import json
import re
import secrets
from urllib.parse import urlencode

from labsupport.cloud.core import ids, mail, paging, patterncheck
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.sns import queues
from labsupport.cloud.services.sns.base import (
    Params,
    Subscription,
    Topic,
    invalid,
    service,
    subscription_of,
    topic_of,
    topic_of_subscription,
)

SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
_OF_THE_LAB = ("email", "email-json", "lambda", "sqs")
_LIFE = 2 * 86_400  # seconds that a confirmation's token holds


@service.operation(
    on="{TopicArn}",
    context=lambda _, params: {"sns:protocol": params["Protocol"], "sns:endpoint": params.get("Endpoint", "")},
)
def subscribe(call: Call, params: Params) -> Params:
    """A subscription that waits for its confirmation, which goes to the endpoint."""
    topic, protocol, endpoint = topic_of(call, params["TopicArn"]), params["Protocol"], params.get("Endpoint", "")
    if protocol not in _PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if protocol not in _OF_THE_LAB:
        raise not_simulated(f"A subscription with the protocol {protocol}")
    _check_endpoint(call, protocol, endpoint)
    found = _existing(call, topic, params) or _new(call, topic, params)
    if not found.confirmed:
        _ask(call, topic, found)
    shown = found.arn if found.confirmed or params.get("ReturnSubscriptionArn") else "pending confirmation"
    return {"SubscriptionArn": shown}


def _check_endpoint(call: Call, protocol: str, endpoint: str) -> None:
    if protocol == "sqs":
        queues.check_endpoint(endpoint)
        return
    if protocol != "lambda":
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", endpoint):
            raise invalid("Email address")
        return
    arn = parse(endpoint)
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise invalid("Lambda endpoint ARN")
    if arn.account != call.account:
        raise not_simulated("The confirmation that another account's function is subscribed")


def _existing(call: Call, topic: Topic, params: Params) -> Subscription | None:
    """Subscribing again gives the old subscription, as long as nothing about it would differ."""
    for subscription in call.store.list(Subscription, topic.arn):
        if (subscription.protocol, subscription.endpoint) == (params["Protocol"], params["Endpoint"]):
            if any(subscription.attributes.get(key) != value for key, value in params.get("Attributes", {}).items()):
                raise invalid("Attributes Reason: Subscription already exists with different attributes")
            return subscription
    return None


def _new(call: Call, topic: Topic, params: Params) -> Subscription:
    subscription = Subscription(
        topic=topic.arn,
        id=ids.uuid4(),
        owner=call.account,
        protocol=params["Protocol"],
        endpoint=params["Endpoint"],
        token=secrets.token_hex(64),
        principal=call.caller.arn,
        asked=call.epoch,
    )
    if _is_own(call, subscription):  # its own account has asked for it: there is nothing to confirm
        subscription.confirmed = subscription.needs_signature = True
    given = params.get("Attributes", {})
    for name in sorted(given, key=lambda name: name != "FilterPolicyScope"):  # it says how the policy is read
        _set(subscription, name, given[name])
    if subscription.confirmed:
        call.store.put(subscription)
    return subscription


def _is_own(call: Call, subscription: Subscription) -> bool:
    """Whether a function or queue belongs to who subscribes it."""
    arn = parse(subscription.endpoint) if subscription.protocol in ("lambda", "sqs") else None
    return arn is not None and arn.account == call.account


def _ask(call: Call, topic: Topic, subscription: Subscription) -> None:
    subscription.asked = call.epoch
    call.store.put(subscription)
    link = _link(call, Action="ConfirmSubscription", TopicArn=topic.arn, Token=subscription.token)
    if subscription.protocol == "sqs":
        queues.ask(call, topic, subscription, link)
        return
    body = (
        f"You have chosen to subscribe to the topic:\n{topic.arn}\n\n"
        f"To confirm this subscription, click or visit the link below (If this was in error no action is necessary):\n"
        f"{link}\n"
    )
    mail.send(
        call, subscription.owner, subscription.endpoint, SENDER, "AWS Notification - Subscription Confirmation", body
    )


def unsubscribe_link(call: Call, subscription: Subscription) -> str:
    return _link(call, Action="Unsubscribe", SubscriptionArn=subscription.arn)


def _link(call: Call, **fields: str) -> str:
    return f"{call.cloud.settings.endpoint}/?{urlencode({**fields, 'Version': '2010-03-31'})}"


@service.operation(on="{TopicArn}", action=None)
def confirm_subscription(call: Call, params: Params) -> Params:
    """The token from the message is what entitles to confirm; whoever visits the link has it."""
    topic = topic_of(call, params["TopicArn"])
    for subscription in call.store.list(Subscription, topic.arn):
        if secrets.compare_digest(subscription.token.encode(), params["Token"].encode()):
            if not subscription.confirmed and call.epoch - subscription.asked > _LIFE:
                break
            subscription.confirmed = True
            subscription.needs_signature = params.get("AuthenticateOnUnsubscribe", "").lower() == "true"
            call.store.put(subscription)
            return {"SubscriptionArn": subscription.arn}
    raise invalid("Token")


def _on_topic_of(call: Call, params: Params) -> str:
    return topic_of_subscription(params["SubscriptionArn"])


@service.operation(on=_on_topic_of, action=None)
def unsubscribe(call: Call, params: Params) -> Params:
    """By its owner or the topic's, or by the link in a message, unless the subscriber asked for a signature."""
    subscription = subscription_of(call, params["SubscriptionArn"])
    if call.caller.kind != "anonymous" or subscription.needs_signature:
        call.authorise("sns:Unsubscribe", subscription.topic)
    call.store.delete(subscription)
    return {}


@service.operation()
def list_subscriptions(call: Call, params: Params) -> Params:
    here = f"arn:aws:sns:{call.region}:"
    found = [one for one in call.store.list(Subscription) if one.owner == call.account and one.topic.startswith(here)]
    return _page(found, params)


@service.operation(on="{TopicArn}")
def list_subscriptions_by_topic(call: Call, params: Params) -> Params:
    return _page(list(call.store.list(Subscription, topic_of(call, params["TopicArn"]).arn)), params)


def _page(found: list[Subscription], params: Params) -> Params:
    found.sort(key=lambda one: one.arn)
    chosen, token = paging.page(found, lambda one: one.arn, params.get("NextToken"), 100, invalid("NextToken"))
    return {"Subscriptions": [_shown(one) for one in chosen], "NextToken": token}


def _shown(subscription: Subscription) -> Params:
    return {
        "SubscriptionArn": subscription.shown_arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic,
    }


@service.operation(on=_on_topic_of)
def get_subscription_attributes(call: Call, params: Params) -> Params:
    subscription = subscription_of(call, params["SubscriptionArn"])
    flags = {
        "PendingConfirmation": str(not subscription.confirmed).lower(),
        "ConfirmationWasAuthenticated": str(subscription.needs_signature).lower(),
        "RawMessageDelivery": "false",
        "SubscriptionPrincipal": subscription.principal,
    }
    if "FilterPolicy" in subscription.attributes:
        flags["FilterPolicyScope"] = "MessageAttributes"
    return {
        "Attributes": {**_shown(subscription), "SubscriptionArn": subscription.arn, **flags, **subscription.attributes}
    }


@service.operation(on=_on_topic_of)
def set_subscription_attributes(call: Call, params: Params) -> Params:
    subscription = subscription_of(call, params["SubscriptionArn"])
    _set(subscription, params["AttributeName"], params.get("AttributeValue", ""))
    call.store.put(subscription)
    return {}


def _set(subscription: Subscription, name: str, value: str) -> None:
    if name not in _ATTRIBUTES:
        raise invalid("AttributeName")
    _ATTRIBUTES[name](subscription, value)
    if name in ("FilterPolicy", "RedrivePolicy") and not value:
        subscription.attributes.pop(name, None)
    else:
        subscription.attributes[name] = value


def _check_filter(subscription: Subscription, value: str) -> None:
    """A filter policy is an event pattern over the message's attributes or its body; an empty one takes all."""
    try:
        policy = json.loads(value or "{}")
    except (ValueError, RecursionError):
        raise invalid("FilterPolicy: failed to parse JSON.") from None
    try:
        if policy != {}:
            patterncheck.check(policy)
    except patterncheck.PatternError as error:
        raise invalid(f"FilterPolicy: {error}") from None
    in_body = subscription.attributes.get("FilterPolicyScope") == "MessageBody"
    if not in_body and any(isinstance(one, dict) for one in policy.values()):
        raise invalid("Filter policy scope MessageAttributes does not support nested filter policy")


def _check_scope(_: Subscription, value: str) -> None:
    if value not in ("MessageAttributes", "MessageBody"):
        message = f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        raise invalid(message)


def _check_raw(subscription: Subscription, value: str) -> None:
    if value.lower() not in ("true", "false"):
        raise invalid(f"Attributes Reason: RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and subscription.protocol != "sqs":
        raise invalid(f"Delivery protocol [{subscription.protocol}] does not support raw message delivery.")


def _check_delivery(_: Subscription, value: str) -> None:
    raise not_simulated("The delivery policy of a subscription, which is one of HTTP endpoints")


def _check_redrive(subscription: Subscription, value: str) -> None:
    if subscription.protocol not in ("lambda", "sqs"):
        raise not_simulated("A dead-letter queue of a subscription by mail")
    queues.check_redrive(value)


_ATTRIBUTES = {
    "FilterPolicy": _check_filter,
    "FilterPolicyScope": _check_scope,
    "RawMessageDelivery": _check_raw,
    "DeliveryPolicy": _check_delivery,
    "RedrivePolicy": _check_redrive,
}
