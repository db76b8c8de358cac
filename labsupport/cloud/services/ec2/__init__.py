"""Amazon EC2, thin: an instance is a folder and its processes, with the CodeDeploy agent running on it."""

from labsupport.cloud.services.ec2 import (
    attributes,
    conditions,
    describing,
    images,
    launching,
    lifecycle,
    metadata,
    places,
    running,
    tagging,
)
from labsupport.cloud.services.ec2.base import service

__all__ = [
    "attributes",
    "conditions",
    "describing",
    "images",
    "launching",
    "lifecycle",
    "metadata",
    "places",
    "running",
    "service",
    "tagging",
]
