"""AWS::IAM::*."""

import json
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone

GONE = "NoSuchEntityException"


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _tagged(work: Work, props: Params) -> Params:
    tags = work.tags(props.get("Tags"))
    return {"Tags": to_list(tags)} if tags else {}


# Roles


async def _create_role(work: Work, props: Params) -> Made:
    iam, name = work.client("iam"), work.name(props.get("RoleName"))
    optional = {
        "Path": props.get("Path"),
        "Description": props.get("Description"),
        "MaxSessionDuration": props.get("MaxSessionDuration"),
        "PermissionsBoundary": props.get("PermissionsBoundary"),
    }
    work.once(
        iam.create_role,
        name,
        RoleName=name,
        AssumeRolePolicyDocument=_text(props["AssumeRolePolicyDocument"]),
        **{key: value for key, value in optional.items() if value},
        **_tagged(work, props),
    )
    _put_policies(iam, "role", name, {}, props)
    return _shown_role(iam, name)


def _shown_role(iam: Any, name: str) -> Made:
    role = iam.get_role(RoleName=name)["Role"]
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _put_policies(iam: Any, kind: str, name: str, old: Params, new: Params) -> None:
    """Bring a role's, user's or group's policies from the old properties to the new ones."""
    who = {f"{kind.capitalize()}Name": name}
    before = {one["PolicyName"]: one for one in old.get("Policies", [])}
    after = {one["PolicyName"]: one for one in new.get("Policies", [])}
    for policy, one in after.items():
        if before.get(policy) != one:
            getattr(iam, f"put_{kind}_policy")(**who, PolicyName=policy, PolicyDocument=_text(one["PolicyDocument"]))
    for policy in before.keys() - after.keys():
        gone(getattr(iam, f"delete_{kind}_policy"), GONE, **who, PolicyName=policy)
    attached, wanted = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
    for arn in sorted(wanted - attached):
        getattr(iam, f"attach_{kind}_policy")(**who, PolicyArn=arn)
    for arn in sorted(attached - wanted):
        gone(getattr(iam, f"detach_{kind}_policy"), GONE, **who, PolicyArn=arn)


