"""CopyObject: read under the caller's right to the source, write under the right to the target."""

from urllib.parse import parse_qs, unquote

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content, locks
from labsupport.cloud.services.s3.base import OBJECT, Object, Params, bucket_named, service, time
from labsupport.cloud.services.s3.conditions import check_read
from labsupport.cloud.services.s3.objects import (
    CHECKSUMS,
    commit,
    conditions,
    filled,
    found_object,
    new_object,
    read_action,
    refuse_unsupported,
    typed,
)


def source_of(text: str) -> Params:
    """`bucket/key?versionId=…` as the parameters of a read."""
    path, _, query = text.partition("?")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-copy-source", ArgumentValue=text)
    version = parse_qs(query).get("versionId")
    return {"Bucket": bucket, "Key": key, **({"VersionId": version[0]} if version else {})}


def read_source(call: Call, params: Params) -> tuple[Object, bytes]:
    """The source object and its data key, if the caller may read it and its conditions hold."""
    source = source_of(params["CopySource"])
    call.authorise(
        read_action(call, source), f"arn:aws:s3:::{source['Bucket']}/{source['Key']}", conditions(call, source)
    )
    bucket, found = found_object(call, source)
    names = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    try:
        check_read(found, {name: params.get(f"CopySource{name}") for name in names})
    except AwsError:
        message = "At least one of the pre-conditions you specified did not hold"
        raise AwsError("PreconditionFailed", message, 412) from None
    return found, locks.data_key(call, found.lock, bucket.name)


@service.operation(on=OBJECT, action="s3:PutObject", context=conditions, data_event=True)
async def copy_object(call: Call, params: Params) -> Params:
    refuse_unsupported(params)
    found, key = read_source(call, params)
    _refuse_nothing_changed(found, params)
    told = params if params.get("MetadataDirective") == "REPLACE" else {**params, **_told(found)}
    lock, new_key = locks.new_lock(call, bucket_named(call, params), params["Key"], params)
    made = new_object(call, told, lock, [])
    if params.get("TaggingDirective") != "REPLACE":
        made.tags = found.tags
    algorithm = params.get("ChecksumAlgorithm") or _algorithm(found)
    source = content.read(call, key, found.pieces, 0, found.size)
    written = await content.write(call, new_key, source, algorithm)
    with content.kept_if_committed(call, written.piece):
        filled(made, written)
        made.checksums = typed({f"Checksum{algorithm}": written.checksum} if algorithm else {})
        answer = commit(call, made, params)
    result = {"ETag": answer["ETag"], "LastModified": time(made.modified), **made.checksums}
    version = {"VersionId": answer["VersionId"]} if "VersionId" in answer else {}
    return {"CopyObjectResult": result, **locks.as_told(lock), **version, **_source_version(call, found)}


def _algorithm(found: Object) -> str | None:
    """The copy of an object with a checksum has one of its algorithm, over its whole content."""
    return next((name.removeprefix("Checksum") for name in CHECKSUMS if name in found.checksums), None)


def _source_version(call: Call, found: Object) -> Params:
    bucket = bucket_named(call, {"Bucket": found.bucket})
    return {"CopySourceVersionId": found.version} if bucket.versioning else {}


def _told(found: Object) -> Params:
    return {**found.headers, "Metadata": found.metadata}


def _refuse_nothing_changed(found: Object, params: Params) -> None:
    same = (found.bucket, found.key) == (params["Bucket"], params["Key"]) and "versionId=" not in params["CopySource"]
    changes = ("ServerSideEncryption", "StorageClass", "WebsiteRedirectLocation")
    replaces = "REPLACE" in (params.get("MetadataDirective"), params.get("TaggingDirective"))
    if same and not replaces and not any(params.get(name) for name in changes):
        message = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        raise AwsError("InvalidRequest", message, 400)
