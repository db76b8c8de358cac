"""KMS from the command line, and envelope encryption as the lesson does it."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from s3_help import refused

AWS = str(Path(sys.executable).parent / "aws")


def aws(cloud: Any, folder: Path, *arguments: str) -> Any:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **cloud.environment()}
    command = [AWS, "kms", *arguments, "--output", "json"]
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_files_are_encrypted_and_opened(shared_cloud: Any, tmp_path: Path) -> None:
    kms = shared_cloud.client("kms")
    secret = kms.create_key()["KeyMetadata"]["KeyId"]
    (tmp_path / "plain.txt").write_bytes(b"release 1.2.3")
    context = ("--encryption-context", "app=shop,stage=prod")
    sealed = aws(shared_cloud, tmp_path, "encrypt", "--key-id", secret, "--plaintext", "fileb://plain.txt", *context)
    (tmp_path / "sealed.bin").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    opened = aws(shared_cloud, tmp_path, "decrypt", "--ciphertext-blob", "fileb://sealed.bin", *context)
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
