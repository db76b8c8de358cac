"""A project's settings with what StartBuild overrides ("Run CodeBuild builds manually"). Pure."""

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.codebuild.base import Params, bucket_and_key, invalid

_LACKING = {
    "sourceAuthOverride": "Overriding source credentials",
    "insecureSslOverride": "Overriding the check of certificates",
    "reportBuildStatusOverride": "Reporting a build's status to the source provider",
    "buildStatusConfigOverride": "Reporting a build's status to the source provider",
    "certificateOverride": "Overriding the certificate",
    "registryCredentialOverride": "Overriding the registry's credentials",
    "debugSessionEnabled": "Debug sessions",
    "fleetOverride": "Overriding the fleet",
    "autoRetryLimitOverride": "Retrying builds automatically",
    "hostKernelOverride": "Overriding the host's kernel",
}
_REPLACED = {  # setting -> parameter
    "secondarySources": "secondarySourcesOverride",
    "sourceVersion": "sourceVersion",
    "artifacts": "artifactsOverride",
    "secondaryArtifacts": "secondaryArtifactsOverride",
    "cache": "cacheOverride",
    "serviceRole": "serviceRoleOverride",
    "timeoutInMinutes": "timeoutInMinutesOverride",
    "queuedTimeoutInMinutes": "queuedTimeoutInMinutesOverride",
    "encryptionKey": "encryptionKeyOverride",
    "logsConfig": "logsConfigOverride",
}
_OF_SOURCE = {
    "location": "sourceLocationOverride",
    "buildspec": "buildspecOverride",
    "gitCloneDepth": "gitCloneDepthOverride",
    "gitSubmodulesConfig": "gitSubmodulesConfigOverride",
}
_OF_ENVIRONMENT = {
    "type": "environmentTypeOverride",
    "image": "imageOverride",
    "computeType": "computeTypeOverride",
    "privilegedMode": "privilegedModeOverride",
    "imagePullCredentialsType": "imagePullCredentialsTypeOverride",
}


def overridden(settings: Params, params: Params) -> Params:
    """The settings of a build that a user, a rule or a command starts."""
    _refuse_lacking(params)
    found = {**settings, **_given(params, _REPLACED)}
    found["source"] = _source(settings["source"], params)
    found["environment"] = _environment(settings["environment"], params)
    found["secondarySourceVersions"] = _versions(settings, params)
    if found["artifacts"]["type"] == "CODEPIPELINE" and "artifactsOverride" not in params:
        raise invalid("ArtifactsOverride must be set when using artifacts type CodePipelines")
    return found


def in_pipeline(settings: Params, params: Params) -> Params:
    """The settings of a pipeline's build: whatever the project's own source and artifacts are, the pipeline gives
    them (CodePipeline User Guide: "CodeBuild build and test action reference")."""
    buildspec = settings["source"].get("buildspec")
    outputs = params.get("artifactsOverride") or {"type": "CODEPIPELINE"}
    versions = params.get("secondarySourcesVersionOverride", [])
    project = {
        **settings,
        "source": {"type": "CODEPIPELINE", **({"buildspec": buildspec} if buildspec else {})},
        "secondarySources": [{"type": "CODEPIPELINE", "sourceIdentifier": one["sourceIdentifier"]} for one in versions],
        "secondaryArtifacts": [],
        "secondarySourceVersions": [],
    }
    return overridden(project, {**params, "artifactsOverride": outputs})


def check_pipeline_source(settings: Params) -> None:
    """A source from a pipeline is a zip file in S3, named by an ARN."""
    if settings["source"]["type"] != "CODEPIPELINE":
        return
    versions = [settings.get("sourceVersion", "")]
    versions += [one["sourceVersion"] for one in settings["secondarySourceVersions"]]
    for version in versions:
        if not version.startswith("arn:aws:s3:::") or not all(bucket_and_key(version)):
            message = "sourceVersion must be the ARN of an S3 object when using source type CODEPIPELINE"
            raise invalid(f"Invalid input: {message}")


def _refuse_lacking(params: Params) -> None:
    for name, label in _LACKING.items():
        if params.get(name):
            raise not_simulated(label)


def _given(params: Params, names: dict[str, str]) -> Params:
    return {setting: params[parameter] for setting, parameter in names.items() if parameter in params}


def _source(source: Params, params: Params) -> Params:
    kind = params.get("sourceTypeOverride", source["type"])
    kept = source if kind == source["type"] else _given(source, {"buildspec": "buildspec"})
    return {**kept, "type": kind, **_given(params, _OF_SOURCE)}


def _environment(environment: Params, params: Params) -> Params:
    before = {one["name"]: one for one in environment.get("environmentVariables", [])}
    given = {one["name"]: one for one in params.get("environmentVariablesOverride", [])}
    variables = list({**before, **given}.values())
    return {**environment, **_given(params, _OF_ENVIRONMENT), "environmentVariables": variables}


def _versions(settings: Params, params: Params) -> list[Params]:
    before = {one["sourceIdentifier"]: one for one in settings.get("secondarySourceVersions", [])}
    given = {one["sourceIdentifier"]: one for one in params.get("secondarySourcesVersionOverride", [])}
    return list({**before, **given}.values())
