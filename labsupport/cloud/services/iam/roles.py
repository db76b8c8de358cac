"""Roles."""

from labsupport.cloud.core import ids, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import InstanceProfile, Role
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    checked_tags,
    claim_name,
    conflict,
    listed_tags,
    on_role,
    paged,
    release_name,
    role_named,
    service,
    time,
    unprotected,
    untagged,
)
from labsupport.cloud.services.iam.conditions import held_context, made_context
from labsupport.cloud.services.iam.managed import boundary_of
from labsupport.cloud.services.iam.principals import checked_trust, shown_trust


def listed_role(call: Call, role: Role) -> Params:
    """As listings show it: without tags, boundary and last use."""
    return {
        "RoleName": role.name,
        "RoleId": role.id,
        "Path": role.path,
        "Arn": role.arn,
        "CreateDate": time(role.created),
        "AssumeRolePolicyDocument": shown_trust(call, role.trust),
        "MaxSessionDuration": role.max_session,
        "Description": role.description or None,
    }


def shown_role(call: Call, role: Role) -> Params:
    shown = listed_role(call, role)
    if role.boundary:
        shown["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": role.boundary}
    return {**shown, "Tags": tags.to_list(role.tags)} if role.tags else shown


@service.operation(on=on_role, context=made_context, tagging="iam:TagRole")
def create_role(call: Call, params: Params) -> Params:
    claim_name(call, "Role", params["RoleName"])
    role = Role(
        account=call.account,
        name=params["RoleName"],
        id=ids.iam_id("AROA"),
        path=params.get("Path", "/"),
        created=call.epoch,
        trust=checked_trust(call, params["AssumeRolePolicyDocument"]),
        description=params.get("Description", ""),
        max_session=params.get("MaxSessionDuration", 3600),
        boundary=boundary_of(call, params),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(role)
    return {"Role": shown_role(call, role)}


@service.operation(on=on_role, context=held_context)
def get_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    return {"Role": {**shown_role(call, role), "RoleLastUsed": last_used(call, role)}}


def last_used(call: Call, role: Role) -> Params:
    return {"LastUsedDate": time(role.last_used), "Region": call.region} if role.last_used else {}


@service.operation(on="arn:{partition}:iam::{account}:role/")
def list_roles(call: Call, params: Params) -> Params:
    found = [role for role in call.store.list(Role, call.account) if below(params, role.path)]
    return paged(found, lambda role: role.name, params, "Roles", lambda role: listed_role(call, role))


@service.operation(on=on_role, context=held_context)
def update_role(call: Call, params: Params) -> Params:
    role = unprotected(role_named(call, params))
    role.description = params.get("Description", role.description)
    role.max_session = params.get("MaxSessionDuration", role.max_session)
    call.store.put(role)
    return {}


@service.operation(on=on_role, context=held_context)
def update_role_description(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.description = params["Description"]
    call.store.put(role)
    return {"Role": shown_role(call, role)}


@service.operation(on=on_role, context=held_context)
def update_assume_role_policy(call: Call, params: Params) -> Params:
    role = unprotected(role_named(call, params))
    role.trust = checked_trust(call, params["PolicyDocument"])
    call.store.put(role)
    return {}


@service.operation(on=on_role, context=held_context)
def delete_role(call: Call, params: Params) -> Params:
    role = unprotected(role_named(call, params))
    if any(role.name in profile.roles for profile in call.store.list(InstanceProfile, call.account)):
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    if role.attached:
        raise conflict("Cannot delete entity, must detach all policies first.")
    if role.inline:
        raise conflict("Cannot delete entity, must delete policies first.")
    call.store.delete(role)
    release_name(call, "Role", role.name)
    return {}


@service.operation(on=on_role)
def tag_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.tags = checked_tags(params["Tags"], role.tags)
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def untag_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.tags = untagged(role.tags, params["TagKeys"])
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def list_role_tags(call: Call, params: Params) -> Params:
    return listed_tags(role_named(call, params).tags, params)
