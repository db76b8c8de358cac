"""Deployment groups: the instances that are deployed to, and how (API Reference: "CreateDeploymentGroup")."""

from labsupport.cloud.core import ids, paging, tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codedeploy.base import (
    APPLICATION,
    GROUP,
    PAGE,
    Deployment,
    Group,
    Params,
    application_named,
    bad_token,
    check_batch,
    checked_tags,
    find_group,
    group_arn,
    group_named,
    service,
    time,
)
from labsupport.cloud.services.codedeploy.configs import DEFAULT, config_named

IN_PLACE = {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"}
# Members that would do something which the lab does not do; empty ones ask for nothing.
_NOT_BUILT = {
    "onPremisesInstanceTagFilters": "On-premises instances",
    "onPremisesTagSet": "On-premises instances",
    "autoScalingGroups": "A deployment group of Auto Scaling groups",
    "ecsServices": "A deployment group of Amazon ECS services",
    "blueGreenDeploymentConfiguration": "Blue/green deployments",
    "loadBalancerInfo": "A deployment group behind a load balancer",
    "ec2DeploymentOptions": "Suspending processes of Auto Scaling groups",
    "terminationHookEnabled": "The termination hook of Auto Scaling groups",
}
_KEPT = (
    "ec2TagFilters", "ec2TagSet", "triggerConfigurations", "alarmConfiguration", "autoRollbackConfiguration",
    "outdatedInstancesStrategy", "deploymentStyle",
)  # fmt: skip
_MOST_TRIGGERS, _MOST_TAG_GROUPS = 10, 3


@service.operation(on=GROUP, passes=("serviceRoleArn",))
def create_deployment_group(call: Call, params: Params) -> Params:
    application = application_named(call, params["applicationName"])
    if find_group(call, application.name, params["deploymentGroupName"]):
        raise _taken(params["deploymentGroupName"])
    group = Group(
        account=call.account,
        region=call.region,
        application=application.name,
        name=params["deploymentGroupName"],
        id=ids.uuid4(),
        config=config_named(call, params.get("deploymentConfigName", DEFAULT)).name,
        role=_role(call, params["serviceRoleArn"]),
        settings=_settings(params, {}),
        tags=checked_tags(tags.from_list(params.get("tags"))),
    )
    call.store.put(group)
    return {"deploymentGroupId": group.id}


def _taken(name: str) -> AwsError:
    return AwsError("DeploymentGroupAlreadyExistsException", f"Deployment group name already exists: {name}")


def _role(call: Call, arn: str) -> str:
    """A role that CodeDeploy can assume: that is tried at once, so that the fault is told where it is made."""
    found = parse(arn)
    if found is None or found.service != "iam" or not found.resource.startswith("role/"):
        raise AwsError("InvalidRoleException", f"Role ARN is not in the correct format: {arn}")
    try:
        call.aws("ec2", role=arn).caller()
    except AwsError:
        message = f"AWS CodeDeploy does not have the permissions required to assume the role {arn}."
        raise AwsError("InvalidRoleException", message) from None
    return arn


def _settings(params: Params, before: Params) -> Params:
    _refuse_not_built(params)
    settings = before | {name: params[name] for name in _KEPT if name in params}
    if params.get("ec2TagFilters"):
        settings.pop("ec2TagSet", None)
    if params.get("ec2TagSet"):
        settings.pop("ec2TagFilters", None)
    if params.get("ec2TagFilters") and params.get("ec2TagSet"):
        message = "Both ec2TagFilters and ec2TagSet were specified, but only one of them can be used in a single call."
        raise AwsError("InvalidEC2TagCombinationException", message)
    if "deploymentStyle" in settings:
        settings["deploymentStyle"] = IN_PLACE | settings["deploymentStyle"]
    _check_tag_filters(settings)
    _check_rollback(settings.get("autoRollbackConfiguration", {}))
    _check_triggers(settings.get("triggerConfigurations", []))
    return settings


def _refuse_not_built(params: Params) -> None:
    for name, what in _NOT_BUILT.items():
        if params.get(name):
            raise not_simulated(what)
    style = params.get("deploymentStyle", {})
    if style.get("deploymentType", "IN_PLACE") != "IN_PLACE":
        raise not_simulated("Blue/green deployments")
    if style.get("deploymentOption", "WITHOUT_TRAFFIC_CONTROL") != "WITHOUT_TRAFFIC_CONTROL":
        raise not_simulated("Deployments with traffic control")
    if params.get("alarmConfiguration", {}).get("enabled"):
        raise not_simulated("Stopping deployments by alarms")


def _check_tag_filters(settings: Params) -> None:
    groups = settings.get("ec2TagSet", {}).get("ec2TagSetList", [])
    if len(groups) > _MOST_TAG_GROUPS:
        message = f"The number of tag groups in the tag set list exceeds the limit of {_MOST_TAG_GROUPS}."
        raise AwsError("TagSetListLimitExceededException", message)
    for one in [*settings.get("ec2TagFilters", []), *(one for group in groups for one in group)]:
        kind = one.get("Type")
        if kind is None or (kind != "VALUE_ONLY" and "Key" not in one) or (kind != "KEY_ONLY" and "Value" not in one):
            raise AwsError("InvalidEC2TagException", f"The EC2 tag filter lacks what its type needs: {one}")


def _check_rollback(given: Params) -> None:
    if given.get("enabled") and not given.get("events"):
        message = "Automatic rollback is enabled, and no event that triggers it is given"
        raise AwsError("InvalidAutoRollbackConfigException", message)


def _check_triggers(given: list[Params]) -> None:
    if len(given) > _MOST_TRIGGERS:
        raise AwsError("TriggerTargetsLimitExceededException", "The maximum allowed number of triggers was exceeded.")
    names = [one.get("triggerName") for one in given]
    for one in given:
        if not one.get("triggerName") or not one.get("triggerEvents") or names.count(one["triggerName"]) > 1:
            raise AwsError("InvalidTriggerConfigException", "A trigger needs a name of its own and events")
        target = parse(one.get("triggerTargetArn", ""))
        if target is None or target.service != "sns":
            message = f"The trigger's target is not the ARN of an Amazon SNS topic: {one.get('triggerTargetArn')}"
            raise AwsError("InvalidTriggerConfigException", message)


def _on_current(call: Call, params: Params) -> str:
    return group_arn(call, params["applicationName"], params["currentDeploymentGroupName"])


@service.operation(on=_on_current, passes=("serviceRoleArn",))
def update_deployment_group(call: Call, params: Params) -> Params:
    group = group_named(call, params["applicationName"], params["currentDeploymentGroupName"])
    new = params.get("newDeploymentGroupName", group.name)
    if new != group.name and find_group(call, group.application, new):
        raise _taken(new)
    if "deploymentConfigName" in params:
        group.config = config_named(call, params["deploymentConfigName"]).name
    if "serviceRoleArn" in params:
        group.role = _role(call, params["serviceRoleArn"])
    group.settings = _settings(params, group.settings)
    call.store.delete(group)
    group.name = new
    call.store.put(group)
    return {"hooksNotCleanedUp": []}


@service.operation(on=GROUP)
def get_deployment_group(call: Call, params: Params) -> Params:
    group = group_named(call, params["applicationName"], params["deploymentGroupName"])
    return {"deploymentGroupInfo": shown(call, group)}


def shown(call: Call, group: Group) -> Params:
    return {
        "applicationName": group.application,
        "deploymentGroupId": group.id,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.config,
        "serviceRoleArn": group.role,
        "computePlatform": "Server",
        "ec2TagFilters": [],
        "onPremisesInstanceTagFilters": [],
        "autoScalingGroups": [],
        "triggerConfigurations": [],
        "outdatedInstancesStrategy": "UPDATE",
        "deploymentStyle": IN_PLACE,
        "targetRevision": group.revision or None,
        "lastSuccessfulDeployment": _last(call, group.succeeded),
        "lastAttemptedDeployment": _last(call, group.attempted),
        "terminationHookEnabled": False,
        **group.settings,
    }


def _last(call: Call, deployment_id: str) -> Params | None:
    found = call.store.get(Deployment, call.account, call.region, deployment_id) if deployment_id else None
    if found is None:
        return None
    return {
        "deploymentId": found.id,
        "status": found.status,
        "createTime": time(found.created),
        "endTime": time(found.completed),
    }


def _on_named(call: Call, params: Params) -> list[str]:
    return [group_arn(call, params["applicationName"], name) for name in dict.fromkeys(params["deploymentGroupNames"])]


@service.operation(on=_on_named)
def batch_get_deployment_groups(call: Call, params: Params) -> Params:
    check_batch(params["deploymentGroupNames"])
    application_named(call, params["applicationName"])
    found = {name: find_group(call, params["applicationName"], name) for name in params["deploymentGroupNames"]}
    missing = [name for name, group in found.items() if group is None]
    message = f"No Deployment Group found for name: {', '.join(missing)}" if missing else ""
    return {"deploymentGroupsInfo": [shown(call, one) for one in found.values() if one], "errorMessage": message}


@service.operation(on=APPLICATION)
def list_deployment_groups(call: Call, params: Params) -> Params:
    application = application_named(call, params["applicationName"])
    every = (one.name for one in call.store.list(Group, call.account, call.region, application.name))
    found, token = paging.page(every, str, params.get("nextToken"), PAGE, bad_token())
    return {"applicationName": application.name, "deploymentGroups": found, "nextToken": token}


@service.operation(on=GROUP)
def delete_deployment_group(call: Call, params: Params) -> Params:
    """What does not exist is deleted already."""
    group = find_group(call, params["applicationName"], params["deploymentGroupName"])
    if group:
        call.store.delete(group)
    return {"hooksNotCleanedUp": []}
