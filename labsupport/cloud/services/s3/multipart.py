"""Multipart uploads: begun, sent in parts, completed or given up (User Guide: "Multipart upload overview")."""

import hashlib
import secrets
from urllib.parse import quote

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import content, locks
from labsupport.cloud.services.s3.base import (
    OBJECT,
    Object,
    Params,
    bucket_named,
    directory_buckets_only,
    service,
    time,
)
from labsupport.cloud.services.s3.combined import checksums_of, refuse_combination
from labsupport.cloud.services.s3.conditions import is_range
from labsupport.cloud.services.s3.context import conditions, creating_conditions, feeding_conditions
from labsupport.cloud.services.s3.copying import read_source
from labsupport.cloud.services.s3.customer import customer_key
from labsupport.cloud.services.s3.dates import abort_of
from labsupport.cloud.services.s3.objects import (
    commit,
    declared_checksums,
    kept_headers,
    new_object,
    tags_of_header,
)
from labsupport.cloud.services.s3.protection import asked
from labsupport.cloud.services.s3.uploads import Part, Upload, forget, parts_of, upload_named
from labsupport.cloud.services.s3.writing import GRANTS, check_written, refuse_too_large

LEAST = 5 * 1024 * 1024  # bytes of every part but the last
MOST = 10_000  # parts


def _asked(call: Call, params: Params) -> Params:
    """What the request that began the upload said of the object to come: policies see it with every part, too."""
    upload = call.store.get(Upload, params["Bucket"], params["UploadId"])
    return upload.asked if upload else {}


def _feeding(call: Call, params: Params) -> Params:
    return {**_asked(call, params), **feeding_conditions(call, params)}


def _completing(call: Call, params: Params) -> Params:
    return {**_asked(call, params), **creating_conditions(call, params)}


@service.operation(on=OBJECT, action="s3:PutObject", context=feeding_conditions, data_event=True)
def create_multipart_upload(call: Call, params: Params) -> Params:
    check_written(call, params)
    bucket = bucket_named(call, params)
    tags_of_header(params.get("Tagging", ""))
    algorithm = params.get("ChecksumAlgorithm", "")
    whole = params.get("ChecksumType", "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE") == "FULL_OBJECT"
    refuse_combination(algorithm, whole, params)
    lock, _ = locks.new_lock(call, bucket, params["Key"], params)
    names = ("Metadata", "Tagging", "StorageClass", "ACL", *GRANTS)
    told = {**kept_headers(params), **{name: params[name] for name in names if params.get(name)}, **asked(params)}
    upload = Upload(
        bucket=bucket.name,
        id=secrets.token_urlsafe(48),
        key=params["Key"],
        begun=call.epoch,
        lock=lock,
        told=told,
        initiator=call.caller.arn,
        algorithm=algorithm,
        whole=whole,
        asked=conditions(call, params),
    )
    call.store.put(upload)
    answer = {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.id, **locks.as_told(lock, params)}
    return {**answer, **checksum_kind(upload), **abort_of(bucket, upload.key, upload.begun)}


def checksum_kind(upload: Upload) -> Params:
    kind = "FULL_OBJECT" if upload.whole else "COMPOSITE"
    return {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": kind} if upload.algorithm else {}


@service.operation(on=OBJECT, action="s3:PutObject", context=_feeding, data_event=True)
async def upload_part(call: Call, params: Params) -> Params:
    upload = upload_named(call, params)
    _check_number(params["PartNumber"])
    refuse_too_large(call)
    body = call.body if call.body is not None else params.get("Body")
    key = locks.data_key(call, upload.lock, upload.bucket, customer_key(call, params))
    written = await content.write(call, key, body, upload.algorithm)
    part = _keep(call, params, written, declared_checksums(call, params))
    return {"ETag": f'"{part.etag}"', **locks.as_told(upload.lock, params), **part.checksums}


def _check_number(number: int) -> None:
    if not 1 <= number <= MOST:
        message = f"Part number must be an integer between 1 and {MOST}, inclusive"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="partNumber", ArgumentValue=str(number))


def _keep(call: Call, params: Params, written: content.Written, declared: dict[str, str]) -> Part:
    """Note a part that has come whole; an earlier one of its number goes."""
    with content.kept_if_committed(call, written.piece), call.transaction():
        upload = upload_named(call, params)  # it may have been given up meanwhile
        number = f"{params['PartNumber']:05d}"
        old = call.store.get(Part, upload.id, number)
        part = Part(
            upload=upload.id,
            number=number,
            piece=written.piece,
            etag=written.md5,
            modified=call.epoch,
            checksums={f"Checksum{upload.algorithm}": written.checksum} if upload.algorithm else declared,
        )
        call.store.put(part)
        content.remove(call, [old.piece] if old else [])
    return part


