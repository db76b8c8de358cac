"""Amazon S3: buckets and objects, versions, encryption at rest, multipart uploads."""

from labsupport.cloud.services.s3 import (
    acl,
    ageing,
    browsers,
    buckets,
    configuration,
    copying,
    cors,
    deleting,
    happenings,
    lifecycle,
    listing,
    multipart,
    notifications,
    objects,
    tagging,
    upkeep,
    website,
)
from labsupport.cloud.services.s3.base import service

__all__ = [
    "acl",
    "ageing",
    "browsers",
    "buckets",
    "configuration",
    "copying",
    "cors",
    "deleting",
    "happenings",
    "lifecycle",
    "listing",
    "multipart",
    "notifications",
    "objects",
    "service",
    "tagging",
    "upkeep",
    "website",
]
