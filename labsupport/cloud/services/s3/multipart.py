"""Multipart uploads: begun, sent in parts, completed or given up (User Guide: "Multipart upload overview")."""

import hashlib
import secrets
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content
from labsupport.cloud.services.s3.base import BUCKET, OBJECT, Lock, Params, Piece, bucket_named, service, time
from labsupport.cloud.services.s3.conditions import range_of
from labsupport.cloud.services.s3.copying import read_source
from labsupport.cloud.services.s3.objects import (
    commit,
    conditions,
    declared_checksums,
    encryption,
    kept_headers,
    new_object,
    refuse_unsupported,
)
from labsupport.cloud.store.record import record

LEAST = 5 * 1024 * 1024  # bytes of every part but the last


@record("s3.upload", key=("bucket", "id"))
class Upload(msgspec.Struct, kw_only=True):
    bucket: str
    id: str
    key: str
    begun: float
    lock: Lock
    told: dict[str, Any]  # what the request said of the object to come
    initiator: str


@record("s3.part", key=("upload", "number"))
class Part(msgspec.Struct, kw_only=True):
    upload: str
    number: str  # five digits
    piece: Piece
    etag: str
    modified: float
    checksums: dict[str, str] = {}


def _upload(call: Call, params: Params) -> Upload:
    found = call.store.get(Upload, bucket_named(call, params).name, params["UploadId"])
    if found is None or found.key != params["Key"]:
        message = (
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed."
        )
        raise AwsError("NoSuchUpload", message, 404, UploadId=params["UploadId"])
    return found


def _parts(call: Call, upload: Upload) -> list[Part]:
    return list(call.store.list(Part, upload.id))


@service.operation(on=OBJECT, action="s3:PutObject", context=conditions, data_event=True)
def create_multipart_upload(call: Call, params: Params) -> Params:
    refuse_unsupported(params)
    bucket = bucket_named(call, params)
    lock, _ = content.new_lock(call, bucket, params["Key"], params)
    names = ("Metadata", "Tagging", "StorageClass")
    told = {**kept_headers(params), **{name: params[name] for name in names if params.get(name)}}
    upload = Upload(
        bucket=bucket.name,
        id=secrets.token_urlsafe(48),
        key=params["Key"],
        begun=call.epoch,
        lock=lock,
        told=told,
        initiator=call.caller.arn,
    )
    call.store.put(upload)
    names_of_checksum = {name: params[name] for name in ("ChecksumAlgorithm", "ChecksumType") if params.get(name)}
    return {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.id, **encryption(lock), **names_of_checksum}


@service.operation(on=OBJECT, action="s3:PutObject", context=conditions, data_event=True)
async def upload_part(call: Call, params: Params) -> Params:
    upload = _upload(call, params)
    body = call.body if call.body is not None else params.get("Body")
    written = await content.write(call, content.data_key(call, upload.lock, upload.bucket), body)
    part = _keep(call, params, written, declared_checksums(call, params))
    return {"ETag": f'"{part.etag}"', **encryption(upload.lock), **part.checksums}


def _keep(call: Call, params: Params, written: content.Written, checksums: dict[str, str]) -> Part:
    """Note a part that has come whole; an earlier one of its number goes."""
    number = f"{params['PartNumber']:05d}"
    with call.transaction():
        upload = _upload(call, params)  # it may have been given up meanwhile
        old = call.store.get(Part, upload.id, number)
        part = Part(
            upload=upload.id,
            number=number,
            piece=written.piece,
            etag=written.md5,
            modified=call.epoch,
            checksums=checksums,
        )
        call.store.put(part)
    content.remove(call, [old.piece] if old else [])
    return part


@service.operation(on=OBJECT, action="s3:PutObject", context=conditions, data_event=True)
async def upload_part_copy(call: Call, params: Params) -> Params:
    upload = _upload(call, params)
    found, key = read_source(call, params)
    start, end = range_of(found, {"Range": params.get("CopySourceRange", "")})
    new_key = content.data_key(call, upload.lock, upload.bucket)
    written = await content.write(call, new_key, content.read(call, key, found.pieces, start, end))
    part = _keep(call, params, written, {})
    result = {"ETag": f'"{part.etag}"', "LastModified": time(part.modified)}
    return {"CopyPartResult": result, **encryption(upload.lock)}


