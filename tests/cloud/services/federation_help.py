"""Identity providers for tests: an OpenID Connect one that listens on loopback, and a SAML one that signs."""

import base64
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner, methods

NAMES = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion", "samlp": "urn:oasis:names:tc:SAML:2.0:protocol"}
ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class OidcServer:
    """A provider with an RSA and an EC key; `keys` are those that it publishes now."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"r1": rsa_key("r1"), "e1": ec_key("e1")}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.name = self.url.partition("://")[2]
        self.issuer = self.url
        threading.Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {"/.well-known/openid-configuration": outer.discovery, "/keys": outer.jwks}
                page = pages.get(self.path)
                body = json.dumps(page() if page else {}).encode()
                self.send_response(200 if page else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def discovery(self) -> dict[str, Any]:
        return {"issuer": self.issuer, "jwks_uri": f"{self.url}/keys"}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [_jwk(key_id, key) for key_id, key in self.keys.items()]}

    def token(self, key: str = "r1", signed_by: Any = None, **claims: Any) -> str:
        """A token for the audience `shop`; a claim that is None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "sub": "repo:shop:main", "aud": "shop", "iat": now, "exp": now + 600, **claims}
        kept = {name: value for name, value in said.items() if value is not None}
        algorithm = "RS256" if key.startswith("r") else "ES256"
        return jwt.encode(kept, signed_by or self.keys[key], algorithm=algorithm, headers={"kid": key})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _jwk(key_id: str, key: Any) -> dict[str, Any]:
    kind, algorithm = (jwt.algorithms.RSAAlgorithm, "RS256")
    if isinstance(key, ec.EllipticCurvePrivateKey):
        kind, algorithm = (jwt.algorithms.ECAlgorithm, "ES256")  # type: ignore[assignment]
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": key_id, "use": "sig", "alg": algorithm}


def certificate(key: Any) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1000).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    made = builder.not_valid_after(datetime(2120, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def metadata(entity: str = "https://idp.example/saml", key: str = "saml") -> str:
    body = "".join(certificate(rsa_key(key)).splitlines()[1:-1])
    return f"""<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
      <ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{entity}/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""


def assertion(role: str, provider: str, attributes: dict[str, str] | None = None, **change: Any) -> str:
    """An unsigned assertion as XML, valid for five minutes."""
    now = datetime.now(UTC)
    said = {
        "issuer": "https://idp.example/saml",
        "subject": "ana@shop.example",
        "recipient": "https://signin.aws.amazon.com/saml",
        "audience": "urn:amazon:webservices",
        "until": (now + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **change,
    }
    own = {"Role": f"{role},{provider}", "RoleSessionName": "ana", **(attributes or {})}
    listed = "".join(
        f'<saml:Attribute Name="{ATTRIBUTE}{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>'
        for name, value in own.items()
    )
    return f"""<saml:Assertion xmlns:saml="{NAMES["saml"]}" ID="a1" Version="2.0" IssueInstant="{said["until"]}">
<saml:Issuer>{said["issuer"]}</saml:Issuer><saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{said["subject"]}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
NotOnOrAfter="{said["until"]}" Recipient="{said["recipient"]}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotOnOrAfter="{said["until"]}"><saml:AudienceRestriction>
<saml:Audience>{said["audience"]}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>{listed}</saml:AttributeStatement></saml:Assertion>"""


def signed(text: str, key: str = "saml") -> Any:
    """The element with an enveloped signature."""
    element = etree.fromstring(text)
    signer = XMLSigner(
        method=methods.enveloped,
        signature_algorithm="rsa-sha256",
        digest_algorithm="sha256",
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    reference = element.get("ID")
    return signer.sign(element, key=rsa_key(key), cert=certificate(rsa_key(key)), reference_uri=reference)


def response(*inside: Any) -> str:
    """A response around what is given, in base 64."""
    root = etree.Element(f"{{{NAMES['samlp']}}}Response", nsmap=NAMES, ID="r1", Version="2.0")
    for element in inside:
        root.append(element)
    return base64.b64encode(etree.tostring(root)).decode()
