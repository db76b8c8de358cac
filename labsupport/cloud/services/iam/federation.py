"""Identity providers: OpenID Connect and SAML 2.0 (IAM User Guide: "Identity providers and federation")."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from labsupport.cloud.core import ids, samlmetadata, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.providers import LOOPBACK, OidcProvider, SamlProvider
from labsupport.cloud.services.iam import tagging
from labsupport.cloud.services.iam.base import Params, checked_tags, exists, missing, over_limit, service, time

MOST_CLIENTS, MOST_THUMBPRINTS, MOST_PROVIDERS = 100, 5, 100
_OIDC, _SAML = "{OpenIDConnectProviderArn}", "{SAMLProviderArn}"


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message, 400)


def _oidc_arn(call: Call, params: Params) -> str:
    name = params["Url"].partition("://")[2] or params["Url"]
    return f"arn:aws:iam::{call.account}:oidc-provider/{name.rstrip('/')}"


def _check_url(url: str) -> None:
    """https, as AWS asks for. A provider on this machine, which the lab can reach, may speak http and have a port."""
    parts = urlsplit(url)
    local = parts.hostname in LOOPBACK
    if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or local):
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL", 400)
    if parts.port and not local:
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL", 400)


def _thumbprints(found: list[str]) -> list[str]:
    if len(found) > MOST_THUMBPRINTS:
        raise over_limit(f"Thumbprint list must contain fewer than {MOST_THUMBPRINTS} entries.")
    for one in found:
        if not re.fullmatch(r"[0-9a-fA-F]{40}", one, re.ASCII):
            raise _invalid(f"Invalid thumbprint {one}: it must be 40 hexadecimal digits.")
    return [one.lower() for one in found]


def _oidc(call: Call, params: Params) -> OidcProvider:
    arn = params["OpenIDConnectProviderArn"]
    found = call.store.get(OidcProvider, call.account, arn)
    if found is None:
        raise missing(f"OpenIDConnect Provider not found for arn {arn}")
    return found


@service.operation(on=_oidc_arn, tagging="iam:TagOpenIDConnectProvider")
def create_open_id_connect_provider(call: Call, params: Params) -> Params:
    arn, clients = _oidc_arn(call, params), list(dict.fromkeys(params.get("ClientIDList", [])))
    _check_url(params["Url"])
    if call.store.get(OidcProvider, call.account, arn):
        raise exists(f"Provider with url {params['Url']} already exists.")
    if len(clients) > MOST_CLIENTS:
        raise over_limit(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}")
    if call.store.reaches(MOST_PROVIDERS, OidcProvider, call.account):
        raise over_limit(f"Cannot exceed quota for OpenIdConnectProvidersPerAccount: {MOST_PROVIDERS}")
    provider = OidcProvider(
        account=call.account,
        arn=arn,
        url=params["Url"],
        clients=clients,
        thumbprints=_thumbprints(params.get("ThumbprintList", [])),
        created=call.epoch,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(provider)
    return {"OpenIDConnectProviderArn": arn, "Tags": tags.to_list(provider.tags) or None}


@service.operation(on=_OIDC)
def get_open_id_connect_provider(call: Call, params: Params) -> Params:
    provider = _oidc(call, params)
    return {
        "Url": provider.name,
        "ClientIDList": provider.clients,
        "ThumbprintList": provider.thumbprints,
        "CreateDate": time(provider.created),
        "Tags": tags.to_list(provider.tags),
    }


@service.operation()
def list_open_id_connect_providers(call: Call, params: Params) -> Params:
    return {"OpenIDConnectProviderList": [{"Arn": one.arn} for one in call.store.list(OidcProvider, call.account)]}


@service.operation(on=_OIDC)
def add_client_id_to_open_id_connect_provider(call: Call, params: Params) -> Params:
    provider = _oidc(call, params)
    provider.clients = list(dict.fromkeys([*provider.clients, params["ClientID"]]))
    if len(provider.clients) > MOST_CLIENTS:
        raise over_limit(f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}")
    call.store.put(provider)
    return {}


@service.operation(on=_OIDC)
def remove_client_id_from_open_id_connect_provider(call: Call, params: Params) -> Params:
    """It is no error where the client id isn't there."""
    provider = _oidc(call, params)
    provider.clients = [one for one in provider.clients if one != params["ClientID"]]
    call.store.put(provider)
    return {}


