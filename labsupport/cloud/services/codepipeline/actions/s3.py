"""S3 as a source and as a target (User Guide: "Amazon S3 source action", "Amazon S3 deploy action reference")."""

import io
import zipfile
from datetime import UTC, datetime
from mimetypes import guess_type

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codepipeline.actions.work import Failed, Work, read
from labsupport.cloud.services.codepipeline.base import Params


async def object_store(work: Work) -> bool:
    is_source = work.action.declaration["actionTypeId"]["category"] == "Source"
    return await (_source(work) if is_source else _deploy(work))


async def _source(work: Work) -> bool:
    """The object's newest version, or the one that the start asked for; the bucket has to keep versions, as at AWS."""
    client, bucket = work.client("s3"), work.configuration["S3Bucket"]
    asked = work.overrides()
    key = asked.get("S3_OBJECT_KEY", work.configuration["S3ObjectKey"])
    version = {"VersionId": asked["S3_OBJECT_VERSION_ID"]} if "S3_OBJECT_VERSION_ID" in asked else {}
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        message = f"The bucket {bucket} is not versioned. A source action needs a bucket that keeps versions."
        raise Failed("ConfigurationError", message)
    try:
        found = await client.get_object(Bucket=bucket, Key=key, **version)
    except AwsError as error:
        if error.code == "NoSuchKey":
            error.message = f"The object with key {key} does not exist in the bucket {bucket}."
        raise
    place = work.new_outputs()[0]["s3location"]
    data = await read(found["Body"])
    await client.put_object(Bucket=place["bucket"], Key=place["key"], Body=data, **work.encryption())
    _note(work, bucket, key, found)
    return True


def _note(work: Work, bucket: str, key: str, found: Params) -> None:
    version, tag = found.get("VersionId", "null"), found["ETag"].strip('"')
    kept = found.get("Metadata", {}).get("codepipeline-artifact-revision-summary")
    summary = kept or f"Amazon S3 version id: {version}"
    work.action.revision = {"revisionId": version, "revisionSummary": summary}
    work.action.external_id, work.action.summary = version, summary
    work.action.variables = {"ETag": tag, "VersionId": version, "BucketName": bucket, "ObjectKey": key}


async def _deploy(work: Work) -> bool:
    data, key = await work.download(work.action.inputs[0]), _object_key(work)
    if work.configuration["Extract"].lower() == "true":
        for name, content in _files(data):
            await _put(work, "/".join(part for part in (key, name) if part), content)
    elif not key:
        raise Failed("ConfigurationError", "ObjectKey is required where Extract is false")
    else:
        await _put(work, key, data)
    work.action.summary = "Deployment Succeeded"
    return True


def _object_key(work: Work) -> str:
    """The key with its own two variables, {datetime} and {uuid}, filled in (User Guide: "Action structure").

    They are the action's time and id: one that is resumed after a restart writes to where it wrote before.
    """
    moment = datetime.fromtimestamp(work.action.started, UTC).strftime("%Y-%m-%d_%H-%M-%S")
    key: str = work.configuration.get("ObjectKey", "")
    return key.replace("{datetime}", moment).replace("{uuid}", work.action.id)


def _files(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(info.filename, archive.read(info)) for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile:
        raise Failed("InvalidArtifact", "The input artifact is not a zip file") from None


async def _put(work: Work, key: str, content: bytes) -> None:
    more = {"ContentType": guess_type(key)[0] or "application/octet-stream"}
    if work.configuration.get("CacheControl"):
        more["CacheControl"] = work.configuration["CacheControl"]
    if work.configuration.get("CannedACL"):
        more["ACL"] = work.configuration["CannedACL"]
    if work.configuration.get("KMSEncryptionKeyARN"):
        more |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": work.configuration["KMSEncryptionKeyARN"]}
    await work.client("s3").put_object(Bucket=work.configuration["BucketName"], Key=key, Body=content, **more)
