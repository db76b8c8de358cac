"""SSH public keys, server certificates, signing certificates."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from identity_help import PLACE
from services_help import code_of, refused

from labsupport.cloud.services.iam.records import ServerCertificate

SSH = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
PEM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def iam(shared_cloud: Any) -> Any:
    return shared_cloud.client("iam")


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def public(form: Any, key: Any = None) -> str:
    text: str = (key or rsa_key()).public_key().public_bytes(*form).decode()
    return text


@pytest.mark.parametrize("form", [SSH, PEM], ids=["ssh", "pem"])
def test_an_ssh_key(iam: Any, form: Any) -> None:
    name = "ssh-pem" if form is PEM else "ssh-openssh"
    iam.create_user(UserName=name)
    made = iam.upload_ssh_public_key(UserName=name, SSHPublicKeyBody=public(form))["SSHPublicKey"]
    assert made["SSHPublicKeyId"].startswith("APKA")
    blob = base64.b64decode(public(SSH).split()[1])
    assert made["Fingerprint"].replace(":", "") == hashlib.md5(blob).hexdigest()
    which = {"UserName": name, "SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert iam.get_ssh_public_key(**which, Encoding="SSH")["SSHPublicKey"]["SSHPublicKeyBody"] == public(SSH)
    assert iam.get_ssh_public_key(**which, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"] == public(PEM)
    again = {"UserName": name, "SSHPublicKeyBody": public(SSH)}
    assert code_of(iam.upload_ssh_public_key, **again) == "DuplicateSSHPublicKey"
    iam.update_ssh_public_key(**which, Status="Inactive")
    (listed,) = iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"]
    assert (listed["SSHPublicKeyId"], listed["Status"]) == (made["SSHPublicKeyId"], "Inactive")
    assert refused(iam.delete_user, UserName=name)[0] == "DeleteConflict"
    iam.delete_ssh_public_key(**which)
    assert code_of(iam.delete_ssh_public_key, **which) == "NoSuchEntity"
    assert code_of(iam.get_ssh_public_key, **which, Encoding="SSH") == "NoSuchEntity"


@pytest.mark.parametrize("body", ["not a key", "ssh-rsa AAAA", "ed25519", "small"])
def test_ssh_keys_that_are_refused(iam: Any, body: str) -> None:
    keys = {"ed25519": ed25519.Ed25519PrivateKey.generate, "small": lambda: rsa_key(1, 1024)}
    text = public(SSH, keys[body]()) if body in keys else body
    params = {"UserName": "learner", "SSHPublicKeyBody": text}
    assert code_of(iam.upload_ssh_public_key, **params) == "InvalidPublicKey"


def certificate(key: Any, name: str = "shop.example") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
    made = builder.not_valid_after(now + timedelta(days=90)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def private(key: Any) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text: str = key.private_bytes(*form).decode()
    return text


def test_a_server_certificate(iam: Any, shared_cloud: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    body = certificate(key)
    params = {"ServerCertificateName": "shop", "CertificateBody": body, "PrivateKey": private(key), "Path": "/cf/"}
    made = iam.upload_server_certificate(**params, Tags=[{"Key": "a", "Value": "1"}])["ServerCertificateMetadata"]
    assert (made["Arn"], made["ServerCertificateId"][:4]) == (PLACE + "server-certificate/cf/shop", "ASCA")
    assert (
        code_of(iam.upload_server_certificate, **{**params, "ServerCertificateName": "SHOP"}) == "EntityAlreadyExists"
    )
    found = iam.get_server_certificate(ServerCertificateName="shop")["ServerCertificate"]
    assert (found["CertificateBody"], "PrivateKey" in found) == (body, False)
    assert (found["ServerCertificateMetadata"]["Expiration"] - datetime.now(UTC)).days in (89, 90)
    kept = shared_cloud.on_loop(lambda cloud: [str(one) for one in cloud.store.list(ServerCertificate)])
    assert [private(key).splitlines()[1] in one for one in kept] == [False]
    iam.update_server_certificate(ServerCertificateName="shop", NewServerCertificateName="store", NewPath="/")
    name = {"ServerCertificateName": "store"}
    iam.tag_server_certificate(**name, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_server_certificate(**name, TagKeys=["a"])
    assert iam.list_server_certificate_tags(**name)["Tags"] == [{"Key": "b", "Value": "2"}]
    (listed,) = iam.list_server_certificates()["ServerCertificateMetadataList"]
    assert listed["ServerCertificateName"] == "store"
    iam.delete_server_certificate(**name)
    assert code_of(iam.delete_server_certificate, **name) == "NoSuchEntity"


def test_server_certificates_that_are_refused(iam: Any) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    good = {"CertificateBody": certificate(key), "PrivateKey": private(key)}
    for change, code in (
        ({"CertificateBody": "nonsense"}, "MalformedCertificate"),
        ({"PrivateKey": "nonsense"}, "MalformedCertificate"),
        ({"CertificateChain": "nonsense"}, "MalformedCertificate"),
        ({"PrivateKey": private(other)}, "KeyPairMismatch"),
    ):
        assert code_of(iam.upload_server_certificate, ServerCertificateName="bad", **{**good, **change}) == code


def test_signing_certificates(iam: Any) -> None:
    iam.create_user(UserName="signer")
    bodies = [certificate(rsa_key(), f"signer-{number}") for number in range(3)]
    made = [
        iam.upload_signing_certificate(UserName="signer", CertificateBody=body)["Certificate"] for body in bodies[:2]
    ]
    again = {"UserName": "signer", "CertificateBody": bodies[0]}
    assert code_of(iam.upload_signing_certificate, **again) == "DuplicateCertificate"
    assert code_of(iam.upload_signing_certificate, **{**again, "CertificateBody": bodies[2]}) == "LimitExceeded"
    which = {"UserName": "signer", "CertificateId": made[0]["CertificateId"]}
    iam.update_signing_certificate(**which, Status="Inactive")
    listed = {
        one["CertificateId"]: one["Status"] for one in iam.list_signing_certificates(UserName="signer")["Certificates"]
    }
    assert listed == {made[0]["CertificateId"]: "Inactive", made[1]["CertificateId"]: "Active"}
    assert code_of(iam.delete_user, UserName="signer") == "DeleteConflict"
    for one in made:
        iam.delete_signing_certificate(UserName="signer", CertificateId=one["CertificateId"])
    assert code_of(iam.delete_signing_certificate, **which) == "NoSuchEntity"
    iam.delete_user(UserName="signer")
