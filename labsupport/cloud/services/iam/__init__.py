"""AWS Identity and Access Management: users, groups, roles, policies, instance profiles, credentials."""

from labsupport.cloud.services.iam import credentials, groups, managed, policies, profiles, roles, users
from labsupport.cloud.services.iam.base import service

__all__ = ["credentials", "groups", "managed", "policies", "profiles", "roles", "service", "users"]
