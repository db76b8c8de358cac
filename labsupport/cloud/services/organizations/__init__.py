"""AWS Organizations: accounts, units and service control policies (AWS Organizations User Guide)."""

from labsupport.cloud.services.organizations import access, accounts, handshakes, organization, policies, tagging, units
from labsupport.cloud.services.organizations.base import service

__all__ = ["access", "accounts", "handshakes", "organization", "policies", "service", "tagging", "units"]
