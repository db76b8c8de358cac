"""Deployments: create, look at, stop; and the task that begins them and watches the clock."""

import asyncio
import logging

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codedeploy import advancing, notices, revisions
from labsupport.cloud.services.codedeploy.base import (
    GROUP,
    PAGE,
    Application,
    Command,
    Deployment,
    Group,
    Params,
    Target,
    bad_token,
    check_batch,
    deployment_named,
    group_arn,
    group_named,
    group_of,
    on_deployment,
    service,
    targets_of,
    time,
)
from labsupport.cloud.services.codedeploy.configs import config_named, minimum_healthy
from labsupport.cloud.services.codedeploy.finding import CannotDeploy, instances_of, state_of
from labsupport.cloud.services.codedeploy.groups import IN_PLACE

log = logging.getLogger("labsupport.cloud.codedeploy")

RECEIVE_WITHIN = 300.0  # seconds that an agent has to take up a command
REPORT_WITHIN = 3660.0  # seconds that it then has: an event's scripts may take an hour
_NOT_BUILT = {
    "updateOutdatedInstancesOnly": "Deploying to outdated instances only",
    "ec2DeploymentOptions": "Suspending processes of Auto Scaling groups",
}


@service.operation(on=GROUP)
def create_deployment(call: Call, params: Params) -> Params:
    if not params.get("deploymentGroupName"):
        raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
    group = group_named(call, params["applicationName"], params["deploymentGroupName"])
    _check(params)
    location = revisions.checked(params["revision"]) if params.get("revision") else group.revision
    if not location:
        raise AwsError("RevisionRequiredException", "The revision ID was not specified.")
    _refuse_second(call, group)
    rollback = params.get("autoRollbackConfiguration") or group.settings.get("autoRollbackConfiguration", {})
    deployment = Deployment(
        account=call.account,
        region=call.region,
        id=ids.short_id("d-"),
        application=group.application,
        group=group.name,
        group_id=group.id,
        role=group.role,
        config=config_named(call, params.get("deploymentConfigName", group.config)).name,
        revision=location,
        previous=group.revision,
        description=params.get("description", ""),
        created=call.epoch,
        ignore_stop=params.get("ignoreApplicationStopFailures", False),
        file_exists=params.get("fileExistsBehavior", ""),
        rollback=rollback,
        style=group.settings.get("deploymentStyle", IN_PLACE),
        triggers=group.settings.get("triggerConfigurations", []),
    )
    revisions.remember(call, group.application, location)
    call.store.put(deployment)
    call.start("deploy", deployment.id)
    return {"deploymentId": deployment.id}


def _check(params: Params) -> None:
    for name, what in _NOT_BUILT.items():
        if params.get(name):
            raise not_simulated(what)
    if params.get("deploymentMode", "STANDARD") != "STANDARD":
        raise not_simulated(f"The deployment mode {params['deploymentMode']}")
    if params.get("overrideAlarmConfiguration", {}).get("enabled"):
        raise not_simulated("Stopping deployments by alarms")
    if params.get("targetInstances"):
        message = "Target instances can be given for blue/green deployments only"
        raise AwsError("InvalidTargetInstancesException", message)
    rollback = params.get("autoRollbackConfiguration", {})
    if rollback.get("enabled") and not rollback.get("events"):
        message = "Automatic rollback is enabled, and no event that triggers it is given"
        raise AwsError("InvalidAutoRollbackConfigException", message)


def _refuse_second(call: Call, group: Group) -> None:
    for one in call.store.list(Deployment, call.account, call.region):
        if one.group_id == group.id and not one.ended:
            message = f"The Deployment Group '{group.name}' already has an active Deployment '{one.id}'"
            raise AwsError("DeploymentLimitExceededException", message)


@service.task("deploy")
async def deploy(call: Call, deployment_id: str) -> None:
    """Begin a deployment; then end what takes too long, until the deployment has ended."""
    while (seconds := _step(call, deployment_id)) is not None:
        await _woken(call, seconds)


