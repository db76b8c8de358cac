"""GetAccountAuthorizationDetails: everything about who may do what, in one listing."""

from typing import Any

from labsupport.cloud.core import managed as published
from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Group, InstanceProfile, ManagedPolicy, Role, User
from labsupport.cloud.services.iam.base import Params, encoded, paged, service
from labsupport.cloud.services.iam.groups import shown_group
from labsupport.cloud.services.iam.managed import Usage, policy_of, shown_version
from labsupport.cloud.services.iam.profiles import shown_profile
from labsupport.cloud.services.iam.roles import last_used, shown_role
from labsupport.cloud.services.iam.users import shown_user

_LISTS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}


@service.operation()
def get_account_authorization_details(call: Call, params: Params) -> Params:
    """Users, groups, roles and policies: one listing over all of them, in pages. Of AWS's policies, those in use."""
    wanted = params.get("Filter") or list(_LISTS)
    usage = Usage(call)
    found = [(kind, one) for kind in _LISTS if kind in wanted for one in _all(call, kind, usage)]
    order = {kind: str(number) for number, kind in enumerate(_LISTS)}
    page = paged(found, lambda pair: f"{order[pair[0]]}/{_key(pair[1])}", params, "Found", lambda pair: pair)
    chosen = page.pop("Found")
    for name in dict.fromkeys(_LISTS.values()):
        page[name] = [_shown(call, kind, one, usage) for kind, one in chosen if _LISTS[kind] == name]
    return page


def _all(call: Call, kind: str, usage: Usage) -> list[Any]:
    holders: dict[str, type[Any]] = {"User": User, "Group": Group, "Role": Role}
    if kind in holders:
        return list(call.store.list(holders[kind], call.account))
    if kind == "LocalManagedPolicy":
        return [one for one in call.store.list(ManagedPolicy) if one.account == call.account]
    used = usage.attached + usage.boundaries
    return [policy_of(call, arn) for arn in published.policies() if used[arn]]


def _key(item: Any) -> str:
    return str(item.arn) if isinstance(item, ManagedPolicy) else str(item.name)


def _shown(call: Call, kind: str, item: Any, usage: Usage) -> Params:
    if isinstance(item, ManagedPolicy):
        versions = [shown_version(item, one, with_document=True) for one in reversed(item.versions)]
        return {**usage.shown(item), "Description": item.description or None, "PolicyVersionList": versions}
    held = {
        f"{kind}PolicyList": [
            {"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in sorted(item.inline.items())
        ],
        "AttachedManagedPolicies": [
            {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in item.attached
        ],
    }  # fmt: skip
    return {**_identity(call, item), **held}


def _identity(call: Call, item: User | Group | Role) -> Params:
    if isinstance(item, Group):
        return shown_group(item)
    shown_tags = {"Tags": tags.to_list(item.tags)}
    if isinstance(item, User):
        return {**shown_user(item), **shown_tags, "GroupList": item.groups}
    profiles = [one for one in call.store.list(InstanceProfile, call.account) if item.name in one.roles]
    shown = {**shown_role(call, item), **shown_tags, "RoleLastUsed": last_used(call, item)}
    shown.pop("Description", None)
    shown.pop("MaxSessionDuration", None)
    return {**shown, "InstanceProfileList": [shown_profile(call, one) for one in profiles]}
