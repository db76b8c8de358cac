"""Server access logging: a line for each request to a bucket, brought to another bucket from time to time.

User Guide: "Logging requests with server access logging", "Amazon S3 server access log format". As at AWS it is best
effort: lines wait in memory, and those that the target's policy doesn't let the log service bring are lost. What the
lab doesn't know of a request (times, the wire's cipher) is a hyphen; the log service's own uploads aren't logged.
"""

import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.s3.base import (
    BUCKET,
    NULL,
    Bucket,
    Params,
    bucket_named,
    canonical_id,
    service,
    start_for,
)
from labsupport.cloud.wire.serialize import s3_host_id

PAUSE = 60.0  # seconds between deliveries
_SENDER = "logging.s3.amazonaws.com"
_ROOM = "s3.log"
_MOST = 10_000  # lines of a bucket that wait
# What a request is about, where its operation's name doesn't say it as the log does.
_ABOUT = {
    "AbortMultipartUpload": "DELETE.UPLOAD",
    "CompleteMultipartUpload": "POST.UPLOAD",
    "CopyObject": "COPY.OBJECT",
    "CreateBucket": "PUT.BUCKET",
    "CreateMultipartUpload": "POST.UPLOADS",
    "DeleteObjects": "POST.MULTI_OBJECT_DELETE",
    "GetBucketLocation": "GET.LOCATION",
    "GetBucketLogging": "GET.LOGGING_STATUS",
    "GetBucketPolicy": "GET.BUCKETPOLICY",
    "ListMultipartUploads": "GET.UPLOADS",
    "ListObjectVersions": "GET.BUCKETVERSIONS",
    "ListObjects": "GET.BUCKET",
    "ListObjectsV2": "GET.BUCKET",
    "ListParts": "GET.UPLOAD",
    "PutBucketLogging": "PUT.LOGGING_STATUS",
    "PutBucketPolicy": "PUT.BUCKETPOLICY",
    "UploadPart": "PUT.PART",
    "UploadPartCopy": "COPY.PART",
}


