"""SAML assertions: signed by the provider whose metadata IAM keeps, for AWS, and valid now.

Only what the signature covers is read (signxml gives the signed element back), so an element that somebody has wrapped
around it, or put beside it, says nothing.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from labsupport.cloud.core import samlmetadata
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.providers import SamlProvider

ENDPOINT = "https://signin.aws.amazon.com/saml"
_RECIPIENT = re.compile(r"https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(/acs/\w+)?", re.ASCII)
_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"
_NAMES = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion"}


class Assertion(NamedTuple):
    issuer: str
    subject: str
    subject_type: str
    recipient: str
    attributes: dict[str, list[str]]  # AWS's own, without what their names share; the others by their full names
    ends: float | None  # when the provider's own session ends, where it says so

    def one(self, name: str) -> str:
        return next(iter(self.attributes.get(name, [])), "")


def invalid_token(message: str) -> AwsError:
    return AwsError("InvalidIdentityTokenException", message, 400)


def verified(encoded: str, provider: SamlProvider, now: float) -> Assertion:
    """The assertion in a response (base 64), as the provider signed it."""
    try:
        document = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_token("Invalid base64 SAMLResponse") from None
    if samlmetadata.parse_xml(document) is None:
        raise invalid_token("SAMLResponse is not valid XML")
    entity, pems = samlmetadata.certificates(provider.metadata)
    signed = _signed(document, pems)
    found = _assertion(signed)
    if found.issuer != entity:
        raise invalid_token("Issuer not present in specified provider")
    _check_conditions(signed, now)
    return found


def _signed(document: bytes, pems: list[str]) -> Any:
    """The assertion that the signature covers: signed itself, or the one in a signed response."""
    from lxml import etree
    from signxml import XMLVerifier
    from signxml.exceptions import InvalidInput, SignXMLException

    for pem in pems:
        try:
            results = XMLVerifier().verify(document, x509_cert=pem, ca_pem_file=None)
        except (InvalidInput, SignXMLException, ValueError, etree.LxmlError):
            continue
        result = results[0] if isinstance(results, list) else results
        element: Any = result.signed_xml
        name = f"{{{_NAMES['saml']}}}Assertion"
        inside = [element] if element.tag == name else element.findall(name)
        if len(inside) == 1:
            return inside[0]
    raise invalid_token("Response signature invalid")


def _assertion(element: Any) -> Assertion:
    name_id = element.find("saml:Subject/saml:NameID", _NAMES)
    data = element.find("saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData", _NAMES)
    if name_id is None or data is None:
        raise invalid_token("The assertion names no subject that is confirmed.")
    attributes: dict[str, list[str]] = {}
    for one in element.findall("saml:AttributeStatement/saml:Attribute", _NAMES):
        values = [(value.text or "").strip() for value in one.findall("saml:AttributeValue", _NAMES)]
        attributes[one.get("Name", "").removeprefix(_ATTRIBUTE)] = values
    kind = name_id.get("Format", "").rpartition(":")[2] or "unspecified"
    issuer = (element.findtext("saml:Issuer", "", _NAMES) or "").strip()
    statement = element.find("saml:AuthnStatement", _NAMES)
    ends = None if statement is None else _moment(statement.get("SessionNotOnOrAfter"))
    return Assertion(issuer, (name_id.text or "").strip(), kind, data.get("Recipient", ""), attributes, ends)


def _check_conditions(element: Any, now: float) -> None:
    data = element.find("saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData", _NAMES)
    if not _RECIPIENT.fullmatch(data.get("Recipient", "")):
        raise invalid_token("The assertion's recipient is not AWS's endpoint for sign-in.")
    limits = [data, *element.findall("saml:Conditions", _NAMES)]
    ends = [end for node in limits if (end := _moment(node.get("NotOnOrAfter"))) is not None]
    starts = [start for node in limits if (start := _moment(node.get("NotBefore"))) is not None]
    if not ends or now >= min(ends):
        raise AwsError("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance", 400)
    if starts and now < max(starts) - 60:
        raise invalid_token("The assertion is not valid yet.")
    audiences = [
        node.text for node in element.findall("saml:Conditions/saml:AudienceRestriction/saml:Audience", _NAMES)
    ]
    if not {"urn:amazon:webservices", ENDPOINT} & set(audiences):
        raise invalid_token("The assertion is not meant for AWS (Audience).")


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_token("The assertion has a malformed time.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
