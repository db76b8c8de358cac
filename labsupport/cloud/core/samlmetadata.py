"""A SAML provider's metadata document: who it is, and what it signs with (SAML 2.0 Metadata)."""

from datetime import UTC, datetime
from typing import Any

_NAMES = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}


def parse_xml(text: bytes) -> Any:
    """An XML document without entities or network; None where it is none."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if root.getroottree().docinfo.doctype else root


def certificates(metadata: str) -> tuple[str, list[str]]:
    """A provider's entity id and its signing certificates (PEM), from its metadata document."""
    root = parse_xml(metadata.encode())
    if root is None or root.tag != f"{{{_NAMES['md']}}}EntityDescriptor":
        return "", []
    path = "md:IDPSSODescriptor/md:KeyDescriptor[not(@use) or @use='signing']//ds:X509Certificate"
    found = ["".join((node.text or "").split()) for node in root.xpath(path, namespaces=_NAMES)]
    return root.get("entityID", ""), [_pem(one) for one in found if one]


def _pem(base64_text: str) -> str:
    lines = [base64_text[at : at + 64] for at in range(0, len(base64_text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"]) + "\n"


def valid_until(metadata: str) -> float | None:
    """When the document ends to be valid, where it says so."""
    root = parse_xml(metadata.encode())
    text = None if root is None else root.get("validUntil")
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() if found else None
