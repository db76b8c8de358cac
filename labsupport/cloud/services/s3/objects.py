"""Objects: put, get, head."""

import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content, locks
from labsupport.cloud.services.s3.base import (
    NULL,
    OBJECT,
    Bucket,
    Lock,
    Object,
    Params,
    Piece,
    bucket_decided_on,
    bucket_named,
    find_version,
    keep_current,
    no_key,
    refuse_archived,
    restoration,
    service,
    time,
)
from labsupport.cloud.services.s3.carried import HEADERS, OVERRIDES, asked_for, metadata_told
from labsupport.cloud.services.s3.conditions import check_read, check_write, is_range, range_of
from labsupport.cloud.services.s3.configuration import checked_tags
from labsupport.cloud.services.s3.context import conditions, creating_conditions
from labsupport.cloud.services.s3.customer import customer_key
from labsupport.cloud.services.s3.dates import expiry_of
from labsupport.cloud.services.s3.happenings import created
from labsupport.cloud.services.s3.ownership import own
from labsupport.cloud.services.s3.protection import allowed, protect, told
from labsupport.cloud.services.s3.writing import check_written, refuse_too_large

CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256",
             "ChecksumSHA512", "ChecksumMD5")  # fmt: skip
_TRAILERS = {name: f"x-amz-checksum-{name.removeprefix('Checksum').lower()}" for name in CHECKSUMS}


@service.operation(on=OBJECT, context=creating_conditions, data_event=True, at_once=True)
async def put_object(call: Call, params: Params) -> Params:
    check_written(call, params)
    refuse_too_large(call)
    bucket = bucket_decided_on(call, params)
    if params.get("IfMatch") or params.get("IfNoneMatch"):  # told before the body has come; asked again at its end
        check_write(call.store.get(Object, bucket.name, params["Key"]), params)
    lock, key = locks.new_lock(call, bucket, params["Key"], params)
    made = new_object(call, params, lock, [])
    body = call.body if call.body is not None else params.get("Body")
    written = await content.write(call, key, body)
    with content.kept_if_committed(call, written.piece), call.transaction():
        filled(made, written)
        made.checksums = typed(declared_checksums(call, params))
        answer = commit(call, made, params)
        call.conclude(answer)
        return answer


def filled(made: Object, written: content.Written) -> None:
    """Give an object its content. An ETag tells the content's MD5 only where no key of KMS protects it."""
    made.pieces, made.size = [written.piece], written.piece.size
    made.etag = secrets.token_hex(16) if made.lock.algorithm != "AES256" else written.md5


def typed(checksums: dict[str, str]) -> dict[str, str]:
    return {**checksums, "ChecksumType": "FULL_OBJECT"} if checksums else {}


def new_object(call: Call, params: Params, lock: Lock, pieces: list[Piece]) -> Object:
    """An object of these pieces, with what the request says of it; its place among the versions comes later."""
    return Object(
        bucket=params["Bucket"],
        key=params["Key"],
        modified=call.epoch,
        size=sum(piece.size for piece in pieces),
        pieces=pieces,
        lock=lock,
        headers=kept_headers(params),
        metadata=params.get("Metadata", {}),
        tags=tags_of_header(params.get("Tagging", "")),
        storage=params.get("StorageClass", "STANDARD"),
    )


def kept_headers(params: Params) -> dict[str, Any]:
    found = {name: value for name, value in params.items() if name in HEADERS and value}
    if isinstance(found.get("Expires"), datetime):
        found["Expires"] = found["Expires"].timestamp()
    found.setdefault("ContentType", "binary/octet-stream")
    if "aws-chunked" in found.get("ContentEncoding", ""):  # how it was sent is no part of what it is
        rest = [one.strip() for one in found["ContentEncoding"].split(",") if one.strip() != "aws-chunked"]
        found["ContentEncoding"] = ",".join(rest)
    return {name: value for name, value in found.items() if value}


def tags_of_header(text: str) -> dict[str, str]:
    if not text:
        return {}
    pairs = parse_qsl(text, keep_blank_values=True)
    return checked_tags([{"Key": name, "Value": value} for name, value in pairs], 10)


def declared_checksums(call: Call, params: Params) -> dict[str, str]:
    """The checksums that came with the content, in headers or after it; the gateway has verified them."""
    given = {name: params[name] for name in params.keys() & _TRAILERS.keys() if params[name]}
    if "x-amz-trailer" in call.headers:
        given |= {name: call.headers[header] for name, header in _TRAILERS.items() if header in call.headers}
    return given


def commit(call: Call, made: Object, params: Params) -> Params:
    """Let the new object take its key's place, within the caller's transaction."""
    bucket = bucket_named(call, params)  # it may have gone while the content came
    old = call.store.get(Object, bucket.name, made.key)
    check_write(old, params)
    made.version = new_version(bucket)
    protect(bucket, made, params)
    own(call, bucket, made, params)
    content.remove(call, keep_current(call, bucket, made, old))
    created(call, bucket, made)
    told = {"ETag": f'"{made.etag}"', **locks.as_told(made.lock, params), **made.checksums, **version_of(bucket, made)}
    return {**told, **expiry_of(bucket, made)} if bucket.lifecycle else told


