"""What CodeBuild refuses in a project's or a build's settings, with its words; and what this lab has not. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.codebuild.base import Params, bucket_and_key, invalid

SOURCES = ("CODECOMMIT", "CODEPIPELINE", "S3", "NO_SOURCE")
MOST_BUILDS_AT_ONCE = 60
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)  # it becomes part of a variable's and of a file's name
_LACKING = {  # settings that AWS has; a value that says nothing is let pass
    "vpcConfig": "A build in a VPC",
    "fileSystemLocations": "A file system in a build",
    "buildBatchConfig": "A batch build",
    "badgeEnabled": "A build badge",
    "autoRetryLimit": "Retrying builds automatically",
}
_ENVIRONMENT_LACKING = {
    "certificate": "A certificate of one's own in a build",
    "fleet": "A fleet",
    "computeConfiguration": "A compute configuration of one's own",
    "registryCredential": "A registry with credentials",
    "dockerServer": "A Docker server for builds",
}


def check(settings: Params, in_pipeline: bool = False) -> None:
    """Refuse settings of a project, or of a build with all overrides, with AWS's errors."""
    _refuse_lacking(settings, _LACKING)
    _check_source(settings["source"])
    _check_artifacts(settings["artifacts"])
    _check_pipeline(settings)
    if not in_pipeline:
        _check_secondary(settings)
    _check_identifiers(settings, "secondarySources", "sourceIdentifier")
    _check_identifiers(settings, "secondaryArtifacts", "artifactIdentifier")
    _check_environment(settings["environment"])
    _check_others(settings)


def _refuse_lacking(settings: Params, lacking: dict[str, str]) -> None:
    for name, label in lacking.items():
        if _says_something(settings.get(name)):
            raise not_simulated(label)


def _says_something(value: Any) -> bool:
    return any(map(_says_something, value.values())) if isinstance(value, dict) else bool(value)


def _check_source(source: Params) -> None:
    kind, location = source["type"], source.get("location", "")
    if kind not in SOURCES:
        raise not_simulated(f"The source type {kind}")
    if kind in ("CODECOMMIT", "S3") and not location:
        raise invalid("Project source location is required")
    if kind == "S3" and not all(bucket_and_key(location)):
        raise invalid(f"Invalid source location: {location}. Expected: bucket/path/to/object.zip or bucket/path/")
    if kind == "CODECOMMIT" and not repository_of(location):
        raise invalid(f"Invalid source location: {location}. Expected: the HTTPS clone URL of a CodeCommit repository")
    if kind == "NO_SOURCE" and location:
        raise invalid("Invalid project source: location must not be specified for type NO_SOURCE")
    if kind == "NO_SOURCE" and not is_inline(source.get("buildspec", "")):
        raise invalid("Invalid project source: an inline buildspec is required for type NO_SOURCE")
    if source.get("gitSubmodulesConfig", {}).get("fetchSubmodules"):
        raise not_simulated("Fetching git submodules")
    if source.get("auth"):
        raise not_simulated("Source credentials")


def repository_of(location: str) -> str:
    """The CodeCommit repository that a clone URL names; empty where it names none."""
    return location.rstrip("/").partition("/v1/repos/")[2]


def is_inline(buildspec: str) -> bool:
    """Whether a buildspec setting is the buildspec itself, rather than where it lies."""
    return "\n" in buildspec.strip() or buildspec.lstrip().startswith(("version:", "{"))


def _check_artifacts(artifacts: Params) -> None:
    location = artifacts.get("location", "")
    if artifacts["type"] == "S3" and not location:
        raise invalid("Invalid artifacts: location is required")
    if artifacts["type"] == "S3" and "/" in location:
        raise invalid("Invalid artifacts: location should not have a forward-slash")
    if artifacts.get("bucketOwnerAccess", "NONE") != "NONE":
        raise not_simulated("Giving a bucket's owner access to artifacts")


def _check_pipeline(settings: Params) -> None:
    if (settings["source"]["type"] == "CODEPIPELINE") != (settings["artifacts"]["type"] == "CODEPIPELINE"):
        message = "when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE"
        raise invalid(f"Invalid input: {message}")


def _check_secondary(settings: Params) -> None:
    """Only a pipeline itself gives a build several sources and artifacts of type CODEPIPELINE."""
    for source in settings.get("secondarySources", []):
        if source["type"] == "CODEPIPELINE":
            raise invalid("Invalid input: sourceType CODEPIPELINE is not allowed for secondarySources")
        _check_source({**source, "buildspec": "version: 0.2"})
    for artifacts in settings.get("secondaryArtifacts", []):
        if artifacts["type"] == "CODEPIPELINE":
            raise invalid("Invalid input: artifactType CODEPIPELINE is not allowed for secondaryArtifacts")
        _check_artifacts(artifacts)


def _check_identifiers(settings: Params, name: str, key: str) -> None:
    found = [one.get(key, "") for one in settings.get(name, [])]
    if not all(found):
        raise invalid(f"Invalid input: {key} is required for {name}")
    for wrong in (one for one in found if not _IDENTIFIER.fullmatch(one)):
        raise invalid(f"Invalid input: {key} must be of letters, digits, - and _ only: {wrong}")
    if len(set(found)) < len(found):
        raise invalid(f"Invalid input: {key} must be unique in {name}")


def _check_environment(environment: Params) -> None:
    if environment["type"] != "LINUX_CONTAINER":
        raise not_simulated(f"The environment type {environment['type']}")
    if environment["computeType"] in ("ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"):
        raise not_simulated(f"The compute type {environment['computeType']}")
    if not environment["computeType"].startswith("BUILD_GENERAL1_"):
        raise invalid(f"Invalid compute type {environment['computeType']} for environment type LINUX_CONTAINER")
    _refuse_lacking(environment, _ENVIRONMENT_LACKING)
    for name in bad_variables(environment.get("environmentVariables", [])):
        raise invalid(f"Invalid environment variable name: {name}")


def bad_variables(variables: list[Params]) -> Iterator[str]:
    """The names that no environment can hold."""
    for variable in variables:
        if variable.get("type") == "SECRETS_MANAGER":
            raise not_simulated("An environment variable out of Secrets Manager")
        if "=" in variable["name"] or "\0" in variable["name"] + variable["value"]:
            yield variable["name"]


def _check_others(settings: Params) -> None:
    if settings.get("cache", {}).get("type", "NO_CACHE") != "NO_CACHE":
        raise not_simulated(f"The build cache of type {settings['cache']['type']}")
    if settings.get("logsConfig", {}).get("s3Logs", {}).get("status") == "ENABLED":
        raise not_simulated("A build's log in S3")
    limit = settings.get("concurrentBuildLimit")
    if limit is not None and limit < 1:
        raise invalid("Invalid input: the concurrent build limit must be a positive number")
    if limit is not None and limit > MOST_BUILDS_AT_ONCE:
        raise invalid(
            "Project-level concurrent build limit cannot exceed the account-level concurrent build limit of "
            f"{MOST_BUILDS_AT_ONCE}."
        )
    if not settings["serviceRole"].startswith("arn:aws:iam::") or ":role/" not in settings["serviceRole"]:
        raise invalid("Invalid service role: Service role should be a role ARN")
