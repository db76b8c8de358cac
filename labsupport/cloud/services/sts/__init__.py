"""AWS Security Token Service: who am I, and temporary credentials (AWS STS API Reference)."""

from labsupport.cloud.services.sts import decoding, identity, keeping, roles, roots, saml, tokens, users, web
from labsupport.cloud.services.sts.base import service

__all__ = ["decoding", "identity", "keeping", "roles", "roots", "saml", "service", "tokens", "users", "web"]
