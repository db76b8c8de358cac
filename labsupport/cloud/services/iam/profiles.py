"""Instance profiles: how a role comes to an instance."""

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
    missing,
    on_profile,
    on_role,
    over_limit,
    paged,
    profile_named,
    release_name,
    role_named,
    service,
    time,
    untagged,
)
from labsupport.cloud.services.iam.roles import listed_role


def shown_profile(call: Call, profile: InstanceProfile) -> Params:
    roles = [call.store.get(Role, profile.account, name) for name in profile.roles]
    return {
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Path": profile.path,
        "Arn": profile.arn,
        "CreateDate": time(profile.created),
        "Roles": [listed_role(call, role) for role in roles if role],
        "Tags": tags.to_list(profile.tags),
    }


@service.operation(on=on_profile, tagging="iam:TagInstanceProfile")
def create_instance_profile(call: Call, params: Params) -> Params:
    name = params["InstanceProfileName"]
    claim_name(call, "InstanceProfile", name, f"Instance Profile {name} already exists.")
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
    found = [one for one in call.store.list(InstanceProfile, call.account) if below(params, one.path)]
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
        raise over_limit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    profile.roles = [role.name]
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def remove_role_from_instance_profile(call: Call, params: Params) -> Params:
    profile, role = profile_named(call, params), role_named(call, params)
    if role.name not in profile.roles:
        raise missing(f"Role {role.name} cannot be found.")
    profile.roles = []
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def delete_instance_profile(call: Call, params: Params) -> Params:
    profile = profile_named(call, params)
    if profile.roles:
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    call.store.delete(profile)
    release_name(call, "InstanceProfile", profile.name)
    return {}


@service.operation(on=on_profile)
def tag_instance_profile(call: Call, params: Params) -> Params:
    profile = profile_named(call, params)
    profile.tags = checked_tags(params["Tags"], profile.tags)
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def untag_instance_profile(call: Call, params: Params) -> Params:
    profile = profile_named(call, params)
    profile.tags = untagged(profile.tags, params["TagKeys"])
    call.store.put(profile)
    return {}


@service.operation(on=on_profile)
def list_instance_profile_tags(call: Call, params: Params) -> Params:
    return listed_tags(profile_named(call, params).tags, params)
