"""Trusted access: services that may work over the whole organization."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.organizations.base import Params, invalid, managed, paged, service, time


def _about(_: Call, params: Params) -> Params:
    return {"organizations:serviceprincipal": params["ServicePrincipal"]}


def _principal(params: Params) -> str:
    name: str = params["ServicePrincipal"]
    if not name.endswith(".amazonaws.com"):
        raise invalid("You specified an unrecognized service principal.", "UNRECOGNIZED_SERVICE_PRINCIPAL")
    return name


@service.operation(context=_about)
def enable_aws_service_access(call: Call, params: Params) -> Params:
    organization = managed(call)
    organization.services.setdefault(_principal(params), call.epoch)
    call.store.put(organization)
    return {}


@service.operation(context=_about)
def disable_aws_service_access(call: Call, params: Params) -> Params:
    """What IAM has switched on by its trusted access goes with it."""
    organization, name = managed(call), _principal(params)
    organization.services.pop(name, None)
    if name == "iam.amazonaws.com":
        organization.root_features = []
    call.store.put(organization)
    return {}


@service.operation()
def list_aws_service_access_for_organization(call: Call, params: Params) -> Params:
    found = sorted(managed(call).services.items())
    return paged(
        found,
        params,
        "EnabledServicePrincipals",
        lambda one: {"ServicePrincipal": one[0], "DateEnabled": time(one[1])},
    )
