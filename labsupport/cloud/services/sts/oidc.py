"""Tokens of OpenID Connect providers: their keys, and whether a token is theirs and still valid.

The lab has no network: a provider is asked only where it listens on this machine (`http://127.0.0.1:…`, or https with
the thumbprint that IAM keeps). The keys of any other can't be had, and its tokens are refused as AWS refuses them when
a provider does not answer.
"""

import hashlib
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.providers import LOOPBACK, OidcProvider

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_LARGEST = 1_000_000  # bytes of a provider's answer
_PATIENCE = 5  # seconds


def invalid_token(message: str) -> AwsError:
    return AwsError("InvalidIdentityTokenException", message, 400)


def unverified(token: str) -> dict[str, Any]:
    """What a token says, before anybody vouches for it."""
    import jwt

    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise invalid_token(message) from None


def key_set(provider: OidcProvider) -> dict[str, Any]:
    """The provider's keys (a JWKS), by its discovery document. This waits for the network: call it in a thread."""
    try:
        base = provider.url.rstrip("/")
        discovery = _get(f"{base}/.well-known/openid-configuration", provider)
        if discovery["issuer"].rstrip("/") != base:
            raise ValueError("the document names another issuer")
        return _get(discovery["jwks_uri"], provider)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, http.client.HTTPException) as error:
        raise invalid_token(
            "Couldn't retrieve verification key from your identity provider,  please reference "
            "AssumeRoleWithWebIdentity documentation for requirements"
        ) from error


def _get(url: str, provider: OidcProvider) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        raise ValueError("the lab reaches providers on this machine only")
    connection = _connect(parts.scheme, parts.hostname, parts.port, provider)
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(f"the provider answered {answer.status}")
        found = json.loads(answer.read(_LARGEST))
        if not isinstance(found, dict):
            raise ValueError("the provider answered no JSON object")
        return found
    finally:
        connection.close()


def _connect(scheme: str, host: str, port: int | None, provider: OidcProvider) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its thumbprint is what is trusted
    connection = http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=context)
    connection.connect()
    certificate = connection.sock.getpeercert(binary_form=True)
    if hashlib.sha1(certificate or b"").hexdigest() not in provider.thumbprints:
        connection.close()
        raise ValueError("the provider's certificate has another thumbprint")
    return connection


def verified(token: str, provider: OidcProvider, keys: dict[str, Any], now: float) -> dict[str, Any]:
    """The claims of a token that the provider signed for one of the audiences, and that is valid now."""
    import jwt

    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        fitting = [one for one in jwt.PyJWKSet.from_dict(keys).keys if key_id in (None, one.key_id)]
        claims = _decoded(token, fitting)
    except (jwt.InvalidTokenError, jwt.PyJWKError, jwt.PyJWKSetError) as error:
        raise invalid_token("The identity token's signature could not be verified.") from error
    _check_claims(claims, provider, now)
    return claims


def _decoded(token: str, keys: list[Any]) -> dict[str, Any]:
    import jwt

    unchecked: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    for key in keys:
        if key.algorithm_name in ALGORITHMS:
            return dict(jwt.decode(token, key.key, algorithms=[key.algorithm_name], options=unchecked))
    raise jwt.InvalidTokenError("none of the provider's keys fits")


def _check_claims(claims: dict[str, Any], provider: OidcProvider, now: float) -> None:
    for name in ("exp", "iat", "sub", "aud"):
        if not claims.get(name):
            raise invalid_token(f"Missing a required claim: {name}")
    if not all(isinstance(claims.get(name, 0), int) for name in ("exp", "iat", "nbf")):
        raise invalid_token("The claims exp, iat and nbf must be whole numbers.")
    if not _names(claims["aud"]) or not _names(claims.get("azp", "")):
        raise invalid_token("The claims aud and azp must be names.")
    if now >= claims["exp"]:
        message = f"Token expired: current date/time {int(now)} must be before the expiration date/time {claims['exp']}"
        raise AwsError("ExpiredTokenException", message, 400)
    if max(claims["iat"], claims.get("nbf", 0)) > now + 300:
        raise invalid_token("The token is not valid yet.")
    if not set(audiences(claims)) & set(provider.clients):
        raise invalid_token("Incorrect token audience")


def _names(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def audiences(claims: dict[str, Any]) -> list[str]:
    """Whom a token is for: who is authorised to present it (azp) where that is told."""
    found = claims.get("azp") or claims["aud"]
    return [found] if isinstance(found, str) else [str(one) for one in found]
