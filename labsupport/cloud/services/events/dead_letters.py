"""Events that a target didn't take, kept in a queue (User Guide: "Using dead-letter queues to process undelivered
events"). The message is the event; its attributes say for what rule and target it was, and why it failed."""

import json
import logging

from labsupport.cloud.core.arn import Arn, parse, queue_url
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.events.base import Params, validation

log = logging.getLogger("labsupport.cloud.events")
_CODES = {  # parts of the targets' codes -> how EventBridge puts it
    "AccessDenied": "NO_PERMISSIONS",
    "Authorization": "NO_PERMISSIONS",
    "NotFound": "NO_RESOURCE",
    "DoesNotExist": "NO_RESOURCE",
    "InternalFailure": "INTERNAL_ERROR",
}


def check(target: Params, region: str) -> None:
    """A dead-letter queue is a standard queue of the rule's Region."""
    given = target.get("DeadLetterConfig", {}).get("Arn")
    if given is None:
        return
    arn = parse(given) or Arn("", "", "", "", "")
    if arn.service != "sqs" or arn.region != region or arn.resource.endswith(".fifo"):
        message = f"Parameter DeadLetterConfig is not valid for target {target['Id']}."
        raise validation(f"{message} Reason: {given} is no standard queue of this Region.")


def keep(call: Call, rule: str, target: Params, event: Params, tries: int, error: AwsError, condition: str) -> None:
    """Put an event into the target's dead-letter queue, if it has one and that lets EventBridge in."""
    arn = target.get("DeadLetterConfig", {}).get("Arn")
    if not arn:
        return
    told = {
        "RULE_ARN": rule,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": next((code for part, code in _CODES.items() if part in error.code), "ERROR_FROM_TARGET"),
        "ERROR_MESSAGE": error.message or error.code,
        "RETRY_ATTEMPTS": str(tries),
        "EXHAUSTED_RETRY_CONDITION": condition,
    }
    attributes = {
        name: {"DataType": "Number" if name == "RETRY_ATTEMPTS" else "String", "StringValue": value}
        for name, value in told.items()
        if value
    }
    sqs = call.aws("sqs", as_service=True, source_arn=rule)
    try:
        sqs.send_message(QueueUrl=queue_url(arn), MessageBody=json.dumps(event), MessageAttributes=attributes)
    except AwsError as refused:
        log.warning("an event of %s is lost: %s did not take it: %s", rule, arn, refused)
