"""AWS Key Management Service: symmetric keys, aliases, data keys; real AES-256-GCM."""

from labsupport.cloud.services.kms import aliases, cryptography, keys
from labsupport.cloud.services.kms.base import service

__all__ = ["aliases", "cryptography", "keys", "service"]
