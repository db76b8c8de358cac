"""Service-linked roles: made for a service, trusted by it alone, changed by nobody else
(IAM User Guide: "Create a service-linked role")."""

import json

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import Name, Role
from labsupport.cloud.services.iam.base import SERVICE_PATH, Params, missing, release_name, role_named, service
from labsupport.cloud.services.iam.records import Deletion
from labsupport.cloud.services.iam.roles import shown_role

# The services whose policies the lab has: principal -> (the role's name after AWSServiceRoleFor, its policy).
LINKED = {
    "codestar-notifications.amazonaws.com": ("CodeStarNotifications", "AWSCodeStarNotificationsServiceRolePolicy"),
    "elasticbeanstalk.amazonaws.com": ("ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    "maintenance.elasticbeanstalk.amazonaws.com": ("ElasticBeanstalkMaintenance", "AWSElasticBeanstalkMaintenance"),
    "managedupdates.elasticbeanstalk.amazonaws.com": (
        "ElasticBeanstalkManagedUpdates",
        "AWSElasticBeanstalkManagedUpdatesServiceRolePolicy",
    ),
    "cks.kms.amazonaws.com": (
        "KeyManagementServiceCustomKeyStores",
        "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
    ),
    "mrk.kms.amazonaws.com": (
        "KeyManagementServiceMultiRegionKeys",
        "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
    ),
    "replicator.lambda.amazonaws.com": ("LambdaReplicator", "AWSLambdaReplicator"),
    "organizations.amazonaws.com": ("Organizations", "AWSOrganizationsServiceTrustPolicy"),
    "ecs.amazonaws.com": ("ECS", "AmazonECSServiceRolePolicy"),
    "apidestinations.events.amazonaws.com": (
        "AmazonEventBridgeApiDestinations",
        "AmazonEventBridgeApiDestinationsServiceRolePolicy",
    ),
    "schemas.amazonaws.com": ("Schemas", "AmazonEventBridgeSchemasServiceRolePolicy"),
    "ssm.amazonaws.com": ("AmazonSSM", "AmazonSSMServiceRolePolicy"),
    "cloudwatch-crossaccount.amazonaws.com": ("CloudWatchCrossAccount", "CloudWatch-CrossAccountAccess"),
    "events.amazonaws.com": ("CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
}


def _arn(call: Call, params: Params) -> str:
    name = LINKED.get(params["AWSServiceName"], ("*", ""))[0]
    return f"arn:aws:iam::{call.account}:role{SERVICE_PATH}{params['AWSServiceName']}/AWSServiceRoleFor{name}"


def _context(_: Call, params: Params) -> Params:
    return {"iam:awsservicename": params["AWSServiceName"]}


@service.operation(on=_arn, context=_context)
def create_service_linked_role(call: Call, params: Params) -> Params:
    principal = params["AWSServiceName"]
    if principal not in LINKED:
        raise not_simulated(f"The service-linked role of {principal}")
    if "CustomSuffix" in params:
        raise AwsError("InvalidInputException", f"Custom suffix is not allowed for {principal}", 400)
    short, policy = LINKED[principal]
    name = f"AWSServiceRoleFor{short}"
    taken = call.store.get(Name, call.account, "Role", name.lower())
    if taken:
        message = f"Service role name {name} has been taken in this account, please try a different suffix."
        raise AwsError("InvalidInputException", message, 400)
    role = Role(
        account=call.account,
        name=name,
        id=ids.iam_id("AROA"),
        path=f"{SERVICE_PATH}{principal}/",
        created=call.epoch,
        trust=_trust(principal),
        description=params.get("Description", ""),
        attached=[f"arn:aws:iam::aws:policy/aws-service-role/{policy}"],
    )
    call.store.put(role, Name(account=call.account, kind="Role", folded=name.lower()))
    return {"Role": shown_role(call, role)}


def _trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _on_linked(call: Call, params: Params) -> str:
    role = call.store.get(Role, call.account, params["RoleName"])
    return role.arn if role else f"arn:aws:iam::{call.account}:role{SERVICE_PATH}*/{params['RoleName']}"


@service.operation(on=_on_linked)
def delete_service_linked_role(call: Call, params: Params) -> Params:
    """A task: the service is asked first whether it still needs the role."""
    role = role_named(call, params)
    if not role.path.startswith(SERVICE_PATH):
        raise AwsError("InvalidInputException", f"Role {role.name} is not a service-linked role.", 400)
    principal = role.path.removeprefix(SERVICE_PATH).strip("/")
    task = f"task/aws-service-role/{principal}/{role.name}/{ids.uuid4()}"
    call.store.put(Deletion(account=call.account, id=task, role=role.name, role_id=role.id))
    call.start("delete-linked-role", task)
    return {"DeletionTaskId": task}


@service.task("delete-linked-role")
async def delete_linked_role(call: Call, task: str) -> float | None:
    """No service of the lab works under a service-linked role, so none has a use for one to object with."""
    with call.transaction():
        deletion = call.store.get(Deletion, call.account, task)
        if deletion is None or deletion.status in ("SUCCEEDED", "FAILED"):
            return None
        role = call.store.get(Role, call.account, deletion.role)
        if role is not None and role.id == deletion.role_id:
            call.store.delete(role)
            release_name(call, "Role", role.name)
        deletion.status = "SUCCEEDED"
        call.store.put(deletion)
    return None


def _on_deleted(call: Call, params: Params) -> str:
    """The role, as the task's id names it: `task/aws-service-role/SERVICE/ROLE/…`."""
    parts = params["DeletionTaskId"].split("/")
    name = "/".join(parts[2:4]) if len(parts) > 4 else "*"
    return f"arn:aws:iam::{call.account}:role{SERVICE_PATH}{name}"


@service.operation(on=_on_deleted)
def get_service_linked_role_deletion_status(call: Call, params: Params) -> Params:
    deletion = call.store.get(Deletion, call.account, params["DeletionTaskId"])
    if deletion is None:
        raise missing(f"The deletion task {params['DeletionTaskId']} cannot be found.")
    return {"Status": deletion.status}
