"""Service-specific credentials: a user's name and password for git (CodeCommit User Guide: "Setup for HTTPS users")."""

import secrets

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import ServiceCredential
from labsupport.cloud.services.iam.base import Params, on_user, service, time, user_named

CODECOMMIT = "codecommit.amazonaws.com"
MOST = 2


def _of_user(call: Call, params: Params) -> list[ServiceCredential]:
    user = user_named(call, params)
    found = call.store.list(ServiceCredential)
    return [one for one in found if one.account == call.account and one.user == user.name]


def _one(call: Call, params: Params) -> ServiceCredential:
    for credential in _of_user(call, params):
        if credential.id == params["ServiceSpecificCredentialId"]:
            return credential
    message = f"No such credential {params['ServiceSpecificCredentialId']} exists"
    raise AwsError("NoSuchEntityException", message, 404)


def _password() -> str:
    return secrets.token_urlsafe(32) + "="


@service.operation(on=on_user)
def create_service_specific_credential(call: Call, params: Params) -> Params:
    if params["ServiceName"] != CODECOMMIT:
        raise not_simulated(f"A service-specific credential for {params['ServiceName']}")
    there = [one for one in _of_user(call, params) if one.service == params["ServiceName"]]
    if len(there) >= MOST:
        message = f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST}"
        raise AwsError("LimitExceededException", message, 409)
    user = user_named(call, params)
    suffix = "" if not there else f"+{len(there)}"
    credential = ServiceCredential(
        user_name=f"{user.name}{suffix}-at-{call.account}",
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
    found = [one for one in _of_user(call, params) if wanted in (None, one.service)]
    return {"ServiceSpecificCredentials": [_shown(one) for one in found]}


@service.operation(on=on_user)
def update_service_specific_credential(call: Call, params: Params) -> Params:
    credential = _one(call, params)
    credential.active = params["Status"] == "Active"
    call.store.put(credential)
    return {}


@service.operation(on=on_user)
def reset_service_specific_credential(call: Call, params: Params) -> Params:
    credential = _one(call, params)
    credential.password = _password()
    call.store.put(credential)
    return {"ServiceSpecificCredential": {**_shown(credential), "ServicePassword": credential.password}}


@service.operation(on=on_user)
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
