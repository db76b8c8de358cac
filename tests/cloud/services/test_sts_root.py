"""AssumeRoot: tasks in the place of a member account's root."""

from typing import Any

import pytest
from identity_help import ACCOUNT, SECOND
from services_help import code_of, may, person, refused

TASK = {"arn": "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"}
AUDIT = {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}


@pytest.fixture(scope="module")
def managing(shared_cloud: Any) -> Any:
    """An organization with the second account, and root access switched on."""
    orgs, iam = shared_cloud.client("organizations"), shared_cloud.client("iam")
    assert code_of(iam.list_organizations_features) == "OrganizationNotFoundException"
    orgs.create_organization()
    invited = orgs.invite_account_to_organization(Target={"Id": SECOND, "Type": "ACCOUNT"})["Handshake"]["Id"]
    shared_cloud.client("organizations", "second").accept_handshake(HandshakeId=invited)
    assert code_of(iam.enable_organizations_root_sessions) == "ServiceAccessNotEnabledException"
    orgs.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
    assert code_of(shared_cloud.client("sts").assume_root, TargetPrincipal=SECOND, TaskPolicyArn=TASK) == "AccessDenied"
    iam.enable_organizations_root_credentials_management()
    found = iam.enable_organizations_root_sessions()
    assert found["EnabledFeatures"] == ["RootCredentialsManagement", "RootSessions"]
    return shared_cloud.client("sts")


def test_a_members_root_loses_its_keys(shared_cloud: Any, managing: Any) -> None:
    keys = managing.assume_root(TargetPrincipal=SECOND, TaskPolicyArn=AUDIT, DurationSeconds=600)["Credentials"]
    assert shared_cloud.client("sts", credentials=keys).get_caller_identity()["Arn"] == f"arn:aws:iam::{SECOND}:root"
    audit = shared_cloud.client("iam", credentials=keys)
    (key,) = audit.list_access_keys()["AccessKeyMetadata"]
    assert code_of(audit.delete_access_key, AccessKeyId=key["AccessKeyId"]) == "AccessDenied"
    assert code_of(audit.list_users) == "AccessDenied"
    assert code_of(shared_cloud.client("s3", credentials=keys).list_buckets) == "AccessDenied"
    target = f"arn:aws:iam::{SECOND}:root"
    keys = managing.assume_root(TargetPrincipal=target, TaskPolicyArn=TASK)["Credentials"]
    task = shared_cloud.client("iam", credentials=keys)
    assert code_of(task.list_access_keys, UserName="learner") == "AccessDenied"  # not a user's
    old = shared_cloud.client("sts", "second-root")
    assert old.get_caller_identity()["Account"] == SECOND
    task.delete_access_key(AccessKeyId=key["AccessKeyId"])
    assert code_of(old.get_caller_identity) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"TargetPrincipal": ACCOUNT}, "AccessDenied"),
        ({"TargetPrincipal": "999999999999"}, "AccessDenied"),
        ({"TargetPrincipal": "somebody-else"}, "ValidationError"),
        ({"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}, "AccessDenied"),
        ({"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}, "NotSimulated"),
        ({"DurationSeconds": 901}, "ValidationError"),
    ],
)
def test_what_is_refused(managing: Any, change: dict[str, Any], code: str) -> None:
    params = {"TargetPrincipal": SECOND, "TaskPolicyArn": TASK, **change}
    assert code_of(managing.assume_root, **params) == code


def test_who_may(shared_cloud: Any, managing: Any) -> None:
    params = {"TargetPrincipal": SECOND, "TaskPolicyArn": AUDIT}
    theirs = shared_cloud.client("sts", "second")
    assert code_of(theirs.assume_root, TargetPrincipal=ACCOUNT, TaskPolicyArn=AUDIT) == "AccessDenied"
    user = person(shared_cloud, "no-root", may("ssm:*"))("sts")
    code, message = refused(user.assume_root, **params)
    assert (code, "sts:AssumeRoot" in message) == ("AccessDenied", True)
    only = {"StringEquals": {"sts:TaskPolicyArn": AUDIT["arn"]}}
    auditor = person(shared_cloud, "auditor", may("sts:AssumeRoot", **only))("sts")
    assert auditor.assume_root(**params)["Credentials"]
    assert code_of(auditor.assume_root, **{**params, "TaskPolicyArn": TASK}) == "AccessDenied"
    iam = shared_cloud.client("iam")
    assert iam.disable_organizations_root_credentials_management()["EnabledFeatures"] == ["RootSessions"]
    iam.disable_organizations_root_sessions()
    assert code_of(managing.assume_root, **params) == "AccessDenied"
    iam.enable_organizations_root_sessions()
