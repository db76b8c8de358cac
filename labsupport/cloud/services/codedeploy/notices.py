"""What is published of deployments: events, and messages to the topics of a group's triggers.

User Guide: "Monitoring deployments with Amazon CloudWatch Events" and "JSON data formats for CodeDeploy triggers".
"""

import json
import logging

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codedeploy.base import Deployment, Params, Target, service, targets_of
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.codedeploy")

_EVENT_STATES = {
    "Created": "START",
    "InProgress": "START",
    "Succeeded": "SUCCESS",
    "Failed": "FAILURE",
    "Stopped": "STOP",
}
_TRIGGERS = {"START": "Start", "SUCCESS": "Success", "FAILURE": "Failure", "STOP": "Stop"}


@record("codedeploy.message", key=("account", "region", "id"))
class Message(msgspec.Struct, kw_only=True):
    """A notification on its way to a topic."""

    account: str
    region: str
    id: str
    role: str
    topic: str
    subject: str
    body: str


def deployment_changed(call: Call, deployment: Deployment) -> None:
    state = _EVENT_STATES[deployment.status]
    call.emit("CodeDeploy Deployment State-change Notification", _detail(deployment, state), _arns(deployment))
    if deployment.creator == "codeDeployRollback" and state == "START":
        _trigger(call, deployment, "DeploymentRollback", _deployment_body(call, deployment))
    _trigger(call, deployment, f"Deployment{_TRIGGERS[state]}", _deployment_body(call, deployment))


def target_changed(call: Call, deployment: Deployment, target: Target) -> None:
    state = _EVENT_STATES[target.status]
    detail = {**_detail(deployment, state), "instanceId": target.instance}
    call.emit("CodeDeploy Instance State-change Notification", detail, [target.arn, *reversed(_arns(deployment))])
    _trigger(call, deployment, f"Instance{_TRIGGERS[state]}", _target_body(target))


def _detail(deployment: Deployment, state: str) -> Params:
    return {
        "instanceGroupId": deployment.group_id,
        "region": deployment.region,
        "application": deployment.application,
        "deploymentId": deployment.id,
        "state": state,
        "deploymentGroup": deployment.group,
    }


def _arns(deployment: Deployment) -> list[str]:
    place = f"arn:aws:codedeploy:{deployment.region}:{deployment.account}"
    application, group = deployment.application, f"{deployment.application}/{deployment.group}"
    return [f"{place}:application:{application}", f"{place}:deploymentgroup:{group}"]


def _deployment_body(call: Call, deployment: Deployment) -> Params:
    body: Params = {
        "deploymentId": deployment.id,
        "createTime": _clock(deployment.created),
        "applicationName": deployment.application,
        "deploymentGroupName": deployment.group,
        "status": deployment.status.upper() if deployment.status != "InProgress" else "CREATED",
    }
    if deployment.completed:
        body |= {
            "completeTime": _clock(deployment.completed),
            "deploymentOverview": json.dumps(overview(call, deployment)),
        }
    if deployment.error:
        body["errorInformation"] = json.dumps(
            {"ErrorCode": deployment.error["code"], "ErrorMessage": deployment.error["message"]}
        )
    return body


def overview(call: Call, deployment: Deployment) -> dict[str, int]:
    """How many instances have come how far."""
    counts = dict.fromkeys(("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0)
    for target in targets_of(call, deployment):
        counts[target.status] += 1
    return counts


def _clock(epoch: float) -> str:
    return f"{epoch:.3f}"


def _target_body(target: Target) -> Params:
    events = [
        {
            "LifecycleEvent": event.name,
            "LifecycleEventStatus": event.status,
            "StartTime": _clock(event.start),
            **({"EndTime": _clock(event.end)} if event.end else {}),
        }
        for event in target.events
        if event.start
    ]
    return {
        "deploymentId": target.deployment,
        "instanceId": target.arn,
        "lastUpdatedAt": _clock(target.updated),
        "instanceStatus": target.status,
        "lifecycleEvents": events,
    }


def _trigger(call: Call, deployment: Deployment, event: str, body: Params) -> None:
    for trigger in deployment.triggers:
        if event in trigger["triggerEvents"]:
            head = {"region": call.region, "accountId": call.account, "eventTriggerName": trigger["triggerName"]}
            message = Message(
                account=call.account,
                region=call.region,
                id=ids.uuid4(),
                role=deployment.role,
                topic=trigger["triggerTargetArn"],
                subject=f"{event}: {deployment.id} of {deployment.application}"[:100],
                body=json.dumps({**head, **body}),
            )
            call.store.put(message)
            call.start("notify", message.id, service="codedeploy")


@service.task("notify")
async def notify(call: Call, message_id: str) -> None:
    """Publish one message under the service role. A topic that refuses it misses it, as at AWS; the trail has why."""
    with call.transaction():
        message = call.store.get(Message, call.account, call.region, message_id)
        if message is None:
            return
        call.store.delete(message)
        try:
            sns = call.aws("sns", role=message.role)
            sns.publish(TopicArn=message.topic, Subject=message.subject, Message=message.body)
        except AwsError as error:
            log.warning("a notification to %s was refused: %s", message.topic, error)
