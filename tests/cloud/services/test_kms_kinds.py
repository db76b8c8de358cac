"""Key pairs and HMAC keys: every spec and every algorithm, checked with `cryptography` itself."""

import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from kms_help import Keys
from s3_help import refused

RSA = ("RSA_2048", "RSA_3072", "RSA_4096")
RSA_SIGNING = [f"RSASSA_{kind}_SHA_{bits}" for kind in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
CURVES = {
    "ECC_NIST_P256": ("secp256r1", "SHA_256"),
    "ECC_NIST_P384": ("secp384r1", "SHA_384"),
    "ECC_NIST_P521": ("secp521r1", "SHA_512"),
    "ECC_SECG_P256K1": ("secp256k1", "SHA_256"),
}
ML_DSA = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
HASHES: dict[str, Any] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
SIGNING = [
    *[("RSA_2048", algorithm) for algorithm in RSA_SIGNING],
    ("RSA_3072", "RSASSA_PSS_SHA_384"),
    ("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512"),
    *[(spec, f"ECDSA_{digest}") for spec, (_, digest) in CURVES.items()],
]
MESSAGE = b"release 1.2.3"


@pytest.mark.parametrize(
    ("spec", "usage", "member", "algorithms"),
    [
        ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
        ("RSA_2048", "SIGN_VERIFY", "SigningAlgorithms", RSA_SIGNING),
        ("ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", ["ED25519_PH_SHA_512", "ED25519_SHA_512"]),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_224"]),
        ("ML_DSA_65", "SIGN_VERIFY", "SigningAlgorithms", ["ML_DSA_SHAKE_256"]),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "EncapsulationAlgorithms", ["ML_KEM"]),
    ],
)
def test_what_a_key_is_for(kms: Any, keys: Keys, spec: str, usage: str, member: str, algorithms: list[str]) -> None:
    found = kms.describe_key(KeyId=keys(spec, usage))["KeyMetadata"]
    assert (found["KeySpec"], found["CustomerMasterKeySpec"], found["KeyUsage"]) == (spec, spec, usage)
    assert found[member] == algorithms
    assert [name for name in found if name.endswith("Algorithms")] == [member]
    assert "CurrentKeyMaterialId" not in found


# Signatures


def check(public: Any, algorithm: str, signature: bytes, message: bytes, prehashed: bool = False) -> None:
    """Verify with `cryptography` alone."""
    chosen = HASHES[algorithm[-3:]]
    digest = Prehashed(chosen) if prehashed else chosen
    if algorithm.startswith("ECDSA"):
        public.verify(signature, message, ec.ECDSA(digest))
    elif "PSS" in algorithm:
        public.verify(signature, message, padding.PSS(padding.MGF1(chosen), chosen.digest_size), digest)
    else:
        public.verify(signature, message, padding.PKCS1v15(), digest)


@pytest.mark.parametrize(("spec", "algorithm"), SIGNING)
def test_signatures(kms: Any, keys: Keys, spec: str, algorithm: str) -> None:
    key = keys(spec, "SIGN_VERIFY")
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    digest = hashlib.new(f"sha{algorithm[-3:]}", MESSAGE).digest()
    asked = {"KeyId": key, "SigningAlgorithm": algorithm}
    raw = kms.sign(Message=MESSAGE, **asked)
    assert (raw["KeyId"], raw["SigningAlgorithm"]) == (key, algorithm)
    check(public, algorithm, raw["Signature"], MESSAGE)
    hashed = kms.sign(Message=digest, MessageType="DIGEST", **asked)["Signature"]
    check(public, algorithm, hashed, digest, prehashed=True)
    for signature in (raw["Signature"], hashed):
        assert kms.verify(Message=MESSAGE, Signature=signature, **asked)["SignatureValid"] is True
        assert kms.verify(Message=digest, MessageType="DIGEST", Signature=signature, **asked)["SignatureValid"] is True
    with refused("KMSInvalidSignatureException", status=400):
        kms.verify(Message=MESSAGE + b"!", Signature=raw["Signature"], **asked)
    with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
        kms.sign(Message=digest[:-1], MessageType="DIGEST", **asked)
    with pytest.raises(InvalidSignature):
        check(public, algorithm, raw["Signature"], MESSAGE + b"!")


