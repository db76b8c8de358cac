"""The lab as an identity provider: tokens that an account's principals show to services elsewhere
(IAM User Guide: "Federating AWS identities to external services"). IAM switches it on, STS signs."""

import base64

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from labsupport.cloud.core import ids, vault
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.store.record import record

PATH = "/_tokens/"  # where the keys are served; at AWS each account has a host name of its own
_FORM = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@record("iam.outbound-issuer", key=("account",))
class Issuer(msgspec.Struct, kw_only=True):
    """An account's issuer, which stays the same when it is switched off and on again."""

    account: str
    id: str
    enabled: bool
    sealed: dict[str, str]  # algorithm -> private key, as the vault gives it, in base 64


def new_issuer(cloud: Cloud, account: str) -> Issuer:
    keys: dict[str, Key] = {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
    }
    number = ids.uuid4()
    sealed = {name: _sealed(cloud, key, number) for name, key in keys.items()}
    return Issuer(account=account, id=number, enabled=True, sealed=sealed)


def _sealed(cloud: Cloud, key: Key, number: str) -> str:
    return base64.b64encode(vault.seal(cloud, key.private_bytes(*_FORM), number.encode())).decode()


def key_of(cloud: Cloud, issuer: Issuer, algorithm: str) -> Key:
    plain = vault.unseal(cloud, base64.b64decode(issuer.sealed[algorithm]), issuer.id.encode())
    key = serialization.load_der_private_key(plain, None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def url_of(cloud: Cloud, issuer: Issuer) -> str:
    """The issuer's address, where the lab itself answers with its keys."""
    return f"{cloud.settings.endpoint}{PATH}{issuer.id}"