async def _update_role(work: Work, name: str, old: Params, new: Params) -> Made:
    iam = work.client("iam")
    if old["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=_text(new["AssumeRolePolicyDocument"]))
    changed = {key: new.get(key) for key in ("Description", "MaxSessionDuration") if old.get(key) != new.get(key)}
    if changed:
        usual = {"Description": "", "MaxSessionDuration": 3600}
        iam.update_role(RoleName=name, **{key: value or usual[key] for key, value in changed.items()})
    _bound(iam, "role", name, old, new)
    _put_policies(iam, "role", name, old, new)
    _retag(iam.tag_role, iam.untag_role, work, old, new, RoleName=name)
    return _shown_role(iam, name)


def _bound(iam: Any, kind: str, name: str, old: Params, new: Params) -> None:
    """Bring the permissions boundary from the old properties to the new ones."""
    wanted, who = new.get("PermissionsBoundary"), {f"{kind.capitalize()}Name": name}
    if wanted and wanted != old.get("PermissionsBoundary"):
        getattr(iam, f"put_{kind}_permissions_boundary")(**who, PermissionsBoundary=wanted)
    elif old.get("PermissionsBoundary") and not wanted:
        getattr(iam, f"delete_{kind}_permissions_boundary")(**who)


def _retag(tag: Any, untag: Any, work: Work, old: Params, new: Params, **who: str) -> None:
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        tag(**who, Tags=to_list(wanted))
    if left:
        untag(**who, TagKeys=left)


async def _delete_role(work: Work, name: str, props: Params) -> None:
    iam = work.client("iam")
    _drop_policies(iam, "role", name, props)
    gone(iam.delete_role, GONE, RoleName=name)


def _drop_policies(iam: Any, kind: str, name: str, props: Params) -> None:
    _put_policies(iam, kind, name, props, {})


# Users and groups


_USER = ("UserName", "Path", "Groups", "ManagedPolicyArns", "PermissionsBoundary", "Policies", "Tags")


async def _create_user(work: Work, props: Params) -> Made:
    iam, name = work.client("iam"), work.name(props.get("UserName"))
    optional = {key: props[key] for key in ("Path", "PermissionsBoundary") if props.get(key)}
    work.once(iam.create_user, name, UserName=name, **optional, **_tagged(work, props))
    _put_policies(iam, "user", name, {}, props)
    for group in props.get("Groups", []):
        iam.add_user_to_group(GroupName=group, UserName=name)
    return Made(name, {"Arn": iam.get_user(UserName=name)["User"]["Arn"]})


async def _update_user(work: Work, name: str, old: Params, new: Params) -> Made:
    iam = work.client("iam")
    if old.get("Path", "/") != new.get("Path", "/"):
        iam.update_user(UserName=name, NewPath=new.get("Path", "/"))
    _put_policies(iam, "user", name, old, new)
    for group in sorted(set(new.get("Groups", [])) - set(old.get("Groups", []))):
        iam.add_user_to_group(GroupName=group, UserName=name)
    for group in sorted(set(old.get("Groups", [])) - set(new.get("Groups", []))):
        gone(iam.remove_user_from_group, GONE, GroupName=group, UserName=name)
    _bound(iam, "user", name, old, new)
    _retag(iam.tag_user, iam.untag_user, work, old, new, UserName=name)
    return Made(name, {"Arn": iam.get_user(UserName=name)["User"]["Arn"]})


async def _delete_user(work: Work, name: str, props: Params) -> None:
    iam = work.client("iam")
    _drop_policies(iam, "user", name, props)
    for group in props.get("Groups", []):
        gone(iam.remove_user_from_group, GONE, GroupName=group, UserName=name)
    gone(iam.delete_user, GONE, UserName=name)


async def _create_group(work: Work, props: Params) -> Made:
    iam, name = work.client("iam"), work.name(props.get("GroupName"))
    optional = {"Path": props["Path"]} if props.get("Path") else {}
    work.once(iam.create_group, name, GroupName=name, **optional)
    _put_policies(iam, "group", name, {}, props)
    return Made(name, {"Arn": iam.get_group(GroupName=name)["Group"]["Arn"]})


async def _update_group(work: Work, name: str, old: Params, new: Params) -> Made:
    iam = work.client("iam")
    if old.get("Path", "/") != new.get("Path", "/"):
        iam.update_group(GroupName=name, NewPath=new.get("Path", "/"))
    _put_policies(iam, "group", name, old, new)
    return Made(name, {"Arn": iam.get_group(GroupName=name)["Group"]["Arn"]})


async def _delete_group(work: Work, name: str, props: Params) -> None:
    iam = work.client("iam")
    _drop_policies(iam, "group", name, props)
    gone(iam.delete_group, GONE, GroupName=name)


async def _create_access_key(work: Work, props: Params) -> Made:
    """The secret is told once, so it is kept together with the key's id."""

    def kept(answer: Params) -> str:
        work.resource.attributes = {"SecretAccessKey": answer["AccessKey"]["SecretAccessKey"]}
        return str(answer["AccessKey"]["AccessKeyId"])

    iam = work.client("iam")
    work.once(iam.create_access_key, kept, UserName=props["UserName"])
    status = props.get("Status", "Active")
    if status != "Active":
        iam.update_access_key(UserName=props["UserName"], AccessKeyId=work.resource.physical, Status=status)
    return Made(work.resource.physical, work.resource.attributes)


async def _update_access_key(work: Work, physical: str, old: Params, new: Params) -> Made:
    status = new.get("Status", "Active")
    work.client("iam").update_access_key(UserName=new["UserName"], AccessKeyId=physical, Status=status)
    return Made(physical, work.resource.attributes)


async def _delete_access_key(work: Work, physical: str, props: Params) -> None:
    gone(work.client("iam").delete_access_key, GONE, UserName=props["UserName"], AccessKeyId=physical)


# Policies


async def _create_policy(work: Work, props: Params) -> Made:
    """An inline policy of several holders: AWS::IAM::Policy."""
    work.called(work.name())
    _put_inline(work, {}, props)
    return Made(work.name(), {"Id": work.name()})


def _holders(props: Params) -> set[tuple[str, str]]:
    return {(kind, name) for kind in ("role", "user", "group") for name in props.get(f"{kind.capitalize()}s", [])}


def _put_inline(work: Work, old: Params, new: Params) -> None:
    iam = work.client("iam")
    for kind, name in sorted(_holders(new)):
        who = {f"{kind.capitalize()}Name": name, "PolicyName": new["PolicyName"]}
        getattr(iam, f"put_{kind}_policy")(**who, PolicyDocument=_text(new["PolicyDocument"]))
    left = _holders(old) if old.get("PolicyName") != new.get("PolicyName") else _holders(old) - _holders(new)
    for kind, name in sorted(left):
        who = {f"{kind.capitalize()}Name": name, "PolicyName": old["PolicyName"]}
        gone(getattr(iam, f"delete_{kind}_policy"), GONE, **who)


async def _update_policy(work: Work, physical: str, old: Params, new: Params) -> Made:
    _put_inline(work, old, new)
    return Made(physical, {"Id": physical})


async def _delete_policy(work: Work, physical: str, props: Params) -> None:
    _put_inline(work, props, {})


def _one_holder(kind: str) -> Provider:
    """AWS::IAM::RolePolicy and AWS::IAM::UserPolicy."""
    who = f"{kind.capitalize()}Name"

    async def create(work: Work, props: Params) -> Made:
        document = _text(props.get("PolicyDocument", {}))
        put = getattr(work.client("iam"), f"put_{kind}_policy")
        work.called(f"{props['PolicyName']}|{props[who]}")
        put(**{who: props[who]}, PolicyName=props["PolicyName"], PolicyDocument=document)
        return Made(work.resource.physical, {})

    async def update(work: Work, physical: str, old: Params, new: Params) -> Made:
        return await create(work, new)

    async def delete(work: Work, physical: str, props: Params) -> None:
        drop = getattr(work.client("iam"), f"delete_{kind}_policy")
        gone(drop, GONE, **{who: props[who]}, PolicyName=props["PolicyName"])

    return Provider(create, delete, update)


def _managed_arn(work: Work, name: str, path: str) -> str:
    return f"arn:aws:iam::{work.stack.account}:policy{path}{name}"


async def _create_managed(work: Work, props: Params) -> Made:
    iam, name, path = work.client("iam"), work.name(props.get("ManagedPolicyName")), props.get("Path", "/")
    optional = {"Description": props["Description"]} if props.get("Description") else {}
    params = {"PolicyName": name, "Path": path, "PolicyDocument": _text(props["PolicyDocument"])}
    arn = _managed_arn(work, name, path)
    work.once(iam.create_policy, arn, **params, **optional, **_tagged(work, props))
    _attach(work, arn, {}, props)
    return Made(arn, {"PolicyArn": arn})


def _attach(work: Work, arn: str, old: Params, new: Params) -> None:
    iam = work.client("iam")
    for kind, name in sorted(_holders(new) - _holders(old)):
        getattr(iam, f"attach_{kind}_policy")(**{f"{kind.capitalize()}Name": name}, PolicyArn=arn)
    for kind, name in sorted(_holders(old) - _holders(new)):
        gone(getattr(iam, f"detach_{kind}_policy"), GONE, **{f"{kind.capitalize()}Name": name}, PolicyArn=arn)


async def _update_managed(work: Work, arn: str, old: Params, new: Params) -> Made:
    iam = work.client("iam")
    if old["PolicyDocument"] != new["PolicyDocument"]:
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=_text(new["PolicyDocument"]), SetAsDefault=True)
    _attach(work, arn, old, new)
    _retag(iam.tag_policy, iam.untag_policy, work, old, new, PolicyArn=arn)
    return Made(arn, {"PolicyArn": arn})


