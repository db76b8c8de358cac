"""Centralised root access: the management account acts in its members' accounts in the place of their roots
(IAM User Guide: "Centrally manage root access for member accounts"). STS gives the sessions (AssumeRoot)."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.organization import Membership, Organization
from labsupport.cloud.services.iam.base import Params, service

CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"
_PRINCIPAL = "iam.amazonaws.com"


def _organization(call: Call) -> Organization:
    """The organization that the caller's account manages, where IAM may work over all of it."""
    place = call.store.get(Membership, call.account)
    found = call.store.get(Organization, place.organization) if place else None
    if found is None:
        message = "The account is not a member of an organization."
        raise AwsError("OrganizationNotFoundException", message, 400)
    if found.management != call.account:
        message = "The account is neither the management account nor a delegated administrator of the organization."
        raise AwsError("AccountNotManagementOrDelegatedAdministratorException", message, 400)
    if _PRINCIPAL not in found.services:
        message = "Trusted access for IAM is not enabled in the organization."
        raise AwsError("ServiceAccessNotEnabledException", message, 400)
    return found


def _answer(organization: Organization) -> Params:
    return {"OrganizationId": organization.id, "EnabledFeatures": organization.root_features}


def _switch(call: Call, feature: str, on: bool) -> Params:
    organization = _organization(call)
    others = [one for one in organization.root_features if one != feature]
    organization.root_features = sorted([*others, feature]) if on else others
    call.store.put(organization)
    return _answer(organization)


@service.operation()
def list_organizations_features(call: Call, params: Params) -> Params:
    return _answer(_organization(call))


@service.operation()
def enable_organizations_root_credentials_management(call: Call, params: Params) -> Params:
    return _switch(call, CREDENTIALS, on=True)


@service.operation()
def disable_organizations_root_credentials_management(call: Call, params: Params) -> Params:
    return _switch(call, CREDENTIALS, on=False)


@service.operation()
def enable_organizations_root_sessions(call: Call, params: Params) -> Params:
    return _switch(call, SESSIONS, on=True)


@service.operation()
def disable_organizations_root_sessions(call: Call, params: Params) -> Params:
    return _switch(call, SESSIONS, on=False)
