"""AWS CodeDeploy: in-place deployments to instances whose agents ask for them."""

from labsupport.cloud.services.codedeploy import applications, configs, deployments, groups, notices, revisions, targets
from labsupport.cloud.services.codedeploy.base import service

__all__ = ["applications", "configs", "deployments", "groups", "notices", "revisions", "service", "targets"]
