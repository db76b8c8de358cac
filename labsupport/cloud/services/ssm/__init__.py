"""AWS Systems Manager: Parameter Store (Systems Manager API Reference)."""

from labsupport.cloud.services.ssm import listing, parameters
from labsupport.cloud.services.ssm.base import service

__all__ = ["listing", "parameters", "service"]
