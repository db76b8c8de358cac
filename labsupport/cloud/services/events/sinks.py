"""The services that events go to: each is called by the one way in, as EventBridge or under the target's role."""

import inspect
import json
import re
from collections.abc import Awaitable
from typing import Any

from labsupport.cloud.core.arn import parse, queue_url
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.ids import session_name
from labsupport.cloud.services.events.base import Params
from labsupport.cloud.services.events.content import content


def send(call: Call, delivery_id: str, rule_arn: str, target: Params, event: Params) -> Awaitable[Any] | None:
    """Call a target; what is still to be awaited, or `None`. Refusals are the target's `AwsError`."""
    arn = parse(target["Arn"])
    if arn is None or arn.service not in _SINKS:
        raise AwsError("NotFound", f"{target['Arn']} is no target of the lab.")
    client = _client(call, arn.service, target, rule_arn, delivery_id)
    return _SINKS[arn.service](client, arn.resource, target, event, content(target, event, rule_arn), delivery_id)


def _client(call: Call, service: str, target: Params, rule_arn: str, delivery_id: str) -> Client:
    role = target.get("RoleArn", "")
    return call.aws(service, role=role, session=session_name(delivery_id), as_service=not role, source_arn=rule_arn)


def _token(delivery_id: str) -> str:
    """The same for each try, so that a repeated one starts nothing twice."""
    return re.sub(r"[^A-Za-z0-9-]", "-", delivery_id)[:64]


def _awaited(answer: Any) -> Awaitable[Any] | None:
    return answer if inspect.isawaitable(answer) else None


def _overrides(target: Params, text: str) -> Params:
    """A target's own input, as further parameters of the call: `{"sourceVersion": "main"}`."""
    if "Input" not in target and "InputTransformer" not in target:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pipeline(client: Client, name: str, target: Params, _: Params, text: str, delivery_id: str) -> Any:
    given = _overrides(target, text)
    params = {key: given[key] for key in ("variables", "sourceRevisions") if key in given}
    params = {key: value if isinstance(value, list) else [value] for key, value in params.items()}
    return _awaited(client.start_pipeline_execution(name=name, clientRequestToken=_token(delivery_id), **params))


def _build(client: Client, resource: str, target: Params, _: Params, text: str, delivery_id: str) -> Any:
    names = {"projectName": resource.removeprefix("project/"), "idempotencyToken": _token(delivery_id)}
    return _awaited(client.start_build(**{**_overrides(target, text), **names}))


def _topic(client: Client, _: str, target: Params, __: Params, text: str, ___: str) -> Any:
    return _awaited(client.publish(TopicArn=target["Arn"], Message=text))


def _queue(client: Client, _: str, target: Params, __: Params, text: str, ___: str) -> Any:
    """A FIFO queue has to tell repeated messages by their content: EventBridge gives them no id."""
    group = target.get("SqsParameters", {})
    return _awaited(client.send_message(QueueUrl=queue_url(target["Arn"]), MessageBody=text, **group))


def _log_group(client: Client, resource: str, _: Params, event: Params, text: str, __: str) -> Any:
    group = resource.removeprefix("log-group:").removesuffix(":*")
    stream = str(event["id"])
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except AwsError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
    entry = {"timestamp": int(client.call.epoch * 1000), "message": text}
    return _awaited(client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry]))


def _function(client: Client, _: str, target: Params, __: Params, text: str, ___: str) -> Any:
    return _awaited(client.invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=text.encode()))


_SINKS = {
    "codepipeline": _pipeline,
    "codebuild": _build,
    "sns": _topic,
    "sqs": _queue,
    "logs": _log_group,
    "lambda": _function,
}
