"""Aliases: friendly names of keys."""

from datetime import UTC, datetime

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms.base import (
    Alias,
    Key,
    Params,
    conditions,
    find,
    not_found,
    on_key,
    own_key,
    pending,
    service,
)
from labsupport.cloud.services.kms.keys import bad_marker


def _on_alias_and_key(call: Call, params: Params) -> list[str]:
    """Both are asked for: the alias and the key that it names."""
    return [call.arn(params["AliasName"]), on_key("TargetKeyId")(call, params)]


def _check_name(name: str) -> None:
    if not name.startswith("alias/"):
        raise AwsError("ValidationException", "Invalid identifier: an alias name begins with alias/")
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "Aliases that begin with alias/aws/ are reserved for AWS.", 400)


@service.operation(context=conditions, on=_on_alias_and_key)
def create_alias(call: Call, params: Params) -> Params:
    name = params["AliasName"]
    _check_name(name)
    if call.store.get(Alias, call.account, call.region, name):
        message = f"An alias with the name {call.arn(name)} already exists"
        raise AwsError("AlreadyExistsException", message)
    key, now = _target(call, params), call.epoch
    alias = Alias(account=call.account, region=call.region, name=name, target=key.id, created=now, updated=now)
    call.store.put(alias)
    return {}


def _target(call: Call, params: Params) -> Key:
    key = own_key(call, params["TargetKeyId"])
    if key.state == "PendingDeletion":
        raise pending(key)
    return key


def _alias_named(call: Call, name: str) -> Alias:
    alias = call.store.get(Alias, call.account, call.region, name)
    if alias is None:
        raise not_found(f"Alias {call.arn(name)} is not found.")
    return alias


@service.operation(context=conditions, on=_on_alias_and_key)
def update_alias(call: Call, params: Params) -> Params:
    _check_name(params["AliasName"])
    alias = _alias_named(call, params["AliasName"])
    alias.target, alias.updated = _target(call, params).id, call.epoch
    call.store.put(alias)
    return {}


def _on_alias_and_its_key(call: Call, params: Params) -> list[str]:
    key = find(call, params["AliasName"])
    return [call.arn(params["AliasName"]), *([key.arn] if key else [])]


@service.operation(context=conditions, on=_on_alias_and_its_key)
def delete_alias(call: Call, params: Params) -> Params:
    _check_name(params["AliasName"])
    call.store.delete(_alias_named(call, params["AliasName"]))
    return {}


@service.operation()
def list_aliases(call: Call, params: Params) -> Params:
    found = list(call.store.list(Alias, call.account, call.region))
    if params.get("KeyId"):
        key = own_key(call, params["KeyId"])
        found = [one for one in found if one.target == key.id]
    chosen, marker = paging.page(
        found, lambda one: one.name, params.get("Marker"), params.get("Limit", 50), bad_marker()
    )
    return {"Aliases": [_shown(one) for one in chosen], "Truncated": marker is not None, "NextMarker": marker}


def _shown(alias: Alias) -> Params:
    return {
        "AliasName": alias.name,
        "AliasArn": alias.arn,
        "TargetKeyId": alias.target,
        "CreationDate": datetime.fromtimestamp(alias.created, UTC),
        "LastUpdatedDate": datetime.fromtimestamp(alias.updated, UTC),
    }