@service.operation(on=BUCKET)
def put_bucket_logging(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["BucketLoggingStatus"].get("LoggingEnabled", {})
    if wanted:
        _check_target(call, bucket, wanted)
        call.cloud.rooms.setdefault(_ROOM, {}).setdefault(bucket.name, [])
        start_for(call, bucket, "deliver_logs", bucket.name, PAUSE)
    bucket.logging = wanted
    call.store.put(bucket)
    return {}


def _check_target(call: Call, bucket: Bucket, wanted: Params) -> None:
    target = call.store.get(Bucket, wanted["TargetBucket"])
    if target is None:
        raise _bad_target("The target bucket for logging does not exist", wanted)
    if target.account != bucket.account:
        raise _bad_target("The owner for the bucket to be logged and the target bucket must be the same.", wanted)
    if target.region != bucket.region:
        raise _bad_target("The target bucket for logging has to be in the same region as the bucket.", wanted)
    if wanted.get("TargetGrants"):
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise AwsError("InvalidBucketAclWithObjectOwnership", message, 400)


def _bad_target(message: str, wanted: Params) -> AwsError:
    return AwsError("InvalidTargetBucketForLogging", message, 400, TargetBucket=wanted["TargetBucket"])


@service.operation(on=BUCKET)
def get_bucket_logging(call: Call, params: Params) -> Params:
    found = bucket_named(call, params).logging
    return {"LoggingEnabled": found} if found else {}


# Lines


def recorded(call: Call, operation: str, params: Params, result: Params | None, error: Exception | None) -> None:
    """Keep a line of a call to a bucket that is logged."""
    waiting = _waiting(call.cloud).get(params.get("Bucket", ""))
    if waiting is None or call.caller.service == _SENDER or len(waiting) >= _MOST:
        return
    bucket = call.store.get(Bucket, params["Bucket"])
    if bucket and bucket.logging:
        waiting.append(" ".join(_fields(call, bucket, operation, params, result or {}, error)))
        if operation == "DeleteObjects" and result is not None:
            waiting += _each_deleted(call, bucket, params, result)


def _each_deleted(call: Call, bucket: Bucket, params: Params, result: Params) -> list[str]:
    """A line for each key of a request that deletes many."""
    errors = {(one["Key"], one.get("VersionId")): one["Code"] for one in result["Errors"]}
    lines = []
    for one in params["Delete"]["Objects"]:
        code = errors.get((one["Key"], one.get("VersionId")))
        error = AwsError(code, status=403 if code == "AccessDenied" else 400) if code else None
        lines.append(" ".join(_fields(call, bucket, "DeleteObject", one, {}, error, "BATCH.DELETE.OBJECT")))
    return lines


def _waiting(cloud: Cloud) -> dict[str, list[str]]:
    """Lines by bucket, for buckets that are logged or were since the start."""
    found: dict[str, list[str]] | None = cloud.rooms.get(_ROOM)
    if found is None:
        found = cloud.rooms[_ROOM] = {one.name: [] for one in cloud.store.list(Bucket) if one.logging}
    return found


def _fields(
    call: Call,
    bucket: Bucket,
    operation: str,
    params: Params,
    result: Params,
    error: Exception | None,
    named: str = "",
) -> list[str]:
    size = result.get("ContentLength")
    whole = result.get("ContentRange", "").rpartition("/")[2] or size
    version = params.get("VersionId") or result.get("VersionId")
    target = f"{call.path}?{call.query}" if call.query else call.path
    return [
        canonical_id(bucket.account),
        bucket.name,
        f"[{call.now:%d/%b/%Y:%H:%M:%S +0000}]",
        call.source_ip,
        _requester(call),
        call.request_id,
        named or _operation(call, operation),
        quote_plus(params["Key"], safe="/") if "Key" in params else "-",
        _quoted(f"{call.method} {target} HTTP/1.1" if call.method else ""),
        *_ending(operation, result, error),
        str(size) if size and call.method != "HEAD" else "-",
        str(whole) if whole else call.headers.get("content-length", "-") if "Key" in params else "-",
        "-",  # total time
        "-",  # turn-around time
        _quoted(call.headers.get("referer", "")),
        _quoted(call.user_agent),
        version if version and version != NULL else "-",
        s3_host_id(call.request_id),
        *_authentication(call),
        quote(call.host, safe=":.") or "-",
        "-",  # TLS's version
        "-",  # access point
        "-",  # whether an ACL was needed
        bucket.region,
    ]


def _requester(call: Call) -> str:
    caller = call.caller
    if caller.kind == "anonymous":
        return "-"
    return canonical_id(caller.account) if caller.kind == "root" else caller.service or caller.arn


def _operation(call: Call, operation: str) -> str:
    named = _ABOUT.get(operation)
    if named is None:
        subject = operation.removeprefix("Put").removeprefix("Get").removeprefix("Delete").removeprefix("Head")
        about = subject.removeprefix("Bucket") or "Bucket"
        words = "".join(f"_{letter}" if letter.isupper() else letter for letter in about).strip("_").upper()
        named = f"{call.method or operation[: -len(subject)].upper()}.{words}"
    return f"REST.{named}"


def _quoted(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{clean.replace(chr(34), "%22") or "-"}"'


def _ending(operation: str, result: Params, error: Exception | None) -> tuple[str, str]:
    """The HTTP status and the error's code."""
    if isinstance(error, AwsError):
        return str(error.status or 400), error.code
    if error is not None:
        return "500", "InternalError"
    empty = operation.startswith("Delete") and operation != "DeleteObjects"
    return "206" if "ContentRange" in result else "204" if empty else "200", "-"


def _authentication(call: Call) -> tuple[str, str, str]:
    """The signature's version, the cipher, how the request was signed."""
    if call.caller.kind == "anonymous":
        return "-", "-", "-"
    if "authorization" in call.headers or not call.headers:
        return "SigV4", "-", "AuthHeader"
    return "SigV2" if "AWSAccessKeyId=" in call.query else "SigV4", "-", "QueryString"


# Delivery


@service.task("deliver_logs")
async def deliver_logs(call: Call, name: str) -> float | None:
    """Bring the lines that wait to the target, as the log service, which the target's policy has to let in."""
    bucket = call.store.get(Bucket, name)
    if bucket is None or bucket.account != call.account or not bucket.logging:
        _waiting(call.cloud).pop(name, None)
        return None
    waiting = _waiting(call.cloud).setdefault(name, [])
    lines, waiting[:] = list(waiting), []
    if lines:
        await _bring(call, bucket, lines)
    return PAUSE


async def _bring(call: Call, bucket: Bucket, lines: list[str]) -> None:
    sender = Client(call, "s3", service_principal(_SENDER, bucket.account), bucket.arn)
    body = "".join(f"{line}\n" for line in lines).encode()
    target: Any = {"Bucket": bucket.logging["TargetBucket"], "Key": _key(call, bucket)}
    try:
        await sender.put_object(**target, Body=body, ContentType="text/plain")
    except AwsError:
        return


def _key(call: Call, bucket: Bucket) -> str:
    now = datetime.fromtimestamp(call.epoch, UTC)
    prefix = bucket.logging.get("TargetPrefix", "")
    if "PartitionedPrefix" in bucket.logging.get("TargetObjectKeyFormat", {}):
        prefix += f"{bucket.account}/{bucket.region}/{bucket.name}/{now:%Y/%m/%d}/"
    return f"{prefix}{now:%Y-%m-%d-%H-%M-%S}-{secrets.token_hex(8).upper()}"


service.recorded = recorded
