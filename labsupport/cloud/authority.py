"""The lab's own certificate authority: what its HTTPS listener is known by.

It is made on first use and lies in the home folder, its keys readable for their owner only. The authority can vouch
for this machine's own addresses and nothing else (name constraints, RFC 5280 4.2.1.10), so whoever trusts it risks
nothing elsewhere.
"""

import os
import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

FOLDER = "tls"
_LIFETIME = timedelta(days=390)
_RENEWED_BEFORE = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(days=1)
_NAMES, _ADDRESSES = ("localhost",), ("127.0.0.1",)
_NETWORK = "127.0.0.0/8"


def context(home: Path, now: datetime) -> ssl.SSLContext:
    """What a listener needs to speak TLS; the certificates are made where there are none or they end soon."""
    folder = home / FOLDER
    if not _is_good(folder, now):
        _make(folder, now)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_cert_chain(folder / "server.pem", folder / "server.key")
    return found


def _is_good(folder: Path, now: datetime) -> bool:
    """Whether all of it is there and good for a while, by a note beside it: reading certificates takes long to load."""
    try:
        until = datetime.fromisoformat((folder / "good-until").read_text())
    except (OSError, ValueError):
        return False
    return now < until and all((folder / name).is_file() for name in ("ca.pem", "server.pem", "server.key"))


def _make(folder: Path, now: datetime) -> None:
    """A new authority and a certificate of its own making. The authority's key is not kept: nothing else is signed."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "good-until").unlink(missing_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key, now)
    certificate = _certificate(ca, ca_key, key, now)
    _write(folder / "ca.pem", ca.public_bytes(Encoding.PEM))
    _write(folder / "server.pem", certificate.public_bytes(Encoding.PEM))
    _write(folder / "server.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(folder / "good-until", (now + _LIFETIME - _RENEWED_BEFORE).isoformat().encode())


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def _authority(key: "EllipticCurvePrivateKey", now: datetime) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    subject = _named("CI/CD Lab authority of this home folder")
    permitted = [*(x509.DNSName(name) for name in _NAMES), x509.IPAddress(ip_network(_NETWORK))]
    return (
        _begun(subject, subject, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    ca: "x509.Certificate", ca_key: "EllipticCurvePrivateKey", key: "EllipticCurvePrivateKey", now: datetime
) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    names = [*(x509.DNSName(name) for name in _NAMES), *(x509.IPAddress(ip_address(one)) for one in _ADDRESSES)]
    return (
        _begun(_named("localhost"), ca.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _named(name: str) -> "x509.Name":
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _begun(
    subject: "x509.Name", issuer: "x509.Name", key: "EllipticCurvePrivateKey", now: datetime
) -> "x509.CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(**allowed: bool) -> "x509.KeyUsage":
    from cryptography import x509

    all_uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: allowed.get(use, False) for use in all_uses})
