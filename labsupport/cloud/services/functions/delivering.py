"""Asynchronous calls: taken at once, run later, tried again, and what fails in the end handed on
(Lambda Developer Guide: "How Lambda handles errors and retries with asynchronous invocation")."""

import json
import logging
from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse, queue_url
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.functions import environments, running
from labsupport.cloud.services.functions.base import (
    Function,
    Params,
    Settings,
    find_function,
    name_of,
    not_found,
    service,
    settings_of,
)
from labsupport.cloud.services.functions.running import Event, Outcome
from labsupport.cloud.services.functions.versions import chosen_version
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.lambda")
RETRIES = 2
OLDEST = 21_600  # seconds
_PAUSES = (60.0, 120.0)  # seconds before the first and the second further try
_LONGEST_PAUSE = 300.0  # between tries of what is throttled


@record("lambda.event", key=("id",))
class Accepted(msgspec.Struct, kw_only=True):
    """An event that Lambda has taken and not done with yet."""

    id: str
    account: str
    region: str
    function: str
    qualifier: str
    payload: str
    since: float
    tries: int = 0
    held_up: int = 0  # how often it was throttled

    @property
    def arn(self) -> str:
        plain = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{plain}:{self.qualifier}" if self.qualifier else plain


def accepted(call: Call, function: Function, qualifier: str, payload: str) -> None:
    event = Accepted(
        id=call.request_id, account=function.account, region=function.region, function=function.name,
        qualifier=qualifier, payload=payload, since=call.epoch,
    )  # fmt: skip
    call.store.put(event)
    call.start("deliver", event.id)


@service.task("deliver")
async def deliver(call: Call, event_id: str) -> float | None:
    """One try. An event that the cloud's end cuts off is tried again after its next start: at least once, as at AWS."""
    event = call.store.get(Accepted, event_id)
    function = find_function(call, name_of(call, event.arn)) if event else None
    if event is None or function is None:
        _done(call, event)
        return None
    call.account = event.account
    try:
        version = chosen_version(call, function, event.qualifier)
        settings = settings_of(call, function, version)
        asked = Event(event.id, event.payload, event.arn)
        outcome = await running.run(call, function, version, settings, asked)
    except AwsError as error:
        return await _not_run(call, event, function, error)
    if not outcome.error:
        await _hand_on(call, event, function, settings, outcome, "OnSuccess", "Success")
        _done(call, event)
        return None
    return await _failed(call, event, function, settings, outcome)


def _done(call: Call, event: Accepted | None) -> None:
    if event:
        call.store.delete(event)


def _options(function: Function, event: Accepted) -> Params:
    return function.asynchronous.get(event.qualifier or "$LATEST", {})


async def _not_run(call: Call, event: Accepted, function: Function, error: AwsError) -> float | None:
    """What is throttled, or whose role or key can't be used now, waits: up to six hours. Then it counts as failed."""
    oldest = _options(function, event).get("MaximumEventAgeInSeconds", OLDEST)
    gone = error.code in ("ResourceNotFoundException", "NotSimulated")
    if gone or call.epoch - event.since >= oldest:
        log.warning("an event of %s was not taken: %s", event.arn, error)
        if not gone:
            settings = settings_of(call, function, chosen_version(call, function, event.qualifier))
            await _hand_on(call, event, function, settings, None, "OnFailure", "EventAgeExceeded")
            await _dead_letter(call, event, function, settings, error.message, "429")
        _done(call, event)
        return None
    event.held_up += 1
    call.store.put(event)
    return float(min(_LONGEST_PAUSE, 2.0 ** min(event.held_up - 1, 10)))


