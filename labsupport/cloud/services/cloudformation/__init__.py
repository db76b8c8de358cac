"""AWS CloudFormation: templates, stacks, change sets."""

from labsupport.cloud.services.cloudformation import changesets, conditions, describing, notifying, running, stacks
from labsupport.cloud.services.cloudformation.base import service

__all__ = ["changesets", "conditions", "describing", "notifying", "running", "service", "stacks"]
