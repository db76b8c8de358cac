"""AssumeRoleWithWebIdentity: a role for whoever holds a token of an OpenID Connect provider
(STS API Reference: AssumeRoleWithWebIdentity; IAM User Guide: "OIDC federation")."""

import asyncio
from typing import Any

from labsupport.cloud.core import outbound
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.providers import OidcProvider
from labsupport.cloud.services.sts import oidc
from labsupport.cloud.services.sts.base import Params, service
from labsupport.cloud.services.sts.federated import Vouched, assume, role_asked_for

_OPERATION = "AssumeRoleWithWebIdentity"
_CLAIMED = "https://aws.amazon.com/"


@service.operation(action=None)
async def assume_role_with_web_identity(call: Call, params: Params) -> Params:
    """The provider's keys are fetched first; trust and session come in one transaction after that."""
    if params.get("ProviderId"):
        raise not_simulated("A web identity by OAuth 2.0 access token (ProviderId)")
    role = role_asked_for(call, params, _OPERATION)
    provider = _provider(call, oidc.unverified(params["WebIdentityToken"]))
    keys = await asyncio.to_thread(oidc.key_set, provider)
    claims = oidc.verified(params["WebIdentityToken"], provider, keys, call.cloud.clock.true_epoch())
    with call.transaction():
        answer = assume(call, role, _vouched(provider, claims), params["RoleSessionName"], params, _OPERATION)
    told = {"SubjectFromWebIdentityToken": str(claims["sub"]), "Audience": oidc.audiences(claims)[0]}
    return {**answer, **told, "Provider": provider.arn}


def _provider(call: Call, claims: dict[str, Any]) -> OidcProvider:
    """The provider of the role's account that the token names as its issuer."""
    issuer = str(claims.get("iss", ""))
    name = issuer.partition("://")[2] or issuer
    if outbound.PATH in issuer:  # AWS does not take its own tokens back
        raise oidc.invalid_token("Tokens of GetWebIdentityToken cannot be used to assume a role.")
    found = call.store.get(OidcProvider, call.account, f"arn:aws:iam::{call.account}:oidc-provider/{name.rstrip('/')}")
    if found is None or found.url.rstrip("/") != issuer.rstrip("/"):
        raise oidc.invalid_token(f"No OpenIDConnect provider found in your account for {issuer}")
    return found


def _vouched(provider: OidcProvider, claims: dict[str, Any]) -> Vouched:
    subject, audiences = str(claims["sub"]), oidc.audiences(claims)
    context: Params = {f"{provider.name}:sub": subject, f"{provider.name}:aud": audiences}
    if isinstance(claims.get("amr"), list):
        context[f"{provider.name}:amr"] = [str(one) for one in claims["amr"]]
    tags, transitive = _tags(claims)
    return Vouched(
        provider=provider.arn,
        subject=subject,
        id=f"{provider.arn}:{audiences[0]}:{subject}",
        context={key.lower(): value for key, value in context.items()},
        tags=tags,
        transitive=transitive,
        source_identity=str(claims.get(_CLAIMED + "source_identity", "")),
    )


def _tags(claims: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Session tags, as a token carries them: each key with a list of one value."""
    claimed = claims.get(_CLAIMED + "tags", {})
    if not isinstance(claimed, dict) or not isinstance(claimed.get("principal_tags", {}), dict):
        raise oidc.invalid_token("The session tags in the token are malformed.")
    tags = {}
    for key, values in claimed.get("principal_tags", {}).items():
        if not isinstance(values, list) or len(values) != 1:
            raise oidc.invalid_token("The session tags in the token are malformed.")
        tags[key] = str(values[0])
    return tags, [str(key) for key in claimed.get("transitive_tag_keys", [])]