@service.operation(on=OBJECT, action="s3:PutObject", context=conditions, data_event=True)
def complete_multipart_upload(call: Call, params: Params) -> Params:
    upload = _upload(call, params)
    chosen = _chosen(call, upload, params.get("MultipartUpload", {}).get("Parts", []))
    made = new_object(call, {**upload.told, "Bucket": upload.bucket, "Key": upload.key}, upload.lock, [])
    made.pieces = [part.piece for part in chosen]
    made.parts = [part.piece.size for part in chosen]
    made.size = sum(made.parts)
    digests = b"".join(bytes.fromhex(part.etag) for part in chosen)
    made.etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(chosen)}"
    answer = commit(call, made, params)
    left = [part for part in _parts(call, upload) if part.number not in {one.number for one in chosen}]
    _forget(call, upload)
    content.remove(call, [part.piece for part in left])
    location = f"{call.cloud.settings.endpoint}/{upload.bucket}/{upload.key}"
    return {"Location": location, "Bucket": upload.bucket, "Key": upload.key, **answer}


def _chosen(call: Call, upload: Upload, wanted: list[Params]) -> list[Part]:
    """The parts that the request lists: in order, all there, as they were, large enough."""
    if not wanted:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate", 400)
    there = {int(part.number): part for part in _parts(call, upload)}
    numbers = [one["PartNumber"] for one in wanted]
    if numbers != sorted(set(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise AwsError("InvalidPartOrder", message, 400, UploadId=upload.id)
    for one in wanted:
        part = there.get(one["PartNumber"])
        if part is None or part.etag != one.get("ETag", "").strip('"'):
            message = (
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
                "specified entity tag may not match the part's entity tag."
            )
            number = str(one["PartNumber"])
            raise AwsError("InvalidPart", message, 400, PartNumber=number, UploadId=upload.id)
    chosen = [there[number] for number in numbers]
    for part in chosen[:-1]:
        if part.piece.size < LEAST:
            message = "Your proposed upload is smaller than the minimum allowed size"
            size = str(part.piece.size)
            raise AwsError("EntityTooSmall", message, 400, ProposedSize=size, MinSizeAllowed=str(LEAST))
    return chosen


def _forget(call: Call, upload: Upload) -> None:
    for part in _parts(call, upload):
        call.store.delete(part)
    call.store.delete(upload)


@service.operation(on=OBJECT, data_event=True)
def abort_multipart_upload(call: Call, params: Params) -> Params:
    upload = _upload(call, params)
    pieces = [part.piece for part in _parts(call, upload)]
    _forget(call, upload)
    content.remove(call, pieces)
    return {}


@service.operation(on=OBJECT, action="s3:ListMultipartUploadParts", data_event=True)
def list_parts(call: Call, params: Params) -> Params:
    upload, size = _upload(call, params), min(params.get("MaxParts", 1000), 1000)
    after = int(params.get("PartNumberMarker") or 0)
    found = [part for part in _parts(call, upload) if int(part.number) > after]
    shown = [
        {
            "PartNumber": int(part.number),
            "LastModified": time(part.modified),
            "ETag": f'"{part.etag}"',
            "Size": part.piece.size,
            **part.checksums,
        }
        for part in found[:size]
    ]
    more = {"NextPartNumberMarker": shown[-1]["PartNumber"]} if len(found) > size else {}
    names = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.id, "MaxParts": size}
    return {**names, "Parts": shown, "IsTruncated": len(found) > size, "PartNumberMarker": after, **more}


@service.operation(on=BUCKET, action="s3:ListBucketMultipartUploads")
def list_multipart_uploads(call: Call, params: Params) -> Params:
    bucket, size = bucket_named(call, params), min(params.get("MaxUploads", 1000), 1000)
    prefix, marker = params.get("Prefix", ""), (params.get("KeyMarker", ""), params.get("UploadIdMarker", ""))
    uploads = sorted(call.store.list(Upload, bucket.name), key=lambda one: (one.key, one.id))
    found = [one for one in uploads if one.key.startswith(prefix) and (one.key, one.id) > marker]
    shown = [
        {"UploadId": one.id, "Key": one.key, "Initiated": time(one.begun), "StorageClass": "STANDARD"}
        for one in found[:size]
    ]
    answer: Params = {"Bucket": bucket.name, "Uploads": shown, "IsTruncated": len(found) > size, "MaxUploads": size}
    if len(found) > size:
        answer |= {"NextKeyMarker": shown[-1]["Key"], "NextUploadIdMarker": shown[-1]["UploadId"]}
    return answer
