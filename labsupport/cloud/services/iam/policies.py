"""Managed policies with their versions, inline policies, attachments and boundaries."""

from typing import Any

from labsupport.cloud.core import ids, managed, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Group, ManagedPolicy, PolicyVersion, Role, User
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import (
    Params,
    checked_tags,
    conflict,
    encoded,
    group_named,
    on_group,
    on_role,
    on_user,
    paged,
    role_named,
    service,
    time,
    user_named,
)

MOST_VERSIONS = 5
MOST_ATTACHED = 10
_HOLDERS: tuple[type[Any], ...] = (User, Role, Group)


def no_such_policy(arn: str) -> AwsError:
    return AwsError("NoSuchEntityException", f"Policy {arn} does not exist or is not attachable.", 404)


def policy_of(call: Call, arn: str) -> ManagedPolicy:
    """A managed policy by its ARN: the account's own, or AWS's."""
    found = call.store.get(ManagedPolicy, arn) or _from_aws(arn)
    if found is None or found.account not in (call.account, "aws"):
        raise no_such_policy(arn)
    return found


def _from_aws(arn: str) -> ManagedPolicy | None:
    published = managed.policies().get(arn)
    if published is None:
        return None
    version = PolicyVersion(id=published["DefaultVersionId"], document=managed.document_of(arn) or "", created=0)
    return ManagedPolicy(
        arn=arn,
        account="aws",
        name=arn.rsplit("/", 1)[-1],
        id="ANPA" + arn.rsplit("/", 1)[-1].upper()[:16].ljust(16, "A"),
        path=published["Path"],
        created=0,
        updated=0,
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
    return policy_of(call, arn).arn if arn else None


def _attachments(call: Call, arn: str) -> int:
    return sum(arn in holder.attached for struct in _HOLDERS for holder in call.store.list(struct, call.account))


def _shown(call: Call, policy: ManagedPolicy) -> Params:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version,
        "AttachmentCount": _attachments(call, policy.arn),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "Description": policy.description or None,
        "CreateDate": time(policy.created),
        "UpdateDate": time(policy.updated),
        "Tags": tags.to_list(policy.tags) or None,
    }


