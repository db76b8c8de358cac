"""Whose an object is, and what a write asks its access control list to be (User Guide: "Object Ownership settings")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Account
from labsupport.cloud.services.s3 import grants
from labsupport.cloud.services.s3.base import Bucket, Grant, Object, Params


def owner_of(bucket: Bucket, found: Object) -> str:
    """The account; with lists switched off the bucket's owner has whatever lies in it."""
    return (found.owner if bucket.with_acls else "") or bucket.account


def asked_for(call: Call, bucket: Bucket, owner: str, params: Params) -> list[Grant] | None:
    return grants.asked(params, owner, bucket.account, [one.id for one in call.store.list(Account)])


def refuse_public(call: Call, bucket: Bucket, told: list[Grant]) -> None:
    """BlockPublicAcls: no list lets everybody in (User Guide: "Block public access settings")."""
    if bucket.public_block.get("BlockPublicAcls") and grants.is_public(told):
        raise AwsError("AccessDenied", "Access Denied", 403)


def own(call: Call, bucket: Bucket, made: Object, params: Params) -> None:
    """Note whose a new object is, and its list."""
    if not bucket.with_acls:
        return
    writer = bucket.account if call.caller.kind in ("service", "anonymous") else call.caller.account
    yielded = bucket.ownership == "BucketOwnerPreferred" and params.get("ACL") == "bucket-owner-full-control"
    made.owner = "" if yielded or writer == bucket.account else writer
    told = asked_for(call, bucket, made.owner or bucket.account, params)
    if told is not None:
        refuse_public(call, bucket, told)
        made.grants = told
