"""AssumeRoleWithSAML: a role for whoever a SAML 2.0 provider vouches for
(STS API Reference: AssumeRoleWithSAML; IAM User Guide: "Configure SAML assertions for the authentication response")."""

import base64
import hashlib

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Role
from labsupport.cloud.core.providers import SamlProvider
from labsupport.cloud.services.sts import assertion
from labsupport.cloud.services.sts.assertion import Assertion
from labsupport.cloud.services.sts.base import Params, service
from labsupport.cloud.services.sts.federated import Vouched, assume, refused, role_asked_for

_OPERATION = "AssumeRoleWithSAML"
_TAG = "PrincipalTag:"


@service.operation(action=None)
def assume_role_with_saml(call: Call, params: Params) -> Params:
    role = role_asked_for(call, params, _OPERATION)
    provider = call.store.get(SamlProvider, call.account, params["PrincipalArn"])
    if provider is None:
        raise assertion.invalid_token("Specified provider doesn't exist")
    found = assertion.verified(params["SAMLAssertion"], provider, call.cloud.clock.true_epoch())
    _check_attributes(found, role, provider)
    qualifier = _qualifier(found, provider)
    who = _vouched(found, provider, qualifier)
    answer = assume(call, role, who, found.one("RoleSessionName"), params, _OPERATION)
    told = {"Subject": found.subject, "SubjectType": found.subject_type, "Issuer": found.issuer}
    return {**answer, **told, "Audience": found.recipient, "NameQualifier": qualifier}


def _check_attributes(found: Assertion, role: Role, provider: SamlProvider) -> None:
    """The assertion has to offer this role with this provider (in either order), and to name the session."""
    offered = [{part.strip() for part in pair.split(",")} for pair in found.attributes.get("Role", [])]
    if {role.arn, provider.arn} not in offered:
        raise refused(_OPERATION)
    if not 2 <= len(found.one("RoleSessionName")) <= 64:
        raise assertion.invalid_token("RoleSessionName is required in AuthnResponse")


def _qualifier(found: Assertion, provider: SamlProvider) -> str:
    """What tells equal subjects of several providers apart (IAM User Guide: saml:namequalifier)."""
    name = provider.arn.rpartition("/")[2]
    return base64.b64encode(hashlib.sha1(f"{found.issuer}{provider.account}/{name}".encode()).digest()).decode()


def _vouched(found: Assertion, provider: SamlProvider, qualifier: str) -> Vouched:
    context: Params = {
        "saml:aud": found.recipient,
        "saml:iss": found.issuer,
        "saml:sub": found.subject,
        "saml:sub_type": found.subject_type,
        "saml:namequalifier": qualifier,
        "saml:doc": f"{provider.account}/{provider.arn.rpartition('/')[2]}",
    }
    return Vouched(
        provider=provider.arn,
        subject=found.subject,
        id=f"{qualifier}:{found.subject}",
        context=context,
        tags={
            key[len(_TAG) :]: values[0] for key, values in found.attributes.items() if key.startswith(_TAG) and values
        },
        transitive=found.attributes.get("TransitiveTagKeys", []),
        source_identity=found.one("SourceIdentity"),
        ends=found.ends,
    )
