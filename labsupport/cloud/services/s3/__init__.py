"""Amazon S3: buckets and objects, versions, encryption at rest, multipart uploads."""

from labsupport.cloud.services.s3 import (
    buckets,
    configuration,
    copying,
    deleting,
    listing,
    multipart,
    objects,
    tagging,
    upkeep,
)
from labsupport.cloud.services.s3.base import service

__all__ = [
    "buckets",
    "configuration",
    "copying",
    "deleting",
    "listing",
    "multipart",
    "objects",
    "service",
    "tagging",
    "upkeep",
]
