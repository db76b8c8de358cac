"""Roles and instance profiles."""

from labsupport.cloud.core import ids, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import InstanceProfile, Role
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import (
    Params,
    checked_tags,
    claim_name,
    conflict,
    encoded,
    on_profile,
    on_role,
    paged,
    profile_named,
    release_name,
    role_named,
    service,
    time,
)
from labsupport.cloud.services.iam.policies import boundary_of


def shown_role(role: Role) -> Params:
    shown: Params = {
        "RoleName": role.name,
        "RoleId": role.id,
        "Path": role.path,
        "Arn": role.arn,
        "CreateDate": time(role.created),
        "AssumeRolePolicyDocument": encoded(role.trust),
        "MaxSessionDuration": role.max_session,
    }
    if role.description:
        shown["Description"] = role.description
    if role.boundary:
        shown["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": role.boundary}
    return {**shown, "Tags": tags.to_list(role.tags)} if role.tags else shown


@service.operation(on=on_role)
def create_role(call: Call, params: Params) -> Params:
    claim_name(call, "Role", params["RoleName"])
    document.parse(params["AssumeRolePolicyDocument"], "trust")
    role = Role(
        account=call.account,
        name=params["RoleName"],
        id=ids.iam_id("AROA"),
        path=params.get("Path", "/"),
        created=call.epoch,
        trust=params["AssumeRolePolicyDocument"],
        description=params.get("Description", ""),
        max_session=params.get("MaxSessionDuration", 3600),
        boundary=boundary_of(call, params),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(role)
    return {"Role": shown_role(role)}


@service.operation(on=on_role)
def get_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    used = {"LastUsedDate": time(role.last_used), "Region": call.region} if role.last_used else {}
    return {"Role": {**shown_role(role), "RoleLastUsed": used}}


@service.operation(on="arn:{partition}:iam::{account}:role/")
def list_roles(call: Call, params: Params) -> Params:
    prefix = params.get("PathPrefix", "/")
    found = [role for role in call.store.list(Role, call.account) if role.path.startswith(prefix)]
    return paged(found, lambda role: role.name, params, "Roles", shown_role)


@service.operation(on=on_role)
def update_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.description = params.get("Description", role.description)
    role.max_session = params.get("MaxSessionDuration", role.max_session)
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def update_role_description(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.description = params["Description"]
    call.store.put(role)
    return {"Role": shown_role(role)}


@service.operation(on=on_role)
def update_assume_role_policy(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    document.parse(params["PolicyDocument"], "trust")
    role.trust = params["PolicyDocument"]
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def delete_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
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
    role.tags = tags.without(role.tags, params["TagKeys"])
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def list_role_tags(call: Call, params: Params) -> Params:
    found = tags.to_list(role_named(call, params).tags)
    return paged(found, lambda tag: tag["Key"], params, "Tags", lambda tag: tag)


# Instance profiles


def shown_profile(call: Call, profile: InstanceProfile) -> Params:
    roles = [call.store.get(Role, profile.account, name) for name in profile.roles]
    return {
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Path": profile.path,
        "Arn": profile.arn,
        "CreateDate": time(profile.created),
        "Roles": [shown_role(role) for role in roles if role],
        "Tags": tags.to_list(profile.tags),
    }


@service.operation(on=on_profile)
def create_instance_profile(call: Call, params: Params) -> Params:
    name = params["InstanceProfileName"]
    if call.store.get(InstanceProfile, call.account, name):
        raise AwsError("EntityAlreadyExistsException", f"Instance Profile {name} already exists.", 409)
    profile = InstanceProfile(
        account=call.account,
        name=name,
        id=ids.iam_id("AIPA"),
        path=params.get("Path", "/"),
        created=call.epoch,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(profile)
    return {"InstanceProfile": shown_profile(call, profile)}


@service.operation(on=on_profile)
def get_instance_profile(call: Call, params: Params) -> Params:
    return {"InstanceProfile": shown_profile(call, profile_named(call, params))}


@service.operation(on="arn:{partition}:iam::{account}:instance-profile/")
def list_instance_profiles(call: Call, params: Params) -> Params:
    prefix = params.get("PathPrefix", "/")
    found = [one for one in call.store.list(InstanceProfile, call.account) if one.path.startswith(prefix)]
    return paged(found, lambda one: one.name, params, "InstanceProfiles", lambda one: shown_profile(call, one))


@service.operation(on=on_role)
def list_instance_profiles_for_role(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    found = [one for one in call.store.list(InstanceProfile, call.account) if role.name in one.roles]
    return paged(found, lambda one: one.name, params, "InstanceProfiles", lambda one: shown_profile(call, one))


@service.operation(on=on_profile)
def add_role_to_instance_profile(call: Call, params: Params) -> Params:
    profile, role = profile_named(call, params), role_named(call, params)
    call.authorise("iam:PassRole", role.arn, {"iam:passedtoservice": "ec2.amazonaws.com"})
    if profile.roles:
        message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
        raise AwsError("LimitExceededException", message, 409)
    profile.roles = [role.name]
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def remove_role_from_instance_profile(call: Call, params: Params) -> Params:
    profile, role = profile_named(call, params), role_named(call, params)
    if role.name not in profile.roles:
        raise AwsError("NoSuchEntityException", f"Role {role.name} cannot be found in the instance profile.", 404)
    profile.roles = []
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def delete_instance_profile(call: Call, params: Params) -> Params:
    profile = profile_named(call, params)
    if profile.roles:
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    call.store.delete(profile)
    return {}
