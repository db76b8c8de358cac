"""AWS::S3::*"""

import json
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.providers import bucketparts as parts
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone

_BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_ACLS = {
    "AuthenticatedRead": "authenticated-read",
    "AwsExecRead": "aws-exec-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "BucketOwnerRead": "bucket-owner-read",
    "LogDeliveryWrite": "log-delivery-write",
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
}


async def _create_bucket(work: Work, props: Params) -> Made:
    s3, name = work.client("s3"), work.name(props.get("BucketName"), longest=63, lower=True)
    place = {} if work.stack.region == "us-east-1" else {"LocationConstraint": work.stack.region}
    asked: Params = {"CreateBucketConfiguration": place} if place else {}
    if "OwnershipControls" in props:
        asked["ObjectOwnership"] = props["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    elif props.get("AccessControl", "Private") != "Private":
        asked["ACL"] = _ACLS[props["AccessControl"]]
    if props.get("ObjectLockEnabled"):
        asked["ObjectLockEnabledForBucket"] = True
    _refuse_taken(work, s3, name, props)
    work.once(s3.create_bucket, name, Bucket=name, **asked)
    await _configure(work, s3, name, {}, props)
    return _shown_bucket(work, name)


def _refuse_taken(work: Work, s3: Any, name: str, props: Params) -> None:
    """us-east-1 lets a bucket be made again by its owner; a stack must not take over what is not its own."""
    if work.resource.physical or not props.get("BucketName"):
        return
    if any(one["Name"] == name for one in s3.list_buckets()["Buckets"]):
        raise AwsError("AlreadyExists", f"{name} already exists", 400)


def _shown_bucket(work: Work, name: str) -> Made:
    region = work.stack.region
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        },
    )


# In the order in which they are set: logs and notifications go to what the rest may have to allow first.
_SETTINGS: dict[str, tuple[str, str, str, Callable[[Params, str], Params]]] = {
    # property: the parts of the operations that set it and take it away, the parameter, and how it is written there
    "VersioningConfiguration": ("put_bucket_versioning", "", "VersioningConfiguration", parts.as_it_is),
    "BucketEncryption": ("put_bucket_encryption", "delete_bucket_encryption", "ServerSideEncryptionConfiguration",
                         parts.encryption),
    "PublicAccessBlockConfiguration": ("put_public_access_block", "", "PublicAccessBlockConfiguration",
                                       parts.as_it_is),
    "OwnershipControls": ("put_bucket_ownership_controls", "", "OwnershipControls", parts.as_it_is),
    "ObjectLockConfiguration": ("put_object_lock_configuration", "", "ObjectLockConfiguration", parts.as_it_is),
    "LifecycleConfiguration": ("put_bucket_lifecycle_configuration", "delete_bucket_lifecycle",
                               "LifecycleConfiguration", parts.lifecycle),
    "CorsConfiguration": ("put_bucket_cors", "delete_bucket_cors", "CORSConfiguration", parts.cors),
    "WebsiteConfiguration": ("put_bucket_website", "delete_bucket_website", "WebsiteConfiguration", parts.website),
    "LoggingConfiguration": ("put_bucket_logging", "", "BucketLoggingStatus", parts.logging),
    "NotificationConfiguration": ("put_bucket_notification_configuration", "", "NotificationConfiguration",
                                  parts.notification),
}  # fmt: skip
# What a bucket is set to where the property goes away and no operation takes it away.
_WITHOUT: Params = {
    "VersioningConfiguration": {"Status": "Suspended"},
    "PublicAccessBlockConfiguration": _BLOCK,
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"},
    "LoggingConfiguration": {},
    "NotificationConfiguration": {},
}
_BUCKET = ("BucketName", "Tags", "AccessControl", "ObjectLockEnabled", *_SETTINGS)


async def _configure(work: Work, s3: Any, name: str, old: Params, new: Params) -> None:
    for prop, (put, delete, parameter, written) in _SETTINGS.items():
        if old.get(prop) == new.get(prop):
            continue
        if prop not in new and delete:
            getattr(s3, delete)(Bucket=name)
            continue
        value = new[prop] if prop in new else _WITHOUT[prop]
        # Without the property it is written as S3 has it already.
        done = getattr(s3, put)(Bucket=name, **{parameter: written(value, name) if prop in new else value})
        if isawaitable(done):
            await done
    if old.get("AccessControl", "Private") != new.get("AccessControl", "Private"):
        s3.put_bucket_acl(Bucket=name, ACL=_ACLS[new.get("AccessControl", "Private")])
    _tag_bucket(work, s3, name, old, new)


def _tag_bucket(work: Work, s3: Any, name: str, old: Params, new: Params) -> None:
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    tags = work.tags(new.get("Tags"))
    if tags and (wanted or left):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": to_list(tags)})
    elif left:
        s3.delete_bucket_tagging(Bucket=name)


async def _update_bucket(work: Work, name: str, old: Params, new: Params) -> Made:
    await _configure(work, work.client("s3"), name, old, new)
    return _shown_bucket(work, name)


async def _delete_bucket(work: Work, name: str, props: Params) -> None:
    gone(work.client("s3").delete_bucket, "NoSuchBucket", Bucket=name)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


async def _create_bucket_policy(work: Work, props: Params) -> Made:
    work.called(props["Bucket"])
    work.client("s3").put_bucket_policy(Bucket=props["Bucket"], Policy=_text(props["PolicyDocument"]))
    return Made(props["Bucket"], {})


async def _update_bucket_policy(work: Work, physical: str, old: Params, new: Params) -> Made:
    return await _create_bucket_policy(work, new)


async def _delete_bucket_policy(work: Work, physical: str, props: Params) -> None:
    gone(work.client("s3").delete_bucket_policy, "NoSuchBucket", Bucket=props["Bucket"])


PROVIDERS = {
    "AWS::S3::Bucket": Provider(_create_bucket, _delete_bucket, _update_bucket, _BUCKET),
    "AWS::S3::BucketPolicy": Provider(_create_bucket_policy, _delete_bucket_policy, _update_bucket_policy),
}
