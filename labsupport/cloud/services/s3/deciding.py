"""What decides about a bucket and its objects beside the caller's own policies: the bucket's policy, and the access
control lists where they are heeded (User Guide: "How Amazon S3 authorizes a request")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.services.s3 import grants
from labsupport.cloud.services.s3.base import Bucket, Object, service
from labsupport.cloud.services.s3.ownership import owner_of
from labsupport.cloud.services.s3.public import is_public

# Operations that are about an object that is there, by its owner's leave; to put one in its place is the bucket's.
_ON_OBJECT = ("GetObject", "HeadObject", "GetObjectAcl", "PutObjectAcl", "GetObjectAttributes")
_COPYING = ("CopyObject", "UploadPartCopy")


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    if call.operation == "CreateBucket":
        return None  # a bucket of that name is none that is acted upon: the handler says that it is taken
    bucket = call.store.get(Bucket, resource.removeprefix("arn:aws:s3:::").partition("/")[0])
    if bucket is None:
        return None
    call.found[bucket.name] = bucket
    policy = "" if _restricted(call, bucket) else bucket.policy
    if bucket.with_acls:
        return _with_lists(call, resource, bucket, policy)
    return policy or None, "resource", bucket.account, "either"


def _with_lists(call: Call, resource: str, bucket: Bucket, policy: str) -> tuple[str | None, str, str, Mode]:
    """An object that somebody else has put there is theirs: the bucket's owner needs their leave to read it."""
    key = resource.removeprefix("arn:aws:s3:::").partition("/")[2]
    found = call.store.get(Object, bucket.name, key) if key else None
    about = call.operation in _ON_OBJECT or (call.operation in _COPYING and resource not in call.resources)
    owner = owner_of(bucket, found) if found and about else bucket.account
    text = grants.merged(policy, grants.statements(bucket, found), owner != bucket.account)
    return text, "resource", owner, "either"


def _restricted(call: Call, bucket: Bucket) -> bool:
    """Whether the block of public access sets a public policy aside, which lets in nobody of other accounts."""
    if not bucket.policy or not bucket.public_block.get("RestrictPublicBuckets"):
        return False
    outside = call.caller.kind == "anonymous" or (
        call.caller.kind != "service" and call.caller.account != bucket.account
    )
    return outside and is_public(bucket.policy)


service.resource_policy = _resource_policy
