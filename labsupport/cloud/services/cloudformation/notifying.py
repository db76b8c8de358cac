"""Stack events as messages to the topics that a stack names (NotificationARNs)."""

import json
from datetime import UTC, datetime

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.base import invalid, service
from labsupport.cloud.services.cloudformation.records import Params, Stack, StackEvent, find_stack
from labsupport.cloud.services.cloudformation.work import client_of

_SUBJECT = "AWS CloudFormation Notification"


def check_topics(arns: list[str]) -> list[str]:
    """Refuse what can be no topic."""
    for arn in arns:
        if not arn.startswith("arn:aws:sns:") or arn.count(":") != 5:
            raise invalid(f"Invalid SNS topic ARN: {arn}")
    return arns


@service.task("notify")
async def notify(call: Call, key: str) -> None:
    """Publish one event, with the stack's rights. That a topic doesn't take it changes nothing for the stack."""
    stack_id, _, order = key.partition(" ")
    stack, event = find_stack(call, stack_id), call.store.get(StackEvent, stack_id, order)
    if stack is None or event is None:
        return
    for arn in stack.topics:
        try:
            client_of(call, stack, "sns").publish(TopicArn=arn, Subject=_SUBJECT, Message=_message(stack, event))
        except AwsError:  # it stands in the trail
            continue


def _message(stack: Stack, event: StackEvent) -> str:
    made = stack.resources.get(event.logical)
    shown: Params = {
        "StackId": stack.id,
        "Timestamp": f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%dT%H:%M:%S}.{int(event.at * 1000) % 1000:03d}Z",
        "EventId": event.id,
        "LogicalResourceId": event.logical,
        "Namespace": stack.account,
        "PhysicalResourceId": event.physical,
        "ResourceProperties": json.dumps(made.properties) if made and event.physical != stack.id else "null",
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceType": event.type,
        "StackName": stack.name,
        "ClientRequestToken": event.token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in shown.items())
