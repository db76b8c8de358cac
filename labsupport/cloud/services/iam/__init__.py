"""AWS Identity and Access Management: users, groups, roles, policies, instance profiles, credentials."""

from labsupport.cloud.services.iam import credentials, policies, roles, users
from labsupport.cloud.services.iam.base import service

__all__ = ["credentials", "policies", "roles", "service", "users"]
