"""What a deployment wants of this instance: the JSON in the envelope of GetDeploymentSpecification."""

import json
from dataclasses import dataclass
from typing import Any

from labsupport.agent.appspec import FILE_EXISTS
from labsupport.agent.envelope import content

_BUNDLES = ("tar", "tgz", "zip")


class BadSpecification(Exception):
    """A specification that the agent cannot work by; the text says why."""


@dataclass(frozen=True)
class Specification:
    """`file_exists` is None where the deployment leaves that to the AppSpec file."""

    deployment: str
    group: str
    group_name: str
    application: str
    bucket: str
    key: str
    bundle: str
    version: str | None = None
    etag: str | None = None
    file_exists: str | None = None


def read(envelope: dict[str, Any]) -> Specification:
    """Raises BadSpecification, NoContent."""
    form, payload = envelope.get("Format"), envelope.get("Payload") or ""
    if form not in ("PKCS7/JSON", "TEXT/JSON"):
        raise BadSpecification(f"Unsupported DeploymentSpecification format: {form}")
    try:
        data = json.loads(content(payload) if form == "PKCS7/JSON" else payload)
    except ValueError as error:
        raise BadSpecification(f"The deployment specification is not valid JSON: {error}") from None
    for name in ("DeploymentId", "DeploymentGroupId", "DeploymentGroupName", "ApplicationName"):
        if not data.get(name):
            raise BadSpecification(f"Deployment Spec has no {name}")
    return Specification(
        deployment=data["DeploymentId"].rpartition("/")[2],
        group=data["DeploymentGroupId"],
        group_name=data["DeploymentGroupName"],
        application=data["ApplicationName"],
        file_exists=_file_exists(data),
        **_revision(data.get("Revision") or {}),
    )


def _revision(revision: dict[str, Any]) -> dict[str, Any]:
    if revision.get("RevisionType") != "S3":
        raise BadSpecification(
            f"A revision of the type {revision.get('RevisionType')} cannot be fetched: it has to be S3"
        )
    place = revision.get("S3Revision") or {}
    if not all(place.get(name) for name in ("Bucket", "Key", "BundleType")):
        raise BadSpecification("S3Revision in Deployment Spec must specify Bucket, Key and BundleType")
    if place["BundleType"] not in _BUNDLES:
        raise BadSpecification("BundleType in S3Revision must be tar, tgz or zip")
    return {
        "bucket": place["Bucket"],
        "key": place["Key"],
        "bundle": place["BundleType"],
        "version": place.get("Version"),
        "etag": place.get("ETag"),
    }


def _file_exists(data: dict[str, Any]) -> str | None:
    overrides = (data.get("AgentActionOverrides") or {}).get("AgentOverrides") or {}
    given = str(overrides.get("FileExistsBehavior") or "").upper()
    if given and given not in FILE_EXISTS:
        raise BadSpecification(
            f"The deployment failed because an invalid option was specified for fileExistsBehavior: {given}. Valid "
            "options include OVERWRITE, RETAIN, and DISALLOW."
        )
    return given or None