async def _delete_managed(work: Work, arn: str, props: Params) -> None:
    iam = work.client("iam")
    _attach(work, arn, props, {})
    try:
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    except AwsError as error:
        if error.code == GONE:
            return
        raise
    for version in versions:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    gone(iam.delete_policy, GONE, PolicyArn=arn)


# Instance profiles


async def _create_profile(work: Work, props: Params) -> Made:
    iam, name = work.client("iam"), work.name(props.get("InstanceProfileName"), longest=128)
    optional = {"Path": props["Path"]} if props.get("Path") else {}
    work.once(iam.create_instance_profile, name, InstanceProfileName=name, **optional)
    there = [one["RoleName"] for one in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]]
    for role in props["Roles"]:
        if role not in there:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]})


async def _update_profile(work: Work, name: str, old: Params, new: Params) -> Made:
    iam = work.client("iam")
    for role in set(old["Roles"]) - set(new["Roles"]):
        gone(iam.remove_role_from_instance_profile, GONE, InstanceProfileName=name, RoleName=role)
    for role in set(new["Roles"]) - set(old["Roles"]):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]})


async def _delete_profile(work: Work, name: str, props: Params) -> None:
    iam = work.client("iam")
    for role in props["Roles"]:
        gone(iam.remove_role_from_instance_profile, GONE, InstanceProfileName=name, RoleName=role)
    gone(iam.delete_instance_profile, GONE, InstanceProfileName=name)


PROVIDERS = {
    "AWS::IAM::Role": Provider(_create_role, _delete_role, _update_role),
    "AWS::IAM::User": Provider(_create_user, _delete_user, _update_user, _USER),
    "AWS::IAM::Group": Provider(_create_group, _delete_group, _update_group),
    "AWS::IAM::AccessKey": Provider(_create_access_key, _delete_access_key, _update_access_key),
    "AWS::IAM::Policy": Provider(_create_policy, _delete_policy, _update_policy),
    "AWS::IAM::RolePolicy": _one_holder("role"),
    "AWS::IAM::UserPolicy": _one_holder("user"),
    "AWS::IAM::ManagedPolicy": Provider(_create_managed, _delete_managed, _update_managed),
    "AWS::IAM::InstanceProfile": Provider(_create_profile, _delete_profile, _update_profile),
}
