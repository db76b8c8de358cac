"""Whoever has no permission: every operation of IAM, STS and Organizations is refused, and nothing changes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import Shape
from federation_help import metadata
from services_help import ACCOUNT, person, policy, refused

from labsupport.cloud import app
from labsupport.cloud.core import model

# Those for which AWS asks no permission, or none of the caller's own.
ANYBODY = {
    "GetCallerIdentity",
    "GetSessionToken",
    "AssumeRoleWithWebIdentity",
    "AssumeRoleWithSAML",
    "ChangePassword",
}
# What the model's constraints don't tell: forms that are looked at before the permission is.
GIVEN = {
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/some-role",
    "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/some-policy",
    "Arn": f"arn:aws:iam::{ACCOUNT}:user/learner",
    "Email": "somebody@example.com",
    "TargetPrincipal": "210987654321",
    "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"},
    "VersionId": "v1",
    "AccountAlias": "some-alias",
    "AccountId": "210987654321",
    "ParentId": "r-ab12",
    "SourceParentId": "r-ab12",
    "DestinationParentId": "r-ab12",
    "RootId": "r-ab12",
    "TargetId": "210987654321",
    "ResourceId": "210987654321",
    "ChildId": "210987654321",
    "OrganizationalUnitId": "ou-ab12-12345678",
    "PolicyId": "p-12345678",
    "HandshakeId": "h-1234567890",
    "CreateAccountRequestId": "car-" + "a" * 32,
    "SAMLMetadataDocument": metadata(),
    "PolicyDocument": policy(),
    "AuthenticationCode1": "123456",
    "AuthenticationCode2": "123456",
    "SAMLProviderUUID": "A" * 22,
    "EntityPath": "o-1234567890/r-ab12/",
}


def operations() -> list[tuple[str, str]]:
    found = []
    for name in ("iam", "sts", "organizations"):
        module = app._finder()(name)
        assert module is not None
        found += [(name, operation) for operation in sorted(module.operations) if operation not in ANYBODY]
    return found


def value(name: str, shape: Shape) -> Any:
    """The least that a shape takes."""
    if name in GIVEN:
        return GIVEN[name]
    if shape.type_name == "structure":
        return {member: value(member, shape.members[member]) for member in shape.required_members}
    if shape.type_name == "list":
        return [value(name, shape.member)]
    if shape.type_name == "map":
        return {}
    simple = {"boolean": True, "integer": shape.metadata.get("min", 1), "timestamp": datetime.now(UTC), "blob": b"x"}
    if shape.type_name in simple:
        return simple[shape.type_name]
    return shape.enum[0] if getattr(shape, "enum", None) else "x" * max(shape.metadata.get("min", 1), 4)


@pytest.fixture(scope="module")
def nobody(shared_cloud: Any) -> Any:
    shared_cloud.client("organizations").create_organization()
    return person(shared_cloud, "no-rights-at-all")


@pytest.mark.parametrize(("service", "operation"), operations())
def test_refused_and_unchanged(shared_cloud: Any, nobody: Any, service: str, operation: str) -> None:
    shape = model.load(service).operation_model(operation).input_shape
    params = value("", shape) if shape else {}

    def records(cloud: Any) -> Any:
        return cloud.store.db.execute("SELECT kind, key, value FROM record ORDER BY kind, key").fetchall()

    before = shared_cloud.on_loop(records)
    client = nobody(service)
    code, message = refused(client._make_api_call, operation, params)
    assert code in ("AccessDenied", "AccessDeniedException", "InvalidAuthorizationMessageException"), message
    assert shared_cloud.on_loop(records) == before
