"""Access control lists (User Guide: "Controlling ownership of objects and disabling ACLs for your bucket").

With BucketOwnerEnforced, the default since 2023, they are switched off: reading one shows that the owner has it all,
and writing one is refused unless it says just that. A bucket with another setting heeds them.
"""

from collections.abc import Callable

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3 import grants
from labsupport.cloud.services.s3.base import (
    BUCKET,
    OBJECT,
    Bucket,
    Grant,
    Params,
    bucket_named,
    service,
)
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.objects import found_object
from labsupport.cloud.services.s3.ownership import asked_for, owner_of, refuse_public
from labsupport.cloud.services.s3.writing import refuse_grants


def _named(verb: str) -> Callable[[Call, Params], str]:
    def action(_: Call, params: Params) -> str:
        return f"s3:{verb}Object{'Version' if params.get('VersionId') else ''}Acl"

    return action


@service.operation(on=BUCKET)
def get_bucket_acl(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    return grants.shown(bucket.account, bucket.grants)


@service.operation(on=BUCKET, context=conditions)
def put_bucket_acl(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.with_acls:
        _refuse(params, bucket.account, ("private",))
        return {}
    bucket.grants = _asked(call, bucket, bucket.account, params)
    call.store.put(bucket)
    return {}


@service.operation(on=OBJECT, action=_named("Get"), context=conditions, data_event=True)
def get_object_acl(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    return grants.shown(owner_of(bucket, found), found.grants if bucket.with_acls else [])


@service.operation(on=OBJECT, action=_named("Put"), context=conditions, data_event=True)
def put_object_acl(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    if not bucket.with_acls:
        _refuse(params, bucket.account, ("bucket-owner-full-control", "private"))
        return {}
    found.grants = _asked(call, bucket, owner_of(bucket, found), params)
    call.store.put(found)
    return {}


def _asked(call: Call, bucket: Bucket, owner: str, params: Params) -> list[Grant]:
    told = asked_for(call, bucket, owner, params)
    if told is None:
        message = "Your request was missing a required header: an ACL, grants, or a list of them"
        raise AwsError("MissingSecurityHeader", message, 400, MissingHeaderName="x-amz-acl")
    refuse_public(call, bucket, told)
    return told


def _refuse(params: Params, owner: str, harmless: tuple[str, ...]) -> None:
    """Taken is what says that the owner has it all: a canned ACL, or the list itself."""
    given = params.get("AccessControlPolicy", {}).get("Grants")
    if given is not None:
        bare = [{**one, "Grantee": _bare(one.get("Grantee", {}))} for one in given]
        params = {} if bare == grants.shown(owner, [])["Grants"] else {"ACL": "another"}
    refuse_grants(params, harmless)


def _bare(grantee: Params) -> Params:
    return {name: value for name, value in grantee.items() if name != "DisplayName"}