async def _woken(call: Call, seconds: float) -> None:
    """Until the deployment has ended, or something in it is overdue."""
    loop = asyncio.get_running_loop()
    signal = call.signal or asyncio.Event()
    waits = [loop.create_task(signal.wait()), loop.create_task(call.cloud.clock.sleep(seconds))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        signal.clear()
    finally:
        for one in waits:
            one.cancel()


def _step(call: Call, deployment_id: str) -> float | None:
    try:
        with call.transaction():
            return _take_further(call, deployment_id)
    except Exception:
        log.exception("deployment %s failed", deployment_id)
        with call.transaction():
            deployment = call.store.get(Deployment, call.account, call.region, deployment_id)
            if deployment and not deployment.ended:
                text = "The lab failed at this deployment; its log says where."
                advancing.fail(call, deployment, "INTERNAL_ERROR", text)
        return None


def _take_further(call: Call, deployment_id: str) -> float | None:
    deployment = call.store.get(Deployment, call.account, call.region, deployment_id)
    if deployment is None or deployment.ended:
        return None
    if deployment.status == "Created":
        try:
            _begin(call, deployment)
        except CannotDeploy as error:
            advancing.fail(call, deployment, error.code, error.message)
    else:
        _end_overdue(call, deployment)
    return _until_overdue(call, deployment)


def _begin(call: Call, deployment: Deployment) -> None:
    group = group_of(call, deployment)
    if group is None:
        raise _no_group(call, deployment)
    found = instances_of(call, group)
    minimum = minimum_healthy(config_named(call, deployment.config), len(found))
    advancing.begin(call, deployment, found, minimum)


def _no_group(call: Call, deployment: Deployment) -> CannotDeploy:
    if call.store.get(Application, call.account, call.region, deployment.application) is None:
        message = f"The application {deployment.application} does not exist any more."
        return CannotDeploy("APPLICATION_MISSING", message)
    message = f"The deployment group {deployment.group} does not exist any more."
    return CannotDeploy("DEPLOYMENT_GROUP_MISSING", message)


def _due(command: Command) -> float:
    if command.acknowledged is None:
        return command.created + RECEIVE_WITHIN
    return command.acknowledged + REPORT_WITHIN


def _commands(call: Call, deployment: Deployment) -> list[tuple[Target, Command]]:
    found = []
    for target in targets_of(call, deployment):
        command = call.store.get(Command, call.account, call.region, target.instance, deployment.id)
        if command:
            found.append((target, command))
    return found


def _until_overdue(call: Call, deployment: Deployment) -> float | None:
    """Seconds until the next command is overdue; an answer that comes before needs no watching."""
    dues = [_due(command) for _, command in _commands(call, deployment)]
    return None if deployment.ended or not dues else max(min(dues) - call.epoch, 0.0)


def _end_overdue(call: Call, deployment: Deployment) -> None:
    for target, command in _commands(call, deployment):
        if _due(command) <= call.epoch and not deployment.ended:
            event = next(one for one in target.events if one.name == command.event)
            text = advancing.NOT_RECEIVED
            if command.acknowledged is not None:
                text = f"The agent began {event.name}, and has not told for an hour how it ended."
            advancing.end_event(call, deployment, target, event, "Failed", advancing.unknown(text))


@service.task("noticed")
async def noticed(call: Call, instance_id: str) -> None:
    """EC2 has published a new state of an instance: deployments to one that is going away do not wait for it."""
    active = [one for one in call.store.list(Deployment, call.account, call.region) if one.status == "InProgress"]
    for one in active:
        target = call.store.get(Target, call.account, call.region, one.id, instance_id)
        if target is None or target.status not in ("Pending", "InProgress"):
            continue
        with call.transaction():
            state = state_of(call, one.role, instance_id)
            if state not in ("", "pending", "running"):
                _lose(call, one.id, instance_id, state)


def _lose(call: Call, deployment_id: str, instance_id: str, state: str) -> None:
    deployment = call.store.get(Deployment, call.account, call.region, deployment_id)
    target = call.store.get(Target, call.account, call.region, deployment_id, instance_id)
    if deployment is None or target is None or deployment.ended:
        return
    event = next((one for one in target.events if one.status in ("Pending", "InProgress")), None)
    if event:
        text = f"The instance {instance_id} is {state}: {advancing.NOT_RECEIVED}"
        advancing.end_event(call, deployment, target, event, "Failed", advancing.unknown(text))


@service.operation(on=on_deployment)
def stop_deployment(call: Call, params: Params) -> Params:
    """Events that have begun are finished; nothing is begun any more."""
    deployment = deployment_named(call, params["deploymentId"])
    if deployment.ended:
        message = f"The deployment {deployment.id} has been completed"
        raise AwsError("DeploymentAlreadyCompletedException", message)
    deployment.stopping = True
    if "autoRollbackEnabled" in params:
        events = ["DEPLOYMENT_STOP_ON_REQUEST"] if params["autoRollbackEnabled"] else []
        deployment.rollback = {"enabled": bool(events), "events": events}
    call.store.put(deployment)
    for target in targets_of(call, deployment):
        command = call.store.get(Command, call.account, call.region, target.instance, deployment.id)
        if target.status == "Pending" or (command and command.acknowledged is None):
            advancing.skip(call, target)
    advancing.settle(call, deployment)
    done = deployment.ended
    text = "No more commands will be scheduled for execution in the deployment instances"
    return {"status": "Succeeded" if done else "Pending", "statusMessage": text}


@service.operation(on=on_deployment)
def get_deployment(call: Call, params: Params) -> Params:
    return {"deploymentInfo": shown(call, deployment_named(call, params["deploymentId"]))}


def _on_each(call: Call, params: Params) -> list[str]:
    arns = [on_deployment(call, {"deploymentId": one}) for one in params["deploymentIds"]]
    return list(dict.fromkeys(arns))


@service.operation(on=_on_each)
def batch_get_deployments(call: Call, params: Params) -> Params:
    check_batch(params["deploymentIds"], 25)
    return {"deploymentsInfo": [shown(call, deployment_named(call, one)) for one in params["deploymentIds"]]}


def shown(call: Call, deployment: Deployment) -> Params:
    return {
        "applicationName": deployment.application,
        "deploymentGroupName": deployment.group,
        "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id,
        "previousRevision": deployment.previous or None,
        "revision": deployment.revision,
        "status": deployment.status,
        "errorInformation": deployment.error or None,
        "createTime": time(deployment.created),
        "startTime": time(deployment.started),
        "completeTime": time(deployment.completed),
        "deploymentOverview": notices.overview(call, deployment) if deployment.targets else None,
        "description": deployment.description or None,
        "creator": deployment.creator,
        "ignoreApplicationStopFailures": deployment.ignore_stop,
        "autoRollbackConfiguration": deployment.rollback or None,
        "updateOutdatedInstancesOnly": False,
        "rollbackInfo": deployment.rollback_info or None,
        "deploymentStyle": deployment.style or IN_PLACE,
        "instanceTerminationWaitTimeStarted": False,
        "fileExistsBehavior": deployment.file_exists or "DISALLOW",
        "deploymentStatusMessages": [],
        "computePlatform": "Server",
    }


def _on_listed(call: Call, params: Params) -> str:
    return group_arn(call, params.get("applicationName", "*"), params.get("deploymentGroupName", "*"))


@service.operation(on=_on_listed)
def list_deployments(call: Call, params: Params) -> Params:
    """The newest first."""
    application, group = params.get("applicationName"), params.get("deploymentGroupName")
    if group and not application:
        raise AwsError("ApplicationNameRequiredException", "Application name is required")
    if application and not group:
        raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
    if application and group:
        group_named(call, application, group)
    every = [one for one in call.store.list(Deployment, call.account, call.region) if _wanted(one, params)]
    every.sort(key=lambda one: one.created, reverse=True)
    found, token = paging.page_of_list(every, params.get("nextToken"), PAGE, bad_token())
    return {"deployments": [one.id for one in found], "nextToken": token}


def _wanted(deployment: Deployment, params: Params) -> bool:
    span = params.get("createTimeRange", {})
    start, end, created = span.get("start"), span.get("end"), round(deployment.created, 3)  # as it is shown
    return (
        deployment.application == params.get("applicationName", deployment.application)
        and deployment.group == params.get("deploymentGroupName", deployment.group)
        and deployment.status in (params.get("includeOnlyStatuses") or [deployment.status])
        and "externalId" not in params
        and (start is None or created >= start.timestamp())
        and (end is None or created <= end.timestamp())
    )
