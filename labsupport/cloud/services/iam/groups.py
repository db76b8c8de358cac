"""Groups of users."""

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Group, User
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    claim_name,
    conflict,
    group_named,
    on_group,
    on_user,
    over_limit,
    paged,
    release_name,
    service,
    time,
    user_named,
)
from labsupport.cloud.services.iam.users import listed_user

MOST_GROUPS = 10  # that a user is in


def shown_group(group: Group) -> Params:
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
    return {"Group": shown_group(group)}


@service.operation(on=on_group)
def get_group(call: Call, params: Params) -> Params:
    group = group_named(call, params)
    members = [user for user in call.store.list(User, call.account) if group.name in user.groups]
    return {"Group": shown_group(group), **paged(members, lambda user: user.name, params, "Users", listed_user)}


@service.operation(on="arn:{partition}:iam::{account}:group/")
def list_groups(call: Call, params: Params) -> Params:
    found = [group for group in call.store.list(Group, call.account) if below(params, group.path)]
    return paged(found, lambda group: group.name, params, "Groups", shown_group)


@service.operation(on=on_user)
def list_groups_for_user(call: Call, params: Params) -> Params:
    names = user_named(call, params).groups
    found = [group for group in call.store.list(Group, call.account) if group.name in names]
    return paged(found, lambda group: group.name, params, "Groups", shown_group)


@service.operation(on=on_group)
def delete_group(call: Call, params: Params) -> Params:
    group = group_named(call, params)
    if any(group.name in user.groups for user in call.store.list(User, call.account)):
        raise conflict("Cannot delete entity, must remove users from group first.")
    if group.attached:
        raise conflict("Cannot delete entity, must detach all policies first.")
    if group.inline:
        raise conflict("Cannot delete entity, must delete policies first.")
    call.store.delete(group)
    release_name(call, "Group", group.name)
    return {}


@service.operation(on=on_group)
def add_user_to_group(call: Call, params: Params) -> Params:
    group, user = group_named(call, params), user_named(call, params)
    user.groups = sorted({*user.groups, group.name})
    if len(user.groups) > MOST_GROUPS:
        raise over_limit(f"Cannot exceed quota for GroupsPerUser: {MOST_GROUPS}")
    call.store.put(user)
    return {}


@service.operation(on=on_group)
def remove_user_from_group(call: Call, params: Params) -> Params:
    group, user = group_named(call, params), user_named(call, params)
    user.groups = [name for name in user.groups if name != group.name]
    call.store.put(user)
    return {}
