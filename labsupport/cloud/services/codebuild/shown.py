"""Projects and builds as the API describes them."""

from typing import Any

from labsupport.cloud.core import tags
from labsupport.cloud.services.codebuild.base import DEFAULT_KEY, Build, Params, PhaseRun, Project, time

TIMEOUT, QUEUED_TIMEOUT = 60, 480  # minutes
_COPIED = ("description", "sourceVersion", "serviceRole", "logsConfig", "concurrentBuildLimit")
_LISTS = ("secondarySources", "secondarySourceVersions", "secondaryArtifacts")


def project(found: Project) -> Params:
    settings = found.settings
    return {
        "name": found.name,
        "arn": found.arn,
        **{name: settings.get(name) for name in _COPIED},
        **{name: settings.get(name, []) for name in _LISTS},
        "source": source(settings["source"]),
        "artifacts": _project_artifacts(found.name, settings["artifacts"]),
        "cache": settings.get("cache") or {"type": "NO_CACHE"},
        "environment": environment(settings["environment"]),
        "timeoutInMinutes": settings.get("timeoutInMinutes", TIMEOUT),
        "queuedTimeoutInMinutes": settings.get("queuedTimeoutInMinutes", QUEUED_TIMEOUT),
        "encryptionKey": settings.get("encryptionKey") or default_key(found.region, found.account),
        "tags": tags.to_list(found.tags, "key", "value"),
        "created": time(found.created),
        "lastModified": time(found.modified),
        "badge": {"badgeEnabled": False},
        "projectVisibility": "PRIVATE",
    }


def default_key(region: str, account: str) -> str:
    return f"arn:aws:kms:{region}:{account}:{DEFAULT_KEY}"


def source(given: Params) -> Params:
    more: dict[str, Any] = {"insecureSsl": False}
    if given["type"] == "CODECOMMIT":
        more |= {"gitCloneDepth": 0, "gitSubmodulesConfig": {"fetchSubmodules": False}}
    return {**more, **given}


def _project_artifacts(name: str, given: Params) -> Params:
    if given["type"] == "NO_ARTIFACTS":
        return given
    more = {"namespaceType": "NONE"} if given["type"] == "S3" else {}
    return {"name": name, "packaging": "NONE", **more, "encryptionDisabled": False, **given}


def environment(given: Params) -> Params:
    variables = [{"type": "PLAINTEXT", **one} for one in given.get("environmentVariables", [])]
    defaults = {"privilegedMode": False, "imagePullCredentialsType": "CODEBUILD"}
    return {**defaults, **given, "environmentVariables": variables}


def build(found: Build) -> Params:
    settings = found.settings
    return {
        "id": found.id,
        "arn": found.arn,
        "buildNumber": found.number,
        "startTime": time(found.started),
        "endTime": time(found.ended),
        "currentPhase": found.phase.type,
        "buildStatus": found.status,
        "buildComplete": found.ended is not None,
        "sourceVersion": settings.get("sourceVersion") or None,
        "resolvedSourceVersion": found.resolved or None,
        "projectName": found.project,
        "phases": [phase(one) for one in found.phases],
        "source": source(settings["source"]),
        "secondarySources": [source(one) for one in settings.get("secondarySources", [])],
        "secondarySourceVersions": settings.get("secondarySourceVersions", []),
        "artifacts": found.artifacts,
        "secondaryArtifacts": found.secondary_artifacts,
        "cache": {"type": "NO_CACHE"},
        "environment": environment(settings["environment"]),
        "serviceRole": settings["serviceRole"],
        "logs": logs(found),
        "timeoutInMinutes": settings.get("timeoutInMinutes", TIMEOUT),
        "queuedTimeoutInMinutes": settings.get("queuedTimeoutInMinutes", QUEUED_TIMEOUT),
        "initiator": found.initiator,
        "encryptionKey": settings.get("encryptionKey") or default_key(found.region, found.account),
        "exportedEnvironmentVariables": [{"name": name, "value": value} for name, value in found.exported.items()],
    }


def phase(found: PhaseRun) -> Params:
    ended = found.ended is not None
    return {
        "phaseType": found.type,
        "phaseStatus": found.status or None,
        "startTime": time(found.started),
        "endTime": time(found.ended),
        "durationInSeconds": found.seconds if ended else None,
        "contexts": found.contexts or None,
    }


def deep_link(found: Build) -> str:
    group, stream = found.group or "null", found.stream or "null"
    where = f"region={found.region}#logEvent:group={group};stream={stream}"
    return f"https://console.aws.amazon.com/cloudwatch/home?{where}"


def logs(found: Build) -> Params:
    config = found.settings.get("logsConfig", {})
    place = f"log-group:{found.group or 'null'}:log-stream:{found.stream or 'null'}"
    return {
        "groupName": found.group or None,
        "streamName": found.stream or None,
        "deepLink": deep_link(found),
        "cloudWatchLogsArn": f"arn:aws:logs:{found.region}:{found.account}:{place}",
        "cloudWatchLogs": config.get("cloudWatchLogs") or {"status": "ENABLED"},
        "s3Logs": {"status": "DISABLED", "encryptionDisabled": False, **config.get("s3Logs", {})},
    }
