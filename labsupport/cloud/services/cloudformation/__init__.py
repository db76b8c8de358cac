"""AWS CloudFormation: templates, stacks, change sets."""

from labsupport.cloud.services.cloudformation import changesets, describing, notifying, running, stacks
from labsupport.cloud.services.cloudformation.base import service

__all__ = ["changesets", "describing", "notifying", "running", "service", "stacks"]
