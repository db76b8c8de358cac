"""Server certificates for load balancers, and users' signing certificates."""

import base64

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from labsupport.cloud.core import ids, tags, vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import User
from labsupport.cloud.services.iam import tagging
from labsupport.cloud.services.iam.base import (
    Params,
    below,
    checked_tags,
    claim_name,
    missing,
    on_holder,
    on_user,
    over_limit,
    paged,
    release_name,
    service,
    time,
    user_named,
)
from labsupport.cloud.services.iam.records import ServerCertificate, SigningCertificate

MOST_SIGNING = 2
_FORM = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
_on_certificate = on_holder(ServerCertificate, "ServerCertificateName", "server-certificate")


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedCertificateException", message, 400)


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        message = "Unable to parse certificate. Please ensure the certificate is in PEM format."
        raise _malformed(message) from None


def _check_key(certificate: x509.Certificate, text: str) -> None:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        message = "Unable to parse private key. Please ensure the key is in PEM format and not encrypted."
        raise _malformed(message) from None
    if key.public_key().public_bytes(*_FORM) != certificate.public_key().public_bytes(*_FORM):
        message = "The public key of the certificate does not match the private key."
        raise AwsError("KeyPairMismatchException", message, 400)


def _server_named(call: Call, params: Params) -> ServerCertificate:
    name = params["ServerCertificateName"]
    found = call.store.get(ServerCertificate, call.account, name)
    if found is None:
        raise missing(f"The Server Certificate with name {name} cannot be found.")
    return found


@service.operation(on=_on_certificate, tagging="iam:TagServerCertificate")
def upload_server_certificate(call: Call, params: Params) -> Params:
    certificate = _certificate(params["CertificateBody"])
    _check_key(certificate, params["PrivateKey"])
    if "CertificateChain" in params:
        _certificate(params["CertificateChain"])
    name = params["ServerCertificateName"]
    taken = f"The Server Certificate with name {name} already exists."
    claim_name(call, "ServerCertificate", name, taken)
    unique = ids.iam_id("ASCA")
    kept = ServerCertificate(
        account=call.account,
        name=name,
        id=unique,
        path=params.get("Path", "/"),
        body=params["CertificateBody"],
        chain=params.get("CertificateChain", ""),
        sealed_key=base64.b64encode(vault.seal(call.cloud, params["PrivateKey"].encode(), unique.encode())).decode(),
        uploaded=call.epoch,
        expires=certificate.not_valid_after_utc.timestamp(),
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(kept)
    return {"ServerCertificateMetadata": _metadata(kept), "Tags": tags.to_list(kept.tags)}


@service.operation(on=_on_certificate)
def get_server_certificate(call: Call, params: Params) -> Params:
    kept = _server_named(call, params)
    shown = {"ServerCertificateMetadata": _metadata(kept), "CertificateBody": kept.body}
    more = {"CertificateChain": kept.chain or None, "Tags": tags.to_list(kept.tags)}
    return {"ServerCertificate": {**shown, **more}}


@service.operation(on="arn:{partition}:iam::{account}:server-certificate/")
def list_server_certificates(call: Call, params: Params) -> Params:
    found = [one for one in call.store.list(ServerCertificate, call.account) if below(params, one.path)]
    return paged(found, lambda one: one.name, params, "ServerCertificateMetadataList", _metadata)


@service.operation(on=_on_certificate)
def update_server_certificate(call: Call, params: Params) -> Params:
    kept = _server_named(call, params)
    new = params.get("NewServerCertificateName", kept.name)
    kept.path = params.get("NewPath", kept.path)
    if new != kept.name:
        release_name(call, "ServerCertificate", kept.name)
        claim_name(call, "ServerCertificate", new, f"The Server Certificate with name {new} already exists.")
        call.store.delete(kept)
        kept.name = new
    call.store.put(kept)
    return {}


@service.operation(on=_on_certificate)
def delete_server_certificate(call: Call, params: Params) -> Params:
    kept = _server_named(call, params)
    call.store.delete(kept)
    release_name(call, "ServerCertificate", kept.name)
    return {}


def _metadata(kept: ServerCertificate) -> Params:
    return {
        "Path": kept.path,
        "ServerCertificateName": kept.name,
        "ServerCertificateId": kept.id,
        "Arn": kept.arn,
        "UploadDate": time(kept.uploaded),
        "Expiration": time(kept.expires),
    }


tagging.register("server_certificate", _server_named, _on_certificate)


# Signing certificates


def signing_of(call: Call, user: User) -> list[SigningCertificate]:
    return list(call.store.list(SigningCertificate, call.account, user.name))


def _signing_named(call: Call, params: Params) -> SigningCertificate:
    found = call.store.get(SigningCertificate, call.account, user_named(call, params).name, params["CertificateId"])
    if found is None:
        raise missing(f"The Certificate with id {params['CertificateId']} cannot be found.")
    return found


@service.operation(on=on_user)
def upload_signing_certificate(call: Call, params: Params) -> Params:
    user, certificate = user_named(call, params), _certificate(params["CertificateBody"])
    there, fingerprint = signing_of(call, user), certificate.fingerprint(hashes.SHA256()).hex()
    if any(one.fingerprint == fingerprint for one in there):
        message = "The certificate is already associated with an IAM user in the account."
        raise AwsError("DuplicateCertificateException", message, 409)
    if len(there) >= MOST_SIGNING:
        raise over_limit(f"Cannot exceed quota for CertificatesPerUser: {MOST_SIGNING}")
    kept = SigningCertificate(
        account=call.account,
        user=user.name,
        id=ids.iam_id("") + ids.iam_id(""),
        body=params["CertificateBody"],
        fingerprint=fingerprint,
        uploaded=call.epoch,
    )
    call.store.put(kept)
    return {"Certificate": _shown(kept)}


@service.operation(on=on_user)
def list_signing_certificates(call: Call, params: Params) -> Params:
    return paged(signing_of(call, user_named(call, params)), lambda one: one.id, params, "Certificates", _shown)


@service.operation(on=on_user)
def update_signing_certificate(call: Call, params: Params) -> Params:
    kept = _signing_named(call, params)
    kept.active = params["Status"] == "Active"
    call.store.put(kept)
    return {}


@service.operation(on=on_user)
def delete_signing_certificate(call: Call, params: Params) -> Params:
    call.store.delete(_signing_named(call, params))
    return {}


def _shown(kept: SigningCertificate) -> Params:
    return {
        "UserName": kept.user,
        "CertificateId": kept.id,
        "CertificateBody": kept.body,
        "Status": "Active" if kept.active else "Inactive",
        "UploadDate": time(kept.uploaded),
    }
