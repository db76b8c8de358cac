"""Service-specific credentials: a user's name and password for git (CodeCommit User Guide: "Setup for HTTPS users")."""

import secrets

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import ServiceCredential
from labsupport.cloud.services.iam.base import Params, missing, on_user, over_limit, paged, service, time, user_named

CODECOMMIT = "codecommit.amazonaws.com"
MOST = 2


def _of_user(call: Call, params: Params) -> list[ServiceCredential]:
    user = user_named(call, params)
    found = call.store.list(ServiceCredential)
    return [one for one in found if one.account == call.account and one.user == user.name]


def _listed(call: Call, params: Params) -> list[ServiceCredential]:
    if not params.get("AllUsers"):
        return _of_user(call, params)
    if "UserName" in params:
        raise AwsError("ValidationError", "UserName and AllUsers cannot be specified together.", 400)
    return [one for one in call.store.list(ServiceCredential) if one.account == call.account]


def _one(call: Call, params: Params) -> ServiceCredential:
    for credential in _of_user(call, params):
        if credential.id == params["ServiceSpecificCredentialId"]:
            return credential
    raise missing(f"No such credential {params['ServiceSpecificCredentialId']} exists")


def _context(call: Call, params: Params) -> Params:
    """The service that a credential is for, and how many days it is to live."""
    found = (one for one in call.store.list(ServiceCredential) if one.id == params.get("ServiceSpecificCredentialId"))
    name = params.get("ServiceName") or next((one.service for one in found), "")
    context: Params = {"iam:servicespecificcredentialservicename": name} if name else {}
    days = params.get("CredentialAgeDays")
    return {**context, "iam:servicespecificcredentialagedays": str(days)} if days else context


def _names(user: str, account: str) -> list[str]:
    """The names that AWS gives: `ana-at-123456789012`, `ana+1-at-123456789012`."""
    return [f"{user}{f'+{number}' if number else ''}-at-{account}" for number in range(MOST)]


def _password() -> str:
    return secrets.token_urlsafe(32) + "="


@service.operation(on=on_user, context=_context)
def create_service_specific_credential(call: Call, params: Params) -> Params:
    if params["ServiceName"] != CODECOMMIT:
        raise not_simulated(f"A service-specific credential for {params['ServiceName']}")
    if params.get("CredentialAgeDays"):
        raise not_simulated("A service-specific credential that expires")
    user, there = user_named(call, params), {one.user_name for one in _of_user(call, params)}
    free = [name for name in _names(user.name, call.account) if name not in there]
    if not free:
        raise over_limit(f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST}")
    credential = ServiceCredential(
        user_name=free[0],
        id=ids.iam_id("ACCA"),
        account=call.account,
        user=user.name,
        service=params["ServiceName"],
        password=_password(),
        created=call.epoch,
    )
    call.store.put(credential)
    return {"ServiceSpecificCredential": {**_shown(credential), "ServicePassword": credential.password}}


@service.operation(on=on_user)
def list_service_specific_credentials(call: Call, params: Params) -> Params:
    wanted = params.get("ServiceName")
    found = [one for one in _listed(call, params) if wanted in (None, one.service)]
    return paged(found, lambda one: one.user_name, params, "ServiceSpecificCredentials", _shown)


@service.operation(on=on_user, context=_context)
def update_service_specific_credential(call: Call, params: Params) -> Params:
    credential = _one(call, params)
    credential.active = params["Status"] == "Active"
    call.store.put(credential)
    return {}


@service.operation(on=on_user, context=_context)
def reset_service_specific_credential(call: Call, params: Params) -> Params:
    credential = _one(call, params)
    credential.password = _password()
    call.store.put(credential)
    return {"ServiceSpecificCredential": {**_shown(credential), "ServicePassword": credential.password}}


@service.operation(on=on_user, context=_context)
def delete_service_specific_credential(call: Call, params: Params) -> Params:
    call.store.delete(_one(call, params))
    return {}


def _shown(credential: ServiceCredential) -> Params:
    return {
        "UserName": credential.user,
        "Status": "Active" if credential.active else "Inactive",
        "ServiceName": credential.service,
        "ServiceUserName": credential.user_name,
        "ServiceSpecificCredentialId": credential.id,
        "CreateDate": time(credential.created),
    }
