"""ListMultipartUploads: uploads in progress, grouped by a delimiter as objects are."""

from collections.abc import Iterator
from typing import NamedTuple

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.s3.base import BUCKET, Bucket, Params, bucket_named, canonical_id, service, time
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.listing import behind, common_prefix, encoded
from labsupport.cloud.services.s3.multipart import checksum_kind
from labsupport.cloud.services.s3.uploads import Upload, uploads

_MOST = 1000


class Entry(NamedTuple):
    """An upload, or a prefix that stands for many."""

    key: str
    upload: Upload | None


@service.operation(on=BUCKET, action="s3:ListBucketMultipartUploads", context=conditions)
def list_multipart_uploads(call: Call, params: Params) -> Params:
    bucket, size = bucket_named(call, params), min(params.get("MaxUploads", _MOST), _MOST)
    found: list[Entry] = []
    for entry in _entries(call, bucket, params):
        found.append(entry)
        if len(found) > size:
            break
    page, truncated = found[:size], 0 < size < len(found)
    answer: Params = {
        "Bucket": bucket.name,
        "Uploads": [_shown(bucket, params, one.upload) for one in page if one.upload],
        "CommonPrefixes": [{"Prefix": encoded(params, one.key)} for one in page if one.upload is None],
        "IsTruncated": truncated,
        "MaxUploads": size,
        "UploadIdMarker": params.get("UploadIdMarker", ""),
        "EncodingType": params.get("EncodingType"),
        **{name: encoded(params, params.get(name, "")) for name in ("Prefix", "KeyMarker")},
    }
    if params.get("Delimiter"):
        answer["Delimiter"] = encoded(params, params["Delimiter"])
    if truncated:
        last = page[-1]
        answer["NextKeyMarker"] = encoded(params, last.key)
        answer["NextUploadIdMarker"] = last.upload.id if last.upload else ""
    return answer


def _entries(call: Call, bucket: Bucket, params: Params) -> Iterator[Entry]:
    """Uploads behind the markers in the order of their keys and beginnings; each common prefix once."""
    prefix, upload_id = params.get("Prefix", ""), params.get("UploadIdMarker", "")
    after = behind(params.get("KeyMarker") or None, params) or ""
    passed = call.store.get(Upload, bucket.name, upload_id) if upload_id else None
    since = (passed.begun, passed.id) if passed else (0.0, "")
    seen = ""
    for one in sorted(uploads(call, bucket.name), key=lambda one: (one.key, one.begun, one.id)):
        behind_marker = one.key > after or (one.key == after and upload_id and (one.begun, one.id) > since)
        if not one.key.startswith(prefix) or not behind_marker:
            continue
        common = common_prefix(one.key, params)
        if not common:
            yield Entry(one.key, one)
        elif common != seen:
            seen = common
            yield Entry(common, None)


def _shown(bucket: Bucket, params: Params, upload: Upload) -> Params:
    """The owner is the bucket's, the initiator who began the upload."""
    names = {"UploadId": upload.id, "Key": encoded(params, upload.key), "Initiated": time(upload.begun)}
    who = {"Owner": {"ID": canonical_id(bucket.account)}, "Initiator": {"ID": upload.initiator}}
    return {**names, **who, "StorageClass": upload.told.get("StorageClass", "STANDARD"), **checksum_kind(upload)}
