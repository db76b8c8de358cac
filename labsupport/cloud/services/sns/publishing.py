"""Messages: published to a topic, delivered to each confirmed subscription."""

import base64
import json
from typing import Any

from labsupport.cloud.core import ids, mail, patterns
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.sns import queues
from labsupport.cloud.services.sns.base import Params, Subscription, Topic, invalid, service, topic_of
from labsupport.cloud.services.sns.functions import hand_over
from labsupport.cloud.services.sns.subscriptions import SENDER, unsubscribe_link

LARGEST = 262_144  # bytes
_OF_KMS = {
    "AccessDeniedException": "KMSAccessDeniedException",
    "NotFoundException": "KMSNotFoundException",
    "DisabledException": "KMSDisabledException",
    "KMSInvalidStateException": "KMSInvalidStateException",
}


def _target(call: Call, params: Params) -> str:
    return str(params.get("TopicArn") or params.get("TargetArn") or "*")


@service.operation(on=_target)
def publish(call: Call, params: Params) -> Params:
    if params.get("PhoneNumber"):
        raise not_simulated("A text message to a phone number")
    arn = params.get("TopicArn") or params.get("TargetArn")
    if not arn:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    topic = topic_of(call, arn)
    _check(params)
    _use_key(call, topic)
    return {"MessageId": _send(call, topic, params)}


@service.operation(on="{TopicArn}", action="sns:Publish")
def publish_batch(call: Call, params: Params) -> Params:
    """Up to ten messages; each is sent or reported on its own."""
    topic, entries = topic_of(call, params["TopicArn"]), params["PublishBatchRequestEntries"]
    names = [entry["Id"] for entry in entries]
    if not names:
        raise AwsError("EmptyBatchRequestException", "The batch request doesn't contain any entries.")
    if len(names) > 10:
        message = "The batch request contains more entries than permissible."
        raise AwsError("TooManyEntriesInBatchRequestException", message)
    if len(set(names)) < len(names):
        message = "Two or more batch entries in the request have the same Id."
        raise AwsError("BatchEntryIdsNotDistinctException", message)
    if sum(len(entry["Message"].encode()) for entry in entries) > LARGEST:
        raise AwsError("BatchRequestTooLongException", "The length of all the batch messages is over the limit.")
    _use_key(call, topic)
    results = [_one_of_batch(call, topic, entry) for entry in entries]
    return {
        "Successful": [one for one in results if "MessageId" in one],
        "Failed": [one for one in results if "Code" in one],
    }


def _one_of_batch(call: Call, topic: Topic, entry: Params) -> Params:
    try:
        _check(entry)
    except AwsError as error:
        return {"Id": entry["Id"], "Code": "InvalidParameter", "Message": error.message, "SenderFault": True}
    return {"Id": entry["Id"], "MessageId": _send(call, topic, entry)}


def _use_key(call: Call, topic: Topic) -> None:
    """An encrypted topic asks for the publisher's right to its key: to a data key, and to open it again (Amazon SNS
    Developer Guide: "Managing Amazon SNS encryption keys and costs")."""
    if not topic.kms_key:
        return
    kms, context = call.aws("kms", source_arn=call.source_arn), {"aws:sns:topicArn": topic.arn}
    try:
        made = kms.generate_data_key(KeyId=topic.kms_key, KeySpec="AES_256", EncryptionContext=context)
        kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    except AwsError as error:
        code = _OF_KMS.get(error.code)
        if code is None:
            raise
        raise AwsError(code, error.message, 400, error.decision) from None


def _send(call: Call, topic: Topic, params: Params) -> str:
    message_id = ids.uuid4()
    for subscription in call.store.list(Subscription, topic.arn):
        if subscription.confirmed and _wanted(subscription, params):
            _deliver(call, topic, subscription, params, message_id)
    return message_id


def _check(params: Params) -> None:
    if not params["Message"]:
        raise invalid("Empty message")
    if len(params["Message"].encode()) > LARGEST:
        raise invalid("Message too long")
    subject = params.get("Subject")
    if subject is not None and not (0 < len(subject) <= 100 and subject.isprintable()):
        raise invalid("Subject")
    if params.get("MessageStructure", "json") != "json":
        raise invalid("MessageStructure")
    if params.get("MessageStructure"):
        _structured(params["Message"])
    for name, attribute in params.get("MessageAttributes", {}).items():
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: Params) -> None:
    kind = attribute["DataType"]
    if kind.partition(".")[0] not in ("String", "Number", "Binary"):
        raise AwsError(
            "InvalidParameterValueException",
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String.",
        )
    value = attribute.get("BinaryValue" if kind.startswith("Binary") else "StringValue")
    if not value:
        message = f"The message attribute '{name}' must contain non-empty message attribute value for its type {kind}."
        raise AwsError("InvalidParameterValueException", message)


def _structured(message: str) -> dict[str, str]:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
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
        except (ValueError, RecursionError):
            return False
        return isinstance(subject, dict) and patterns.matches(policy, subject)
    return patterns.matches(policy, {name: _value(one) for name, one in params.get("MessageAttributes", {}).items()})


def _value(attribute: Params) -> Any:
    text = attribute.get("StringValue", "")
    if attribute["DataType"].startswith("Number") or attribute["DataType"] == "String.Array":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _deliver(call: Call, topic: Topic, subscription: Subscription, params: Params, message_id: str) -> None:
    text = _text(params, subscription.protocol)
    if subscription.protocol == "lambda":
        hand_over(call, subscription, _envelope(call, topic, subscription, params, text, message_id))
        return
    if subscription.protocol == "sqs":
        envelope = _envelope(call, topic, subscription, params, text, message_id)
        queues.deliver(call, subscription, params, text, envelope)
        return
    subject = params.get("Subject") or "AWS Notification Message"
    if subscription.protocol == "email-json":
        text = json.dumps(_envelope(call, topic, subscription, params, text, message_id))
    else:
        text += (
            "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link "
            f"below to unsubscribe:\n{unsubscribe_link(call, subscription)}\n"
        )
    sender = f"{topic.display_name} <no-reply@sns.amazonaws.com>" if topic.display_name else SENDER
    mail.send(call, subscription.owner, subscription.endpoint, sender, subject, text)


def _envelope(
    call: Call, topic: Topic, subscription: Subscription, params: Params, text: str, message_id: str
) -> dict[str, Any]:
    """The JSON form of a notification (Amazon SNS Developer Guide: "Parsing message formats")."""
    attributes = {name: _shown(one) for name, one in params.get("MessageAttributes", {}).items()}
    envelope = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Subject": params.get("Subject"),
        "Message": text,
        "Timestamp": call.now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "UnsubscribeURL": unsubscribe_link(call, subscription),
        "MessageAttributes": attributes or None,
    }
    return {name: value for name, value in envelope.items() if value is not None}


def _shown(attribute: Params) -> dict[str, str]:
    binary = attribute["DataType"].startswith("Binary")
    value = base64.b64encode(attribute["BinaryValue"]).decode() if binary else attribute["StringValue"]
    return {"Type": attribute["DataType"], "Value": value}
