"""GetObjectAttributes: what an object is, without its content."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import OBJECT, Object, Params, service, time
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.customer import customer_key
from labsupport.cloud.services.s3.locks import refuse_without_key
from labsupport.cloud.services.s3.objects import found_object, read_action, version_of

_KNOWN = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
_MOST = 1000  # parts of an answer


@service.operation(on=OBJECT, action=read_action, context=conditions, data_event=True)
def get_object_attributes(call: Call, params: Params) -> Params:
    """Needs the permission to read the object as well as that to read its attributes."""
    version = "Version" if params.get("VersionId") else ""
    arn = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
    call.authorise(f"s3:GetObject{version}Attributes", arn, conditions(call, params))
    wanted = params["ObjectAttributes"]
    if not wanted or set(wanted) - set(_KNOWN):
        header = "x-amz-object-attributes"
        raise AwsError("InvalidArgument", "Invalid attribute name specified.", 400, ArgumentName=header)
    bucket, found = found_object(call, params)
    refuse_without_key(found.lock, customer_key(call, params))
    attributes = {
        "ETag": found.etag,
        "Checksum": found.checksums or None,
        "ObjectParts": _parts(found, params) if found.parts else None,
        "StorageClass": found.storage,
        "ObjectSize": found.size,
    }
    chosen = {name: attributes[name] for name in wanted if attributes[name] is not None}
    return {**chosen, "LastModified": time(found.modified), **version_of(bucket, found)}


def _parts(found: Object, params: Params) -> Params:
    """How many there are; each of them where the upload had checksums."""
    shown: Params = {"TotalPartsCount": len(found.parts)}
    if not found.part_sums:
        return shown
    name = next(name for name in found.checksums if name != "ChecksumType")
    after, most = int(params.get("PartNumberMarker") or 0), min(params.get("MaxParts", _MOST), _MOST)
    every = list(enumerate(zip(found.parts, found.part_sums, strict=True), start=1))
    page = [{"PartNumber": number, "Size": size, name: text} for number, (size, text) in every if number > after]
    truncated = len(page) > most
    shown |= {"Parts": page[:most], "IsTruncated": truncated, "MaxParts": most, "PartNumberMarker": after}
    return {**shown, "NextPartNumberMarker": page[most - 1]["PartNumber"]} if truncated and most else shown
