"""Messages: published to a topic, delivered to each confirmed subscription."""

import json
from typing import Any

from labsupport.cloud.core import ids, mail, patterns
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.sns.base import Params, Subscription, Topic, invalid, service, topic_of
from labsupport.cloud.services.sns.subscriptions import SENDER, unsubscribe_link

LARGEST = 262_144  # bytes


def _target(call: Call, params: Params) -> str:
    return str(params.get("TopicArn") or params.get("TargetArn") or "*")


@service.operation(on=_target)
def publish(call: Call, params: Params) -> Params:
    if params.get("PhoneNumber"):
        raise not_simulated("A text message to a phone number")
    topic = topic_of(call, params.get("TopicArn") or params.get("TargetArn") or "")
    _check(params)
    if topic.kms_key:  # an encrypted topic asks for the publisher's right to its key
        call.aws("kms").generate_data_key(KeyId=topic.kms_key, KeySpec="AES_256")
    message_id = ids.uuid4()
    for subscription in call.store.list(Subscription, topic.arn):
        if subscription.confirmed and _wanted(subscription, params):
            _deliver(call, topic, subscription, params, message_id)
    return {"MessageId": message_id}


def _check(params: Params) -> None:
    if not params["Message"]:
        raise invalid("Empty message")
    if len(params["Message"].encode()) > LARGEST:
        raise invalid("Message too long")
    subject = params.get("Subject")
    if subject is not None and (not 0 < len(subject) <= 100 or "\n" in subject):
        raise invalid("Subject")
    if params.get("MessageStructure") == "json":
        _structured(params["Message"])


def _structured(message: str) -> dict[str, str]:
    try:
        found = json.loads(message)
    except ValueError:
        raise invalid("Message Structure - JSON message body failed to parse") from None
    if not isinstance(found, dict) or not isinstance(found.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return found


def _text(params: Params, protocol: str) -> str:
    if params.get("MessageStructure") != "json":
        return str(params["Message"])
    found = _structured(params["Message"])
    return str(found.get(protocol, found["default"]))


def _wanted(subscription: Subscription, params: Params) -> bool:
    """The subscription's filter policy, over the message's attributes or its body."""
    policy = json.loads(subscription.attributes.get("FilterPolicy") or "{}")
    if not policy:
        return True
    if subscription.attributes.get("FilterPolicyScope") == "MessageBody":
        try:
            subject = json.loads(params["Message"])
        except ValueError:
            return False
        return isinstance(subject, dict) and patterns.matches(policy, subject)
    return patterns.matches(policy, {name: _value(one) for name, one in params.get("MessageAttributes", {}).items()})


def _value(attribute: dict[str, Any]) -> Any:
    text = attribute.get("StringValue", "")
    if attribute["DataType"].startswith(("Number", "String.Array")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _deliver(call: Call, topic: Topic, subscription: Subscription, params: Params, message_id: str) -> None:
    text = _text(params, subscription.protocol)
    subject = params.get("Subject") or "AWS Notification Message"
    if subscription.protocol == "email-json":
        text = json.dumps(_envelope(call, topic, subscription, params, text, message_id))
    else:
        text += (
            "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link "
            f"below to unsubscribe:\n{unsubscribe_link(call, subscription)}\n"
        )
    sender = f"{topic.display_name} <no-reply@sns.amazonaws.com>" if topic.display_name else SENDER
    mail.send(call, subscription.endpoint, sender, subject, text)


def _envelope(
    call: Call, topic: Topic, subscription: Subscription, params: Params, text: str, message_id: str
) -> dict[str, Any]:
    """The JSON form of a notification (Amazon SNS Developer Guide: "Parsing message formats")."""
    envelope = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Subject": params.get("Subject"),
        "Message": text,
        "Timestamp": call.now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "UnsubscribeURL": unsubscribe_link(call, subscription),
    }
    return {name: value for name, value in envelope.items() if value is not None}