@service.operation(on="arn:{partition}:iam::{account}:policy/{PolicyName}")
def create_policy(call: Call, params: Params) -> Params:
    path, name = params.get("Path", "/"), params["PolicyName"]
    arn = f"arn:aws:iam::{call.account}:policy{path}{name}"
    if any(other.name == name for other in _own(call)):
        raise AwsError("EntityAlreadyExistsException", f"A policy called {name} already exists.", 409)
    document.parse(params["PolicyDocument"], "identity", managed=True)
    policy = ManagedPolicy(
        arn=arn,
        account=call.account,
        name=name,
        id=ids.iam_id("ANPA"),
        path=path,
        description=params.get("Description", ""),
        created=call.epoch,
        updated=call.epoch,
        versions=[PolicyVersion(id="v1", document=params["PolicyDocument"], created=call.epoch)],
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(policy)
    return {"Policy": _shown(call, policy)}


def _own(call: Call) -> list[ManagedPolicy]:
    return [policy for policy in call.store.list(ManagedPolicy) if policy.account == call.account]


@service.operation(on="{PolicyArn}")
def get_policy(call: Call, params: Params) -> Params:
    return {"Policy": _shown(call, policy_of(call, params["PolicyArn"]))}


@service.operation(on="arn:{partition}:iam::{account}:policy/")
def list_policies(call: Call, params: Params) -> Params:
    scope = params.get("Scope", "All")
    found = [] if scope == "AWS" else _own(call)
    if scope != "Local":
        found += [policy for policy in map(_from_aws, managed.policies()) if policy]
    found = [policy for policy in found if policy.path.startswith(params.get("PathPrefix", "/"))]
    if params.get("OnlyAttached"):
        found = [policy for policy in found if _attachments(call, policy.arn)]
    return paged(found, lambda policy: policy.arn, params, "Policies", lambda policy: _shown(call, policy))


@service.operation(on="{PolicyArn}")
def delete_policy(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    if _attachments(call, policy.arn):
        raise conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise conflict(
            "This policy has more than one version. Before you delete a policy, you must delete its versions."
        )
    call.store.delete(policy)
    return {}


# Versions


def _shown_version(policy: ManagedPolicy, version: PolicyVersion, with_document: bool = False) -> Params:
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
    message = f"Policy {policy.arn} version {version_id} does not exist or is not attachable."
    raise AwsError("NoSuchEntityException", message, 404)


@service.operation(on="{PolicyArn}")
def create_policy_version(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    document.parse(params["PolicyDocument"], "identity", managed=True)
    if len(policy.versions) >= MOST_VERSIONS:
        message = (
            "A managed policy can have up to 5 versions. "
            "Before you create a new version, you must delete an existing version."
        )
        raise AwsError("LimitExceededException", message, 409)
    number = max(int(version.id[1:]) for version in policy.versions) + 1
    version = PolicyVersion(id=f"v{number}", document=params["PolicyDocument"], created=call.epoch)
    policy.versions.append(version)
    if params.get("SetAsDefault"):
        policy.default_version = version.id
    policy.updated = call.epoch
    call.store.put(policy)
    return {"PolicyVersion": _shown_version(policy, version)}


@service.operation(on="{PolicyArn}")
def get_policy_version(call: Call, params: Params) -> Params:
    policy = policy_of(call, params["PolicyArn"])
    return {"PolicyVersion": _shown_version(policy, _version_of(policy, params["VersionId"]), with_document=True)}


@service.operation(on="{PolicyArn}")
def list_policy_versions(call: Call, params: Params) -> Params:
    policy = policy_of(call, params["PolicyArn"])
    return paged(policy.versions, lambda one: one.id, params, "Versions", lambda one: _shown_version(policy, one))


@service.operation(on="{PolicyArn}")
def set_default_policy_version(call: Call, params: Params) -> Params:
    policy = own_policy(call, params["PolicyArn"])
    policy.default_version = _version_of(policy, params["VersionId"]).id
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


# Inline policies and attachments are the same for users, roles and groups: one table of the three.


def _put_inline(call: Call, holder: Any, params: Params) -> Params:
    document.parse(params["PolicyDocument"], "identity")
    holder.inline[params["PolicyName"]] = params["PolicyDocument"]
    call.store.put(holder)
    return {}


def _get_inline(call: Call, holder: Any, params: Params) -> Params:
    text = _inline(holder, params["PolicyName"])
    return {"PolicyName": params["PolicyName"], "PolicyDocument": encoded(text), **_named(params)}


def _delete_inline(call: Call, holder: Any, params: Params) -> Params:
    _inline(holder, params["PolicyName"])
    del holder.inline[params["PolicyName"]]
    call.store.put(holder)
    return {}


def _list_inline(call: Call, holder: Any, params: Params) -> Params:
    return paged(holder.inline, str, params, "PolicyNames", str)


def _attach(call: Call, holder: Any, params: Params) -> Params:
    arn = policy_of(call, params["PolicyArn"]).arn
    if arn not in holder.attached and len(holder.attached) >= MOST_ATTACHED:
        kind = type(holder).__name__
        raise AwsError("LimitExceededException", f"Cannot exceed quota for PoliciesPer{kind}: {MOST_ATTACHED}", 409)
    holder.attached = sorted({*holder.attached, arn})
    call.store.put(holder)
    return {}


def _detach(call: Call, holder: Any, params: Params) -> Params:
    if params["PolicyArn"] not in holder.attached:
        raise AwsError("NoSuchEntityException", f"Policy {params['PolicyArn']} was not found.", 404)
    holder.attached.remove(params["PolicyArn"])
    call.store.put(holder)
    return {}


def _list_attached(call: Call, holder: Any, params: Params) -> Params:
    def shown(arn: str) -> Params:
        return {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}

    return paged(holder.attached, str, params, "AttachedPolicies", shown)


def _inline(holder: Any, name: str) -> str:
    if name not in holder.inline:
        kind = type(holder).__name__.lower()
        raise AwsError("NoSuchEntityException", f"The {kind} policy with name {name} cannot be found.", 404)
    text: str = holder.inline[name]
    return text


def _named(params: Params) -> Params:
    return {name: params[name] for name in ("UserName", "RoleName", "GroupName") if name in params}


def _register() -> None:
    actions = {
        "put_{}_policy": _put_inline,
        "get_{}_policy": _get_inline,
        "delete_{}_policy": _delete_inline,
        "list_{}_policies": _list_inline,
        "attach_{}_policy": _attach,
        "detach_{}_policy": _detach,
        "list_attached_{}_policies": _list_attached,
    }
    for kind, named, on in (
        ("user", user_named, on_user),
        ("role", role_named, on_role),
        ("group", group_named, on_group),
    ):
        for pattern, action in actions.items():
            _register_one(pattern.format(kind), action, named, on)


def _register_one(name: str, action: Any, named: Any, on: Any) -> None:
    def handler(call: Call, params: Params) -> Params:
        found: Params = action(call, named(call, params), params)
        return found

    handler.__name__ = name
    service.operation(on=on)(handler)


_register()


@service.operation(on=on_role)
def put_role_permissions_boundary(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.boundary = policy_of(call, params["PermissionsBoundary"]).arn
    call.store.put(role)
    return {}


@service.operation(on=on_role)
def delete_role_permissions_boundary(call: Call, params: Params) -> Params:
    role = role_named(call, params)
    role.boundary = None
    call.store.put(role)
    return {}


@service.operation(on=on_user)
def put_user_permissions_boundary(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    user.boundary = policy_of(call, params["PermissionsBoundary"]).arn
    call.store.put(user)
    return {}


@service.operation(on=on_user)
def delete_user_permissions_boundary(call: Call, params: Params) -> Params:
    user = user_named(call, params)
    user.boundary = None
    call.store.put(user)
    return {}
