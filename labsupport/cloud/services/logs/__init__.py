"""Amazon CloudWatch Logs: groups, streams, events."""

from labsupport.cloud.services.logs import entries, groups, resource_policies, streams
from labsupport.cloud.services.logs.base import service

__all__ = ["entries", "groups", "resource_policies", "service", "streams"]
