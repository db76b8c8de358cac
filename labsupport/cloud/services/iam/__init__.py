"""AWS Identity and Access Management: users, groups, roles, policies, instance profiles, credentials."""

from labsupport.cloud.services.iam import credentials, groups, managed, mfa, policies, profiles, roles, tagging, users
from labsupport.cloud.services.iam.base import service

__all__ = ["credentials", "groups", "managed", "mfa", "policies", "profiles", "roles", "service", "tagging", "users"]
