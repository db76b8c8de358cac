"""New names and paths for users and groups. Whoever is renamed stays the same: ids, keys and memberships go along."""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.core import mfa
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import AccessKey, ServiceCredential, Session, SshPublicKey, User
from labsupport.cloud.services.iam.base import (
    Params,
    claim_name,
    group_named,
    on_group,
    on_user,
    release_name,
    service,
    user_named,
)
from labsupport.cloud.services.iam.records import Login, SigningCertificate

_HELD: tuple[type[Any], ...] = (AccessKey, ServiceCredential, SshPublicKey)


def _old_and_new(on: Callable[[Call, Params], str], new_name: str) -> Callable[[Call, Params], list[str]]:
    """Who renames needs the permission on the old ARN and on the new one."""

    def arns(call: Call, params: Params) -> list[str]:
        place, _, _ = (old := on(call, params)).partition("/")
        path, name = old.removeprefix(place).rsplit("/", 1)
        new = f"{place}{params.get('NewPath', path + '/')}{params.get(new_name, name)}"
        return list(dict.fromkeys([old, new]))

    return arns


@service.operation(on=_old_and_new(on_user, "NewUserName"))
def update_user(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    old, new = user.name, params.get("NewUserName", user.name)
    user.path = params.get("NewPath", user.path)
    if new != old:
        call.store.delete(user)
        _take_name(call, "User", old, new)
        user.name = new
        _take_along(call, user, old)
    call.store.put(user)
    return {}


def _take_name(call: Call, kind: str, old: str, new: str) -> None:
    """The same name in another case is no other's."""
    release_name(call, kind, old)
    claim_name(call, kind, new)


def _take_along(call: Call, user: User, old: str) -> None:
    """All that names its user."""
    for struct in _HELD:
        for one in list(call.store.list(struct)):
            if one.account == call.account and one.user == old:
                one.user = user.name
                call.store.put(one)
    for session in list(call.store.list(Session)):
        if session.account == call.account and session.user_id == user.id:
            session.user = user.name
            call.store.put(session)
    for device in mfa.of_user(call.cloud, call.account, old):
        device.user = user.name
        call.store.put(device)
    for kept in [*call.store.list(SigningCertificate, call.account, old), call.store.get(Login, call.account, old)]:
        if kept is not None:
            call.store.delete(kept)
            kept.user = user.name
            call.store.put(kept)


@service.operation(on=_old_and_new(on_group, "NewGroupName"))
def update_group(call: Call, params: Params) -> Params:
    group = group_named(call, params)
    old, new = group.name, params.get("NewGroupName", group.name)
    group.path = params.get("NewPath", group.path)
    if new != old:
        call.store.delete(group)
        _take_name(call, "Group", old, new)
        group.name = new
        for user in list(call.store.list(User, call.account)):
            if old in user.groups:
                user.groups = sorted(new if name == old else name for name in user.groups)
                call.store.put(user)
    call.store.put(group)
    return {}
