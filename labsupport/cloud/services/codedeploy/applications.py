"""Applications, and the tags of applications and deployment groups."""

import re

from labsupport.cloud.core import ids, paging, tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.codedeploy.base import (
    APPLICATION,
    PAGE,
    Application,
    Group,
    Params,
    application_named,
    bad_token,
    check_batch,
    checked_tags,
    service,
    tagged,
    time,
)
from labsupport.cloud.services.codedeploy.revisions import Revision


@service.operation(on=APPLICATION)
def create_application(call: Call, params: Params) -> Params:
    name = params["applicationName"]
    platform = params.get("computePlatform", "Server")
    if platform != "Server":
        raise not_simulated(f"An application for the compute platform {platform}")
    _refuse_taken(call, name)
    given = checked_tags(tags.from_list(params.get("tags")))
    application = Application(
        account=call.account, region=call.region, name=name, id=ids.uuid4(), created=call.epoch, tags=given
    )
    call.store.put(application)
    return {"applicationId": application.id}


def _refuse_taken(call: Call, name: str) -> None:
    if call.store.get(Application, call.account, call.region, name):
        raise AwsError("ApplicationAlreadyExistsException", f"Application already exists: {name}")


def _shown(application: Application) -> Params:
    return {
        "applicationId": application.id,
        "applicationName": application.name,
        "createTime": time(application.created),
        "linkedToGitHub": False,
        "computePlatform": "Server",
    }


@service.operation(on=APPLICATION)
def get_application(call: Call, params: Params) -> Params:
    return {"application": _shown(application_named(call, params["applicationName"]))}


def _on_named(call: Call, params: Params) -> list[str]:
    return [call.arn(f"application:{name}") for name in dict.fromkeys(params["applicationNames"])]


@service.operation(on=_on_named)
def batch_get_applications(call: Call, params: Params) -> Params:
    check_batch(params["applicationNames"])
    return {"applicationsInfo": [_shown(application_named(call, name)) for name in params["applicationNames"]]}


@service.operation()
def list_applications(call: Call, params: Params) -> Params:
    every = (one.name for one in call.store.list(Application, call.account, call.region))
    found, token = paging.page(every, str, params.get("nextToken"), PAGE, bad_token())
    return {"applications": found, "nextToken": token}


@service.operation(on=APPLICATION)
def update_application(call: Call, params: Params) -> Params:
    """A new name, with which its deployment groups and revisions go on; deployments that were keep the old one."""
    if not params.get("applicationName"):
        raise AwsError("ApplicationNameRequiredException", "Application name is required")
    application = application_named(call, params["applicationName"])
    new = params.get("newApplicationName", application.name)
    if new == application.name:
        return {}
    _refuse_taken(call, new)
    for one in _parts(call, application.name):
        call.store.delete(one)
        one.application = new
        call.store.put(one)
    call.store.delete(application)
    application.name = new
    call.store.put(application)
    return {}


@service.operation(on=APPLICATION)
def delete_application(call: Call, params: Params) -> Params:
    """With its deployment groups and revisions. What does not exist is deleted already."""
    name = params["applicationName"]
    application = call.store.get(Application, call.account, call.region, name)
    if application is None:
        return {}
    for one in _parts(call, name):
        call.store.delete(one)
    call.store.delete(application)
    return {}


def _parts(call: Call, name: str) -> list[Group | Revision]:
    """All that belongs to an application."""
    key = (call.account, call.region, name)
    return [*call.store.list(Group, *key), *call.store.list(Revision, *key)]


# Tags


def _on_arn(call: Call, params: Params) -> str:
    return str(params["ResourceArn"])


def _tagged(call: Call, params: Params) -> Application | Group:
    arn = parse(params["ResourceArn"])
    if arn is None or arn.service != "codedeploy":
        raise AwsError("InvalidArnException", f"{params['ResourceArn']} is not a valid ARN")
    if not re.match(r"(application|deploymentgroup):", arn.resource):
        raise AwsError("ArnNotSupportedException", f"{params['ResourceArn']} is not an application or deployment group")
    found = tagged(call, params["ResourceArn"])
    if found is None and arn.resource.startswith("application:"):
        raise AwsError("ApplicationDoesNotExistException", f"No application found for ARN: {params['ResourceArn']}")
    if found is None:
        message = f"No Deployment Group found for ARN: {params['ResourceArn']}"
        raise AwsError("DeploymentGroupDoesNotExistException", message)
    return found


@service.operation(on=_on_arn)
def tag_resource(call: Call, params: Params) -> Params:
    found = _tagged(call, params)
    found.tags = checked_tags(tags.merged(found.tags, tags.from_list(params["Tags"])))
    call.store.put(found)
    return {}


@service.operation(on=_on_arn)
def untag_resource(call: Call, params: Params) -> Params:
    found = _tagged(call, params)
    found.tags = tags.without(found.tags, params["TagKeys"])
    call.store.put(found)
    return {}


@service.operation(on=_on_arn)
def list_tags_for_resource(call: Call, params: Params) -> Params:
    every = tags.to_list(_tagged(call, params).tags)
    found, token = paging.page(every, lambda one: one["Key"], params.get("NextToken"), PAGE, bad_token())
    return {"Tags": found, "NextToken": token}
