"""What the chapter has made is removed: everything whose name begins with `guard-`, and its two keys."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.chapters.guard import deputy, keys, partner
from labsupport.course.chapters.guard.beginning import BUCKETS
from labsupport.course.chapters.guard.sealing import ALIAS
from labsupport.course.chapters.guard.seeing import account, bucket, found, key
from labsupport.course.declare import World

OURS = "guard-"


def forget(world: World) -> None:
    for step in (_devices, _users, _groups, _roles, _policies, _buckets, _keys, _rest):
        step(world)


def _each(client: Any, operation: str, answer: str, **params: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(**params)
    return [one for page in pages for one in page[answer]]


def _named(world: World, operation: str, answer: str, name: str, profile: str = "learner") -> list[str]:
    listed = _each(world.client("iam", profile), operation, answer)
    return [one[name] for one in listed if one[name].startswith(OURS)]


def _devices(world: World) -> None:
    iam = world.client("iam")
    for one in _each(iam, "list_virtual_mfa_devices", "VirtualMFADevices"):
        if one["SerialNumber"].rsplit("/", 1)[-1].startswith(OURS):
            if one.get("User", {}).get("UserName"):
                iam.deactivate_mfa_device(UserName=one["User"]["UserName"], SerialNumber=one["SerialNumber"])
            iam.delete_virtual_mfa_device(SerialNumber=one["SerialNumber"])


def _users(world: World) -> None:
    iam = world.client("iam")
    for name in _named(world, "list_users", "Users", "UserName"):
        for one in _each(iam, "list_access_keys", "AccessKeyMetadata", UserName=name):
            iam.delete_access_key(UserName=name, AccessKeyId=one["AccessKeyId"])
        for one in _each(iam, "list_mfa_devices", "MFADevices", UserName=name):
            iam.deactivate_mfa_device(UserName=name, SerialNumber=one["SerialNumber"])
        for one in _each(iam, "list_groups_for_user", "Groups", UserName=name):
            iam.remove_user_from_group(UserName=name, GroupName=one["GroupName"])
        _without_policies(iam, "user", UserName=name)
        iam.delete_user(UserName=name)


def _groups(world: World) -> None:
    iam = world.client("iam")
    for name in _named(world, "list_groups", "Groups", "GroupName"):
        for one in _each(iam, "get_group", "Users", GroupName=name):
            iam.remove_user_from_group(UserName=one["UserName"], GroupName=name)
        _without_policies(iam, "group", GroupName=name)
        iam.delete_group(GroupName=name)


def _roles(world: World) -> None:
    for profile in ("learner", "second"):
        iam = world.client("iam", profile)
        for name in _named(world, "list_roles", "Roles", "RoleName", profile):
            if profile == "learner" or name == partner.ROLE:
                _without_policies(iam, "role", RoleName=name)
                iam.delete_role(RoleName=name)


def _without_policies(iam: Any, kind: str, **holder: str) -> None:
    """Take all policies from a user, group or role."""
    for one in _each(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **holder):
        getattr(iam, f"detach_{kind}_policy")(PolicyArn=one["PolicyArn"], **holder)
    for name in _each(iam, f"list_{kind}_policies", "PolicyNames", **holder):
        getattr(iam, f"delete_{kind}_policy")(PolicyName=name, **holder)


def _policies(world: World) -> None:
    iam = world.client("iam")
    for one in _each(iam, "list_policies", "Policies", Scope="Local"):
        if one["PolicyName"].startswith(OURS):
            for version in _each(iam, "list_policy_versions", "Versions", PolicyArn=one["Arn"]):
                if not version["IsDefaultVersion"]:
                    iam.delete_policy_version(PolicyArn=one["Arn"], VersionId=version["VersionId"])
            iam.delete_policy(PolicyArn=one["Arn"])


def _buckets(world: World) -> None:
    s3 = world.client("s3")
    for name in (bucket(world, what) for what in BUCKETS):
        if found(s3.head_bucket, Bucket=name) is not None:
            for one in _each(s3, "list_objects_v2", "Contents", Bucket=name) if _filled(s3, name) else []:
                s3.delete_object(Bucket=name, Key=one["Key"])
            s3.delete_bucket(Bucket=name)


def _filled(s3: Any, name: str) -> bool:
    return bool(s3.list_objects_v2(Bucket=name, MaxKeys=1)["KeyCount"])


def _keys(world: World) -> None:
    """A key can't be deleted at once: it waits for seven days, which nothing here depends on."""
    kms = world.client("kms")
    for alias in (ALIAS, keys.ARCHIVE):
        held = key(world, alias)
        if held:
            kms.delete_alias(AliasName=alias)
            if held["KeyState"] != "PendingDeletion":
                kms.schedule_key_deletion(KeyId=held["KeyId"], PendingWindowInDays=7)


def _rest(world: World) -> None:
    topic = f"arn:aws:sns:us-east-1:{account(world)}:{deputy.TOPIC}"
    _gone(world.client("sns").delete_topic, TopicArn=topic)
    _gone(world.client("codecommit").delete_repository, repositoryName="guard-notes")


def _gone(call: Callable[..., Any], **params: Any) -> None:
    try:
        call(**params)
    except ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise
