"""AWS Key Management Service: keys of every kind that needs no hardware, with real cryptography."""

from labsupport.cloud.services.kms import (
    access,
    agreement,
    aliases,
    datakeys,
    deletion,
    encryption,
    grants,
    importing,
    keys,
    macs,
    policies,
    replicas,
    rotation,
    signing,
    stores,
    tagging,
)
from labsupport.cloud.services.kms.base import service

__all__ = [
    "access",
    "agreement",
    "aliases",
    "datakeys",
    "deletion",
    "encryption",
    "grants",
    "importing",
    "keys",
    "macs",
    "policies",
    "replicas",
    "rotation",
    "service",
    "signing",
    "stores",
    "tagging",
]
