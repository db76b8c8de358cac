"""Invoke: a function called and waited for, called later, or only asked whether it could be."""

import base64
import json

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.functions import running
from labsupport.cloud.services.functions.base import (
    Params,
    conflict,
    function_named,
    named,
    on_qualified,
    service,
    settings_of,
)
from labsupport.cloud.services.functions.delivering import accepted
from labsupport.cloud.services.functions.running import Event
from labsupport.cloud.services.functions.versions import chosen_version

LARGEST = 6_291_456  # bytes of a payload
LARGEST_EVENT = 1_048_576  # of an asynchronous call's


@service.operation(on=on_qualified, action="lambda:InvokeFunction", data_event=True)
async def invoke(call: Call, params: Params) -> Params:
    name, kind = named(call, params), params.get("InvocationType", "RequestResponse")
    if params.get("DurableExecutionName") or params.get("TenantId"):
        raise not_simulated("A durable execution, or one for a tenant")
    function = function_named(call, name)
    version = chosen_version(call, function, name.qualifier)
    settings = settings_of(call, function, version)
    payload = _payload(params, kind)
    if kind == "DryRun":
        return {"StatusCode": 204}
    if not function.created:
        message = (
            "The operation cannot be performed at this time. The function is currently in the following state: Pending"
        )
        raise conflict(message)
    if kind == "Event":
        with call.transaction():
            accepted(call, function, name.qualifier, payload)
            answer = {"StatusCode": 202}
            call.conclude(answer)
        return answer
    event = Event(call.request_id, payload, name.arn, _client(params))
    return _answered(params, await running.run(call, function, version, settings, event))


def _answered(params: Params, outcome: running.Outcome) -> Params:
    answer = {"StatusCode": 200, "ExecutedVersion": outcome.version, "Payload": outcome.payload}
    if outcome.error:
        answer["FunctionError"] = outcome.error
    if params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(outcome.tail).decode()
    return answer


def _payload(params: Params, kind: str) -> str:
    """The event as JSON; nothing at all stands for an empty object."""
    data = params.get("Payload") or b"{}"
    data = data if isinstance(data, bytes) else str(data).encode()
    most = LARGEST_EVENT if kind == "Event" else LARGEST
    if len(data) > most:
        message = f"{len(data)} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
        raise AwsError("RequestTooLargeException", message, 413, Type="User")
    try:
        text = data.decode()
        json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", message, Type="User") from None
    return text


def _client(params: Params) -> object:
    """The ClientContext: JSON in base 64, for the handler's context."""
    try:
        return msgspec.json.decode(base64.b64decode(params.get("ClientContext", "") or "bnVsbA=="))
    except (ValueError, msgspec.DecodeError):
        raise AwsError("InvalidRequestContentException", "The client context is no JSON in base 64.") from None
