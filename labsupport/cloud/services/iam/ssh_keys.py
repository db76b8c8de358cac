"""SSH public keys of users, for git over SSH (CodeCommit User Guide: "Setup steps for SSH connections")."""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import SshPublicKey, User
from labsupport.cloud.services.iam.base import Params, missing, on_user, over_limit, paged, service, time, user_named

MOST = 5
_SMALLEST = 2048  # bits


def keys_of(call: Call, user: User) -> list[SshPublicKey]:
    found = call.store.list(SshPublicKey)
    return [key for key in found if key.account == call.account and key.user == user.name]


def _one(call: Call, params: Params) -> SshPublicKey:
    for key in keys_of(call, user_named(call, params)):
        if key.id == params["SSHPublicKeyId"]:
            return key
    raise missing(f"The Public Key with id {params['SSHPublicKeyId']} cannot be found.")


def _read(text: str) -> rsa.RSAPublicKey:
    """A public key in OpenSSH's form or PEM; RSA of at least 2,048 bits, as AWS takes them."""
    data = text.strip().encode()
    try:
        key = (
            serialization.load_pem_public_key(data)
            if data.startswith(b"-----")
            else serialization.load_ssh_public_key(data)
        )
    except (ValueError, UnsupportedAlgorithm):
        raise AwsError("InvalidPublicKeyException", "The public key is malformed or otherwise invalid.", 400) from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST:
        message = f"The public key must be an RSA key of at least {_SMALLEST} bits."
        raise AwsError("InvalidPublicKeyException", message, 400)
    return key


def _openssh(key: rsa.RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _fingerprint(key: rsa.RSAPublicKey) -> str:
    """The MD5 digest, as `ssh-keygen -l -E md5` shows it."""
    digest = hashlib.md5(base64.b64decode(_openssh(key).split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


@service.operation(on=on_user)
def upload_ssh_public_key(call: Call, params: Params) -> Params:
    user, key = user_named(call, params), _read(params["SSHPublicKeyBody"])
    there = keys_of(call, user)
    fingerprint = _fingerprint(key)
    if any(one.fingerprint == fingerprint for one in there):
        message = "The SSH public key is already associated with the specified IAM user."
        raise AwsError("DuplicateSSHPublicKeyException", message, 400)
    if len(there) >= MOST:
        raise over_limit(f"Cannot exceed quota for SSHPublicKeysPerUser: {MOST}")
    body = params["SSHPublicKeyBody"].strip()
    kept = SshPublicKey(
        id=ids.iam_id("APKA"),
        account=call.account,
        user=user.name,
        body=_openssh(key) if body.startswith("-----") else body,
        fingerprint=fingerprint,
        uploaded=call.epoch,
    )
    call.store.put(kept)
    return {"SSHPublicKey": {**_shown(kept), "Fingerprint": fingerprint, "SSHPublicKeyBody": body}}


@service.operation(on=on_user)
def get_ssh_public_key(call: Call, params: Params) -> Params:
    kept = _one(call, params)
    body = kept.body
    if params["Encoding"] == "PEM":
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        body = _read(kept.body).public_bytes(*form).decode()
    return {"SSHPublicKey": {**_shown(kept), "Fingerprint": kept.fingerprint, "SSHPublicKeyBody": body}}


@service.operation(on=on_user)
def list_ssh_public_keys(call: Call, params: Params) -> Params:
    return paged(keys_of(call, user_named(call, params)), lambda key: key.id, params, "SSHPublicKeys", _shown)


@service.operation(on=on_user)
def update_ssh_public_key(call: Call, params: Params) -> Params:
    kept = _one(call, params)
    kept.active = params["Status"] == "Active"
    call.store.put(kept)
    return {}


@service.operation(on=on_user)
def delete_ssh_public_key(call: Call, params: Params) -> Params:
    call.store.delete(_one(call, params))
    return {}


def _shown(key: SshPublicKey) -> Params:
    return {
        "UserName": key.user,
        "SSHPublicKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "UploadDate": time(key.uploaded),
    }
