"""KMS from the command line, and envelope encryption as the lesson does it."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from cli_help import Cli
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from s3_help import refused


def test_files_are_encrypted_and_opened(shared_cloud: Any, cli: Cli, tmp_path: Path) -> None:
    def typed(*arguments: str) -> Any:
        return json.loads(cli.run(shared_cloud, "kms", *arguments, "--output", "json", cwd=tmp_path))

    kms = shared_cloud.client("kms")
    secret = kms.create_key()["KeyMetadata"]["KeyId"]
    (tmp_path / "plain.txt").write_bytes(b"release 1.2.3")
    context = ("--encryption-context", "app=shop,stage=prod")
    sealed = typed("encrypt", "--key-id", secret, "--plaintext", "fileb://plain.txt", *context)
    (tmp_path / "sealed.bin").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    opened = typed("decrypt", "--ciphertext-blob", "fileb://sealed.bin", *context)
    assert base64.b64decode(opened["Plaintext"]) == b"release 1.2.3"


def test_envelope_encryption(shared_cloud: Any) -> None:
    """A data key encrypts the file here; only the data key goes to KMS, and it comes back with the same context."""
    kms = shared_cloud.client("kms")
    key, context = kms.create_key()["KeyMetadata"]["KeyId"], {"file": "orders.csv"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    nonce, orders = os.urandom(12), b"order,amount\n1,20\n" * 10_000
    stored = made["CiphertextBlob"], nonce, AESGCM(made["Plaintext"]).encrypt(nonce, orders, None)
    blob, nonce, body = stored
    plain_key = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]
    assert AESGCM(plain_key).decrypt(nonce, body, None) == orders
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"file": "other.csv"})
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
