"""Roles for those for whom a provider vouches: tokens and assertions are checked against its keys, forged ones fail."""

import base64
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from federation_help import OidcServer, assertion, ec_key, metadata, response, rsa_key, signed
from identity_help import ACCOUNT, PLACE, new_role, trusts
from lxml import etree
from services_help import code_of, may, person, policy, refused, trail

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.providers import SamlProvider
from labsupport.cloud.services.sts.assertion import verified

WEB = "sts:AssumeRoleWithWebIdentity"
SAML = "sts:AssumeRoleWithSAML"
IDP = PLACE + "saml-provider/corp"


@pytest.fixture(scope="module")
def idp() -> Iterator[OidcServer]:
    server = OidcServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def provider(shared_cloud: Any, idp: OidcServer) -> str:
    iam = shared_cloud.client("iam")
    arn: str = iam.create_open_id_connect_provider(Url=idp.url, ClientIDList=["shop"])["OpenIDConnectProviderArn"]
    return arn


@pytest.fixture(scope="module")
def sts(shared_cloud: Any) -> Any:
    """Nobody's client: these calls carry no signature."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.client("sts", region_name="us-east-1", endpoint_url=shared_cloud.url, config=config)


def web_role(cloud: Any, name: str, provider: str, *statements: dict[str, Any], actions: Any = WEB, **when: Any) -> str:
    return new_role(cloud, name, trusts(provider, actions, "Federated", **when), *statements)


def by_web(sts: Any, arn: str, token: str, **more: Any) -> Any:
    return sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="ci", WebIdentityToken=token, **more)


@pytest.mark.parametrize("key", ["r1", "e1"])
def test_a_token(shared_cloud: Any, sts: Any, idp: OidcServer, provider: str, key: str) -> None:
    """The trust policy names the provider, the audience and the subject, as for a build system elsewhere."""
    when = {
        "StringEquals": {f"{idp.name}:aud": "shop"},
        "StringLike": {f"{idp.name}:sub": "repo:shop:*"},
    }
    arn = web_role(shared_cloud, f"ci-{key}", provider, may("ssm:Describe*"), **when)
    answer = by_web(sts, arn, idp.token(key))
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("repo:shop:main", "shop")
    assert answer["Provider"] == provider
    mine = shared_cloud.client("sts", credentials=answer["Credentials"])
    assert mine.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-{key}/ci"
    assert shared_cloud.client("ssm", credentials=answer["Credentials"]).describe_parameters()["Parameters"] == []
    entry = next(one for one in trail(shared_cloud, "AssumeRoleWithWebIdentity")[::-1] if "errorCode" not in one)
    who = entry["userIdentity"]
    assert (who["type"], who["userName"], who["identityProvider"]) == ("WebIdentityUser", "repo:shop:main", provider)
    not_allowed = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    assert refused(by_web, sts, arn, idp.token(key, sub="repo:bank:main")) == not_allowed


FORGED = {
    "another key under the same id": {"signed_by": rsa_key("attacker")},
    "another audience": {"aud": "bank"},
    "another party that presents it": {"azp": "bank"},
    "an issuer that nobody registered": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 10},
    "not yet valid": {"iat": int(time.time()) + 4000},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_forged_tokens(shared_cloud: Any, sts: Any, idp: OidcServer, provider: str, change: dict[str, Any]) -> None:
    arn = forgers_role(shared_cloud, provider)
    expected = "ExpiredTokenException" if change.get("exp") else "InvalidIdentityToken"
    assert code_of(by_web, sts, arn, idp.token(**change)) == expected


def forgers_role(cloud: Any, provider: str) -> str:
    if "forgers" not in {one["RoleName"] for one in cloud.client("iam").list_roles()["Roles"]}:
        web_role(cloud, "forgers", provider)
    return PLACE + "role/forgers"


def test_tokens_changed_on_the_way(shared_cloud: Any, sts: Any, idp: OidcServer, provider: str) -> None:
    arn = forgers_role(shared_cloud, provider)
    head, body, signature = idp.token().split(".")
    _, other_body, _ = idp.token(sub="admin").split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    symmetric = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"r1"}').decode().rstrip("=")
    for token in (
        f"{head}.{other_body}.{signature}",
        f"{none}.{body}.",
        f"{symmetric}.{body}.{'A' * 43}",
        "nonsense",
    ):
        assert code_of(by_web, sts, arn, token) == "InvalidIdentityToken"


def test_keys_that_are_withdrawn(shared_cloud: Any, sts: Any, provider: str, idp: OidcServer) -> None:
    arn = forgers_role(shared_cloud, provider)
    token = idp.token("e1")
    assert by_web(sts, arn, token)["Credentials"]
    old = idp.keys
    idp.keys = {"r1": old["r1"], "e2": ec_key("e2")}
    try:
        assert code_of(by_web, sts, arn, token) == "InvalidIdentityToken"
        assert by_web(sts, arn, idp.token("e2"))["Credentials"]
        idp.issuer = "http://127.0.0.1:1"
        assert "Couldn't retrieve verification key" in refused(by_web, sts, arn, idp.token("r1"))[1]
    finally:
        idp.keys, idp.issuer = old, idp.url


def test_a_provider_that_cannot_be_reached(shared_cloud: Any, sts: Any, idp: OidcServer) -> None:
    url = "https://token.far.example"
    arn = shared_cloud.client("iam").create_open_id_connect_provider(Url=url, ClientIDList=["shop"])
    role = web_role(shared_cloud, "far", arn["OpenIDConnectProviderArn"])
    code, message = refused(by_web, sts, role, idp.token(iss=url))
    assert (code, "Couldn't retrieve verification key" in message) == ("InvalidIdentityToken", True)


def test_tags_and_source_in_a_token(shared_cloud: Any, sts: Any, idp: OidcServer, provider: str) -> None:
    own = {"StringEquals": {"aws:PrincipalTag/team": "shop", "aws:SourceIdentity": "ana"}}
    claims = {
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["shop"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "ana",
    }
    arn = web_role(shared_cloud, "tagged-web", provider, may("ssm:*", **own))
    assert code_of(by_web, sts, arn, idp.token(**claims)) == "AccessDenied"
    every = [WEB, "sts:TagSession", "sts:SetSourceIdentity"]
    trust = trusts(provider, every, "Federated")
    shared_cloud.client("iam").update_assume_role_policy(RoleName="tagged-web", PolicyDocument=trust)
    answer = by_web(sts, arn, idp.token(**claims))
    assert answer["SourceIdentity"] == "ana"
    assert shared_cloud.client("ssm", credentials=answer["Credentials"]).describe_parameters()["Parameters"] == []
    bad = {"https://aws.amazon.com/tags": {"principal_tags": {"team": "shop"}}}
    assert code_of(by_web, sts, arn, idp.token(**bad)) == "InvalidIdentityToken"


def test_limits_of_a_web_session(shared_cloud: Any, sts: Any, idp: OidcServer, provider: str) -> None:
    arn = web_role(shared_cloud, "limited-web", provider, may("ssm:*"))
    keys = by_web(sts, arn, idp.token(), Policy=policy(may("sns:*")), DurationSeconds=900)["Credentials"]
    assert code_of(shared_cloud.client("ssm", credentials=keys).describe_parameters) == "AccessDeniedException"
    assert code_of(by_web, sts, arn, idp.token(), DurationSeconds=7200) == "ValidationError"
    assert code_of(by_web, sts, PLACE + "role/nowhere", idp.token()) == "AccessDenied"
    assert code_of(by_web, sts, arn, idp.token(), ProviderId="www.amazon.com") == "NotSimulated"
    other = new_role(shared_cloud, "not-for-web", trusts(ACCOUNT))
    assert code_of(by_web, sts, other, idp.token()) == "AccessDenied"


# SAML


@pytest.fixture(scope="module")
def saml_role(shared_cloud: Any) -> str:
    iam = shared_cloud.client("iam")
    iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata())
    when = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    return new_role(shared_cloud, "corp", trusts(IDP, SAML, "Federated", **when), may("ssm:Describe*"))


def by_saml(sts: Any, role: str, encoded: str, provider: str = IDP, **more: Any) -> Any:
    return sts.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=encoded, **more)


@pytest.mark.parametrize("whole", [False, True], ids=["assertion signed", "response signed"])
def test_an_assertion(shared_cloud: Any, sts: Any, saml_role: str, whole: bool) -> None:
    text = assertion(saml_role, IDP)
    if whole:
        around = base64.b64decode(response(etree.fromstring(text))).decode()
        encoded = base64.b64encode(etree.tostring(signed(around))).decode()
    else:
        encoded = response(signed(text))
    answer = by_saml(sts, saml_role, encoded)
    assert (answer["Subject"], answer["SubjectType"]) == ("ana@shop.example", "persistent")
    assert (answer["Issuer"], answer["Audience"]) == ("https://idp.example/saml", "https://signin.aws.amazon.com/saml")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/corp/ana"
    assert shared_cloud.client("ssm", credentials=answer["Credentials"]).describe_parameters()["Parameters"] == []
    assert trail(shared_cloud, "AssumeRoleWithSAML")[-1]["userIdentity"]["type"] == "SAMLUser"


def test_forged_assertions(shared_cloud: Any, sts: Any, saml_role: str) -> None:
    text = assertion(saml_role, IDP)
    tampered = signed(text)
    tampered.find("saml:Subject/saml:NameID", tampered.nsmap).text = "root@shop.example"
    cases = {
        "unsigned": (response(etree.fromstring(text)), "InvalidIdentityToken"),
        "another key": (response(signed(text, "attacker")), "InvalidIdentityToken"),
        "changed after signing": (response(tampered), "InvalidIdentityToken"),
        "another issuer": (response(signed(assertion(saml_role, IDP, issuer="https://e"))), "InvalidIdentityToken"),
        "another recipient": (
            response(signed(assertion(saml_role, IDP, recipient="https://e"))),
            "InvalidIdentityToken",
        ),
        "another audience": (response(signed(assertion(saml_role, IDP, audience="urn:e"))), "InvalidIdentityToken"),
        "late": (response(signed(assertion(saml_role, IDP, until="2020-01-01T00:00:00Z"))), "ExpiredTokenException"),
        "another role": (response(signed(assertion(PLACE + "role/other", IDP))), "AccessDenied"),
        "no base 64": ("<xml>" * 10, "InvalidIdentityToken"),
        "no xml": (base64.b64encode(b"nonsense").decode(), "InvalidIdentityToken"),
    }
    found = {name: code_of(by_saml, sts, saml_role, encoded) for name, (encoded, _) in cases.items()}
    assert found == {name: code for name, (_, code) in cases.items()}


def test_signature_wrapping(sts: Any, shared_cloud: Any, saml_role: str) -> None:
    """A good signed assertion goes along, beside or inside a forged one that is to be read in its place."""
    admin = new_role(shared_cloud, "corp-admin", trusts(IDP, SAML, "Federated"), may("*"))

    def around(outer: Any, inner: Any) -> str:
        outer.append(inner)
        return response(outer)

    arrangements: tuple[Callable[[Any, Any], str], ...] = (
        lambda forged, good: response(forged, good),
        lambda forged, good: response(good, forged),
        around,
        lambda forged, good: around(good, forged),
    )
    for arrange in arrangements:
        forged = etree.fromstring(assertion(admin, IDP, {"RoleSessionName": "root"}))
        encoded = arrange(forged, signed(assertion(saml_role, IDP)))
        assert code_of(by_saml, sts, admin, encoded) in ("AccessDenied", "InvalidIdentityToken")


def test_assertions_changed_anywhere() -> None:
    """Bytes replaced, left out and put in at random: it is refused, or says what was signed."""
    provider = SamlProvider(account=ACCOUNT, arn=IDP, uuid="u", metadata=metadata(), created=0, updated=0)
    good, chance = base64.b64decode(response(signed(assertion(PLACE + "role/corp", IDP)))), random.Random(7)
    for _ in range(150):
        at, changed = chance.randrange(len(good)), bytearray(good)
        changed[at : at + chance.choice([0, 1, 1, 30])] = chance.choice([b"", b"x", b"<a/>", b"</", b"\0", b"&x;"])
        try:
            found = verified(base64.b64encode(changed).decode(), provider, time.time())
        except AwsError:
            continue
        assert (found.subject, found.one("RoleSessionName")) == ("ana@shop.example", "ana")


def test_entities_are_not_read(sts: Any, saml_role: str) -> None:
    text = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + assertion(saml_role, IDP, subject="&x;")
    assert code_of(by_saml, sts, saml_role, base64.b64encode(text.encode()).decode()) == "InvalidIdentityToken"


def test_a_provider_that_is_not_there(sts: Any, saml_role: str) -> None:
    encoded = response(signed(assertion(saml_role, PLACE + "saml-provider/none")))
    params = {"sts": sts, "role": saml_role, "encoded": encoded, "provider": PLACE + "saml-provider/none"}
    assert refused(by_saml, **params) == ("InvalidIdentityToken", "Specified provider doesn't exist")


# Federated users


def test_a_federated_user(shared_cloud: Any) -> None:
    """At most what the user may, and what the policies passed allow: without any, nothing."""
    user = person(shared_cloud, "broker", may("sts:GetFederationToken", "ssm:*", "sns:*", "iam:*"))
    limit = {"Policy": policy(may("ssm:*", "s3:*", "iam:*"))}
    answer = user("sts").get_federation_token(Name="guest", **limit)
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:guest", "Arn": arn}
    keys = answer["Credentials"]

    def guest(service: str) -> Any:
        return shared_cloud.client(service, credentials=keys)

    assert guest("sts").get_caller_identity()["Arn"] == arn
    assert guest("ssm").describe_parameters()["Parameters"] == []
    assert code_of(guest("sns").list_topics) == "AuthorizationError"  # not passed on
    assert code_of(guest("s3").list_buckets) == "AccessDenied"  # the user may not
    assert code_of(guest("iam").list_users) == "InvalidClientTokenId"
    role = new_role(shared_cloud, "for-all", trusts("*"))
    assert code_of(guest("sts").assume_role, RoleArn=role, RoleSessionName="me") == "AccessDenied"
    assert code_of(guest("sts").get_session_token) == "AccessDenied"
    entry = trail(shared_cloud, "DescribeParameters")[-1]["userIdentity"]
    assert (entry["type"], entry["sessionContext"]["sessionIssuer"]["userName"]) == ("FederatedUser", "broker")
    plain = user("sts").get_federation_token(Name="guest")["Credentials"]
    assert code_of(shared_cloud.client("ssm", credentials=plain).describe_parameters) == "AccessDeniedException"
    shared_cloud.client("iam").put_user_policy(
        UserName="broker", PolicyName="own", PolicyDocument=policy(may("sts:GetFederationToken"))
    )
    assert code_of(guest("ssm").describe_parameters) == "AccessDeniedException"  # at once


def test_who_may_federate(shared_cloud: Any) -> None:
    user = person(shared_cloud, "no-broker", may("ssm:*"))
    assert code_of(user("sts").get_federation_token, Name="guest") == "AccessDenied"
    arn = new_role(shared_cloud, "no-broker-role", trusts(ACCOUNT), may("*"))
    keys = shared_cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    session = shared_cloud.client("sts", credentials=keys)
    assert refused(session.get_federation_token, Name="guest") == (
        "AccessDenied",
        "Cannot call GetFederationToken with session credentials",
    )
    tags = {"Tags": [{"Key": "team", "Value": "shop"}]}
    tagger = person(shared_cloud, "tagger", may("sts:GetFederationToken"))
    assert code_of(tagger("sts").get_federation_token, Name="guest", **tags) == "AccessDenied"
