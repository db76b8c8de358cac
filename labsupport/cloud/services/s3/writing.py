"""What a call that writes an object may not ask for, and which further permissions it needs."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3.base import Params, bucket_named
from labsupport.cloud.services.s3.context import write_conditions
from labsupport.cloud.services.s3.ownership import asked_for, refuse_public
from labsupport.cloud.services.s3.protection import check_asked

LONGEST_KEY = 1024  # bytes
LARGEST = 5 * 1024**3  # bytes of one upload
_METADATA = 2048  # bytes of names and values together
_NOT_HERE = {
    "WriteOffsetBytes": "Appending to an object",
    "ObjectLockEventHold": "An event hold",
}
_FURTHER = {
    "Tagging": "s3:PutObjectTagging",
    "ACL": "s3:PutObjectAcl",
    "ObjectLockMode": "s3:PutObjectRetention",
    "ObjectLockLegalHoldStatus": "s3:PutObjectLegalHold",
}
GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
_CLASSES = ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
            "DEEP_ARCHIVE", "GLACIER_IR")  # fmt: skip


def check_written(call: Call, params: Params) -> None:
    """Refuse what no bucket here takes; ask for the permissions that the request's further headers need."""
    _refuse_name(params["Key"])
    for name in params.keys() & _NOT_HERE.keys():
        if params[name]:
            raise not_simulated(_NOT_HERE[name])
    for name in sorted(params.keys() & _FURTHER.keys()):
        if params[name]:
            arn = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
            call.authorise(_FURTHER[name], arn, write_conditions(call, params))
    if params.get("ServerSideEncryption", "AES256") not in ("AES256", "aws:kms"):
        raise not_simulated(f"Encryption with {params['ServerSideEncryption']}")
    if params.get("ACL") or any(params[name] for name in params.keys() & GRANTS):
        _check_grants(call, params)
    if params.get("StorageClass", "STANDARD") not in _CLASSES:
        message = "The storage class you specified is not valid"
        raise AwsError("InvalidStorageClass", message, 400, StorageClassRequested=params["StorageClass"])
    _refuse_metadata(params.get("Metadata"))
    check_asked(call, params)


def _check_grants(call: Call, params: Params) -> None:
    """A list is said with a write: only where the bucket heeds lists, and by who may write the object's."""
    bucket = bucket_named(call, {"Bucket": params["Bucket"]})
    if not bucket.with_acls:
        refuse_grants(params, ("bucket-owner-full-control", "private"))
        return
    refuse_public(call, bucket, asked_for(call, bucket, bucket.account, params) or [])
    if not params.get("ACL"):
        arn = f"{bucket.arn}/{params['Key']}"
        call.authorise("s3:PutObjectAcl", arn, write_conditions(call, params))


def refuse_grants(params: Params, harmless: tuple[str, ...]) -> None:
    """ACLs are switched off (BucketOwnerEnforced): only those that say what holds anyway are taken."""
    if params.get("ACL", harmless[0]) not in harmless or any(params.get(name) for name in GRANTS):
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def _refuse_name(key: str) -> None:
    size = len(key.encode())
    if size > LONGEST_KEY:
        message = "Your key is too long"
        raise AwsError("KeyTooLongError", message, 400, Size=str(size), MaxSizeAllowed=str(LONGEST_KEY))
    if "\0" in key:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.", 400)


def _refuse_metadata(metadata: dict[str, str] | None) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) if metadata else 0
    if size > _METADATA:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise AwsError("MetadataTooLarge", message, 400, Size=str(size), MaxSizeAllowed=str(_METADATA))


def refuse_too_large(call: Call) -> None:
    """Told from the header, before anything has been sent; a body without a length is none that S3 takes."""
    length = call.headers.get("x-amz-decoded-content-length") or call.headers.get("content-length")
    if length is None and call.body is not None and call.headers:
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if length and int(length) > LARGEST:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise AwsError("EntityTooLarge", message, 400, ProposedSize=length, MaxSizeAllowed=str(LARGEST))