def test_signatures_made_outside_are_verified_too(kms: Any) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    foreign = private.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, Message=MESSAGE, Signature=foreign, SigningAlgorithm="ECDSA_SHA_256")


@pytest.mark.parametrize("spec", ["ECC_NIST_EDWARDS25519", *ML_DSA])
def test_signatures_over_whole_messages(kms: Any, keys: Keys, spec: str) -> None:
    key = keys(spec, "SIGN_VERIFY")
    algorithm = "ED25519_SHA_512" if "25519" in spec else "ML_DSA_SHAKE_256"
    public: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    asked = {"KeyId": key, "SigningAlgorithm": algorithm}
    signature = kms.sign(Message=MESSAGE, **asked)["Signature"]
    public.verify(signature, MESSAGE)
    assert kms.verify(Message=MESSAGE, Signature=signature, **asked)["SignatureValid"] is True
    with refused("KMSInvalidSignatureException"):
        kms.verify(Message=b"other", Signature=signature, **asked)
    with refused("ValidationException"):
        kms.sign(Message=b"x" * 64, MessageType="DIGEST", **asked)


def test_a_message_representative_is_signed_as_the_message(kms: Any, keys: Keys) -> None:
    """FIPS 204: μ = SHAKE256(SHAKE256(public key, 64) || 0x00 || 0x00 || message, 64), with an empty context."""
    key = keys("ML_DSA_44", "SIGN_VERIFY")
    public: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    head = hashlib.shake_256(public.public_bytes_raw()).digest(64) + b"\x00\x00"
    mu = hashlib.shake_256(head + MESSAGE).digest(64)
    asked = {"KeyId": key, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    signature = kms.sign(Message=mu, MessageType="EXTERNAL_MU", **asked)["Signature"]
    public.verify(signature, MESSAGE)
    assert kms.verify(Message=MESSAGE, Signature=signature, **asked)["SignatureValid"] is True
    assert kms.verify(Message=mu, MessageType="EXTERNAL_MU", Signature=signature, **asked)["SignatureValid"] is True
    with refused("ValidationException"):
        kms.sign(Message=mu[1:], MessageType="EXTERNAL_MU", **asked)


def test_a_pre_hashed_edwards_signature_is_not_simulated(kms: Any, keys: Keys) -> None:
    key = keys("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    with refused("NotSimulated"):
        kms.sign(KeyId=key, Message=b"x" * 64, MessageType="DIGEST", SigningAlgorithm="ED25519_PH_SHA_512")


# Encryption


@pytest.mark.parametrize(
    ("spec", "algorithm", "most"),
    [
        ("RSA_2048", "RSAES_OAEP_SHA_1", 214),
        ("RSA_2048", "RSAES_OAEP_SHA_256", 190),
        ("RSA_3072", "RSAES_OAEP_SHA_1", 342),
        ("RSA_3072", "RSAES_OAEP_SHA_256", 318),
    ],
)
def test_rsa_encryption(kms: Any, keys: Keys, spec: str, algorithm: str, most: int) -> None:
    key, plaintext = keys(spec, "ENCRYPT_DECRYPT"), b"p" * most
    sealed = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionAlgorithm=algorithm)
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (key, algorithm)
    asked = {"KeyId": key, "EncryptionAlgorithm": algorithm}
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], **asked)
    assert (opened["Plaintext"], "KeyMaterialId" in opened) == (plaintext, False)
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    chosen: Any = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
    outside = public.encrypt(b"from outside", padding.OAEP(padding.MGF1(chosen), chosen, None))
    assert kms.decrypt(CiphertextBlob=outside, **asked)["Plaintext"] == b"from outside"
    with refused("ValidationException", f"key spec {spec} cannot encrypt data larger than {most} bytes."):
        kms.encrypt(KeyId=key, Plaintext=plaintext + b"p", EncryptionAlgorithm=algorithm)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=outside[:-1] + b"x", **asked)


