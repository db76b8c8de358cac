"""Access control lists, which are switched off in every bucket (User Guide: "Controlling ownership of objects").

With BucketOwnerEnforced, the default since 2023, reading an ACL shows that the owner has it all, and writing one is
refused unless it says just that.
"""

from collections.abc import Callable

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.s3.base import BUCKET, OBJECT, Params, bucket_named, canonical_id, service
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.objects import found_object
from labsupport.cloud.services.s3.writing import refuse_grants


def _named(verb: str) -> Callable[[Call, Params], str]:
    def action(_: Call, params: Params) -> str:
        return f"s3:{verb}Object{'Version' if params.get('VersionId') else ''}Acl"

    return action


def _owners(account: str) -> Params:
    owner = {"ID": canonical_id(account)}
    return {"Owner": owner, "Grants": [{"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]}


@service.operation(on=BUCKET)
def get_bucket_acl(call: Call, params: Params) -> Params:
    return _owners(bucket_named(call, params).account)


@service.operation(on=BUCKET, context=conditions)
def put_bucket_acl(call: Call, params: Params) -> Params:
    _refuse(params, _owners(bucket_named(call, params).account), ("private",))
    return {}


@service.operation(on=OBJECT, action=_named("Get"), context=conditions, data_event=True)
def get_object_acl(call: Call, params: Params) -> Params:
    bucket, _ = found_object(call, params)
    return _owners(bucket.account)


@service.operation(on=OBJECT, action=_named("Put"), context=conditions, data_event=True)
def put_object_acl(call: Call, params: Params) -> Params:
    bucket, _ = found_object(call, params)
    _refuse(params, _owners(bucket.account), ("bucket-owner-full-control", "private"))
    return {}


def _refuse(params: Params, owners: Params, harmless: tuple[str, ...]) -> None:
    """Taken is what says that the owner has it all: a canned ACL, or the list itself."""
    grants = params.get("AccessControlPolicy", {}).get("Grants")
    if grants is not None:
        shown = [{**one, "Grantee": _bare(one.get("Grantee", {}))} for one in grants]
        params = {} if shown == owners["Grants"] else {"ACL": "another"}
    refuse_grants(params, harmless)


def _bare(grantee: Params) -> Params:
    return {name: value for name, value in grantee.items() if name != "DisplayName"}
