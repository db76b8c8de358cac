"""AWS Identity and Access Management: users, groups, roles, policies, credentials, providers, reports."""

from labsupport.cloud.services.iam import (
    account,
    certificates,
    credentials,
    details,
    federation,
    groups,
    linked,
    managed,
    mfa,
    passwords,
    policies,
    profiles,
    renaming,
    roles,
    ssh_keys,
    tagging,
    users,
)
from labsupport.cloud.services.iam.base import service

__all__ = [
    "account",
    "certificates",
    "credentials",
    "details",
    "federation",
    "groups",
    "linked",
    "managed",
    "mfa",
    "passwords",
    "policies",
    "profiles",
    "renaming",
    "roles",
    "service",
    "ssh_keys",
    "tagging",
    "users",
]