def test_rsa_has_no_context_and_needs_its_key_named(kms: Any, keys: Keys) -> None:
    key, algorithm = keys("RSA_2048", "ENCRYPT_DECRYPT"), "RSAES_OAEP_SHA_256"
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    with refused("ValidationException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionAlgorithm=algorithm, EncryptionContext={"a": "b"})
    with refused("ValidationException", "KeyId is required"):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("InvalidKeyUsageException", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."):
        kms.encrypt(KeyId=key, Plaintext=b"x")


def test_re_encryption_between_kinds(kms: Any, keys: Keys) -> None:
    pair, secret = keys("RSA_2048", "ENCRYPT_DECRYPT"), keys()
    blob = kms.encrypt(KeyId=secret, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    to_pair = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext={"a": "b"}, DestinationKeyId=pair,
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256",
    )  # fmt: skip
    assert (to_pair["SourceEncryptionAlgorithm"], "DestinationKeyMaterialId" in to_pair) == ("SYMMETRIC_DEFAULT", False)
    back = kms.re_encrypt(
        CiphertextBlob=to_pair["CiphertextBlob"], SourceKeyId=pair, SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=secret,
    )  # fmt: skip
    assert (back["SourceKeyId"], back["KeyId"]) == (pair, secret)
    assert kms.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == b"x"


# MACs


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_macs(shared_cloud: Any, kms: Any, keys: Keys, bits: int) -> None:
    key, algorithm = keys(f"HMAC_{bits}", "GENERATE_VERIFY_MAC"), f"HMAC_SHA_{bits}"
    asked = {"KeyId": key, "MacAlgorithm": algorithm}
    made = kms.generate_mac(Message=MESSAGE, **asked)
    assert (made["KeyId"], made["MacAlgorithm"], len(made["Mac"])) == (key, algorithm, bits // 8)
    assert kms.verify_mac(Message=MESSAGE, Mac=made["Mac"], **asked)["MacValid"] is True
    for message, mac in ((b"other", made["Mac"]), (MESSAGE, made["Mac"][:-1]), (MESSAGE, b"\x00" * (bits // 8))):
        with refused("KMSInvalidMacException"):
            kms.verify_mac(Message=message, Mac=mac, **asked)
    other = "HMAC_SHA_256" if bits == 224 else "HMAC_SHA_224"
    with refused("InvalidKeyUsageException", f"Algorithm {other} is incompatible with key spec HMAC_{bits}."):
        kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=other)


# Shared secrets


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_a_shared_secret_is_the_peers_too(kms: Any, keys: Keys, spec: str) -> None:
    key = keys(spec, "KEY_AGREEMENT")
    ours: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert ours.curve.name == CURVES[spec][0]
    peer = ec.generate_private_key(ours.curve)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    public = peer.public_key().public_bytes(*form)
    answer = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    assert answer["SharedSecret"] == peer.exchange(ec.ECDH(), ours)
    assert (answer["KeyId"], answer["KeyOrigin"], answer["KeyAgreementAlgorithm"]) == (key, "AWS_KMS", "ECDH")
    stranger = ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(*form)
    for bad in (stranger, b"no key at all"):
        with refused("ValidationException"):
            kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=bad)


@pytest.mark.parametrize(("spec", "size"), [("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)])
def test_encapsulated_secrets(kms: Any, keys: Keys, spec: str, size: int) -> None:
    asked = {"KeyId": keys(spec, "ENCAPSULATE_DECAPSULATE"), "EncapsulationAlgorithm": "ML_KEM"}
    made = kms.encapsulate(**asked)
    assert (len(made["SharedSecret"]), len(made["SharedSecretCiphertextBlob"])) == (32, size)
    opened = kms.decapsulate(SharedSecretCiphertextBlob=made["SharedSecretCiphertextBlob"], **asked)
    assert opened["SharedSecret"] == made["SharedSecret"]
    public: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=asked["KeyId"])["PublicKey"])
    secret, blob = public.encapsulate()
    assert kms.decapsulate(SharedSecretCiphertextBlob=blob, **asked)["SharedSecret"] == secret
    with refused("InvalidCiphertextException"):
        kms.decapsulate(SharedSecretCiphertextBlob=blob[:-1], **asked)


# Data key pairs


@pytest.mark.parametrize("spec", ["RSA_2048", *CURVES, "ECC_NIST_EDWARDS25519", "ML_KEM_768"])
def test_data_key_pairs(kms: Any, keys: Keys, spec: str) -> None:
    context = {"app": "shop"}
    made = kms.generate_data_key_pair(KeyId=keys(), KeyPairSpec=spec, EncryptionContext=context)
    assert (made["KeyId"], made["KeyPairSpec"]) == (keys(), spec)
    private: Any = serialization.load_der_private_key(made["PrivateKeyPlaintext"], None)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert private.public_key().public_bytes(*form) == made["PublicKey"]
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])


def test_data_key_pairs_without_plaintext(kms: Any, keys: Keys) -> None:
    made = kms.generate_data_key_pair_without_plaintext(KeyId=keys(), KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in made
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    private: Any = serialization.load_der_private_key(opened, None)
    public: Any = serialization.load_der_public_key(made["PublicKey"])
    public.verify(private.sign(MESSAGE, ec.ECDSA(hashes.SHA256())), MESSAGE, ec.ECDSA(hashes.SHA256()))


# What a key is not for

USES = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("RSA_2048", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"), ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
]  # fmt: skip
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "Encrypt": ("ENCRYPT_DECRYPT", {"Plaintext": b"x"}),
    "GenerateDataKey": ("ENCRYPT_DECRYPT", {"KeySpec": "AES_256"}),
    "GenerateDataKeyPair": ("ENCRYPT_DECRYPT", {"KeyPairSpec": "ECC_NIST_P256"}),
    "Sign": ("SIGN_VERIFY", {"Message": b"x", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}),
    "Verify": ("SIGN_VERIFY", {"Message": b"x", "Signature": b"x", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}),
    "GenerateMac": ("GENERATE_VERIFY_MAC", {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    "VerifyMac": ("GENERATE_VERIFY_MAC", {"Message": b"x", "Mac": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    "DeriveSharedSecret": ("KEY_AGREEMENT", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"}),
    "Encapsulate": ("ENCAPSULATE_DECAPSULATE", {"EncapsulationAlgorithm": "ML_KEM"}),
}


@pytest.mark.parametrize("spec", USES, ids=[one[1] for one in USES])
@pytest.mark.parametrize("operation", CALLS)
def test_uses_that_a_key_is_not_for(kms: Any, keys: Keys, spec: tuple[str, str], operation: str) -> None:
    wanted, params = CALLS[operation]
    if wanted == spec[1]:
        return
    key = keys(*spec)
    with refused("InvalidKeyUsageException", f"{key} key usage is {spec[1]} which is not valid for {operation}."):
        kms._make_api_call(operation, {"KeyId": key, **params})


@pytest.mark.parametrize("spec", [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("HMAC_256", "GENERATE_VERIFY_MAC")])
def test_a_secret_key_has_no_public_half(kms: Any, keys: Keys, spec: tuple[str, str]) -> None:
    with refused("UnsupportedOperationException"):
        kms.get_public_key(KeyId=keys(*spec))


def test_rotation_is_for_symmetric_encryption_keys(kms: Any, keys: Keys) -> None:
    for spec in USES[1:]:
        for call in (kms.enable_key_rotation, kms.rotate_key_on_demand, kms.get_key_rotation_status):
            with refused("UnsupportedOperationException"):
                call(KeyId=keys(*spec))
