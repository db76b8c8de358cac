"""Managed policies, with their versions: the account's own and AWS's."""

import base64
import hashlib
from collections import Counter
from typing import Any

from labsupport.cloud.core import ids, managed, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Group, ManagedPolicy, PolicyVersion, Role, User
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    check_size,
    checked_tags,
    claim_name,
    conflict,
    encoded,
    listed_tags,
    missing,
    over_limit,
    paged,
    release_name,
    service,
    time,
    untagged,
)

MOST_VERSIONS = 5
LARGEST = 6144  # characters
_FROM = 1_423_160_000.0  # 2015, when managed policies came


def policy_of(call: Call, arn: str, to_attach: bool = False) -> ManagedPolicy:
    """A managed policy by its ARN: the account's own, or AWS's."""
    found = call.store.get(ManagedPolicy, arn) or _from_aws(arn)
    if found is None or found.account not in (call.account, "aws"):
        end = "does not exist or is not attachable." if to_attach else "was not found."
        raise missing(f"Policy {arn} {end}")
    return found


def _from_aws(arn: str) -> ManagedPolicy | None:
    published = managed.policies().get(arn)
    if published is None:
        return None
    version = PolicyVersion(id=published["DefaultVersionId"], document=managed.document_of(arn) or "", created=_FROM)
    number = base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode()[:17]
    return ManagedPolicy(
        arn=arn,
        account="aws",
        name=arn.rsplit("/", 1)[-1],
        id="ANPA" + number,
        path=published["Path"],
        created=_FROM,
        updated=_FROM,
        default_version=version.id,
        versions=[version],
    )


def own_policy(call: Call, arn: str) -> ManagedPolicy:
    policy = policy_of(call, arn)
    if policy.account == "aws":
        raise AwsError("AccessDenied", f"The policy {arn} belongs to AWS and cannot be changed.", 403)
    return policy


def boundary_of(call: Call, params: Params) -> str | None:
    arn = params.get("PermissionsBoundary")
    if not arn:
        return None
    try:
        return policy_of(call, arn).arn
    except AwsError:
        raise missing(f"Scope ARN: {arn} does not exist or is not attachable.") from None


class Usage:
    """How many users, roles and groups hold each policy, and how many are bounded by it."""

    def __init__(self, call: Call) -> None:
        kinds: tuple[type[Any], ...] = (User, Role, Group)
        holders = [holder for kind in kinds for holder in call.store.list(kind, call.account)]
        self.attached = Counter(arn for holder in holders for arn in holder.attached)
        self.boundaries = Counter(boundary for holder in holders if (boundary := getattr(holder, "boundary", None)))

    def shown(self, policy: ManagedPolicy) -> Params:
        return {
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": policy.arn,
            "Path": policy.path,
            "DefaultVersionId": policy.default_version,
            "AttachmentCount": self.attached[policy.arn],
            "PermissionsBoundaryUsageCount": self.boundaries[policy.arn],
            "IsAttachable": True,
            "CreateDate": time(policy.created),
            "UpdateDate": time(policy.updated),
        }


def _shown(call: Call, policy: ManagedPolicy) -> Params:
    more = {"Description": policy.description or None, "Tags": tags.to_list(policy.tags) or None}
    return {**Usage(call).shown(policy), **more}