async def _failed(
    call: Call, event: Accepted, function: Function, settings: Settings, outcome: Outcome
) -> float | None:
    options = _options(function, event)
    most = options.get("MaximumRetryAttempts", RETRIES)
    too_old = call.epoch - event.since >= options.get("MaximumEventAgeInSeconds", OLDEST)
    if event.tries < most and not too_old:
        event.tries += 1
        call.store.put(event)
        return _PAUSES[event.tries - 1]
    condition = "EventAgeExceeded" if too_old else "RetriesExhausted"
    await _hand_on(call, event, function, settings, outcome, "OnFailure", condition)
    await _dead_letter(call, event, function, settings, _error(outcome), "200")
    _done(call, event)
    return None


async def _hand_on(
    call: Call,
    event: Accepted,
    function: Function,
    settings: Settings,
    outcome: Outcome | None,
    kind: str,
    condition: str,
) -> None:
    """The record of an asynchronous call (without an outcome where it never ran), for the destination that there is."""
    target = _options(function, event).get("DestinationConfig", {}).get(kind, {}).get("Destination", "")
    if not target:
        return
    context = {
        "requestId": event.id,
        "functionArn": f"{function.arn}:{event.qualifier or '$LATEST'}",
        "condition": condition,
        "approximateInvokeCount": event.tries + (outcome is not None),
    }
    told = {
        "version": "1.0",
        "timestamp": f"{call.now:%Y-%m-%dT%H:%M:%S}.{call.now.microsecond // 1000:03d}Z",
        "requestContext": context,
        "requestPayload": json.loads(event.payload),
        **(_response(outcome) if outcome else {}),
    }
    await _send(call, function, settings, target, json.dumps(told), {}, kind)


def _response(outcome: Outcome) -> Params:
    context = {"statusCode": 200, "executedVersion": outcome.version}
    failed = {"functionError": outcome.error} if outcome.error else {}
    return {"responseContext": {**context, **failed}, "responsePayload": json.loads(outcome.payload)}


async def _dead_letter(
    call: Call, event: Accepted, function: Function, settings: Settings, error: str, status: str
) -> None:
    """The event itself, for the queue or topic that the function has for lost ones."""
    target = settings.others.get("DeadLetterConfig", {}).get("TargetArn", "")
    if target:
        told = {"RequestID": event.id, "ErrorCode": status, "ErrorMessage": error[:1024]}
        kinds = {"RequestID": "String", "ErrorCode": "Number", "ErrorMessage": "String"}
        attributes = {name: {"DataType": kinds[name], "StringValue": text} for name, text in told.items() if text}
        await _send(call, function, settings, target, event.payload, attributes, "")


def _error(outcome: Outcome) -> str:
    return str(json.loads(outcome.payload).get("errorMessage", ""))


async def _send(
    call: Call, function: Function, settings: Settings, target: str, text: str, attributes: Params, kind: str
) -> None:
    """Under the function's role. A destination that can't be reached loses it, as at AWS."""
    try:
        caller, _ = environments.assumed(call, function, settings)
        answer = _sent(call, caller, target, text, attributes, kind)
        if hasattr(answer, "__await__"):
            await answer
    except AwsError as error:
        log.warning("%s could not be told of an event of %s: %s", target, function.arn, error)


def _sent(call: Call, caller: Any, target: str, text: str, attributes: Params, kind: str) -> Any:
    arn = parse(target)
    name = arn.service if arn else ""
    client = Client(call, name, caller)
    more = {"MessageAttributes": attributes} if attributes else {}
    if name == "sns":
        return client.publish(TopicArn=target, Message=text, **more)
    if name == "sqs":
        return client.send_message(QueueUrl=queue_url(target), MessageBody=text, **more)
    if name == "lambda":
        return client.invoke(FunctionName=target, InvocationType="Event", Payload=text.encode())
    if name == "events":
        result = "Success" if kind == "OnSuccess" else "Failure"
        entry = {"Source": "lambda", "DetailType": f"Lambda Function Invocation Result - {result}", "Detail": text}
        return client.put_events(Entries=[entry])
    raise not_found(f"{target} is no destination of a function")
