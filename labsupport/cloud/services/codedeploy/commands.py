"""The service that CodeDeploy's agents talk to: they poll for commands and report how these ended.

AWS does not document it; this is the protocol of AWS's own agent. An agent speaks for its own instance only: it signs
with the session that EC2's metadata service gave that instance, which is named by the instance's id.
"""

import base64
import binascii
import json

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.core.waiting import client_leaves, is_stopping
from labsupport.cloud.services.codedeploy import advancing, hosts
from labsupport.cloud.services.codedeploy.base import Command, Deployment, Event, Params, Target
from labsupport.cloud.services.codedeploy.envelope import envelope

service = Service("codedeploy-commands", "codedeploy", "codedeploy.amazonaws.com", "aws.codedeploy")

LONGEST_POLL = 20.0  # seconds
OFFER_AGAIN = 5.0  # seconds after which a command that nobody has acknowledged is offered again
_ERROR_CODES = ("Success", "ScriptMissing", "ScriptNotExecutable", "ScriptTimedOut", "ScriptFailed")


def _instance(call: Call, host: str) -> str:
    """The id of the caller's own instance, which `host` has to name."""
    arn = parse(host)
    if arn is None or arn.service != "ec2" or not arn.resource.startswith("instance/"):
        raise AwsError("ClientException", f"{host[:200]} is not the ARN of an instance", 400)
    found = arn.resource.removeprefix("instance/")
    if call.cloud.settings.open:
        return found
    session = call.caller.session
    own = session and session.issued_to == "ec2.amazonaws.com" and session.name == found
    if not own or (arn.account, arn.region) != (call.account, call.region):
        message = (
            f"User: {call.caller.arn} is not authorized to speak for {host}: it is not that instance's own session"
        )
        raise AwsError("AccessDeniedException", message, 400)
    return found


@service.operation(action=None, data_event=True)
async def poll_host_command(call: Call, params: Params) -> Params:
    """A command as soon as there is one; an empty answer after a while."""
    instance = _instance(call, params["HostIdentifier"])
    ends, mine = call.epoch + LONGEST_POLL, hosts.take_turn(call, instance)
    try:
        while hosts.has_turn(call, instance, mine):
            mine.clear()
            command = _offer(call, instance)
            if command:
                return {"HostCommand": _shown(command, params["HostIdentifier"])}
            if call.epoch >= ends or is_stopping(call):
                break
            wait = min(ends, _offered_again(call, instance)) - call.epoch
            if await client_leaves(call, mine, wait):
                break
    finally:
        hosts.give_up_turn(call, instance, mine)
    return {}


def _offer(call: Call, instance: str) -> Command | None:
    """The first command that nobody works on or was just offered, noted as offered."""
    for command in call.store.list(Command, call.account, call.region, instance):
        if command.acknowledged is None and hosts.offered_at(call, command) + OFFER_AGAIN <= call.epoch:
            hosts.note_offered(call, command)
            return command
    return None


def _offered_again(call: Call, instance: str) -> float:
    waiting = [
        hosts.offered_at(call, command) + OFFER_AGAIN
        for command in call.store.list(Command, call.account, call.region, instance)
        if command.acknowledged is None
    ]
    return min(waiting, default=float("inf"))


def _shown(command: Command, host: str) -> Params:
    return {
        "HostCommandIdentifier": _identifier(command),
        "HostIdentifier": host,
        "DeploymentExecutionId": f"{command.account}/{command.region}/{command.instance}/{command.deployment}",
        "CommandName": command.event,
        "Nonce": 1,
    }


def _identifier(command: Command) -> str:
    parts = (command.account, command.region, command.instance, command.deployment, command.event)
    return base64.urlsafe_b64encode("/".join(parts).encode()).decode()


@service.operation(action=None, data_event=True)
def get_deployment_specification(call: Call, params: Params) -> Params:
    instance = _instance(call, params["HostIdentifier"])
    deployment_id = params["DeploymentExecutionId"].rpartition("/")[2]
    deployment = call.store.get(Deployment, call.account, call.region, deployment_id)
    target = call.store.get(Target, call.account, call.region, deployment_id, instance)
    if deployment is None or target is None:
        raise AwsError("ClientException", f"{deployment_id} is no deployment to {instance}", 400)
    specification = {"GenericEnvelope": envelope(call, deployment)}
    return {"DeploymentSystem": "CodeDeploy", "DeploymentSpecification": specification}


def _known(call: Call, identifier: str) -> tuple[Deployment, Target, Event]:
    """What an identifier stands for, if it is the caller's instance's."""
    try:
        parts = base64.urlsafe_b64decode(identifier.encode()).decode().split("/")
        account, region, instance, deployment_id, name = parts
    except (binascii.Error, ValueError):
        raise AwsError("ClientException", "The host command identifier is not valid", 400) from None
    _instance(call, f"arn:aws:ec2:{region}:{account}:instance/{instance}")
    deployment = call.store.get(Deployment, account, region, deployment_id)
    target = call.store.get(Target, account, region, deployment_id, instance)
    event = next((one for one in target.events if one.name == name), None) if target else None
    if deployment is None or target is None or event is None:
        raise AwsError("ClientException", "The host command identifier names no command", 400)
    return deployment, target, event


def _current(call: Call, target: Target, event: Event) -> Command | None:
    """The command, if the instance is still at this event."""
    found = call.store.get(Command, target.account, target.region, target.instance, target.deployment)
    return found if found and found.event == event.name else None


def _status(event: Event) -> str:
    return "Failed" if event.status in ("Skipped", "Unknown") else event.status


@service.operation(action=None, data_event=True)
def put_host_command_acknowledgement(call: Call, params: Params) -> Params:
    """The agent begins, unless the answer is that the command has ended meanwhile."""
    _, target, event = _known(call, params["HostCommandIdentifier"])
    command = _current(call, target, event)
    if command and command.acknowledged is None:
        command.acknowledged = call.epoch
        hosts.forget_offered(call, command)
        event.status, event.start, target.updated = "InProgress", call.epoch, call.epoch
        call.store.put(command, target)
    return {"CommandStatus": _status(event)}


@service.operation(action=None, data_event=True)
def post_host_command_update(call: Call, params: Params) -> Params:
    _, _, event = _known(call, params["HostCommandIdentifier"])
    return {"CommandStatus": _status(event)}


@service.operation(action=None, data_event=True)
def put_host_command_complete(call: Call, params: Params) -> Params:
    """How a command ended. Sent twice, the first counts."""
    deployment, target, event = _known(call, params["HostCommandIdentifier"])
    if _current(call, target, event) is None or deployment.ended:
        return {}
    if params["CommandStatus"] not in ("Succeeded", "Failed"):
        raise AwsError("ClientException", f"A command does not end as {params['CommandStatus']}", 400)
    found = _diagnostics(params.get("Diagnostics", {}), params["CommandStatus"])
    advancing.end_event(call, deployment, target, event, params["CommandStatus"], found)
    return {}


def _diagnostics(given: Params, status: str) -> Params:
    try:
        found = json.loads(given.get("Payload") or "{}")
        number = int(found.get("error_code", 0 if status == "Succeeded" else 5))
    except (ValueError, TypeError, AttributeError):
        found, number = {"message": "The agent's diagnostics are not readable."}, 5
    code = _ERROR_CODES[number] if 0 <= number < len(_ERROR_CODES) else "UnknownError"
    return {
        "errorCode": code,
        "scriptName": str(found.get("script_name") or ""),
        "message": str(found.get("message") or ""),
        "logTail": str(found.get("log") or ""),
    }
