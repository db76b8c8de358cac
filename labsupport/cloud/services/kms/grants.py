"""Grants: create, list, retire, revoke."""

import secrets
from collections.abc import Iterable
from typing import Any

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import granting, principals
from labsupport.cloud.services.kms.base import Key, Params, bad_marker, refuse_dry_run, service, time, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.granting import EQUALS, SOURCE, SUBSET, Grant
from labsupport.cloud.services.kms.lookup import on_key, plain_key, usable
from labsupport.cloud.services.kms.specs import WITH_CONTEXT, grantable

_MOST = 50_000  # grants of a key
_PAIRS, _LONGEST = 8, 384  # of a constraint; characters of a value
_FREE = ("CreateGrant", "DescribeKey", "RetireGrant")  # operations that a constraint may stand beside


@service.operation(on=on_key(), context=on_key_conditions)
def create_grant(call: Call, params: Params) -> Params:
    key = usable(plain_key(call, params["KeyId"]))
    _check_operations(key, params["Operations"])
    _check_constraints(key, params)
    grant = _asked_for(call, key, params)
    refuse_dry_run(params)
    grant = _same_as_before(call, key, grant) or grant
    if call.store.reaches(_MOST, Grant, key.account, key.region, key.id):
        raise AwsError(
            "LimitExceededException", f"{key.arn} has {_MOST} grants, which is the most that a key can have."
        )
    call.store.put(grant)
    return {"GrantToken": grant.token, "GrantId": grant.id}


def _check_operations(key: Key, operations: list[str]) -> None:
    allowed = grantable(key.spec, key.usage)
    if wrong := [one for one in operations if one not in allowed]:
        raise validation(f"The operation {wrong[0]} is not valid for a grant on a key of the spec {key.spec}.")
    if operations == ["CreateGrant"]:
        raise validation("Grants must not contain only the CreateGrant operation.")


def _check_constraints(key: Key, params: Params) -> None:
    constraints = params.get("Constraints") or {}
    if EQUALS in constraints and SUBSET in constraints:
        raise validation("More than one constraint supplied")
    context = constraints.get(EQUALS, constraints.get(SUBSET))
    if context is None:
        return
    beyond = [one for one in params["Operations"] if one not in (*WITH_CONTEXT, *_FREE)]
    if not key.symmetric or beyond:
        raise validation("An encryption context constraint is valid only for operations with an encryption context.")
    if len(context) > _PAIRS or any(len(value) > _LONGEST for value in context.values()):
        raise validation(f"A grant constraint has at most {_PAIRS} pairs, each value at most {_LONGEST} characters.")


def _asked_for(call: Call, key: Key, params: Params) -> Grant:
    grantee, by_service = _one_of(params, "GranteePrincipal", "GranteeServicePrincipal")
    retiring, retired_by_service = _one_of(params, "RetiringPrincipal", "RetiringServicePrincipal")
    if not grantee:
        raise validation("You must specify either GranteePrincipal or GranteeServicePrincipal.")
    constraints = params.get("Constraints") or {}
    if "GranteeServicePrincipal" in params and not (constraints.get(SOURCE) and retiring):
        raise validation("A GranteeServicePrincipal needs a SourceArn grant constraint and a retiring principal.")
    return Grant(
        account=key.account,
        region=key.region,
        key=key.id,
        id=secrets.token_hex(32),
        name=params.get("Name", ""),
        created=call.epoch,
        issuer=call.account,
        operations=params["Operations"],
        constraints=constraints,
        grantee=grantee,
        grantee_id=_known(call, grantee, by_service),
        grantee_is_service=by_service,
        retiring=retiring,
        retiring_id=_known(call, retiring, retired_by_service) if retiring else "",
        retiring_is_service=retired_by_service,
    )


def _one_of(params: Params, principal: str, service_principal: str) -> tuple[str, bool]:
    """Who is named, and whether it is a service; not both ways at once."""
    if principal in params and service_principal in params:
        raise validation(f"You can specify either {principal} or {service_principal}, but not both.")
    named: str = params.get(principal) or params.get(service_principal) or ""
    return named, bool(principals.SERVICE.fullmatch(named))