@service.operation(on=_OIDC)
def update_open_id_connect_provider_thumbprint(call: Call, params: Params) -> Params:
    provider = _oidc(call, params)
    provider.thumbprints = _thumbprints(params["ThumbprintList"])
    call.store.put(provider)
    return {}


@service.operation(on=_OIDC)
def delete_open_id_connect_provider(call: Call, params: Params) -> Params:
    call.store.delete(_oidc(call, params))
    return {}


tagging.register("open_id_connect_provider", _oidc, _OIDC)


# SAML


def _saml(call: Call, params: Params) -> SamlProvider:
    arn = params["SAMLProviderArn"]
    found = call.store.get(SamlProvider, call.account, arn)
    if found is None:
        raise missing(f"Manifest not found for arn {arn}")
    return found


def _metadata(params: Params) -> str:
    """The document, which names the provider and at least one certificate that it signs with."""
    text: str = params["SAMLMetadataDocument"]
    entity, certificates = samlmetadata.certificates(text)
    if not entity:
        raise _invalid("Could not parse metadata")
    if not certificates:
        raise _invalid("The metadata names no certificate that the provider signs with.")
    return text


def _refuse_encryption(params: Params) -> None:
    if {"AddPrivateKey", "RemovePrivateKey"} & set(params) or params.get("AssertionEncryptionMode") == "Required":
        raise not_simulated("Encryption of SAML assertions")


@service.operation(on="arn:{partition}:iam::{account}:saml-provider/{Name}", tagging="iam:TagSAMLProvider")
def create_saml_provider(call: Call, params: Params) -> Params:
    _refuse_encryption(params)
    arn = f"arn:aws:iam::{call.account}:saml-provider/{params['Name']}"
    if call.store.get(SamlProvider, call.account, arn):
        raise exists(f"SAMLProvider with name {params['Name']} already exists.")
    if call.store.reaches(MOST_PROVIDERS, SamlProvider, call.account):
        raise over_limit(f"Cannot exceed quota for SAMLProvidersPerAccount: {MOST_PROVIDERS}")
    provider = SamlProvider(
        account=call.account,
        arn=arn,
        uuid=ids.iam_id("SAML") + ids.iam_id("")[:6],
        metadata=_metadata(params),
        created=call.epoch,
        updated=call.epoch,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(provider)
    return {"SAMLProviderArn": arn, "Tags": tags.to_list(provider.tags) or None}


@service.operation(on=_SAML)
def get_saml_provider(call: Call, params: Params) -> Params:
    provider = _saml(call, params)
    more = {"SAMLProviderUUID": provider.uuid, "SAMLMetadataDocument": provider.metadata}
    return {**more, **_times(provider), "Tags": tags.to_list(provider.tags), "AssertionEncryptionMode": "Allowed"}


@service.operation()
def list_saml_providers(call: Call, params: Params) -> Params:
    found = call.store.list(SamlProvider, call.account)
    return {"SAMLProviderList": [{"Arn": one.arn, **_times(one)} for one in found]}


def _times(provider: SamlProvider) -> dict[str, Any]:
    """Metadata without an end of its own is valid for a century."""
    created = time(provider.created)
    until = samlmetadata.valid_until(provider.metadata)
    end = datetime.fromtimestamp(until, UTC) if until else created.replace(year=created.year + 100, day=1)
    return {"CreateDate": created, "ValidUntil": end}


@service.operation(on=_SAML)
def update_saml_provider(call: Call, params: Params) -> Params:
    _refuse_encryption(params)
    provider = _saml(call, params)
    if "SAMLMetadataDocument" in params:
        provider.metadata, provider.updated = _metadata(params), call.epoch
    call.store.put(provider)
    return {"SAMLProviderArn": provider.arn}


@service.operation(on=_SAML)
def delete_saml_provider(call: Call, params: Params) -> Params:
    call.store.delete(_saml(call, params))
    return {}


tagging.register("saml_provider", _saml, _SAML)
