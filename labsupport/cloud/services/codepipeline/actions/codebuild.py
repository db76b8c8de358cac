"""The CodeBuild action, as build and as test (User Guide: "CodeBuild build and test action reference")."""

import json
from typing import Any

from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.codepipeline import links
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work
from labsupport.cloud.services.codepipeline.base import Params

LOOK_AGAIN = 15.0  # seconds


async def build(work: Work) -> bool | float:
    """Start the build once; then see whether it has ended."""
    client = work.client("codebuild")
    if not work.action.external_id:
        if work.configuration.get("BatchEnabled", "false") == "true":
            raise not_simulated("A batch build in a pipeline")
        started = client.start_build(**_parameters(work))["build"]
        work.note(external_id=started["id"], watch=started["arn"])
        work.action.url = links.build(work.call.region, started["id"])
    found = client.batch_get_builds(ids=[work.action.external_id])["builds"]
    if not found:
        raise Failed("JobFailed", f"The build {work.action.external_id} is gone")
    return _outcome(work, found[0])


def _parameters(work: Work) -> Params:
    outputs = [_artifact(one) for one in work.new_outputs()]
    inputs = _ordered_inputs(work)
    params: Params = {
        "projectName": work.configuration["ProjectName"],
        "sourceVersion": _arn(inputs[0]),
        "environmentVariablesOverride": _environment(work),
        "idempotencyToken": work.action.id,
    }
    if inputs[1:]:
        params["secondarySourcesVersionOverride"] = [
            {"sourceIdentifier": one["name"], "sourceVersion": _arn(one)} for one in inputs[1:]
        ]
    if outputs:
        params["artifactsOverride"] = outputs[0]
    if outputs[1:]:
        names = [one["name"] for one in work.action.outputs]
        params["artifactsOverride"] = outputs[0]
        params["secondaryArtifactsOverride"] = [
            {**one, "artifactIdentifier": name} for name, one in zip(names, outputs, strict=True)
        ]
    return {**params, "encryptionKeyOverride": work.key_id} if work.key_id else params


def _ordered_inputs(work: Work) -> list[Params]:
    """The primary source first: the one that PrimarySource names, or the only one."""
    primary = work.configuration.get("PrimarySource")
    if len(work.action.inputs) > 1 and primary not in {one["name"] for one in work.action.inputs}:
        message = "PrimarySource has to name one of the input artifacts where there are several"
        raise Failed("ConfigurationError", message)
    return sorted(work.action.inputs, key=lambda one: one["name"] != primary)


def _artifact(output: Params) -> Params:
    place = output["s3location"]
    return {"type": "CODEPIPELINE", "location": f"{place['bucket']}/{place['key']}"}


def _arn(artifact: Params) -> str:
    place = artifact["s3location"]
    return f"arn:aws:s3:::{place['bucket']}/{place['key']}"


def _environment(work: Work) -> list[dict[str, Any]]:
    """The action's variables, and the commit that the source artifact holds."""
    try:
        given = json.loads(work.configuration.get("EnvironmentVariables", "[]"))
        variables = [{"type": "PLAINTEXT", **{key: str(one[key]) for key in one}} for one in given]
    except (ValueError, TypeError, AttributeError):
        raise Failed("ConfigurationError", "EnvironmentVariables has to be a JSON array of name, value, type") from None
    primary = _ordered_inputs(work)[0]["name"]
    revisions = sorted(work.execution.revisions, key=lambda one: one["name"] != primary)
    commit = next((one["revisionId"] for one in revisions if "revisionId" in one), "")
    if commit:
        variables.append({"name": "CODEBUILD_RESOLVED_SOURCE_VERSION", "value": commit, "type": "PLAINTEXT"})
    return variables


def _outcome(work: Work, found: Params) -> bool | float:
    if found["buildStatus"] == "IN_PROGRESS":
        return LOOK_AGAIN
    if found["buildStatus"] != "SUCCEEDED":
        raise Failed("JobFailed", _reason(found))
    work.action.variables = {one["name"]: one["value"] for one in found.get("exportedEnvironmentVariables", [])}
    return True


def _reason(found: Params) -> str:
    """The phase that failed and what CodeBuild says of it, as AWS words it."""
    state = f"Build terminated with state: {found['buildStatus']}"
    for phase in found.get("phases", []):
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            context: Params = next(iter(phase.get("contexts", [])), {})
            told = {"Code": context.get("statusCode"), "Message": context.get("message")}
            more = "".join(f", {name}: {text}" for name, text in told.items() if text)
            return f"{state}. Phase: {phase['phaseType']}{more}"
    return state
