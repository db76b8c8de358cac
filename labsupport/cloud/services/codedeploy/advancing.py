"""A deployment's way: begin, from event to event on each instance, end, roll back.

Each of these happens within the call that causes it (an agent's report, a stop), so nothing waits for anything else;
the task `deploy` begins deployments and watches the clock.
"""

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codedeploy import notices, rollout
from labsupport.cloud.services.codedeploy.base import (
    EVENTS,
    Command,
    Deployment,
    Event,
    Group,
    Params,
    Target,
    group_of,
    targets_of,
)
from labsupport.cloud.services.codedeploy.finding import CannotDeploy, Found
from labsupport.cloud.services.codedeploy.hosts import forget_offered, wake_host
from labsupport.cloud.services.codedeploy.revisions import note_used

TOO_MANY_FAILED = (
    "The overall deployment failed because too many individual instances failed deployment, too few healthy instances "
    "are available for deployment, or some instances in your deployment group are experiencing problems."
)
NOT_ENOUGH = (
    "The deployment can't start because a minimum number of healthy instances, as defined by your deployment "
    "configuration, are not available. You can reduce the required number of healthy instances by updating your "
    "deployment configuration or increase the number of instances in this deployment group."
)
NO_INSTANCES = (
    "The deployment failed because no instances were found for your deployment group. Check your deployment group "
    "settings to make sure the tags for your Amazon EC2 instances or Auto Scaling groups correctly identify the "
    "instances you want to deploy to, and then try again."
)
NOT_RECEIVED = (
    "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your host and "
    "make sure the agent is running and can connect to the CodeDeploy server."
)


def begin(call: Call, deployment: Deployment, found: list[Found], minimum: int) -> None:
    """Begin with the first instances. Raises CannotDeploy."""
    if not found:
        raise CannotDeploy("NO_INSTANCES", NO_INSTANCES)
    if minimum >= len(found):
        raise CannotDeploy("HEALTH_CONSTRAINTS_INVALID", NOT_ENOUGH)
    deployment.status, deployment.started = "InProgress", call.epoch
    deployment.minimum, deployment.targets = minimum, len(found)
    call.store.put(deployment)
    notices.deployment_changed(call, deployment)
    for one in found:
        target = Target(
            account=call.account,
            region=call.region,
            deployment=deployment.id,
            instance=one.id,
            updated=call.epoch,
            events=[Event(name=name) for name in EVENTS],
        )
        call.store.put(target)
        if not one.running:
            _end_event(call, deployment, target, target.events[0], "Failed", unknown(NOT_RECEIVED))
    settle(call, deployment)


def settle(call: Call, deployment: Deployment) -> None:
    """Go on with whatever may go on now, and end the deployment if all is decided."""
    if deployment.ended:
        return
    targets = {target.instance: target for target in targets_of(call, deployment)}
    statuses = {name: target.status for name, target in targets.items()}
    step = rollout.next_step(statuses, deployment.minimum, deployment.stopping)
    for name in step.start:
        target = targets[name]
        target.status = "InProgress"
        _command(call, target, target.events[0])
        notices.target_changed(call, deployment, target)
    if step.outcome:
        _end(call, deployment, step.outcome)


def _command(call: Call, target: Target, event: Event) -> None:
    """Let the instance's agent have the next event."""
    target.updated = call.epoch
    command = Command(
        account=target.account,
        region=target.region,
        instance=target.instance,
        deployment=target.deployment,
        event=event.name,
        created=call.epoch,
    )
    call.store.put(target, command)
    wake_host(call, target.instance)


def end_event(
    call: Call, deployment: Deployment, target: Target, event: Event, status: str, diagnostics: Params
) -> None:
    """A lifecycle event has ended: the next one follows, or the instance is done with."""
    _end_event(call, deployment, target, event, status, diagnostics)
    if target.status != "InProgress":
        settle(call, deployment)