@service.operation(on=OBJECT, action="s3:PutObject", context=_feeding, data_event=True)
async def upload_part_copy(call: Call, params: Params) -> Params:
    upload = upload_named(call, params)
    _check_number(params["PartNumber"])
    found, key = read_source(call, params)
    start, end = _copied_range(found, params.get("CopySourceRange"))
    new_key = locks.data_key(call, upload.lock, upload.bucket, customer_key(call, params))
    source = content.read(call, key, found.pieces, start, end)
    written = await content.write(call, new_key, source, upload.algorithm)
    part = _keep(call, params, written, {})
    result = {"ETag": f'"{part.etag}"', "LastModified": time(part.modified), **part.checksums}
    return {"CopyPartResult": result, **locks.as_told(upload.lock, params)}


def _copied_range(found: Object, text: str | None) -> tuple[int, int]:
    """The bytes that a part copies: first and last have to be named, and to be there."""
    if text is None:
        return 0, found.size
    bounds = text.removeprefix("bytes=").split("-")
    if not is_range(text) or "" in bounds:
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
        raise AwsError("InvalidArgument", f"{message}zero-based offsets of the first and last bytes to copy", 400)
    if int(bounds[1]) >= found.size:
        message = f"Range specified is not valid for source object of size: {found.size}"
        raise AwsError("InvalidArgument", message, 400)
    return int(bounds[0]), int(bounds[1]) + 1


@service.operation(on=OBJECT, action="s3:PutObject", context=_completing, data_event=True)
def complete_multipart_upload(call: Call, params: Params) -> Params:
    upload = upload_named(call, params)
    chosen = _chosen(call, upload, params.get("MultipartUpload", {}).get("Parts", []))
    pieces = [part.piece for part in chosen]
    made = new_object(call, {**upload.told, "Bucket": upload.bucket, "Key": upload.key}, upload.lock, pieces)
    made.parts = [part.piece.size for part in chosen]
    _check_size(made.size, params.get("MpuObjectSize"))
    if upload.algorithm:
        made.part_sums = [part.checksums[f"Checksum{upload.algorithm}"] for part in chosen]
    digests = b"".join(bytes.fromhex(part.etag) for part in chosen)
    made.etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(chosen)}"
    made.checksums = checksums_of(upload, chosen, params)
    answer = commit(call, made, {**upload.told, **params})
    answer = {name: value for name, value in answer.items() if "Customer" not in name}
    used = {piece.id for piece in pieces}
    content.remove(call, [piece for piece in forget(call, upload) if piece.id not in used])
    location = f"{call.cloud.settings.endpoint}/{upload.bucket}/{quote(upload.key)}"
    return {"Location": location, "Bucket": upload.bucket, "Key": upload.key, **answer}


def _chosen(call: Call, upload: Upload, wanted: list[Params]) -> list[Part]:
    """The parts that the request lists: in order, all there, as they were, large enough."""
    if not wanted:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate", 400)
    there = {int(part.number): part for part in parts_of(call, upload)}
    numbers = [one["PartNumber"] for one in wanted]
    if numbers != sorted(set(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise AwsError("InvalidPartOrder", message, 400, UploadId=upload.id)
    for one in wanted:
        part = there.get(one["PartNumber"])
        if part is None or not _is(part, one):
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


def _check_size(size: int, expected: int | None) -> None:
    if expected is not None and expected != size:
        message = f"The parts make an object of {size} bytes, and x-amz-mp-object-size says {expected}."
        raise AwsError("InvalidRequest", message, 400)


def _is(part: Part, told: Params) -> bool:
    """Whether a part is the one that the request speaks of: its ETag and, where given, its checksums."""
    same = all(told.get(name, value) == value for name, value in part.checksums.items())
    return same and part.etag == told.get("ETag", "").strip('"')


@service.operation(on=OBJECT, data_event=True)
def abort_multipart_upload(call: Call, params: Params) -> Params:
    upload = upload_named(call, params)
    if params.get("IfMatchInitiatedTime"):
        raise directory_buckets_only()
    content.remove(call, forget(call, upload))
    return {}


@service.operation(on=OBJECT, action="s3:ListMultipartUploadParts", data_event=True)
def list_parts(call: Call, params: Params) -> Params:
    upload, size = upload_named(call, params), min(params.get("MaxParts", 1000), 1000)
    after = int(params.get("PartNumberMarker") or 0)
    found = [part for part in parts_of(call, upload) if int(part.number) > after]
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
    more = {"NextPartNumberMarker": shown[-1]["PartNumber"]} if shown and len(found) > size else {}
    names = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.id, "MaxParts": size}
    names |= {"StorageClass": upload.told.get("StorageClass", "STANDARD"), **checksum_kind(upload)}
    names |= abort_of(bucket_named(call, params), upload.key, upload.begun)
    return {**names, "Parts": shown, "IsTruncated": len(found) > size, "PartNumberMarker": after, **more}
