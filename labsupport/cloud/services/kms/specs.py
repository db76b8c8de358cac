"""What each key spec is and may be used for (KMS Developer Guide: "Key spec reference"). Pure."""

from typing import NamedTuple

SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPT = "ENCRYPT_DECRYPT"
SIGN = "SIGN_VERIFY"
MAC = "GENERATE_VERIFY_MAC"
AGREE = "KEY_AGREEMENT"
ENCAPSULATE = "ENCAPSULATE_DECAPSULATE"

SHOWN_AS = {
    ENCRYPT: "EncryptionAlgorithms",
    SIGN: "SigningAlgorithms",
    MAC: "MacAlgorithms",
    AGREE: "KeyAgreementAlgorithms",
    ENCAPSULATE: "EncapsulationAlgorithms",
}
"""Where an answer lists the algorithms of a key with this usage."""


class Spec(NamedTuple):
    """`size` is a modulus's or a curve's bits, or the bytes of a secret key; `uses` maps a usage to its algorithms."""

    family: str
    size: int
    uses: dict[str, tuple[str, ...]]


def _rsa(bits: int) -> Spec:
    hashes = ("SHA_256", "SHA_384", "SHA_512")
    signing = tuple(f"RSASSA_{padding}_{one}" for padding in ("PKCS1_V1_5", "PSS") for one in hashes)
    return Spec("rsa", bits, {ENCRYPT: ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), SIGN: signing})


def _nist(bits: int, digest: str) -> Spec:
    return Spec("ec", bits, {SIGN: (f"ECDSA_{digest}",), AGREE: ("ECDH",)})


SPECS = {
    SYMMETRIC: Spec("aes", 32, {ENCRYPT: (SYMMETRIC,)}),
    **{f"RSA_{bits}": _rsa(bits) for bits in (2048, 3072, 4096)},
    "ECC_NIST_P256": _nist(256, "SHA_256"),
    "ECC_NIST_P384": _nist(384, "SHA_384"),
    "ECC_NIST_P521": _nist(521, "SHA_512"),
    "ECC_SECG_P256K1": Spec("secp256k1", 256, {SIGN: ("ECDSA_SHA_256",)}),
    "ECC_NIST_EDWARDS25519": Spec("ed25519", 255, {SIGN: ("ED25519_PH_SHA_512", "ED25519_SHA_512")}),
    **{f"HMAC_{bits}": Spec("hmac", bits // 8, {MAC: (f"HMAC_SHA_{bits}",)}) for bits in (224, 256, 384, 512)},
    **{f"ML_DSA_{level}": Spec("ml-dsa", level, {SIGN: ("ML_DSA_SHAKE_256",)}) for level in (44, 65, 87)},
    **{f"ML_KEM_{level}": Spec("ml-kem", level, {ENCAPSULATE: ("ML_KEM",)}) for level in (768, 1024)},
}
"""SM2 (AWS offers it in China only) and ML_KEM_512 are not among them: `cryptography` has neither."""

SECRET = ("aes", "hmac")
"""The families of keys that are secret bytes; all others are key pairs."""

_ALWAYS = ("CreateGrant", "DescribeKey", "RetireGrant")
WITH_CONTEXT = (
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
)  # fmt: skip
"""The operations on a symmetric encryption key that have an encryption context."""
_OF_PAIRS = {
    ENCRYPT: ("Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"),
    SIGN: ("Sign", "Verify", "GetPublicKey"),
    AGREE: ("DeriveSharedSecret", "GetPublicKey"),
    ENCAPSULATE: ("Encapsulate", "Decapsulate", "GetPublicKey"),
    MAC: ("GenerateMac", "VerifyMac"),
}


def grantable(spec: str, usage: str) -> tuple[str, ...]:
    """What a grant on such a key may allow (KMS Developer Guide: "Grants in AWS KMS", grant operations)."""
    return (WITH_CONTEXT if spec == SYMMETRIC else _OF_PAIRS[usage]) + _ALWAYS
