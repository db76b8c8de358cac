"""Buckets: create, find, list, delete."""

import ipaddress
import re

from labsupport.cloud.core import model, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.s3 import content
from labsupport.cloud.services.s3.base import (
    BUCKET,
    Bucket,
    Object,
    Params,
    Version,
    bucket_named,
    canonical_id,
    service,
    time,
)
from labsupport.cloud.services.s3.configuration import checked_tags
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.ownership import asked_for, refuse_public
from labsupport.cloud.services.s3.uploads import forget, uploads
from labsupport.cloud.services.s3.writing import GRANTS

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _check_name(name: str) -> None:
    """The rules of bucket names (User Guide: "Bucket naming rules")."""
    good = _NAME.fullmatch(name) and ".." not in name and ".-" not in name and "-." not in name
    if not good or name.startswith(("xn--", "sthree-")) or name.endswith(("-s3alias", "--ol-s3")) or _is_address(name):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, BucketName=name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _creating(call: Call, params: Params) -> Params:
    place = params.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    return {**conditions(call, params), **({"s3:locationconstraint": place} if place else {})}


def _refuse_unsupported(call: Call, params: Params) -> None:
    if params.get("ObjectLockEnabledForBucket"):
        for action in ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"):
            call.authorise(action, f"arn:aws:s3:::{params['Bucket']}", conditions(call, params))
    if params.get("BucketNamespace", "global") != "global":
        raise not_simulated("A bucket namespace of the account's own")
    arn = f"arn:aws:s3:::{params['Bucket']}"
    if "ObjectOwnership" in params:
        call.authorise("s3:PutBucketOwnershipControls", arn, conditions(call, params))
    listed = params.get("ACL", "private") != "private" or any(params.get(name) for name in GRANTS)
    if listed:
        call.authorise("s3:PutBucketAcl", arn, conditions(call, params))
    if listed and params.get("ObjectOwnership", "BucketOwnerEnforced") == "BucketOwnerEnforced":
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise AwsError("InvalidBucketAclWithObjectOwnership", message, 400)


@service.operation(on=BUCKET, context=_creating)
def create_bucket(call: Call, params: Params) -> Params:
    name = params["Bucket"]
    _check_name(name)
    region = _region(call, params)
    _refuse_unsupported(call, params)
    found = call.store.get(Bucket, name)
    if found:
        return _again(call, found)
    bucket = Bucket(name=name, account=call.account, region=region, created=call.epoch)
    bucket.ownership = params.get("ObjectOwnership", bucket.ownership)
    bucket.grants = (asked_for(call, bucket, bucket.account, params) or []) if bucket.with_acls else []
    refuse_public(call, bucket, bucket.grants)
    bucket.tags = checked_tags(params.get("CreateBucketConfiguration", {}).get("Tags", []), 50)
    if bucket.tags:
        call.authorise("s3:TagResource", bucket.arn)
    if params.get("ObjectLockEnabledForBucket"):
        bucket.locked, bucket.versioning = True, "Enabled"
    call.store.put(bucket)
    return {"Location": f"/{name}"}


def _region(call: Call, params: Params) -> str:
    """The region asked for: any from us-east-1's endpoint, from another one only its own."""
    wanted: str = params.get("CreateBucketConfiguration", {}).get("LocationConstraint", "")
    known = model.load("s3").shape_for("BucketLocationConstraint").enum  # all but us-east-1
    if call.region == "us-east-1" and wanted and wanted not in known:
        message = "The specified location-constraint is not valid"
        raise AwsError("InvalidLocationConstraint", message, 400, LocationConstraint=wanted)
    if call.region == "us-east-1" or wanted == call.region:
        return wanted or call.region
    message = (
        f"The {wanted or 'unspecified'} location constraint is incompatible for the region specific endpoint this "
        "request was sent to."
    )
    raise AwsError("IllegalLocationConstraintException", message, 400)


def _again(call: Call, bucket: Bucket) -> Params:
    if bucket.account != call.account:
        message = (
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again."
        )
        raise AwsError("BucketAlreadyExists", message, 409, BucketName=bucket.name)
    if call.region == "us-east-1":  # for old times' sake, making one's own bucket again succeeds here
        return {"Location": f"/{bucket.name}"}
    message = "Your previous request to create the named bucket succeeded and you already own it."
    raise AwsError("BucketAlreadyOwnedByYou", message, 409, BucketName=bucket.name)


@service.operation(on=BUCKET, action="s3:ListBucket")
def head_bucket(call: Call, params: Params) -> Params:
    return {"BucketRegion": bucket_named(call, params).region, "AccessPointAlias": False}


@service.operation(action="s3:ListAllMyBuckets")
def list_buckets(call: Call, params: Params) -> Params:
    prefix, region = params.get("Prefix", ""), params.get("BucketRegion")
    found = [
        one
        for one in call.store.list(Bucket, starting=prefix)
        if one.account == call.account and region in (None, one.region)
    ]
    bad = AwsError("InvalidArgument", "The continuation token provided is incorrect", 400)
    size = params.get("MaxBuckets", 10000)
    chosen, token = paging.page(found, lambda one: one.name, params.get("ContinuationToken"), size, bad)
    shown = [
        {"Name": one.name, "CreationDate": time(one.created), "BucketRegion": one.region, "BucketArn": one.arn}
        for one in chosen
    ]
    owner = {"ID": canonical_id(call.account)}
    return {"Buckets": shown, "Owner": owner, "ContinuationToken": token, "Prefix": params.get("Prefix")}


@service.operation(on=BUCKET)
def get_bucket_location(call: Call, params: Params) -> Params:
    region = bucket_named(call, params).region
    return {"LocationConstraint": None if region == "us-east-1" else region}


@service.operation(on=BUCKET)
def delete_bucket(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    for struct in (Object, Version):
        if any(True for _ in call.store.list(struct, bucket.name, limit=1)):
            message = "The bucket you tried to delete is not empty"
            if bucket.versioning:
                message += ". You must delete all versions in the bucket."
            raise AwsError("BucketNotEmpty", message, 409, BucketName=bucket.name)
    for upload in uploads(call, bucket.name):
        content.remove(call, forget(call, upload))
    call.store.delete(bucket)
    return {}
