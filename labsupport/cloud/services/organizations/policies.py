"""Service control policies: kept, attached, taken off (AWS Organizations User Guide: "Service control policies")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.policy import document
from labsupport.cloud.services.organizations.base import (
    FULL_ACCESS,
    SCP,
    Params,
    about_scps,
    checked_tags,
    constraint,
    managed,
    members,
    new_id,
    on_target,
    paged,
    policy_arn,
    service,
    target_arn,
)
from labsupport.cloud.services.organizations.binding import refresh
from labsupport.cloud.services.organizations.organization import shown_root
from labsupport.cloud.services.organizations.records import ControlPolicy, Member, Unit

LARGEST = 5120  # characters, white space included
MOST_ATTACHED = 5  # to a root, a unit or an account


def only_scps(kind: str) -> None:
    if kind != SCP:
        raise not_simulated(f"The policy type {kind}")


def _policy(call: Call, organization: Organization, policy_id: str) -> ControlPolicy:
    found = call.store.get(ControlPolicy, organization.id, policy_id)
    if found is None:
        raise AwsError("PolicyNotFoundException", "You specified a policy that doesn't exist.", 400)
    return found


def _own(call: Call, organization: Organization, policy_id: str) -> ControlPolicy:
    policy = _policy(call, organization, policy_id)
    if policy.by_aws:
        message = "You can't change or delete a policy that AWS manages."
        raise AwsError("InvalidInputException", message, 400, Reason="IMMUTABLE_POLICY")
    return policy


def _checked(text: str) -> str:
    if len(text) > LARGEST:
        raise constraint("You have exceeded the maximum policy size.", "POLICY_CONTENT_LIMIT_EXCEEDED")
    try:
        document.parse(text, "scp")
    except AwsError as error:
        raise AwsError("MalformedPolicyDocumentException", error.message, 400) from None
    return text


def _check_name(call: Call, organization: Organization, name: str) -> None:
    if any(one.name == name for one in call.store.list(ControlPolicy, organization.id)):
        raise AwsError("DuplicatePolicyException", "A policy with the same name already exists.", 400)


@service.operation(context=about_scps, tagging="organizations:TagResource")
def create_policy(call: Call, params: Params) -> Params:
    only_scps(params["Type"])
    organization = managed(call)
    _check_name(call, organization, params["Name"])
    policy = ControlPolicy(
        organization=organization.id,
        id=new_id("p-", 8),
        name=params["Name"],
        description=params["Description"],
        content=_checked(params["Content"]),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(policy)
    return {"Policy": _shown(organization, policy)}


@service.operation(on=on_target("PolicyId"), context=about_scps)
def update_policy(call: Call, params: Params) -> Params:
    organization = managed(call)
    policy = _own(call, organization, params["PolicyId"])
    if params.get("Name", policy.name) != policy.name:
        _check_name(call, organization, params["Name"])
    policy.name = params.get("Name", policy.name)
    policy.description = params.get("Description", policy.description)
    if "Content" in params:
        policy.content = _checked(params["Content"])
    call.store.put(policy)
    refresh(call, organization)
    return {"Policy": _shown(organization, policy)}


@service.operation(on=on_target("PolicyId"), context=about_scps)
def describe_policy(call: Call, params: Params) -> Params:
    organization = managed(call)
    return {"Policy": _shown(organization, _policy(call, organization, params["PolicyId"]))}


@service.operation(on=on_target("PolicyId"), context=about_scps)
def delete_policy(call: Call, params: Params) -> Params:
    organization = managed(call)
    policy = _own(call, organization, params["PolicyId"])
    if policy.targets:
        message = "The policy is attached to one or more entities. Detach it first."
        raise AwsError("PolicyInUseException", message, 400)
    call.store.delete(policy)
    return {}


@service.operation(context=about_scps)
def list_policies(call: Call, params: Params) -> Params:
    only_scps(params["Filter"])
    organization = managed(call)
    found = list(call.store.list(ControlPolicy, organization.id))
    return paged(found, params, "Policies", lambda one: _summary(organization, one))


@service.operation(on=on_target("TargetId"), context=about_scps)
def list_policies_for_target(call: Call, params: Params) -> Params:
    only_scps(params["Filter"])
    organization = managed(call)
    _check_target(call, organization, params["TargetId"])
    found = _attached(call, organization, params["TargetId"])
    return paged(found, params, "Policies", lambda one: _summary(organization, one))


@service.operation(on=on_target("PolicyId"), context=about_scps)
def list_targets_for_policy(call: Call, params: Params) -> Params:
    organization = managed(call)
    targets = _policy(call, organization, params["PolicyId"]).targets
    return paged(targets, params, "Targets", lambda target: _target(call, organization, target))


def _target(call: Call, organization: Organization, target: str) -> Params:
    shown = {"TargetId": target, "Arn": target_arn(organization, target)}
    unit, member = call.store.get(Unit, organization.id, target), call.store.get(Member, target)
    if unit:
        return {**shown, "Name": unit.name, "Type": "ORGANIZATIONAL_UNIT"}
    return {**shown, "Name": member.name if member else "Root", "Type": "ACCOUNT" if member else "ROOT"}


def _attached(call: Call, organization: Organization, target: str) -> list[ControlPolicy]:
    return [one for one in call.store.list(ControlPolicy, organization.id) if target in one.targets]


def _check_target(call: Call, organization: Organization, target: str) -> None:
    accounts = {one.account for one in members(call, organization)}
    if target != organization.root and target not in accounts and not call.store.get(Unit, organization.id, target):
        message = "You specified a target that doesn't exist."
        raise AwsError("TargetNotFoundException", message, 400)


@service.operation(on=on_target("PolicyId"), context=about_scps)
def attach_policy(call: Call, params: Params) -> Params:
    organization, target = managed(call), params["TargetId"]
    policy = _policy(call, organization, params["PolicyId"])
    _check_target(call, organization, target)
    if SCP not in organization.policy_types:
        message = "The specified policy type isn't currently enabled in this root."
        raise AwsError("PolicyTypeNotEnabledException", message, 400)
    if target in policy.targets:
        message = "A policy with the specified name and type already exists on the target."
        raise AwsError("DuplicatePolicyAttachmentException", message, 400)
    if len(_attached(call, organization, target)) >= MOST_ATTACHED:
        message = "You have attained the maximum number of service control policies attached to the target."
        raise constraint(message, "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    policy.targets.append(target)
    call.store.put(policy)
    refresh(call, organization)
    return {}


@service.operation(on=on_target("PolicyId"), context=about_scps)
def detach_policy(call: Call, params: Params) -> Params:
    organization, target = managed(call), params["TargetId"]
    policy = _policy(call, organization, params["PolicyId"])
    _check_target(call, organization, target)
    if target not in policy.targets:
        message = "The policy isn't attached to the specified target."
        raise AwsError("PolicyNotAttachedException", message, 400)
    if len(_attached(call, organization, target)) == 1:
        message = "You cannot remove the last service control policy attached to the specified target."
        raise constraint(message, "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    policy.targets.remove(target)
    call.store.put(policy)
    refresh(call, organization)
    return {}


def _summary(organization: Organization, policy: ControlPolicy) -> Params:
    return {
        "Id": policy.id,
        "Arn": policy_arn(organization, policy),
        "Name": policy.name,
        "Description": policy.description,
        "Type": SCP,
        "AwsManaged": policy.by_aws,
    }


def _shown(organization: Organization, policy: ControlPolicy) -> Params:
    return {"PolicySummary": _summary(organization, policy), "Content": policy.content}


# The policy type as a whole


def _root(call: Call, params: Params) -> Organization:
    only_scps(params["PolicyType"])
    organization = managed(call)
    if params["RootId"] != organization.root:
        raise AwsError("RootNotFoundException", "You specified a root that doesn't exist.", 400)
    return organization


@service.operation(on=on_target("RootId"), context=about_scps)
def enable_policy_type(call: Call, params: Params) -> Params:
    """All starts with FullAWSAccess again."""
    organization = _root(call, params)
    if SCP in organization.policy_types:
        message = "The specified policy type is already enabled."
        raise AwsError("PolicyTypeAlreadyEnabledException", message, 400)
    units = [one.id for one in call.store.list(Unit, organization.id)]
    full = _policy(call, organization, FULL_ACCESS)
    full.targets = [organization.root, *units, *(one.account for one in members(call, organization))]
    organization.policy_types = [SCP]
    call.store.put(full, organization)
    refresh(call, organization)
    return {"Root": shown_root(organization)}


@service.operation(on=on_target("RootId"), context=about_scps)
def disable_policy_type(call: Call, params: Params) -> Params:
    """Every policy of the type is taken off everything, and does not come back by itself."""
    organization = _root(call, params)
    if SCP not in organization.policy_types:
        message = "The specified policy type isn't currently enabled in this root."
        raise AwsError("PolicyTypeNotEnabledException", message, 400)
    for policy in list(call.store.list(ControlPolicy, organization.id)):
        policy.targets = []
        call.store.put(policy)
    organization.policy_types = []
    call.store.put(organization)
    refresh(call, organization)
    return {"Root": shown_root(organization)}
