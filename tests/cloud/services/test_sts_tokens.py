"""Tokens for services elsewhere: signed by the account's issuer, whose keys anybody may fetch."""

import json
import urllib.request
from typing import Any

import jwt
import pytest
from identity_help import ACCOUNT, PLACE, assume, new_role, trusts
from services_help import code_of, may, person, refused

AUDIENCE = {"Audience": ["https://api.example.com"]}


@pytest.fixture(scope="module")
def issuer(shared_cloud: Any) -> str:
    iam = shared_cloud.client("iam")
    assert code_of(iam.get_outbound_web_identity_federation_info) == "FeatureDisabled"
    disabled = {**AUDIENCE, "SigningAlgorithm": "RS256"}
    sts = shared_cloud.client("sts")
    assert code_of(sts.get_web_identity_token, **disabled) == "OutboundWebIdentityFederationDisabledException"
    made: str = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert code_of(iam.enable_outbound_web_identity_federation) == "FeatureEnabled"
    info = iam.get_outbound_web_identity_federation_info()
    assert (info["IssuerIdentifier"], info["JwtVendingEnabled"]) == (made, True)
    return made


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def verified(issuer: str, token: str, algorithm: str) -> dict[str, Any]:
    """As a service elsewhere does it, which knows the issuer's address only."""
    keys = jwt.PyJWKSet.from_dict(fetched(fetched(f"{issuer}/.well-known/openid-configuration")["jwks_uri"]))
    key = next(one for one in keys.keys if one.key_id == jwt.get_unverified_header(token)["kid"])
    return jwt.decode(token, key.key, algorithms=[algorithm], audience=AUDIENCE["Audience"][0], issuer=issuer)


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token(shared_cloud: Any, issuer: str, algorithm: str) -> None:
    name = f"worker-{algorithm}"
    trust = trusts(ACCOUNT, ["sts:AssumeRole", "sts:TagSession"])
    arn = new_role(shared_cloud, name, trust, may("sts:*"), Tags=[{"Key": "team", "Value": "shop"}])
    keys = assume(shared_cloud.client("sts"), arn, Tags=[{"Key": "job", "Value": "7"}])["Credentials"]
    sts = shared_cloud.client("sts", credentials=keys)
    tags = [{"Key": "run", "Value": "1"}]
    answer = sts.get_web_identity_token(**AUDIENCE, SigningAlgorithm=algorithm, DurationSeconds=900, Tags=tags)
    claims = verified(issuer, answer["WebIdentityToken"], algorithm)
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (arn, 900)
    assert int(answer["Expiration"].timestamp()) == claims["exp"]
    about = claims["https://sts.amazonaws.com/"]
    assert (about["aws_account"], about["source_region"]) == (ACCOUNT, "us-east-1")
    assert (about["principal_tags"], about["request_tags"]) == ({"team": "shop", "job": "7"}, {"run": "1"})


def test_what_is_refused(shared_cloud: Any, issuer: str) -> None:
    sts = shared_cloud.client("sts")
    assert code_of(sts.get_web_identity_token, **AUDIENCE, SigningAlgorithm="HS256") == "ValidationError"
    only = {"ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE["Audience"]}}
    short = {"NumericLessThanEquals": {"sts:DurationSeconds": "300"}}
    user = person(shared_cloud, "issuing", may("sts:GetWebIdentityToken", **only, **short))("sts")
    params = {**AUDIENCE, "SigningAlgorithm": "ES384"}
    assert user.get_web_identity_token(**params)["WebIdentityToken"]
    for change in ({"Audience": ["https://other.example.com"]}, {"DurationSeconds": 301}):
        code, message = refused(user.get_web_identity_token, **{**params, **change})
        assert (code, "sts:GetWebIdentityToken" in message) == ("AccessDenied", True)
    tags = {"Tags": [{"Key": "a", "Value": "1"}]}
    assert code_of(user.get_web_identity_token, **params, **tags) == "AccessDenied"


def test_a_token_ends_with_its_session(cloud: Any) -> None:
    cloud.client("iam").enable_outbound_web_identity_federation()
    arn = new_role(cloud, "brief", trusts(ACCOUNT), may("sts:*"))
    keys = assume(cloud.client("sts"), arn, DurationSeconds=900)["Credentials"]
    sts, params = cloud.client("sts", credentials=keys), {**AUDIENCE, "SigningAlgorithm": "ES384"}
    assert code_of(sts.get_web_identity_token, **params, DurationSeconds=1000) == "SessionDurationEscalationException"
    assert sts.get_web_identity_token(**params)["WebIdentityToken"]


def test_aws_takes_no_token_back(shared_cloud: Any, issuer: str) -> None:
    iam = shared_cloud.client("iam")
    arn = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=AUDIENCE["Audience"])["OpenIDConnectProviderArn"]
    role = new_role(shared_cloud, "taken-back", trusts(arn, "sts:AssumeRoleWithWebIdentity", "Federated"))
    sts = shared_cloud.client("sts")
    token = sts.get_web_identity_token(**AUDIENCE, SigningAlgorithm="RS256")["WebIdentityToken"]
    params = {"RoleArn": role, "RoleSessionName": "me", "WebIdentityToken": token}
    assert code_of(sts.assume_role_with_web_identity, **params) == "InvalidIdentityToken"


def test_switched_off_and_on(cloud: Any) -> None:
    iam = cloud.client("iam")
    first = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    iam.disable_outbound_web_identity_federation()
    assert code_of(iam.disable_outbound_web_identity_federation) == "FeatureDisabled"
    params = {**AUDIENCE, "SigningAlgorithm": "RS256"}
    code = code_of(cloud.client("sts").get_web_identity_token, **params)
    assert code == "OutboundWebIdentityFederationDisabledException"
    assert iam.enable_outbound_web_identity_federation()["IssuerIdentifier"] == first
    with pytest.raises(Exception, match="404"):
        fetched(f"{cloud.url}/_tokens/nothing/.well-known/jwks.json")
    token = cloud.client("sts").get_web_identity_token(**params)["WebIdentityToken"]
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == PLACE + "user/learner"