def new_version(bucket: Bucket) -> str:
    return secrets.token_urlsafe(24).replace("-", "A") if bucket.versioning == "Enabled" else NULL


def version_of(bucket: Bucket, one: Object) -> Params:
    return {"VersionId": one.version} if bucket.versioning else {}


def read_action(_: Call, params: Params) -> str:
    return "s3:GetObjectVersion" if params.get("VersionId") else "s3:GetObject"


def found_object(call: Call, params: Params) -> tuple[Bucket, Object]:
    """The object that a call reads. Only who may list the bucket is told that there is none."""
    bucket, version = bucket_decided_on(call, params), params.get("VersionId")
    if version == "":
        raise AwsError("InvalidArgument", "Version id cannot be the empty string", 400, ArgumentName="versionId")
    found = find_version(call, bucket, params["Key"], version)
    if found is None and version is not None:
        call.authorise("s3:ListBucket", bucket.arn)
        message = "The specified version does not exist."
        raise AwsError("NoSuchVersion", message, 404, Key=params["Key"], VersionId=version)
    if found is None:
        call.authorise("s3:ListBucket", bucket.arn)
        raise no_key(params["Key"])
    if found.marker:
        if version is None:
            call.authorise("s3:ListBucket", bucket.arn)
        raise _deleted(found, params["Key"], version)
    return bucket, found


def _deleted(marker: Object, key: str, version: str | None) -> AwsError:
    """The answer where a marker stands: there is nothing, or nothing to be read."""
    headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version}
    error = no_key(key)
    if version is not None:
        message = "The specified method is not allowed against this resource."
        error = AwsError("MethodNotAllowed", message, 405, Method="GET", ResourceType="DeleteMarker")
        headers |= {"allow": "DELETE", "last-modified": format_datetime(time(marker.modified), usegmt=True)}
    error.headers = headers
    return error


@service.operation(on=OBJECT, action=read_action, context=conditions, data_event=True, at_once=True)
async def get_object(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    _refuse_overrides(call, params)
    check_read(found, params)
    refuse_archived(call, found)
    start, end = range_of(found, params)
    key = locks.data_key(call, found.lock, bucket.name, customer_key(call, params))
    body = content.read(call, key, found.pieces, start, end)
    return {"Body": body, **described(call, bucket, found, params, start, end)}


@service.operation(on=OBJECT, action=read_action, context=conditions, data_event=True, at_once=True)
async def head_object(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    check_read(found, params)
    start, end = range_of(found, params)
    customer = customer_key(call, params)
    locks.refuse_without_key(found.lock, customer)
    if found.lock.algorithm == locks.KMS and found.checksums and params.get("ChecksumMode") == "ENABLED":
        locks.data_key(call, found.lock, bucket.name)  # a checksum tells of the content, so KMS is asked
    return described(call, bucket, found, params, start, end)


def _refuse_overrides(call: Call, params: Params) -> None:
    if call.caller.kind == "anonymous" and any(params.get(name) for name in OVERRIDES):
        message = "Request specific response headers cannot be used for anonymous GET requests."
        raise AwsError("InvalidRequest", message, 400)


def _ranged(params: Params) -> bool:
    return bool(params.get("Range")) and is_range(params["Range"])


def _may_read_tags(call: Call, params: Params) -> bool:
    """How many tags there are is told to those who may read them."""
    version = "Version" if params.get("VersionId") else ""
    return allowed(call, f"s3:GetObject{version}Tagging", params)


def described(call: Call, bucket: Bucket, found: Object, params: Params, start: int, end: int) -> Params:
    """An object's headers, with the overrides that the request asks for (response-content-type, …)."""
    whole = (start, end) == (0, found.size)
    shown: Params = {
        "AcceptRanges": "bytes",
        "LastModified": time(found.modified),
        "ContentLength": end - start,
        "ETag": f'"{found.etag}"',
        **metadata_told(found.metadata),
        **found.headers,
        **locks.as_told(found.lock, params),
        **version_of(bucket, found),
    }
    if isinstance(shown.get("Expires"), int | float):
        shown["Expires"] = datetime.fromtimestamp(shown["Expires"], UTC)
    if not whole or (found.size and (_ranged(params) or params.get("PartNumber"))):
        shown["ContentRange"] = f"bytes {start}-{end - 1}/{found.size}"
    elif params.get("ChecksumMode") == "ENABLED":
        shown |= found.checksums
    if found.parts and params.get("PartNumber"):
        shown["PartsCount"] = len(found.parts)
    if found.tags and _may_read_tags(call, params):
        shown["TagCount"] = len(found.tags)
    if found.storage != "STANDARD":
        shown |= {"StorageClass": found.storage, **restoration(call, found)}
    if bucket.lifecycle:
        shown |= expiry_of(bucket, found)
    if bucket.locked:
        shown |= told(call, found, params)
    shown |= asked_for(params)
    return shown
