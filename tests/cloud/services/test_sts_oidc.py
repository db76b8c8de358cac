"""Whatever a token or a provider's key set looks like, it is taken or refused with AWS's error, never worse."""

import json
import time
from typing import Any

import jwt
import pytest
from federation_help import rsa_key

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.providers import OidcProvider
from labsupport.cloud.services.sts import oidc

NOW = int(time.time())
PROVIDER = OidcProvider(
    account="1", arn="arn:aws:iam::1:oidc-provider/127.0.0.1", url="http://127.0.0.1", clients=["shop"], created=0
)
KEY = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key("r1").public_key())), "kid": "r1", "alg": "RS256"}


def token(**claims: Any) -> str:
    said = {"iss": "x", "sub": "someone", "aud": "shop", "iat": NOW, "exp": NOW + 100, **claims}
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, rsa_key("r1"), algorithm="RS256", headers={"kid": "r1"})


@pytest.mark.parametrize("claims", [{}, {"aud": ["bank", "shop"]}, {"azp": "shop", "aud": "bank"}, {"nbf": NOW}])
def test_claims_that_fit(claims: dict[str, Any]) -> None:
    assert oidc.verified(token(**claims), PROVIDER, {"keys": [KEY]}, NOW)["sub"] == "someone"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW},
        {"exp": "never"},
        {"exp": 1e400},
        {"exp": None},
        {"iat": [1]},
        {"iat": NOW + 301},
        {"nbf": "x"},
        {"nbf": NOW + 301},
        {"aud": 5},
        {"aud": {}},
        {"aud": [1, 2]},
        {"aud": []},
        {"azp": 7},
        {"azp": "bank"},
        {"sub": ""},
        {"sub": None},
    ],
)
def test_claims_that_do_not(claims: dict[str, Any]) -> None:
    with pytest.raises(AwsError):
        oidc.verified(token(**claims), PROVIDER, {"keys": [KEY]}, NOW)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": None},
        {"keys": "x"},
        {"keys": [1]},
        {"keys": []},
        {"keys": [{}]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{**KEY, "n": "!"}]},
        {"keys": [{**KEY, "kid": "other"}]},
        {"keys": [{**KEY, "alg": "PS256"}]},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "r1", "alg": "HS256"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "r1"}]},
    ],
)
def test_key_sets_that_do_not_fit(keys: Any) -> None:
    with pytest.raises(AwsError) as refused:
        oidc.verified(token(), PROVIDER, keys, NOW)
    assert refused.value.code == "InvalidIdentityTokenException"


@pytest.mark.parametrize("text", ["", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9..", "\0", "é.é.é", token()[:-3], "a" * 9000])
def test_texts_that_are_no_tokens(text: str) -> None:
    with pytest.raises(AwsError):
        oidc.verified(text, PROVIDER, {"keys": [KEY]}, NOW)
