"""Aliases: friendly names of keys."""

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms.base import Alias, Key, Params, bad_marker, not_found, service, time, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.lookup import find, not_ending, on_key, own_key
from labsupport.cloud.services.kms.managed import PREFIX
from labsupport.cloud.services.kms.specs import SECRET, SPECS

_MOST = 50  # aliases of a key


def _on_alias_and_key(call: Call, params: Params) -> list[str]:
    """Both are asked for: the alias and the key that it names."""
    return [call.arn(params["AliasName"]), on_key("TargetKeyId")(call, params)]


def _check_name(name: str) -> None:
    if not name.startswith("alias/"):
        raise validation(
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name == "alias/":
        raise AwsError("InvalidAliasNameException", "An alias has a name after alias/.")
    if name.startswith(PREFIX):
        raise AwsError("NotAuthorizedException", f"Aliases that begin with {PREFIX} are reserved for AWS.", 400)


@service.operation(context=on_key_conditions, on=_on_alias_and_key)
def create_alias(call: Call, params: Params) -> Params:
    name = params["AliasName"]
    _check_name(name)
    if call.store.get(Alias, call.account, call.region, name):
        raise AwsError("AlreadyExistsException", f"An alias with the name {call.arn(name)} already exists")
    key, now = _target(call, params), call.epoch
    alias = Alias(account=call.account, region=call.region, name=name, target=key.id, created=now, updated=now)
    call.store.put(alias)
    return {}


def _target(call: Call, params: Params) -> Key:
    """A key of the caller's own that may get another alias."""
    key = not_ending(own_key(call, params["TargetKeyId"]))
    if len([one for one in call.store.list(Alias, call.account, call.region) if one.target == key.id]) >= _MOST:
        raise AwsError(
            "LimitExceededException", f"{key.arn} has {_MOST} aliases, which is the most that a key can have."
        )
    return key


def _alias_named(call: Call, name: str) -> Alias:
    alias = call.store.get(Alias, call.account, call.region, name)
    if alias is None:
        raise not_found(f"Alias {call.arn(name)} is not found.")
    return alias


def _on_alias_and_both_keys(call: Call, params: Params) -> list[str]:
    """The alias, the key that it names now, and the one that it shall name."""
    alias, *wanted = _on_alias_and_key(call, params)
    key = find(call, params["AliasName"])
    return [alias, *([key.arn] if key else []), *wanted]


@service.operation(context=on_key_conditions, on=_on_alias_and_both_keys)
def update_alias(call: Call, params: Params) -> Params:
    _check_name(params["AliasName"])
    alias = _alias_named(call, params["AliasName"])
    key, old = _target(call, params), call.store.get(Key, call.account, call.region, alias.target)
    if old and (_type(old), old.usage) != (_type(key), key.usage):
        raise validation(f"{key.arn} is not of the type and key usage of the key that {alias.name} names now.")
    alias.target, alias.updated = key.id, call.epoch
    call.store.put(alias)
    return {}


def _type(key: Key) -> str:
    """An alias goes on to a key of the same type: symmetric, HMAC, or a pair."""
    family = SPECS[key.spec].family
    return family if family in SECRET else "pair"


def _on_alias_and_its_key(call: Call, params: Params) -> list[str]:
    key = find(call, params["AliasName"])
    return [call.arn(params["AliasName"]), *([key.arn] if key else [])]


@service.operation(context=on_key_conditions, on=_on_alias_and_its_key)
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
        "CreationDate": time(alias.created),
        "LastUpdatedDate": time(alias.updated),
    }
