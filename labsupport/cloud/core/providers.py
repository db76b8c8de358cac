"""Identity providers of an account, who vouch for people that IAM does not know. IAM keeps them, STS asks them."""

import msgspec

from labsupport.cloud.core.identity import Tags
from labsupport.cloud.store.record import record

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # where the lab can reach a provider


@record("iam.oidc-provider", key=("account", "arn"))
class OidcProvider(msgspec.Struct, kw_only=True):
    """An OpenID Connect provider (IAM User Guide: "OIDC federation")."""

    account: str
    arn: str
    url: str  # as given, with its scheme
    clients: list[str] = []  # audiences
    thumbprints: list[str] = []
    created: float
    tags: Tags = {}

    @property
    def name(self) -> str:
        """The URL without its scheme, which names the provider in ARNs and condition keys."""
        return self.arn.partition(":oidc-provider/")[2]


@record("iam.saml-provider", key=("account", "arn"))
class SamlProvider(msgspec.Struct, kw_only=True):
    account: str
    arn: str
    uuid: str
    metadata: str  # the provider's metadata document
    created: float
    updated: float
    tags: Tags = {}
