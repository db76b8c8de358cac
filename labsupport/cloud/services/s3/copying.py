"""CopyObject: read under the caller's right to the source, write under the right to the target."""

from urllib.parse import parse_qs, unquote

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content, locks
from labsupport.cloud.services.s3.base import (
    OBJECT,
    Bucket,
    Object,
    Params,
    bucket_named,
    refuse_archived,
    service,
    time,
)
from labsupport.cloud.services.s3.carried import HEADERS
from labsupport.cloud.services.s3.conditions import check_read
from labsupport.cloud.services.s3.context import conditions, creating_conditions, tag_conditions
from labsupport.cloud.services.s3.customer import customer_key
from labsupport.cloud.services.s3.objects import (
    CHECKSUMS,
    commit,
    filled,
    found_object,
    new_object,
    read_action,
    typed,
)
from labsupport.cloud.services.s3.writing import check_written


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
    if params.get("ExpectedSourceBucketOwner"):
        source["ExpectedBucketOwner"] = params["ExpectedSourceBucketOwner"]
    call.authorise(read_action(call, source), _arn(source), conditions(call, source))
    bucket, found = _found(call, source)
    names = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    try:
        check_read(found, {name: params.get(f"CopySource{name}") for name in names})
    except AwsError:
        message = "At least one of the pre-conditions you specified did not hold"
        raise AwsError("PreconditionFailed", message, 412) from None
    refuse_archived(call, found)
    return found, locks.data_key(call, found.lock, bucket.name, customer_key(call, params, "CopySource"))


def _arn(place: Params) -> str:
    return f"arn:aws:s3:::{place['Bucket']}/{place['Key']}"


def _found(call: Call, source: Params) -> tuple[Bucket, Object]:
    try:
        return found_object(call, source)
    except AwsError as error:
        if error.code != "MethodNotAllowed":
            raise
        message = "The source of a copy request may not specifically refer to a delete marker by version id."
        raise AwsError("InvalidRequest", message, 400) from None


def _copied_tags(call: Call, found: Object, params: Params) -> dict[str, str]:
    """The source's tags; to take them along needs a permission at either end."""
    if found.tags:
        verb = "GetObjectVersionTagging" if source_of(params["CopySource"]).get("VersionId") else "GetObjectTagging"
        call.authorise(f"s3:{verb}", f"arn:aws:s3:::{found.bucket}/{found.key}")
        call.authorise("s3:PutObjectTagging", _arn(params), tag_conditions(found.tags))
    return found.tags


@service.operation(on=OBJECT, action="s3:PutObject", context=creating_conditions, data_event=True)
async def copy_object(call: Call, params: Params) -> Params:
    check_written(call, params)
    found, key = read_source(call, params)
    _refuse_nothing_changed(found, params)
    told = params if params.get("MetadataDirective") == "REPLACE" else {**_unsaid(params), **_told(found)}
    lock, new_key = locks.new_lock(call, bucket_named(call, params), params["Key"], params)
    made = new_object(call, told, lock, [])
    if params.get("TaggingDirective") != "REPLACE":
        made.tags = _copied_tags(call, found, params)
    algorithm = params.get("ChecksumAlgorithm") or _algorithm(found)
    source = content.read(call, key, found.pieces, 0, found.size)
    written = await content.write(call, new_key, source, algorithm)
    with content.kept_if_committed(call, written.piece), call.transaction():
        filled(made, written)
        made.checksums = typed({f"Checksum{algorithm}": written.checksum} if algorithm else {})
        answer = commit(call, made, params)
    result = {"ETag": answer["ETag"], "LastModified": time(made.modified), **made.checksums}
    version: Params = {name: answer[name] for name in ("VersionId", "Expiration") if name in answer}
    return {"CopyObjectResult": result, **locks.as_told(lock, params), **version, **_source_version(call, found)}


def _algorithm(found: Object) -> str | None:
    """The copy of an object with a checksum has one of its algorithm, over its whole content."""
    return next((name.removeprefix("Checksum") for name in CHECKSUMS if name in found.checksums), None)


def _source_version(call: Call, found: Object) -> Params:
    bucket = bucket_named(call, {"Bucket": found.bucket})
    return {"CopySourceVersionId": found.version} if bucket.versioning else {}


def _unsaid(params: Params) -> Params:
    """A request without the headers that only a new object's have: they count where metadata is replaced."""
    return {name: value for name, value in params.items() if name not in HEADERS or name == "WebsiteRedirectLocation"}


def _told(found: Object) -> Params:
    """What a copy keeps of its source; a redirect it doesn't."""
    kept = {name: value for name, value in found.headers.items() if name != "WebsiteRedirectLocation"}
    return {**kept, "Metadata": found.metadata}


def _refuse_nothing_changed(found: Object, params: Params) -> None:
    same = (found.bucket, found.key) == (params["Bucket"], params["Key"]) and "versionId=" not in params["CopySource"]
    changes = ("ServerSideEncryption", "StorageClass", "WebsiteRedirectLocation", "SSECustomerAlgorithm")
    replaces = "REPLACE" in (params.get("MetadataDirective"), params.get("TaggingDirective"))
    if same and not replaces and not any(params.get(name) for name in changes):
        message = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        raise AwsError("InvalidRequest", message, 400)
