"""Users, groups and access keys."""

from labsupport.cloud.core import ids, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import AccessKey, Group, ServiceCredential, User
from labsupport.cloud.services.iam.base import (
    Params,
    checked_tags,
    claim_name,
    conflict,
    group_named,
    on_group,
    on_user,
    paged,
    release_name,
    service,
    time,
    user_named,
)
from labsupport.cloud.services.iam.policies import boundary_of


def shown_user(user: User) -> Params:
    shown: Params = {
        "UserName": user.name,
        "UserId": user.id,
        "Path": user.path,
        "Arn": user.arn,
        "CreateDate": time(user.created),
    }
    if user.boundary:
        shown["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": user.boundary}
    return {**shown, "Tags": tags.to_list(user.tags)} if user.tags else shown


@service.operation(on=on_user)
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
    users = [
        user for user in call.store.list(User, call.account) if user.path.startswith(params.get("PathPrefix", "/"))
    ]
    return paged(users, lambda user: user.name, params, "Users", shown_user)


@service.operation(on=on_user)
def delete_user(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    if any(key.user == user.name for key in _keys(call)) or _credentials_of(call, user):
        raise conflict("Cannot delete entity, must delete access keys first.")
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
    user.tags = tags.without(user.tags, params["TagKeys"])
    call.store.put(user)
    return {}


@service.operation(on=on_user)
def list_user_tags(call: Call, params: Params) -> Params:
    found = tags.to_list(user_named(call, params).tags)
    return paged(found, lambda tag: tag["Key"], params, "Tags", lambda tag: tag)


# Access keys


def _keys(call: Call) -> list[AccessKey]:
    return [key for key in call.store.list(AccessKey) if key.account == call.account]


def _key_of(call: Call, params: Params) -> AccessKey:
    key = call.store.get(AccessKey, params["AccessKeyId"])
    user = user_named(call, params)
    if key is None or key.account != call.account or key.user != user.name:
        message = f"The Access Key with id {params['AccessKeyId']} cannot be found."
        raise AwsError("NoSuchEntityException", message, 404)
    return key


@service.operation(on=on_user)
def create_access_key(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    if sum(key.user == user.name for key in _keys(call)) >= 2:
        raise AwsError("LimitExceededException", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    key = AccessKey(
        id=ids.iam_id("AKIA"), account=call.account, user=user.name, secret=ids.secret_key(), created=call.epoch
    )
    call.store.put(key)
    return {"AccessKey": {**_shown_key(key), "SecretAccessKey": key.secret}}


@service.operation(on=on_user)
def list_access_keys(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    found = [key for key in _keys(call) if key.user == user.name]
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


def _shown_key(key: AccessKey) -> Params:
    status = "Active" if key.active else "Inactive"
    return {"UserName": key.user, "AccessKeyId": key.id, "Status": status, "CreateDate": time(key.created)}


def _credentials_of(call: Call, user: User) -> list[ServiceCredential]:
    found = call.store.list(ServiceCredential)
    return [one for one in found if one.account == call.account and one.user == user.name]


# Groups


def _shown_group(group: Group) -> Params:
    arn = f"arn:aws:iam::{group.account}:group{group.path}{group.name}"
    created = time(group.created)
    return {"GroupName": group.name, "GroupId": group.id, "Path": group.path, "Arn": arn, "CreateDate": created}


@service.operation(on=on_group)
def create_group(call: Call, params: Params) -> Params:
    claim_name(call, "Group", params["GroupName"])
    group = Group(
        account=call.account,
        name=params["GroupName"],
        id=ids.iam_id("AGPA"),
        path=params.get("Path", "/"),
        created=call.epoch,
    )
    call.store.put(group)
    return {"Group": _shown_group(group)}


@service.operation(on=on_group)
def get_group(call: Call, params: Params) -> Params:
    group = group_named(call, params)
    members = [user for user in call.store.list(User, call.account) if group.name in user.groups]
    return {"Group": _shown_group(group), **paged(members, lambda user: user.name, params, "Users", shown_user)}


@service.operation(on="arn:{partition}:iam::{account}:group/")
def list_groups(call: Call, params: Params) -> Params:
    prefix = params.get("PathPrefix", "/")
    found = [group for group in call.store.list(Group, call.account) if group.path.startswith(prefix)]
    return paged(found, lambda group: group.name, params, "Groups", _shown_group)


@service.operation(on=on_user)
def list_groups_for_user(call: Call, params: Params) -> Params:
    names = user_named(call, params).groups
    found = [group for group in call.store.list(Group, call.account) if group.name in names]
    return paged(found, lambda group: group.name, params, "Groups", _shown_group)


@service.operation(on=on_group)
def delete_group(call: Call, params: Params) -> Params:
    group = group_named(call, params)
    if any(group.name in user.groups for user in call.store.list(User, call.account)):
        raise conflict("Cannot delete entity, must remove users from group first.")
    if group.attached or group.inline:
        raise conflict("Cannot delete entity, must detach all policies first.")
    call.store.delete(group)
    release_name(call, "Group", group.name)
    return {}


@service.operation(on=on_group)
def add_user_to_group(call: Call, params: Params) -> Params:
    group, user = group_named(call, params), user_named(call, params)
    user.groups = sorted({*user.groups, group.name})
    call.store.put(user)
    return {}


@service.operation(on=on_group)
def remove_user_from_group(call: Call, params: Params) -> Params:
    group, user = group_named(call, params), user_named(call, params)
    user.groups = [name for name in user.groups if name != group.name]
    call.store.put(user)
    return {}
