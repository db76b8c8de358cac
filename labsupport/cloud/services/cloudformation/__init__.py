"""AWS CloudFormation: templates, stacks, change sets."""

from labsupport.cloud.services.cloudformation import changesets, describing, running, stacks
from labsupport.cloud.services.cloudformation.base import service

__all__ = ["changesets", "describing", "running", "service", "stacks"]
