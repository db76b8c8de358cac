"""Outbound identity federation, switched on and off for the account; STS gives the tokens (GetWebIdentityToken)."""

from labsupport.cloud.core import outbound
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.outbound import Issuer
from labsupport.cloud.services.iam.base import Params, service


def _enabled(call: Call) -> Issuer:
    found = call.store.get(Issuer, call.account)
    if found is None or not found.enabled:
        message = "Outbound identity federation is not enabled for your AWS account."
        raise AwsError("FeatureDisabledException", message, 404)
    return found


@service.operation()
def enable_outbound_web_identity_federation(call: Call, params: Params) -> Params:
    issuer = call.store.get(Issuer, call.account)
    if issuer is not None and issuer.enabled:
        message = "Outbound identity federation is already enabled for your AWS account."
        raise AwsError("FeatureEnabledException", message, 409)
    issuer = issuer or outbound.new_issuer(call.cloud, call.account)
    issuer.enabled = True
    call.store.put(issuer)
    return {"IssuerIdentifier": outbound.url_of(call.cloud, issuer)}


@service.operation()
def disable_outbound_web_identity_federation(call: Call, params: Params) -> Params:
    issuer = _enabled(call)
    issuer.enabled = False
    call.store.put(issuer)
    return {}


@service.operation()
def get_outbound_web_identity_federation_info(call: Call, params: Params) -> Params:
    return {"IssuerIdentifier": outbound.url_of(call.cloud, _enabled(call)), "JwtVendingEnabled": True}
