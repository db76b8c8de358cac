"""CodeBuild's own condition keys (Service Authorization Reference: "Condition keys for AWS CodeBuild"): each is named
after the part of a project that a request sets, whether by CreateProject or by what StartBuild overrides."""

from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codebuild.base import Params, service

_ABOUT = (
    "artifacts", "autoRetryLimit", "buildBatchConfig", "cache", "concurrentBuildLimit", "encryptionKey", "environment",
    "fileSystemLocations", "logsConfig", "secondaryArtifacts", "secondarySources", "serviceRole", "source", "vpcConfig",
)  # fmt: skip
# What StartBuild calls otherwise than `<part>Override`, with a dot between the parts of its place in a project.
_OVERRIDES = {
    "buildspec": "source.buildspec",
    "buildStatusConfig": "source.buildStatusConfig",
    "certificate": "environment.certificate",
    "computeType": "environment.computeType",
    "environmentType": "environment.type",
    "environmentVariables": "environment.environmentVariables",
    "fleet": "environment.fleet",
    "image": "environment.image",
    "imagePullCredentialsType": "environment.imagePullCredentialsType",
    "insecureSsl": "source.insecureSsl",
    "privilegedMode": "environment.privilegedMode",
    "registryCredential": "environment.registryCredential",
    "sourceAuth": "source.auth",
    "sourceLocation": "source.location",
}
_NAMED_BY = {  # lists whose elements have a name, which stands in keys too: environmentVariables/STAGE.value
    "environmentVariables": "name",
    "fileSystemLocations": "identifier",
    "secondaryArtifacts": "artifactIdentifier",
    "secondarySources": "sourceIdentifier",
}
_GIVEN = ("buildspec",)  # of these a key tells only that they are given


def _keys(call: Call, _resource: str, params: Params, wanted: frozenset[str]) -> Params:
    if wanted and not any(key.startswith("codebuild:") for key in wanted):
        return {}
    found: Params = {}
    for place, value in _parts(params):
        found |= _of("codebuild:" + place, place.rpartition(".")[2], value)
    lowered = {key.lower(): value for key, value in found.items()}
    if not wanted:  # an explanation is kept, and a variable's value may be a secret
        return {key: value for key, value in lowered.items() if ".environmentvariables" not in key}
    return lowered


def _parts(params: Params) -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        part = name.removesuffix("Override")
        if part != name and part in _OVERRIDES:
            yield _OVERRIDES[part], value
        elif part in _ABOUT:
            yield part, value


def _of(key: str, name: str, value: Any) -> Params:
    """The keys of a value: for a structure that it is there, and those of its members."""
    if isinstance(value, dict):
        found: Params = {key: "true"}
        for member, one in value.items():
            found |= _of(f"{key}.{member}", member, one)
        return found
    if isinstance(value, list):
        return _of_list(key, name, value)
    if name in _GIVEN:
        return {key: "true"}
    return {key: str(value).lower() if isinstance(value, bool) else str(value)}


def _of_list(key: str, name: str, values: list[Any]) -> Params:
    if not values or not isinstance(values[0], dict):
        return {key: [str(one) for one in values]}
    found: Params = {key: "true"}
    for one in values:
        named = one.get(_NAMED_BY.get(name, ""))
        for place, value in _of("", "", one).items():
            if place:
                found.setdefault(key + place, []).append(value)
                if named:
                    found[f"{key}/{named}{place}"] = value
    return found


service.keys = _keys
