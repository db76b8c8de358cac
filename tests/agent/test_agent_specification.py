"""What a deployment wants, out of the signed message; and messages that are none."""

import base64
import datetime
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from labsupport.agent.envelope import NoContent, content
from labsupport.agent.specification import BadSpecification, Specification, read

S3 = {"RevisionType": "S3", "S3Revision": {"Bucket": "b", "Key": "k", "BundleType": "zip", "ETag": "e"}}
GOOD: dict[str, Any] = {
    "DeploymentId": "arn:aws:codedeploy:us-east-1:1:deployment/d-1",
    "DeploymentGroupId": "g",
    "DeploymentGroupName": "prod",
    "ApplicationName": "shop",
    "Revision": S3,
}


def message(data: bytes) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    signer = pkcs7.PKCS7SignatureBuilder().set_data(data)
    signer = signer.add_signer(builder.sign(key, hashes.SHA256()), key, hashes.SHA256())
    return signer.sign(Encoding.PEM, [pkcs7.PKCS7Options.Binary]).decode()


@pytest.mark.parametrize("data", [b"{}", b"x" * 127, b"x" * 128, b"x" * 70_000, "ä€\n".encode()])
def test_the_content_of_a_signed_message(data: bytes) -> None:
    assert content(message(data)) == data


def test_octets_in_parts() -> None:
    parts = bytes.fromhex("2406 0402 6162 0400".replace(" ", ""))
    inner = b"\x30" + bytes([2 + 2 + len(parts)]) + b"\x06\x00" + b"\xa0" + bytes([len(parts)]) + parts
    data = b"\x02\x00\x31\x00" + inner
    signed = b"\x30" + bytes([len(data)]) + data
    whole = b"\x06\x00\xa0" + bytes([len(signed)]) + signed
    pem = base64.b64encode(b"\x30" + bytes([len(whole)]) + whole).decode()
    assert content(f"-----BEGIN PKCS7-----\n{pem}\n-----END PKCS7-----") == b"ab"


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
        "-----BEGIN PKCS7-----\n\n-----END PKCS7-----",
        "-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----",
        "-----BEGIN PKCS7-----\nMIAAAA==\n-----END PKCS7-----",
        "-----BEGIN PKCS7-----\nMIL///8=\n-----END PKCS7-----",
        "-----BEGIN PKCS7-----\n!!!\n-----END PKCS7-----",
    ],
)
def test_what_is_no_message_is_refused(pem: str) -> None:
    with pytest.raises(NoContent):
        content(pem)


def test_a_message_that_is_cut_off() -> None:
    lines = message(b"hello").splitlines()
    with pytest.raises(NoContent):
        content("\n".join([*lines[:3], lines[-1]]))


def test_a_specification_in_a_signed_message() -> None:
    found = read({"Format": "PKCS7/JSON", "Payload": message(json.dumps(GOOD).encode())})
    assert found == Specification("d-1", "g", "prod", "shop", "b", "k", "zip", None, "e", None)


def test_a_specification_as_plain_text_with_overrides() -> None:
    data = {**GOOD, "AgentActionOverrides": {"AgentOverrides": {"FileExistsBehavior": "overwrite"}}}
    assert read({"Format": "TEXT/JSON", "Payload": json.dumps(data)}).file_exists == "OVERWRITE"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"DeploymentId": ""}, "Deployment Spec has no DeploymentId"),
        ({"ApplicationName": None}, "Deployment Spec has no ApplicationName"),
        ({"Revision": {"RevisionType": "GitHub"}}, "the type GitHub cannot be fetched"),
        ({"Revision": None}, "the type None"),
        (
            {"Revision": {"RevisionType": "S3", "S3Revision": {"Bucket": "b"}}},
            "must specify Bucket, Key and BundleType",
        ),
        ({"Revision": {**S3, "S3Revision": {**S3["S3Revision"], "BundleType": "rar"}}}, "must be tar, tgz or zip"),
        ({"AgentActionOverrides": {"AgentOverrides": {"FileExistsBehavior": "ASK"}}}, "invalid option"),
    ],
)
def test_a_specification_that_cannot_be_worked_by(change: dict[str, Any], why: str) -> None:
    with pytest.raises(BadSpecification, match=why):
        read({"Format": "TEXT/JSON", "Payload": json.dumps({**GOOD, **change})})


@pytest.mark.parametrize("envelope", [{}, {"Format": "XML"}, {"Format": "TEXT/JSON", "Payload": "{"}])
def test_an_envelope_that_cannot_be_read(envelope: dict[str, str]) -> None:
    with pytest.raises(BadSpecification):
        read(envelope)
