"""Identity providers: OpenID Connect and SAML, kept, changed, listed."""

from typing import Any

import pytest
from federation_help import metadata
from identity_help import PLACE
from services_help import code_of, refused

THUMBPRINT = "a031c46782e6e6c662c2c87c76da9aa62ccabd8e"


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


def test_an_oidc_provider(iam: Any) -> None:
    url = "https://token.actions.example/shop"
    params = {"Url": url, "ClientIDList": ["a", "b"], "ThumbprintList": [THUMBPRINT.upper()]}
    arn = iam.create_open_id_connect_provider(**params, Tags=[{"Key": "k", "Value": "v"}])["OpenIDConnectProviderArn"]
    assert arn == PLACE + "oidc-provider/token.actions.example/shop"
    assert code_of(iam.create_open_id_connect_provider, **params) == "EntityAlreadyExists"
    which = {"OpenIDConnectProviderArn": arn}
    iam.add_client_id_to_open_id_connect_provider(**which, ClientID="c")
    iam.add_client_id_to_open_id_connect_provider(**which, ClientID="c")
    iam.remove_client_id_from_open_id_connect_provider(**which, ClientID="a")
    iam.remove_client_id_from_open_id_connect_provider(**which, ClientID="z")
    found = iam.get_open_id_connect_provider(**which)
    assert (found["Url"], found["ClientIDList"]) == ("token.actions.example/shop", ["b", "c"])
    assert (found["ThumbprintList"], found["Tags"]) == ([THUMBPRINT], [{"Key": "k", "Value": "v"}])
    iam.update_open_id_connect_provider_thumbprint(**which, ThumbprintList=["b" * 40])
    assert iam.get_open_id_connect_provider(**which)["ThumbprintList"] == ["b" * 40]
    iam.tag_open_id_connect_provider(**which, Tags=[{"Key": "l", "Value": ""}])
    iam.untag_open_id_connect_provider(**which, TagKeys=["k"])
    assert iam.list_open_id_connect_provider_tags(**which)["Tags"] == [{"Key": "l", "Value": ""}]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.delete_open_id_connect_provider(**which)
    assert refused(iam.get_open_id_connect_provider, **which) == (
        "NoSuchEntity",
        f"OpenIDConnect Provider not found for arn {arn}",
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Url": "http://far.example"}, "ValidationError"),
        ({"Url": "https://far.example:8443/x"}, "ValidationError"),
        ({"Url": "https://far.example/?q=1"}, "ValidationError"),
        ({"Url": "nonsense"}, "ValidationError"),
        ({"Url": "https://t.example", "ThumbprintList": ["x" * 40]}, "InvalidInput"),
        ({"Url": "https://t.example", "ThumbprintList": ["a" * 40] * 6}, "LimitExceeded"),
        ({"Url": "https://t.example", "ClientIDList": [str(number) for number in range(101)]}, "LimitExceeded"),
    ],
)
def test_oidc_providers_that_are_refused(iam: Any, params: dict[str, Any], code: str) -> None:
    assert code_of(iam.create_open_id_connect_provider, **params) == code


def test_a_saml_provider(iam: Any) -> None:
    arn = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=metadata())["SAMLProviderArn"]
    assert arn == PLACE + "saml-provider/corp"
    again = {"Name": "corp", "SAMLMetadataDocument": metadata()}
    assert code_of(iam.create_saml_provider, **again) == "EntityAlreadyExists"
    which = {"SAMLProviderArn": arn}
    found = iam.get_saml_provider(**which)
    assert found["SAMLMetadataDocument"] == metadata()
    assert (found["ValidUntil"] - found["CreateDate"]).days > 36_000
    assert found["SAMLProviderUUID"].isalnum()
    other = metadata("https://other.example/saml")
    assert iam.update_saml_provider(**which, SAMLMetadataDocument=other)["SAMLProviderArn"] == arn
    assert iam.get_saml_provider(**which)["SAMLMetadataDocument"] == other
    iam.tag_saml_provider(**which, Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_saml_provider_tags(**which)["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.untag_saml_provider(**which, TagKeys=["k"])
    assert [one["Arn"] for one in iam.list_saml_providers()["SAMLProviderList"]] == [arn]
    for text in ("x" * 1000, "<a/>" + " " * 1000, metadata().replace("KeyDescriptor", "OtherDescriptor")):
        assert code_of(iam.update_saml_provider, **which, SAMLMetadataDocument=text) == "InvalidInput"
    encrypted = {"SAMLMetadataDocument": metadata(), "AssertionEncryptionMode": "Required"}
    assert code_of(iam.update_saml_provider, **which, **encrypted) == "NotSimulated"
    iam.delete_saml_provider(**which)
    assert code_of(iam.get_saml_provider, **which) == "NoSuchEntity"