def _end_event(
    call: Call, deployment: Deployment, target: Target, event: Event, status: str, diagnostics: Params
) -> None:
    event.status, event.end, event.diagnostics = status, call.epoch, diagnostics
    event.start = event.start or call.epoch
    goes_on = status == "Succeeded" or (event.name == "ApplicationStop" and deployment.ignore_stop)
    left = [one for one in target.events if one.status == "Pending"]
    if goes_on and left and not deployment.stopping:
        _command(call, target, left[0])
        return
    for one in left:
        one.status = "Skipped"
    _drop_command(call, target)
    _end_target(call, deployment, target, "Failed" if not goes_on else "Skipped" if left else "Succeeded")


def _end_target(call: Call, deployment: Deployment, target: Target, status: str) -> None:
    target.status, target.updated = status, call.epoch
    call.store.put(target)
    if status != "Skipped":
        notices.target_changed(call, deployment, target)


def skip(call: Call, target: Target) -> None:
    """An instance that is not deployed to any more."""
    for event in target.events:
        if event.status == "Pending":
            event.status = "Skipped"
    target.status, target.updated = "Skipped", call.epoch
    _drop_command(call, target)
    call.store.put(target)


def _drop_command(call: Call, target: Target) -> None:
    command = call.store.get(Command, target.account, target.region, target.instance, target.deployment)
    if command:
        call.store.delete(command)
        forget_offered(call, command)


def unknown(message: str) -> Params:
    return {"errorCode": "UnknownError", "scriptName": "", "message": message, "logTail": ""}


def fail(call: Call, deployment: Deployment, code: str, message: str) -> None:
    """End a deployment for a reason that is no instance's."""
    deployment.error = {"code": code, "message": message}
    _end(call, deployment, "Failed")


def _end(call: Call, deployment: Deployment, status: str) -> None:
    for target in targets_of(call, deployment):
        if target.status == "Pending":
            skip(call, target)
    deployment.status, deployment.completed = status, call.epoch
    if status == "Failed" and not deployment.error:
        deployment.error = {"code": "HEALTH_CONSTRAINTS", "message": TOO_MANY_FAILED}
    if status == "Stopped":
        deployment.error = {"code": "MANUAL_STOP", "message": "The deployment was stopped by a user."}
    group = group_of(call, deployment)
    if group:
        _note_in_group(call, group, deployment)
        if status != "Succeeded":
            _roll_back(call, group, deployment)
    call.store.put(deployment)
    notices.deployment_changed(call, deployment)
    call.start("deploy", deployment.id, service="codedeploy")  # it has nothing to watch any more


def _note_in_group(call: Call, group: Group, deployment: Deployment) -> None:
    group.attempted = deployment.id
    if deployment.status == "Succeeded":
        group.succeeded, group.revision = deployment.id, deployment.revision
        note_used(call, group.application, group.name, deployment.revision)
    call.store.put(group)


def _roll_back(call: Call, group: Group, failed: Deployment) -> None:
    """Deploy the last good revision again (User Guide: "Redeploy and roll back a deployment")."""
    event = "DEPLOYMENT_STOP_ON_REQUEST" if failed.status == "Stopped" else "DEPLOYMENT_FAILURE"
    wanted = failed.rollback.get("enabled") and event in failed.rollback.get("events", [])
    if not wanted or failed.creator == "codeDeployRollback":
        return
    if not group.revision:
        failed.rollback_info = {"rollbackMessage": "There is no successful deployment to roll back to."}
        return
    again = Deployment(
        account=failed.account,
        region=failed.region,
        id=ids.short_id("d-"),
        application=group.application,
        group=group.name,
        group_id=group.id,
        role=group.role,
        config=failed.config,
        revision=group.revision,
        previous=failed.revision,
        description=f"Rolls back deployment {failed.id}",
        creator="codeDeployRollback",
        created=call.epoch,
        ignore_stop=failed.ignore_stop,
        file_exists=failed.file_exists,
        rollback_info={"rollbackTriggeringDeploymentId": failed.id},
        triggers=failed.triggers,
    )
    message = (
        f"Deployment {failed.id} failed, and its deployment group is being returned to the last successful revision."
    )
    failed.rollback_info = {"rollbackDeploymentId": again.id, "rollbackMessage": message}
    call.store.put(again)
    call.start("deploy", again.id, service="codedeploy")
