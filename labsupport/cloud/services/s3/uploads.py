"""Multipart uploads in progress, as records."""

from collections.abc import Iterator
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Lock, Params, Piece, bucket_named
from labsupport.cloud.store.record import record


@record("s3.upload", key=("bucket", "id"))
class Upload(msgspec.Struct, kw_only=True):
    bucket: str
    id: str
    key: str
    begun: float
    lock: Lock
    told: dict[str, Any]  # what the request said of the object to come
    initiator: str
    algorithm: str = ""  # of the checksums: CRC32, …
    asked: dict[str, Any] = {}  # the condition keys of the request that began it
    whole: bool = False  # the object's checksum is that of its content (FULL_OBJECT), not one over its parts'


@record("s3.part", key=("upload", "number"))
class Part(msgspec.Struct, kw_only=True):
    upload: str
    number: str  # five digits
    piece: Piece
    etag: str
    modified: float
    checksums: dict[str, str] = {}


def upload_named(call: Call, params: Params) -> Upload:
    found = call.store.get(Upload, bucket_named(call, params).name, params["UploadId"])
    if found is None or found.key != params["Key"]:
        message = (
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed."
        )
        raise AwsError("NoSuchUpload", message, 404, UploadId=params["UploadId"])
    return found


def uploads(call: Call, bucket: str) -> Iterator[Upload]:
    return call.store.list(Upload, bucket)


def parts_of(call: Call, upload: Upload) -> list[Part]:
    return list(call.store.list(Part, upload.id))


def forget(call: Call, upload: Upload) -> list[Piece]:
    """Take the upload and its parts off the records; their pieces."""
    found = parts_of(call, upload)
    for part in found:
        call.store.delete(part)
    call.store.delete(upload)
    return [part.piece for part in found]
