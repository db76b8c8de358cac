"""Resource types: what each is in terms of the other services' API."""

from labsupport.cloud.services.cloudformation.providers import code, compute, identity, messages, storage
from labsupport.cloud.services.cloudformation.work import Provider

PROVIDERS: dict[str, Provider] = {
    **identity.PROVIDERS,
    **storage.PROVIDERS,
    **messages.PROVIDERS,
    **compute.PROVIDERS,
    **code.PROVIDERS,
}