@service.operation(on="arn:{partition}:iam::{account}:policy/{PolicyName}", tagging="iam:TagPolicy")
def create_policy(call: Call, params: Params) -> Params:
    path, name = params.get("Path", "/"), params["PolicyName"]
    claim_name(call, "Policy", name, f"A policy called {name} already exists. Duplicate names are not allowed.")
    policy = ManagedPolicy(
        arn=f"arn:aws:iam::{call.account}:policy{path}{name}",
        account=call.account,
        name=name,
        id=ids.iam_id("ANPA"),
        path=path,
        description=params.get("Description", ""),
        created=call.epoch,
        updated=call.epoch,
        versions=[PolicyVersion(id="v1", document=_checked(params["PolicyDocument"]), created=call.epoch)],
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(policy)
    return {"Policy": _shown(call, policy)}


def _checked(text: str) -> str:
    document.parse(text, "identity", managed=True)
    check_size(text, LARGEST, "PolicySize")
    return text


def _own(call: Call) -> list[ManagedPolicy]:
    return [policy for policy in call.store.list(ManagedPolicy) if policy.account == call.account]


@service.operation(on="{PolicyArn}")
def get_policy(call: Call, params: Params) -> Params:
    return {"Policy": _shown(call, policy_of(call, params["PolicyArn"]))}


@service.operation(on="arn:{partition}:iam::{account}:policy/")
def list_policies(call: Call, params: Params) -> Params:
    scope, usage = params.get("Scope", "All"), Usage(call)
    found = [] if scope == "AWS" else _own(call)
    if scope != "Local":
        found += [policy for policy in map(_from_aws, managed.policies()) if policy]
    used = {"PermissionsPolicy": usage.attached, "PermissionsBoundary": usage.boundaries}
    counted = used.get(params.get("PolicyUsageFilter", ""), usage.attached + usage.boundaries)
    only_used = params.get("OnlyAttached") or "PolicyUsageFilter" in params
    chosen = [one for one in found if below(params, one.path) and (not only_used or counted[one.arn])]
    return paged(chosen, lambda policy: policy.arn, params, "Policies", usage.shown)


@service.operation(on="{PolicyArn}")
def list_entities_for_policy(call: Call, params: Params) -> Params:
    """Who holds a policy, or is bounded by it: groups, users and roles, in one listing's pages."""
    arn = policy_of(call, params["PolicyArn"]).arn
    wanted, use = params.get("EntityFilter"), params.get("PolicyUsageFilter")
    kinds: dict[str, type[Any]] = {"Group": Group, "Role": Role, "User": User}
    found = [
        (kind, holder)
        for kind, struct in kinds.items()
        if wanted in (None, kind)
        for holder in call.store.list(struct, call.account)
        if below(params, holder.path) and _uses(holder, arn, use)
    ]
    page = paged(found, lambda pair: f"{pair[0]}/{pair[1].name}", params, "Found", lambda pair: pair)
    chosen = page.pop("Found")
    for kind in kinds:
        page[f"Policy{kind}s"] = [_entity(kind, one) for name, one in chosen if name == kind]
    return page


def _uses(holder: Any, arn: str, use: str | None) -> bool:
    attached = use != "PermissionsBoundary" and arn in holder.attached
    return attached or (use != "PermissionsPolicy" and getattr(holder, "boundary", None) == arn)


def _entity(kind: str, holder: Any) -> Params:
    return {f"{kind}Name": holder.name, f"{kind}Id": holder.id}


@service.operation(on="{PolicyArn}")
def delete_policy(call: Call, params: Params) -> Params:
    policy, usage = own_policy(call, params["PolicyArn"]), Usage(call)
    if usage.attached[policy.arn] or usage.boundaries[policy.arn]:
        raise conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    call.store.delete(policy)
    release_name(call, "Policy", policy.name)
    return {}


@service.operation(on="{PolicyArn}")
def tag_policy(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    policy.tags = checked_tags(params["Tags"], policy.tags)
    call.store.put(policy)
    return {}


@service.operation(on="{PolicyArn}")
def untag_policy(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    policy.tags = untagged(policy.tags, params["TagKeys"])
    call.store.put(policy)
    return {}


@service.operation(on="{PolicyArn}")
def list_policy_tags(call: Call, params: Params) -> Params:
    return listed_tags(policy_of(call, params["PolicyArn"]).tags, params)


# Versions


def shown_version(policy: ManagedPolicy, version: PolicyVersion, with_document: bool = False) -> Params:
    shown: Params = {
        "VersionId": version.id,
        "IsDefaultVersion": version.id == policy.default_version,
        "CreateDate": time(version.created),
    }
    return {**shown, "Document": encoded(version.document)} if with_document else shown


def _version_of(policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    for version in policy.versions:
        if version.id == version_id:
            return version
    raise missing(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")


@service.operation(on="{PolicyArn}")
def create_policy_version(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    text = _checked(params["PolicyDocument"])
    if len(policy.versions) >= MOST_VERSIONS:
        raise over_limit(
            f"A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you must "
            "delete an existing version."
        )
    policy.made_versions += 1
    version = PolicyVersion(id=f"v{policy.made_versions}", document=text, created=call.epoch)
    policy.versions.append(version)
    if params.get("SetAsDefault"):
        policy.default_version = version.id
    policy.updated = call.epoch
    call.store.put(policy)
    return {"PolicyVersion": shown_version(policy, version)}


@service.operation(on="{PolicyArn}")
def get_policy_version(call: Call, params: Params) -> Params:
    policy = policy_of(call, params["PolicyArn"])
    return {"PolicyVersion": shown_version(policy, _version_of(policy, params["VersionId"]), with_document=True)}


@service.operation(on="{PolicyArn}")
def list_policy_versions(call: Call, params: Params) -> Params:
    policy = policy_of(call, params["PolicyArn"])
    return paged(
        policy.versions,
        lambda one: f"{int(one.id[1:]):09d}",
        params,
        "Versions",
        lambda one: shown_version(policy, one),
        newest_first=True,
    )


@service.operation(on="{PolicyArn}")
def set_default_policy_version(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    policy.default_version = _version_of(policy, params["VersionId"]).id
    policy.updated = call.epoch
    call.store.put(policy)
    return {}


@service.operation(on="{PolicyArn}")
def delete_policy_version(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    version = _version_of(policy, params["VersionId"])
    if version.id == policy.default_version:
        raise conflict("Cannot delete the default version of a policy.")
    policy.versions.remove(version)
    call.store.put(policy)
    return {}
