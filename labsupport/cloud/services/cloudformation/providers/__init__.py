"""Resource types: what each is in terms of the other services' API."""

from collections.abc import Iterable

from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.base import not_here
from labsupport.cloud.services.cloudformation.providers import (
    buckets,
    code,
    compute,
    identity,
    lambdas,
    messages,
    queues,
    storage,
)
from labsupport.cloud.services.cloudformation.work import Provider

PROVIDERS: dict[str, Provider] = {
    **identity.PROVIDERS,
    **buckets.PROVIDERS,
    **storage.PROVIDERS,
    **messages.PROVIDERS,
    **queues.PROVIDERS,
    **lambdas.PROVIDERS,
    **compute.PROVIDERS,
    **code.PROVIDERS,
}


def provider_of(kind: str, properties: Iterable[str] = ()) -> Provider:
    """How the lab makes a type, with these properties: what AWS has and the lab has not is said, not swallowed."""
    if kind not in PROVIDERS:
        raise not_here(f"The resource type {kind}")
    found, known = PROVIDERS[kind], (schemas.of(kind) or {}).get("properties", {})
    takes = known if found.takes is None else found.takes
    others = sorted(name for name in properties if name in known and name not in takes)
    if others:
        raise not_here(f"The property {others[0]} of {kind}")
    return found
