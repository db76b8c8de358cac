"""Objects deleted: one, many; markers and versions."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content
from labsupport.cloud.services.s3.base import (
    MALFORMED,
    OBJECT,
    Bucket,
    Object,
    Params,
    Piece,
    Version,
    as_object,
    bucket_named,
    directory_buckets_only,
    find_version,
    keep_current,
    service,
)
from labsupport.cloud.services.s3.conditions import check_write
from labsupport.cloud.services.s3.context import write_conditions
from labsupport.cloud.services.s3.happenings import removed
from labsupport.cloud.services.s3.objects import new_version
from labsupport.cloud.services.s3.protection import refuse_protected

_MOST = 1000  # keys of one DeleteObjects


def _action(_: Call, params: Params) -> str:
    return "s3:DeleteObjectVersion" if params.get("VersionId") else "s3:DeleteObject"


@service.operation(on=OBJECT, action=_action, context=write_conditions, data_event=True)
def delete_object(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if params.get("IfMatchSize") is not None or params.get("IfMatchLastModifiedTime"):
        raise directory_buckets_only()
    if params.get("IfMatch"):
        check_write(call.store.get(Object, bucket.name, params["Key"]), params)
    _refuse_locked(call, bucket, params)
    answer, freed = delete(call, bucket, params["Key"], params.get("VersionId"))
    content.remove(call, freed)
    return answer


def _refuse_locked(call: Call, bucket: Bucket, params: Params) -> None:
    """A version that Object Lock holds stays; a marker over it is no harm."""
    if bucket.locked and params.get("VersionId"):
        found = find_version(call, bucket, params["Key"], params["VersionId"])
        if found:
            refuse_protected(call, bucket, found, params)


def delete(
    call: Call, bucket: Bucket, key: str, version: str | None, lifecycle: bool = False
) -> tuple[Params, list[Piece]]:
    """Delete a key (in a bucket with versions: put a marker over it), or one version for good."""
    if version is not None:
        return _delete_version(call, bucket, key, version, lifecycle)
    if bucket.versioning:
        return _mark(call, bucket, key, lifecycle)
    current = call.store.get(Object, bucket.name, key)
    if current is None:
        return {}, []
    call.store.delete(current)
    removed(call, bucket, current, False, lifecycle)
    return {}, current.pieces


def _mark(call: Call, bucket: Bucket, key: str, lifecycle: bool) -> tuple[Params, list[Piece]]:
    version = new_version(bucket)
    marker = Object(bucket=bucket.name, key=key, version=version, modified=call.epoch, marker=True)
    freed = keep_current(call, bucket, marker, call.store.get(Object, bucket.name, key))
    removed(call, bucket, marker, True, lifecycle)
    return {"DeleteMarker": True, "VersionId": version}, freed


def _delete_version(call: Call, bucket: Bucket, key: str, version: str, lifecycle: bool) -> tuple[Params, list[Piece]]:
    found = find_version(call, bucket, key, version)
    answer: Params = {"VersionId": version}
    if found is None:
        return answer, []
    call.store.delete(found)
    if not isinstance(found, Version):
        _uncover(call, bucket, key)
    removed(call, bucket, found, False, lifecycle)
    return ({**answer, "DeleteMarker": True} if found.marker else answer), found.pieces


def _uncover(call: Call, bucket: Bucket, key: str) -> None:
    """The newest earlier version becomes the current one."""
    for newest in call.store.list(Version, bucket.name, key, limit=1):
        call.store.delete(newest)
        call.store.put(as_object(newest))


@service.operation(action=None, data_event=True)
def delete_objects(call: Call, params: Params) -> Params:
    """Each key is asked for by itself: what is refused is listed among the errors, the rest is deleted."""
    bucket = bucket_named(call, params)
    deleted, errors, freed = [], [], []
    if not 1 <= len(params["Delete"]["Objects"]) <= _MOST:
        raise AwsError("MalformedXML", MALFORMED, 400)
    for one in params["Delete"]["Objects"]:
        key, version = one["Key"], one.get("VersionId")
        try:
            context = write_conditions(call, {**one, "IfMatch": one.get("ETag")})
            call.authorise(_action(call, one), f"{bucket.arn}/{key}", context)
            if one.get("ETag"):
                check_write(call.store.get(Object, bucket.name, key), {"IfMatch": one["ETag"], "Key": key})
            _refuse_locked(call, bucket, {**params, **one})
        except AwsError as error:
            errors.append({"Key": key, "VersionId": version, "Code": error.code, "Message": error.message})
            continue
        answer, pieces = delete(call, bucket, key, version)
        freed += pieces
        deleted.append(_shown(key, version, answer))
    content.remove(call, freed)
    return {"Deleted": [] if params["Delete"].get("Quiet") else deleted, "Errors": errors}


def _shown(key: str, version: str | None, answer: Params) -> Params:
    shown: Params = {"Key": key, "VersionId": version}
    if answer.get("DeleteMarker"):
        shown |= {"DeleteMarker": True, "DeleteMarkerVersionId": answer["VersionId"]}
    return shown
