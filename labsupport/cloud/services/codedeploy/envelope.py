"""What an agent is told of a deployment, as a signed message (RFC 2315: PKCS #7).

The certificate is the service's own and made anew by each process: agents take the content without verifying it.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codedeploy.base import Deployment, Params

_KEPT = 32  # messages, so that an agent's seven questions of one deployment are answered by one signature


@dataclass
class Signer:
    """Kept by `cloud.rooms`."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    signed: dict[str, str] = field(default_factory=dict)


def envelope(call: Call, deployment: Deployment) -> Params:
    signer = _signer(call)
    if deployment.id not in signer.signed:
        if len(signer.signed) >= _KEPT:
            signer.signed.pop(next(iter(signer.signed)))
        signer.signed[deployment.id] = _sign(signer, json.dumps(specification(deployment)).encode())
    return {"Format": "PKCS7/JSON", "Payload": signer.signed[deployment.id]}


def specification(deployment: Deployment) -> Params:
    place = deployment.revision["s3Location"]
    revision = {"Bucket": place["bucket"], "Key": place["key"], "BundleType": place["bundleType"]}
    if "version" in place:
        revision["Version"] = place["version"]
    if "eTag" in place:
        revision["ETag"] = place["eTag"]
    found: Params = {
        "DeploymentId": deployment.id,
        "DeploymentGroupId": deployment.group_id,
        "DeploymentGroupName": deployment.group,
        "ApplicationName": deployment.application,
        "DeploymentCreator": deployment.creator,
        "DeploymentType": "IN_PLACE",
        "Revision": {"RevisionType": "S3", "S3Revision": revision},
    }
    if deployment.file_exists:
        found["AgentActionOverrides"] = {"AgentOverrides": {"FileExistsBehavior": deployment.file_exists}}
    return found


def _signer(call: Call) -> Signer:
    rooms = call.cloud.rooms
    if "codedeploy.signer" not in rooms:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"codedeploy-signer-{call.region}.amazonaws.com")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(call.now - timedelta(days=1)).not_valid_after(
            call.now + timedelta(days=3650)
        )
        rooms["codedeploy.signer"] = Signer(key, builder.sign(key, hashes.SHA256()))
    found: Signer = rooms["codedeploy.signer"]
    return found


def _sign(signer: Signer, data: bytes) -> str:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
    builder = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    return builder.sign(Encoding.PEM, [pkcs7.PKCS7Options.Binary]).decode()
