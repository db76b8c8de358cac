"""Users and their access keys."""

from labsupport.cloud.core import ids, mfa, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import AccessKey, ServiceCredential, SshPublicKey, User
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    checked_tags,
    claim_name,
    conflict,
    listed_tags,
    missing,
    on_user,
    over_limit,
    paged,
    release_name,
    service,
    time,
    untagged,
    user_named,
)
from labsupport.cloud.services.iam.conditions import made_context
from labsupport.cloud.services.iam.managed import boundary_of
from labsupport.cloud.services.iam.records import Login, SigningCertificate
from labsupport.cloud.store.trail import Entry

MOST_KEYS = 2


def listed_user(user: User) -> Params:
    """As listings show it: without tags and boundary."""
    return {
        "UserName": user.name,
        "UserId": user.id,
        "Path": user.path,
        "Arn": user.arn,
        "CreateDate": time(user.created),
    }


def shown_user(user: User) -> Params:
    shown = listed_user(user)
    if user.boundary:
        shown["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": user.boundary}
    return {**shown, "Tags": tags.to_list(user.tags)} if user.tags else shown


@service.operation(on=on_user, context=made_context, tagging="iam:TagUser")
def create_user(call: Call, params: Params) -> Params:
    claim_name(call, "User", params["UserName"])
    user = User(
        account=call.account,
        name=params["UserName"],
        id=ids.iam_id("AIDA"),
        path=params.get("Path", "/"),
        created=call.epoch,
        boundary=boundary_of(call, params),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(user)
    return {"User": shown_user(user)}


@service.operation(on=on_user)
def get_user(call: Call, params: Params) -> Params:
    if not params.get("UserName") and call.caller.kind == "root":
        arn = f"arn:aws:iam::{call.account}:root"
        return {"User": {"UserId": call.account, "Arn": arn, "CreateDate": time(0), "Path": "/", "UserName": "root"}}
    return {"User": shown_user(user_named(call, params))}


@service.operation(on="arn:{partition}:iam::{account}:user/")
def list_users(call: Call, params: Params) -> Params:
    users = [user for user in call.store.list(User, call.account) if below(params, user.path)]
    return paged(users, lambda user: user.name, params, "Users", listed_user)


@service.operation(on=on_user)
def delete_user(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    if any(key.user == user.name for key in _keys(call)):
        raise conflict("Cannot delete entity, must delete access keys first.")
    if _credentials_of(call, user):
        raise conflict("Cannot delete entity, must delete service specific credentials first.")
    if mfa.of_user(call.cloud, call.account, user.name):
        raise conflict("Cannot delete entity, must delete MFA device first.")
    if call.store.get(Login, call.account, user.name):
        raise conflict("Cannot delete entity, must delete login profile first.")
    if any(key.account == call.account and key.user == user.name for key in call.store.list(SshPublicKey)):
        raise conflict("Cannot delete entity, must delete SSH public keys first.")
    if call.store.count(SigningCertificate, call.account, user.name):
        raise conflict("Cannot delete entity, must delete signing certificates first.")
    if user.attached:
        raise conflict("Cannot delete entity, must detach all policies first.")
    if user.inline:
        raise conflict("Cannot delete entity, must delete policies first.")
    if user.groups:
        raise conflict("Cannot delete entity, must remove users from group first.")
    call.store.delete(user)
    release_name(call, "User", user.name)
    return {}


@service.operation(on=on_user)
def tag_user(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    user.tags = checked_tags(params["Tags"], user.tags)
    call.store.put(user)
    return {}


@service.operation(on=on_user)
def untag_user(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    user.tags = untagged(user.tags, params["TagKeys"])
    call.store.put(user)
    return {}


@service.operation(on=on_user)
def list_user_tags(call: Call, params: Params) -> Params:
    return listed_tags(user_named(call, params).tags, params)


# Access keys


def _keys(call: Call) -> list[AccessKey]:
    return [key for key in call.store.list(AccessKey) if key.account == call.account]


def _holder(call: Call, params: Params) -> str:
    """The name of the user whose keys are meant; empty where the account's root means its own."""
    if call.caller.kind == "root" and not params.get("UserName"):
        return ""
    return user_named(call, params).name


def _key_of(call: Call, params: Params) -> AccessKey:
    key = call.store.get(AccessKey, params["AccessKeyId"])
    if key is None or key.account != call.account or key.user != _holder(call, params):
        raise missing(f"The Access Key with id {params['AccessKeyId']} cannot be found.")
    return key


@service.operation(on=on_user)
def create_access_key(call: Call, params: Params) -> Params:
    holder = _holder(call, params)
    if sum(key.user == holder for key in _keys(call)) >= MOST_KEYS:
        raise over_limit(f"Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}")
    key = AccessKey(
        id=ids.iam_id("AKIA"), account=call.account, user=holder, secret=ids.secret_key(), created=call.epoch
    )
    call.store.put(key)
    return {"AccessKey": {**_shown_key(key), "SecretAccessKey": key.secret}}


@service.operation(on=on_user)
def list_access_keys(call: Call, params: Params) -> Params:
    holder = _holder(call, params)
    found = [key for key in _keys(call) if key.user == holder]
    return paged(found, lambda key: key.id, params, "AccessKeyMetadata", _shown_key)


@service.operation(on=on_user)
def update_access_key(call: Call, params: Params) -> Params:
    key = _key_of(call, params)
    key.active = params["Status"] == "Active"
    call.store.put(key)
    return {}


@service.operation(on=on_user)
def delete_access_key(call: Call, params: Params) -> Params:
    call.store.delete(_key_of(call, params))
    return {}


def _on_keys_holder(call: Call, params: Params) -> str:
    key = call.store.get(AccessKey, params["AccessKeyId"])
    if key is None or key.account != call.account:
        return f"arn:aws:iam::{call.account}:user/*"
    return on_user(call, {"UserName": key.user}) if key.user else f"arn:aws:iam::{call.account}:root"


@service.operation(on=_on_keys_holder)
def get_access_key_last_used(call: Call, params: Params) -> Params:
    """When, where and for what a key was last used, as the trail tells."""
    key = call.store.get(AccessKey, params["AccessKeyId"])
    if key is None or key.account != call.account:
        raise missing(f"The Access Key with id {params['AccessKeyId']} cannot be found.")
    entry = last_use(call, key)
    used: Params = {"ServiceName": "N/A", "Region": "N/A"}
    if entry:
        name = entry.source.partition(".")[0]
        used = {"LastUsedDate": time(entry.time), "ServiceName": name, "Region": entry.region}
    return {"UserName": key.user, "AccessKeyLastUsed": used}


def last_use(call: Call, key: AccessKey) -> Entry | None:
    found = next(call.store.trail.newest_first("access_key = ?", (key.id,), limit=1), None)
    return found[1] if found else None


def _shown_key(key: AccessKey) -> Params:
    status = "Active" if key.active else "Inactive"
    named = {"UserName": key.user} if key.user else {}
    return {**named, "AccessKeyId": key.id, "Status": status, "CreateDate": time(key.created)}


def _credentials_of(call: Call, user: User) -> list[ServiceCredential]:
    found = call.store.list(ServiceCredential)
    return [one for one in found if one.account == call.account and one.user == user.name]
