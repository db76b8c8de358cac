"""A build's beginning: its record, its number, and who started it."""

import hashlib
from collections.abc import Callable

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.services.codebuild import checks, events, overrides
from labsupport.cloud.services.codebuild.base import (
    SUCCEEDED,
    Build,
    Listed,
    Params,
    PhaseRun,
    Project,
    builds_of,
    invalid,
)
from labsupport.cloud.services.codebuild.places import shown_place
from labsupport.cloud.store.record import record

TOKEN_LIFETIME = 300.0  # seconds ("The token … is valid for 5 minutes")


@record("codebuild.token", key=("account", "region", "token"))
class Token(msgspec.Struct, kw_only=True):
    """A start that may be asked for again: by the same token, with the same parameters, the same build."""

    account: str
    region: str
    token: str
    build: str
    digest: str
    used: float


def once(call: Call, params: Params, start: Callable[[], Build]) -> Build:
    """Start a build, or give the one that the same request has started before."""
    text = params.get("idempotencyToken")
    if not text:
        return start()
    digest = hashlib.sha256(msgspec.json.encode(params, order="deterministic")).hexdigest()
    token = call.store.get(Token, call.account, call.region, text)
    build = call.store.get(Build, call.account, call.region, token.build) if token else None
    if token and build and token.used > call.epoch - TOKEN_LIFETIME:
        if token.digest != digest:
            raise invalid("Parameter mismatch: the idempotency token was used with other parameters before")
        return build
    build = start()
    call.store.put(
        Token(account=call.account, region=call.region, token=text, build=build.id, digest=digest, used=call.epoch)
    )
    return build


def start(call: Call, project: Project, params: Params) -> Build:
    """A build of the project, with its settings overridden."""
    starter = initiator(call.caller)
    in_pipeline = starter.startswith("codepipeline/")
    merge = overrides.in_pipeline if in_pipeline else overrides.overridden
    settings = merge(project.settings, params)
    checks.check(settings, in_pipeline)
    overrides.check_pipeline_source(settings)
    return begin(call, project, settings, starter)


def begin(call: Call, project: Project, settings: Params, starter: str) -> Build:
    _check_limit(call, project)
    project.builds += 1
    now = call.epoch
    build = Build(
        account=call.account,
        region=call.region,
        id=f"{project.name}:{ids.uuid4()}",
        project=project.name,
        number=project.builds,
        initiator=starter,
        settings=settings,
        started=now,
        phases=[PhaseRun(type="SUBMITTED", started=now, ended=now, status=SUCCEEDED)],
    )
    build.resolved = _commit(settings) if build.by_pipeline else ""
    build.artifacts = shown_place(build, settings["artifacts"])
    build.secondary_artifacts = [shown_place(build, one) for one in settings.get("secondaryArtifacts", [])]
    events.build_changed(call, build)
    build.phases.append(PhaseRun(type="QUEUED", started=now))
    events.phase_changed(call, build, build.phases[0])
    call.store.put(project, build, *_listings(build))
    call.start("build", build.id)
    return build


def _commit(settings: Params) -> str:
    """The commit that a pipeline's source artifact holds, as the pipeline says it."""
    variables = settings["environment"].get("environmentVariables", [])
    return next((one["value"] for one in variables if one["name"] == "CODEBUILD_RESOLVED_SOURCE_VERSION"), "")


def _listings(build: Build) -> list[Listed]:
    at = f"{int(build.started * 1_000_000):017d}"
    return [
        Listed(account=build.account, region=build.region, listing=listing, at=at, id=build.id)
        for listing in ("*", build.project)
    ]


def forget(call: Call, build: Build) -> None:
    """Delete a build and its places in the listings."""
    call.store.delete(build)
    for listed in _listings(build):
        call.store.delete(listed)


def _check_limit(call: Call, project: Project) -> None:
    limit = project.settings.get("concurrentBuildLimit")
    if limit and sum(build.ended is None for build in builds_of(call, project.name)) >= limit:
        message = f"Cannot have more than {limit} builds running for the project {project.name}"
        raise AwsError("AccountLimitExceededException", message)


def initiator(caller: Caller) -> str:
    """As Build.initiator says it: a user's name, `codepipeline/NAME`, `rule/NAME`, or a role and its session."""
    session = caller.session
    if session and session.role:
        if session.issued_to == "codepipeline.amazonaws.com":
            return f"codepipeline/{session.name.rstrip('=')}"  # what fills up a name of one letter
        if session.issued_to == "events.amazonaws.com":
            return f"rule/{session.name}"
        return f"{session.role}/{session.name}"
    return caller.name or caller.account
