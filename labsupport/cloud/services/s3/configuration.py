"""A bucket's settings: versions, encryption, tags, public access, ownership."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3.base import BLOCKS, BUCKET, MALFORMED, Bucket, Params, bucket_named, service


@service.operation(on=BUCKET)
def put_bucket_versioning(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["VersioningConfiguration"]
    if wanted.get("MFADelete") == "Enabled":
        raise not_simulated("MFA delete")
    if "Status" not in wanted:
        raise AwsError("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400)
    if bucket.locked and wanted["Status"] != "Enabled":
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise AwsError("InvalidBucketState", message, 409)
    bucket.versioning = wanted["Status"]
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def get_bucket_versioning(call: Call, params: Params) -> Params:
    status = bucket_named(call, params).versioning
    return {"Status": status} if status else {}


# How new buckets encrypt, and what they refuse (User Guide: "Default encryption", "Blocking or unblocking SSE-C").
_DEFAULT: Params = {
    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
    "BucketKeyEnabled": False,
    "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
}


@service.operation(on=BUCKET, action="s3:PutEncryptionConfiguration")
def put_bucket_encryption(call: Call, params: Params) -> Params:
    """What the request leaves open stays as a new bucket has it; which types are blocked, as this one has it."""
    bucket, rules = bucket_named(call, params), params["ServerSideEncryptionConfiguration"]["Rules"]
    if len(rules) != 1:
        raise AwsError("MalformedXML", MALFORMED, 400)
    rule = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    if rule.get("SSEAlgorithm") == "aws:kms:dsse":
        raise not_simulated("Dual-layer encryption (aws:kms:dsse)")
    if rule.get("SSEAlgorithm", "AES256") not in ("AES256", "aws:kms"):
        raise AwsError("MalformedXML", MALFORMED, 400)
    if rule.get("SSEAlgorithm") == "AES256" and rule.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms"
        raise AwsError("InvalidArgument", message, 400)
    before = (bucket.encryption.get("Rules") or [{}])[0]
    kept = {name: before[name] for name in ("BlockedEncryptionTypes",) if name in before}
    bucket.encryption = {"Rules": [{**_DEFAULT, **kept, **rules[0]}]}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetEncryptionConfiguration")
def get_bucket_encryption(call: Call, params: Params) -> Params:
    return {"ServerSideEncryptionConfiguration": bucket_named(call, params).encryption or {"Rules": [_DEFAULT]}}


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


def _refuse_where_tags_count(bucket: Bucket) -> None:
    """A bucket whose tags count in policies is tagged by TagResource of S3 Control, which the lab has not."""
    if bucket.abac:
        message = "The bucket has attribute-based access control (ABAC) enabled: use TagResource and UntagResource."
        raise AwsError("InvalidRequest", message, 400)


@service.operation(on=BUCKET, action="s3:PutBucketABAC")
def put_bucket_abac(call: Call, params: Params) -> Params:
    """Whether the bucket's tags count in policies (User Guide: "Enabling ABAC in general purpose buckets")."""
    bucket = bucket_named(call, params)
    bucket.abac = params["AbacStatus"].get("Status") == "Enabled"
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetBucketABAC")
def get_bucket_abac(call: Call, params: Params) -> Params:
    return {"AbacStatus": {"Status": "Enabled" if bucket_named(call, params).abac else "Disabled"}}


@service.operation(on=BUCKET)
def put_bucket_tagging(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    _refuse_where_tags_count(bucket)
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
    _refuse_where_tags_count(bucket)
    bucket.tags = {}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:PutBucketPublicAccessBlock")
def put_public_access_block(call: Call, params: Params) -> Params:
    bucket, wanted = bucket_named(call, params), params["PublicAccessBlockConfiguration"]
    bucket.public_block = {name: wanted.get(name, False) for name in BLOCKS}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:GetBucketPublicAccessBlock")
def get_public_access_block(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.public_block:
        message = "The public access block configuration was not found"
        raise AwsError("NoSuchPublicAccessBlockConfiguration", message, 404, BucketName=bucket.name)
    return {"PublicAccessBlockConfiguration": bucket.public_block}


@service.operation(on=BUCKET, action="s3:PutBucketPublicAccessBlock")
def delete_public_access_block(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.public_block = {}
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def put_bucket_ownership_controls(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    wanted = params["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    if wanted == "BucketOwnerEnforced" and any(grant.who != bucket.account for grant in bucket.grants):
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise AwsError("InvalidBucketAclWithObjectOwnership", message, 400)
    bucket.ownership = wanted
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET, action="s3:PutBucketOwnershipControls")
def delete_bucket_ownership_controls(call: Call, params: Params) -> Params:
    """Without controls an object is its writer's, as it was before there were any."""
    bucket = bucket_named(call, params)
    bucket.ownership = ""
    call.store.put(bucket)
    return {}


@service.operation(on=BUCKET)
def get_bucket_ownership_controls(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.ownership:
        message = "The bucket ownership controls were not found"
        raise AwsError("OwnershipControlsNotFoundError", message, 404, BucketName=bucket.name)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership}]}}
