"""Where a build's artifacts go ("ProjectArtifacts" in the CodeBuild API Reference). Pure."""

from labsupport.cloud.services.codebuild.base import Build, Params, bucket_and_key


def place(build: Build, artifacts: Params, name: str | None = None, prefix: str | None = None) -> tuple[str, str]:
    """The bucket, and the key of a zip file or (without `/` at its end) of the folder of files that are not packed.

    `name` and `prefix` come from the buildspec, and count as far as the artifacts' settings let them.
    """
    if artifacts["type"] == "CODEPIPELINE":
        return bucket_and_key(artifacts.get("location", ""))
    own = artifacts.get("name") or build.project
    chosen = name if name and artifacts.get("overrideArtifactName") else own
    if is_packed(artifacts) and not chosen.strip("/"):
        chosen = build.project
    by_build = artifacts.get("namespaceType") == "BUILD_ID"
    parts = [
        (prefix or "") if by_build else "",
        artifacts.get("path", ""),
        build.uuid if by_build else "",
        chosen,
    ]
    return artifacts["location"], "/".join(part.strip("/") for part in parts if part.strip("/"))


def shown_place(build: Build, artifacts: Params, name: str | None = None, prefix: str | None = None) -> Params:
    """BuildArtifacts: the location as an ARN, and what else of the settings it repeats."""
    identifier = {"artifactIdentifier": artifacts["artifactIdentifier"]} if "artifactIdentifier" in artifacts else {}
    if artifacts["type"] == "NO_ARTIFACTS":
        return {"location": "", **identifier}
    bucket, key = place(build, artifacts, name, prefix)
    return {
        "location": f"arn:aws:s3:::{bucket}/{key}".rstrip("/") if bucket else "",
        "encryptionDisabled": artifacts.get("encryptionDisabled", False),
        "overrideArtifactName": artifacts.get("overrideArtifactName", False),
        **identifier,
    }


def is_packed(artifacts: Params) -> bool:
    """A pipeline's artifacts are always zip files."""
    return artifacts["type"] == "CODEPIPELINE" or artifacts.get("packaging") == "ZIP"
