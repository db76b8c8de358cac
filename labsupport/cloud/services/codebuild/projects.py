"""Build projects: create, update, delete, describe, list."""

from collections.abc import Callable

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codebuild import checks, shown
from labsupport.cloud.services.codebuild.base import (
    Params,
    Project,
    find_project,
    invalid,
    project_arn,
    project_name,
    project_named,
    service,
)
from labsupport.cloud.services.codebuild.listing import page

_ON_NAME = "arn:{partition}:codebuild:{region}:{account}:project/{name}"
_ON_PROJECT_NAME = "arn:{partition}:codebuild:{region}:{account}:project/{projectName}"
_NOT_ASSUMED = (
    "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided "
    "service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary "
    "trust policy configured."
)


@service.operation(on=_ON_NAME, passes=("serviceRole",))
def create_project(call: Call, params: Params) -> Params:
    if find_project(call, params["name"]):
        arn = project_arn(call, params["name"])
        raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {arn}")
    settings = _settings({}, params)
    project = Project(
        account=call.account,
        region=call.region,
        name=params["name"],
        created=call.epoch,
        modified=call.epoch,
        settings=settings,
        tags=_checked_tags(params.get("tags")),
    )
    _try_role(call, project.name, settings["serviceRole"])
    call.store.put(project)
    return {"project": shown.project(project)}


@service.operation(on=_ON_NAME, passes=("serviceRole",))
def update_project(call: Call, params: Params) -> Params:
    """What is given replaces what was there; `tags` replace all tags."""
    project = project_named(call, params["name"])
    project.settings = _settings(project.settings, params)
    if "tags" in params:
        project.tags = _checked_tags(params["tags"])
    if "serviceRole" in params:
        _try_role(call, project.name, params["serviceRole"])
    project.modified = call.epoch
    call.store.put(project)
    return {"project": shown.project(project)}


def _settings(before: Params, params: Params) -> Params:
    given = {name: value for name, value in params.items() if name not in ("name", "tags")}
    settings = {**before, **given}
    if settings.get("concurrentBuildLimit") == -1:  # "To remove this limit, set this value to -1"
        del settings["concurrentBuildLimit"]
    checks.check(settings)
    return settings


def _checked_tags(given: list[Params] | None) -> dict[str, str]:
    found = tags.from_list(given, "key", "value")
    tags.check(found, invalid("Invalid tags: a project can have at most 50"), invalid("Invalid tags: aws: is reserved"))
    return found


def _try_role(call: Call, project: str, role: str) -> None:
    """CodeBuild tries at once whether it may assume the role."""
    sts = call.aws("sts", as_service=True, source_arn=project_arn(call, project))
    try:
        sts.assume_role(RoleArn=role, RoleSessionName="AWSCodeBuild")
    except AwsError:
        raise invalid(_NOT_ASSUMED) from None


@service.operation(on=_ON_NAME)
def delete_project(call: Call, params: Params) -> Params:
    """A project that is not there is deleted already; builds of a deleted one stay."""
    project = find_project(call, params["name"])
    if project:
        call.store.delete(project)
    return {}


def _on_names(call: Call, params: Params) -> list[str]:
    return [project_arn(call, name) for name in params["names"]]


@service.operation(on=_on_names)
def batch_get_projects(call: Call, params: Params) -> Params:
    found = {name: find_project(call, name) for name in dict.fromkeys(params["names"])}
    return {
        "projects": [shown.project(project) for project in found.values() if project],
        "projectsNotFound": [name for name, project in found.items() if project is None],
    }


_ORDERS: dict[str, Callable[[Project], str]] = {
    "NAME": lambda project: project.name,
    "CREATED_TIME": lambda project: f"{project.created:020.6f}/{project.name}",
    "LAST_MODIFIED_TIME": lambda project: f"{project.modified:020.6f}/{project.name}",
}


@service.operation()
def list_projects(call: Call, params: Params) -> Params:
    key = _ORDERS[params.get("sortBy", "NAME")]
    found = [(key(project), project.name) for project in call.store.list(Project, call.account, call.region)]
    names, token = page(found, params, "ASCENDING")
    return {"projects": names, "nextToken": token}


@service.operation(on=_ON_PROJECT_NAME)
def invalidate_project_cache(call: Call, params: Params) -> Params:
    """Projects have no cache here, so there is nothing in it."""
    project_named(call, params["projectName"])
    return {}


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    project = call.store.get(Project, call.account, call.region, project_name(resource))
    return project.tags if project else {}


service.resource_tags = _resource_tags
