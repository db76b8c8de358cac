"""A bucket's settings: versions, encryption, tags, public access, ownership, notifications."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3.base import BUCKET, Bucket, Params, bucket_named, service


@service.operation(on=BUCKET)
def put_bucket_versioning(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["VersioningConfiguration"]
    if wanted.get("MFADelete") == "Enabled":
        raise not_simulated("MFA delete")
    if "Status" not in wanted:
        raise AwsError("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400)
    bucket.versioning = wanted["Status"]
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def get_bucket_versioning(call: Call, params: Params) -> Params:
    status = bucket_named(call, params).versioning
    return {"Status": status} if status else {}


_DEFAULT = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}


@service.operation(on=BUCKET, action="s3:PutEncryptionConfiguration")
def put_bucket_encryption(call: Call, params: Params) -> Params:
    bucket, configuration = bucket_named(call, params), params["ServerSideEncryptionConfiguration"]
    rule = configuration["Rules"][0].get("ApplyServerSideEncryptionByDefault", {})
    if rule.get("SSEAlgorithm") == "aws:kms:dsse":
        raise not_simulated("Dual-layer encryption (aws:kms:dsse)")
    if rule.get("SSEAlgorithm") == "AES256" and rule.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms"
        raise AwsError("InvalidArgument", message, 400)
    bucket.encryption = configuration
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetEncryptionConfiguration")
def get_bucket_encryption(call: Call, params: Params) -> Params:
    return {"ServerSideEncryptionConfiguration": bucket_named(call, params).encryption or _DEFAULT}


@service.operation(on=BUCKET, action="s3:PutEncryptionConfiguration")
def delete_bucket_encryption(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.encryption = {}
    call.store.put(bucket)
    return {}


def checked_tags(found: list[dict[str, str]], most: int) -> dict[str, str]:
    given = tags.from_list(found)
    if len(given) != len(found):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", 400)
    if len(given) > most:
        raise AwsError("BadRequest", f"Object tags cannot be greater than {most}", 400)
    reserved = AwsError("InvalidTag", "System tags cannot be added/updated by requester", 400)
    tags.check(given, reserved, reserved)
    return given


@service.operation(on=BUCKET)
def put_bucket_tagging(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.tags = checked_tags(params["Tagging"]["TagSet"], 50)
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def get_bucket_tagging(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.tags:
        raise AwsError("NoSuchTagSet", "The TagSet does not exist", 404, BucketName=bucket.name)
    return {"TagSet": tags.to_list(bucket.tags)}


@service.operation(on=BUCKET, action="s3:PutBucketTagging")
def delete_bucket_tagging(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.tags = {}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:PutBucketPublicAccessBlock")
def put_public_access_block(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["PublicAccessBlockConfiguration"]
    bucket.public_block = {name: wanted.get(name, False) for name in bucket.public_block}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetBucketPublicAccessBlock")
def get_public_access_block(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not any(bucket.public_block.values()):
        message = "The public access block configuration was not found"
        raise AwsError("NoSuchPublicAccessBlockConfiguration", message, 404, BucketName=bucket.name)
    return {"PublicAccessBlockConfiguration": bucket.public_block}


@service.operation(on=BUCKET, action="s3:PutBucketPublicAccessBlock")
def delete_public_access_block(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.public_block = dict.fromkeys(bucket.public_block, False)
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def put_bucket_ownership_controls(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    wanted = params["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    if wanted != "BucketOwnerEnforced":
        raise not_simulated(f"Access control lists (ObjectOwnership {wanted})")
    bucket.ownership = wanted
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def get_bucket_ownership_controls(call: Call, params: Params) -> Params:
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket_named(call, params).ownership}]}}


@service.operation(on=BUCKET, action="s3:PutBucketNotification")
def put_bucket_notification_configuration(call: Call, params: Params) -> Params:
    """EventBridge gets the bucket's events, or nobody does."""
    bucket, wanted = bucket_named(call, params), params["NotificationConfiguration"]
    others = [name for name in wanted if name != "EventBridgeConfiguration" and wanted[name]]
    if others:
        raise not_simulated(f"Notifications of a bucket by {others[0]}: only EventBridgeConfiguration")
    bucket.notifications = wanted
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetBucketNotification")
def get_bucket_notification_configuration(call: Call, params: Params) -> Params:
    return bucket_named(call, params).notifications


def publish(call: Call, bucket: Bucket, kind: str, detail: Params) -> None:
    """An object's event, where the bucket sends them (User Guide: "EventBridge event message structure")."""
    if "EventBridgeConfiguration" not in bucket.notifications:
        return
    more = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "request-id": call.request_id,
        "requester": call.caller.account,
        "source-ip-address": call.source_ip,
    }
    call.emit(kind, {**more, **detail}, [bucket.arn])
