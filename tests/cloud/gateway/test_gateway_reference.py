"""Which action and which resource each operation asks for, against AWS's Service Authorization Reference."""

import re
from typing import Any

import pytest

from labsupport.cloud.core import model, reference
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.core.service import Operation, Service

ACCOUNT = "123456789012"
APART = {"codedeploy-commands", "codecommit-archive"}  # the agent's and the archive's own protocols, in no reference

NO_PERMISSION = {
    "sts:GetCallerIdentity": "AWS asks for none",
    "sts:GetSessionToken": "AWS asks for none of a user",
    "sts:AssumeRoleWithSAML": "no signature; the trust policy is asked inside",
    "sts:AssumeRoleWithWebIdentity": "no signature; the trust policy is asked inside",
    "iam:ChangePassword": "the operation asks inside, since a user's own password may be free",
    "s3:DeleteObjects": "each object is asked for by itself, and refused by itself",
    "sns:ConfirmSubscription": "the token is the permission",
    "sns:Unsubscribe": "no signature needed; asked for inside where there is one",
}
NOT_IN_REFERENCE = {
    "kms:Encapsulate": "newer than the reference's copy",
    "kms:Decapsulate": "newer than the reference's copy",
    "kms:GetKeyLastUsage": "newer than the reference's copy",
    "s3:PutBucketABAC": "newer than the reference's copy",
    "s3:GetBucketABAC": "newer than the reference's copy",
}
_LISTING = "AWS's refusals name the kind of things listed, where the reference names no resource"
_OWN = "the topic behind the subscription is named, where the reference names no resource"
_GROUP = "AWS names the deployment's group, where the reference names no resource"
_LISTED = {
    "iam": "ListPolicies ListUsers ListGroups ListRoles ListServerCertificates ListInstanceProfiles "
    "ListVirtualMFADevices",
    "logs": "DescribeLogGroups",
    "sqs": "ListQueues",
    "events": "ListRules ListEventBuses ListRuleNamesByTarget",
    "codepipeline": "ListPipelines ListActionTypes",
}
OTHER_RESOURCE = {
    **{f"{service}:{name}": _LISTING for service, names in _LISTED.items() for name in names.split()},
    "sns:GetSubscriptionAttributes": _OWN,
    "sns:SetSubscriptionAttributes": _OWN,
    "codedeploy:StopDeployment": _GROUP,
    "codedeploy:GetDeploymentTarget": _GROUP,
    "codedeploy:BatchGetDeploymentTargets": _GROUP,
    "codedeploy:ListDeploymentTargets": _GROUP,
}
FORM_OF_IDS = {  # a made-up id is not of the form that the reference's ARN has
    **dict.fromkeys([f"organizations:{verb}Handshake" for verb in ("Accept", "Decline", "Cancel", "Describe")], "h-…"),
    **dict.fromkeys([f"kms:{verb}Alias" for verb in ("Create", "Update", "Delete")], "alias/…"),
    **dict.fromkeys(["ec2:CreateTags", "ec2:DeleteTags"], "the id's beginning tells the type"),
}


def services(cloud: Cloud) -> list[Service]:
    return [service for name in cloud.service_names if name not in APART and (service := cloud.service(name))]


def asking(cloud: Cloud) -> list[tuple[str, Service, Operation]]:
    """The operations that ask for one action, which is known beforehand."""
    return [
        (f"{service.name}:{operation.name}", service, operation)
        for service in services(cloud)
        for operation in service.operations.values()
        if isinstance(operation.action, str)
    ]


@pytest.fixture(scope="module")
def every(shared_cloud: Any) -> list[tuple[str, Service, Operation]]:
    found: list[tuple[str, Service, Operation]] = shared_cloud.on_loop(asking)
    return found


def test_each_difference_has_a_reason() -> None:
    for table in (NO_PERMISSION, NOT_IN_REFERENCE, OTHER_RESOURCE):
        assert all(len(reason) > 12 for reason in table.values())


def test_operations_that_need_no_permission(shared_cloud: Any) -> None:
    def free(cloud: Cloud) -> set[str]:
        each = [(service, operation) for service in services(cloud) for operation in service.operations.values()]
        return {f"{service.name}:{operation.name}" for service, operation in each if operation.action is None}

    assert shared_cloud.on_loop(free) == set(NO_PERMISSION)


def test_every_action_is_one_of_aws_s(every: list[tuple[str, Service, Operation]]) -> None:
    unknown = set()
    for _, _, operation in every:
        prefix, _, name = str(operation.action).partition(":")
        if name not in reference.actions_of(prefix):
            unknown.add(str(operation.action))
    assert unknown == set(NOT_IN_REFERENCE)


def types_of(operation: Operation) -> list[str] | None:
    """The ARNs that the action takes, empty for none; None where the reference knows no such action."""
    prefix, _, name = str(operation.action).partition(":")
    types = reference.actions_of(prefix).get(name)
    return None if types is None else [reference.arn_of(prefix, one) for one in types]


def test_operations_name_a_resource_where_aws_does(every: list[tuple[str, Service, Operation]]) -> None:
    differing = set()
    for name, _, operation in every:
        arns = types_of(operation)
        if arns is not None and (operation.on == "*") is bool(arns):
            differing.add(name)
    assert differing == set(OTHER_RESOURCE)


def test_the_resources_are_of_a_type_that_the_action_takes(every: list[tuple[str, Service, Operation]]) -> None:
    strange, looked_at = {}, 0
    for name, _, operation in every:
        arns = types_of(operation)
        if not arns or not isinstance(operation.on, str) or not operation.on.startswith("arn:"):
            continue
        looked_at += 1
        shown = re.sub(r"\{[^{}]*\}", "x", operation.on)
        if not any(re.fullmatch(_regex(arn), shown) for arn in arns):
            strange[name] = (operation.on, arns)
    assert strange == {}
    assert looked_at >= 60


def _regex(arn: str) -> str:
    """A type's ARN with anything in its places."""
    return ".*".join(re.escape(part) for part in re.split(r"\$\{[^{}]*\}", arn))


class _Anything(dict[str, Any]):
    """Parameters that are all there."""

    def __missing__(self, key: str) -> str:
        return "made-up"


def test_resources_that_are_looked_up_are_of_such_a_type_too(shared_cloud: Any) -> None:
    """Those that a function names, for parameters that are made up, as far as it can without the thing itself."""

    def ask(cloud: Cloud) -> tuple[dict[str, Any], int]:
        strange, looked_at = {}, 0
        caller = Caller("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/x", "AIDAX", "x")
        for name, service, operation in asking(cloud):
            arns = types_of(operation)
            if not arns or isinstance(operation.on, str):
                continue
            call = Call(cloud, service, operation.name, caller, ACCOUNT, "us-east-1")
            shape = model.load(service.name).operation_model(operation.name).input_shape
            params = _Anything(
                {member: "made-up" for member in shape.required_members if shape.members[member].type_name == "string"}
            )
            try:
                found = operation.on(call, params)
            except (AwsError, TypeError, ValueError, KeyError, AttributeError, IndexError):
                continue  # it wants the thing itself, or parameters of its form
            looked_at += 1
            for arn in [found] if isinstance(found, str) else found:
                if arn not in ("*", "made-up") and not any(re.fullmatch(_regex(one), arn) for one in arns):
                    strange[name] = (arn, arns)
        return strange, looked_at

    strange, looked_at = shared_cloud.on_loop(ask)
    assert set(strange) <= set(FORM_OF_IDS), {name: strange[name] for name in set(strange) - set(FORM_OF_IDS)}
    assert looked_at >= 150
