"""Builds: start, stop, retry, describe, list, delete."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codebuild import shown
from labsupport.cloud.services.codebuild.base import (
    Build,
    Listed,
    Params,
    build_id,
    build_named,
    find_build,
    invalid,
    on_builds_project,
    project_arn,
    project_name,
    project_named,
    service,
)
from labsupport.cloud.services.codebuild.checks import check
from labsupport.cloud.services.codebuild.listing import page
from labsupport.cloud.services.codebuild.starting import begin, forget, initiator, once, start


def _on_project(call: Call, params: Params) -> str:
    return project_arn(call, params["projectName"])


def _on_build(call: Call, params: Params) -> str:
    return on_builds_project(call, params.get("id", "*"))


def _on_builds(call: Call, params: Params) -> list[str]:
    return list(dict.fromkeys(on_builds_project(call, given) for given in params["ids"]))


@service.operation(on=_on_project, passes=("serviceRoleOverride",))
def start_build(call: Call, params: Params) -> Params:
    project = project_named(call, params["projectName"])
    return {"build": shown.build(once(call, params, lambda: start(call, project, params)))}


@service.operation(on=_on_build)
def retry_build(call: Call, params: Params) -> Params:
    """Start a build anew, with the settings that it had."""
    if "id" not in params:
        raise invalid("Build ID is required")
    before = build_named(call, params["id"])
    if before.ended is None:
        raise invalid(f"Build {before.id} is still in progress: only a build that has ended can be retried")
    project = project_named(call, before.project)
    check(before.settings, before.by_pipeline)
    build = once(call, params, lambda: begin(call, project, before.settings, initiator(call.caller)))
    return {"build": shown.build(build)}


@service.operation(on=_on_build)
def stop_build(call: Call, params: Params) -> Params:
    """Ask a build to stop; one that has ended stays as it is."""
    build = build_named(call, params["id"])
    if build.ended is None:
        build.stop = True
        call.store.put(build)
        call.start("build", build.id)
    return {"build": shown.build(build)}


@service.operation(on=_on_builds)
def batch_get_builds(call: Call, params: Params) -> Params:
    found = {given: find_build(call, given) for given in dict.fromkeys(params["ids"])}
    return {
        "builds": [shown.build(build) for build in found.values() if build],
        "buildsNotFound": [given for given, build in found.items() if build is None],
    }


@service.operation(on=_on_builds)
def batch_delete_builds(call: Call, params: Params) -> Params:
    """Delete builds that have ended."""
    found = {given: find_build(call, given) for given in dict.fromkeys(params["ids"])}
    ended = [build for build in found.values() if build and build.ended is not None]
    for build in ended:
        forget(call, build)
    kept = [_not_deleted(given, build) for given, build in found.items() if build not in ended]
    return {"buildsDeleted": [build.arn for build in ended], "buildsNotDeleted": kept}


def _not_deleted(given: str, build: Build | None) -> Params:
    return {"id": build_id(given), "statusCode": "BUILD_IN_PROGRESS" if build else "BUILD_NOT_FOUND"}


@service.operation()
def list_builds(call: Call, params: Params) -> Params:
    return _listed(call, "*", params)


@service.operation(on=_on_project)
def list_builds_for_project(call: Call, params: Params) -> Params:
    return _listed(call, project_named(call, project_name(params["projectName"])).name, params)


def _listed(call: Call, listing: str, params: Params) -> Params:
    listed = call.store.list(Listed, call.account, call.region, listing)
    found, token = page([(f"{one.at}/{one.id}", one.id) for one in listed], params, "DESCENDING")
    return {"ids": found, "nextToken": token}