def _known(call: Call, name: str, is_service: bool) -> str:
    found = name if is_service else principals.resolved(call, name)
    if found is None:
        raise AwsError("InvalidArnException", f"ARN does not refer to a valid principal: {name}")
    return found


def _same_as_before(call: Call, key: Key, grant: Grant) -> Grant | None:
    """With a name, a request that is repeated gets the grant that is there."""
    if not grant.name:
        return None

    def meaning(one: Grant) -> Any:
        return one.name, one.grantee_id, one.retiring_id, sorted(one.operations), one.constraints, one.issuer

    return next((one for one in granting.of_key(call, key) if meaning(one) == meaning(grant)), None)


@service.operation(on=on_key(), context=on_key_conditions)
def list_grants(call: Call, params: Params) -> Params:
    key = plain_key(call, params["KeyId"])
    wanted, _ = _one_of(params, "GranteePrincipal", "GranteeServicePrincipal")
    found = [
        one
        for one in granting.of_key(call, key)
        if params.get("GrantId", one.id) == one.id and wanted in ("", one.grantee)
    ]
    return _page(found, params)


@service.operation()
def list_retirable_grants(call: Call, params: Params) -> Params:
    """The grants of this Region that a principal can retire as their retiring principal, whoever's the keys are."""
    wanted, _ = _one_of(params, "RetiringPrincipal", "RetiringServicePrincipal")
    if not wanted:
        raise validation("You must specify either RetiringPrincipal or RetiringServicePrincipal.")
    found = [one for one in call.store.list(Grant) if (one.region, one.retiring) == (call.region, wanted)]
    return _page(sorted(found, key=lambda one: one.id), params)


def _page(found: Iterable[Grant], params: Params) -> Params:
    chosen, marker = paging.page(found, lambda one: one.id, params.get("Marker"), params.get("Limit", 50), bad_marker())
    return {"Grants": [_shown(one) for one in chosen], "Truncated": marker is not None, "NextMarker": marker}


def _shown(grant: Grant) -> Params:
    to_service = "Service" if grant.grantee_is_service and SOURCE in grant.constraints else ""
    by_service = "Service" if to_service and grant.retiring_is_service else ""
    return {
        "KeyId": grant.key_arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": time(grant.created),
        f"Grantee{to_service}Principal": grant.grantee,
        f"Retiring{by_service}Principal": grant.retiring or None,
        "IssuingAccount": f"arn:aws:iam::{grant.issuer}:root",
        "Operations": grant.operations,
        "Constraints": grant.constraints or None,
    }


@service.operation(on=on_key(), context=on_key_conditions)
def revoke_grant(call: Call, params: Params) -> Params:
    key = plain_key(call, params["KeyId"])
    grant = _grant_of(call, key, params["GrantId"])
    refuse_dry_run(params)
    call.store.delete(grant)
    return {}


def _grant_of(call: Call, key: Key, grant_id: str) -> Grant:
    found = call.store.get(Grant, key.account, key.region, key.id, grant_id)
    if found is None:
        raise AwsError("NotFoundException", f"Grant ID {grant_id} not found")
    return found


def _retired(call: Call, params: Params) -> Grant:
    """The grant that a request means: by a token, or by its id and its key."""
    token, grant_id, key_id = params.get("GrantToken"), params.get("GrantId"), params.get("KeyId")
    if bool(token) == bool(grant_id):
        raise validation("You must specify either a grant token or a grant ID.")
    if token:
        return granting.of_token(call, token)
    if not key_id:
        raise validation("You must specify a key ID when specifying a grant ID.")
    return _grant_of(call, plain_key(call, key_id), grant_id or "")


def _on_retired(call: Call, params: Params) -> str:
    return _retired(call, params).key_arn


def _retire_conditions(call: Call, params: Params) -> Params:
    grant = _retired(call, params)
    return on_key_conditions(call, {"KeyId": grant.key_arn}) | {granting.CONDITION: [grant.id]}


@service.operation(on=_on_retired, context=_retire_conditions)
def retire_grant(call: Call, params: Params) -> Params:
    grant = _retired(call, params)
    refuse_dry_run(params)
    call.store.delete(grant)
    return {}
