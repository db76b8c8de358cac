"""Instances in deployments, and the lifecycle events on each (API Reference: "GetDeploymentTarget")."""

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codedeploy.base import (
    PAGE,
    Deployment,
    Event,
    Params,
    Target,
    bad_token,
    check_batch,
    deployment_named,
    on_deployment,
    service,
    targets_of,
    time,
)


def _target(call: Call, deployment: Deployment, name: str, error: AwsError) -> Target:
    """By the instance's id, or its ARN."""
    if deployment.status == "Created":
        raise AwsError("DeploymentNotStartedException", f"The deployment {deployment.id} has not started")
    found = call.store.get(Target, call.account, call.region, deployment.id, name.rpartition("/")[2])
    if found is None:
        raise error
    return found


def _no_target(name: str) -> AwsError:
    message = f"The provided target ID does not belong to the attempted deployment: {name}"
    return AwsError("DeploymentTargetDoesNotExistException", message)


def _no_instance(name: str) -> AwsError:
    message = f"The specified instance does not exist in the deployment group: {name}"
    return AwsError("InstanceDoesNotExistException", message)


def _events(target: Target) -> list[Params]:
    return [_event(one) for one in target.events]


def _event(event: Event) -> Params:
    return {
        "lifecycleEventName": event.name,
        "status": event.status,
        "startTime": time(event.start),
        "endTime": time(event.end),
        "diagnostics": event.diagnostics or None,
    }


def _shown_target(target: Target) -> Params:
    shown = {
        "deploymentId": target.deployment,
        "targetId": target.instance,
        "targetArn": target.arn,
        "status": target.status,
        "lastUpdatedAt": time(target.updated),
        "lifecycleEvents": _events(target),
    }
    return {"deploymentTargetType": "InstanceTarget", "instanceTarget": shown}


def _shown_instance(target: Target) -> Params:
    return {
        "deploymentId": target.deployment,
        "instanceId": target.arn,
        "status": target.status,
        "lastUpdatedAt": time(target.updated),
        "lifecycleEvents": _events(target),
    }


@service.operation(on=on_deployment)
def get_deployment_target(call: Call, params: Params) -> Params:
    deployment, name = deployment_named(call, params["deploymentId"]), params["targetId"]
    return {"deploymentTarget": _shown_target(_target(call, deployment, name, _no_target(name)))}


@service.operation(on=on_deployment)
def batch_get_deployment_targets(call: Call, params: Params) -> Params:
    check_batch(params["targetIds"], 25)
    deployment = deployment_named(call, params["deploymentId"])
    found = [_target(call, deployment, name, _no_target(name)) for name in params["targetIds"]]
    return {"deploymentTargets": [_shown_target(one) for one in found]}


@service.operation(on=on_deployment)
def list_deployment_targets(call: Call, params: Params) -> Params:
    filters = params.get("targetFilters", {})
    wanted = filters.get("TargetStatus")
    names = [] if filters.get("ServerInstanceLabel") else _names(call, params, wanted)
    found, token = paging.page(names, str, params.get("nextToken"), PAGE, bad_token())
    return {"targetIds": found, "nextToken": token}


def _names(call: Call, params: Params, statuses: list[str] | None) -> list[str]:
    every = targets_of(call, deployment_named(call, params["deploymentId"]))
    return [one.instance for one in every if not statuses or one.status in statuses]


@service.operation(on=on_deployment)
def get_deployment_instance(call: Call, params: Params) -> Params:
    deployment, name = deployment_named(call, params["deploymentId"]), params["instanceId"]
    return {"instanceSummary": _shown_instance(_target(call, deployment, name, _no_instance(name)))}


@service.operation(on=on_deployment)
def batch_get_deployment_instances(call: Call, params: Params) -> Params:
    check_batch(params["instanceIds"])
    deployment = deployment_named(call, params["deploymentId"])
    found = [_target(call, deployment, name, _no_instance(name)) for name in params["instanceIds"]]
    return {"instancesSummary": [_shown_instance(one) for one in found]}


@service.operation(on=on_deployment)
def list_deployment_instances(call: Call, params: Params) -> Params:
    if params.get("instanceTypeFilter"):
        message = "An instance type was specified for an in-place deployment."
        raise AwsError("InvalidDeploymentInstanceTypeException", message)
    names = _names(call, params, params.get("instanceStatusFilter"))
    found, token = paging.page(names, str, params.get("nextToken"), PAGE, bad_token())
    return {"instancesList": found, "nextToken": token}
