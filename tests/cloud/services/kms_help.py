"""Keys of every kind for the tests of KMS: made once for a module, as RSA's take long; and imports."""

import os
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from s3_help import new_user

OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


class Keys:
    """`keys("RSA_2048", "SIGN_VERIFY")` is the ARN of such a key, the same whenever it is asked for."""

    def __init__(self, kms: Any) -> None:
        self.kms = kms
        self.made: dict[tuple[str, str], str] = {}

    def __call__(self, spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT") -> str:
        kind = (spec, usage)
        if kind not in self.made:
            self.made[kind] = self.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
        return self.made[kind]


def user_of(cloud: Any, *statements: Any, profile: str = "learner", region: str = "us-east-1") -> Any:
    """Somebody's client of KMS who may do just this."""
    return cloud.client("kms", credentials=new_user(cloud, *statements, profile=profile)["keys"], region_name=region)


def external(kms: Any, **more: Any) -> str:
    arn: str = kms.create_key(Origin="EXTERNAL", **more)["KeyMetadata"]["Arn"]
    return arn


def wrapped(given: dict[str, Any], algorithm: str, plaintext: bytes) -> bytes:
    public = serialization.load_der_public_key(given["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    chosen: Any = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(chosen), chosen, None)
    if algorithm in OAEP:
        return public.encrypt(plaintext, oaep)
    key = os.urandom(32)
    return public.encrypt(key, oaep) + aes_key_wrap_with_padding(key, plaintext)


def put(kms: Any, key: str, plaintext: bytes, algorithm: str = OAEP[1], **more: Any) -> Any:
    """The whole way of an import."""
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    sealed = wrapped(given, algorithm, plaintext)
    more = more or FOREVER
    return kms.import_key_material(KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=sealed, **more)


def state(kms: Any, key: str) -> str:
    found: str = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return found
