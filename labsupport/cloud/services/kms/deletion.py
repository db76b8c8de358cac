"""The end of a key: after a waiting time its material is destroyed, and with it all that it encrypted."""

from dataclasses import replace

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms import granting, material
from labsupport.cloud.services.kms.base import DAY, Alias, Key, Params, service, time, validation
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.happenings import happened
from labsupport.cloud.services.kms.lookup import changeable, invalid_state, on_key, own_key
from labsupport.cloud.services.kms.shown import related

_SHORTEST, _LONGEST = 7, 30  # days


@service.operation(on=on_key(), context=on_key_conditions)
def schedule_key_deletion(call: Call, params: Params) -> Params:
    key, days = changeable(call, params), params.get("PendingWindowInDays", _LONGEST)
    if not _SHORTEST <= days <= _LONGEST:
        raise validation(f"PendingWindowInDays must be between {_SHORTEST} and {_LONGEST} (inclusive)")
    key.window = days
    if key.multi_region == "PRIMARY" and related(call, key):
        key.state = "PendingReplicaDeletion"  # its time begins when the last replica has gone
    else:
        _begin(call, key)
    call.store.put(key)
    date = time(key.deletion) if key.deletion else None
    return {"KeyId": key.arn, "DeletionDate": date, "KeyState": key.state, "PendingWindowInDays": days}


def _begin(call: Call, key: Key) -> None:
    key.state, key.deletion = "PendingDeletion", call.epoch + key.window * DAY
    replace(call, region=key.region).start("delete", key.id, after=key.window * DAY)


@service.operation(on=on_key(), context=on_key_conditions)
def cancel_key_deletion(call: Call, params: Params) -> Params:
    key = own_key(call, params["KeyId"])
    if key.state not in ("PendingDeletion", "PendingReplicaDeletion"):
        raise invalid_state(f"{key.arn} is not pending deletion.")
    key.state, key.deletion = "Disabled" if _has_material(key) else "PendingImport", None
    call.store.put(key)
    return {"KeyId": key.arn}


def _has_material(key: Key) -> bool:
    return bool(key.materials) and all(one.sealed for one in key.materials if one.state != "PENDING_ROTATION")


@service.task("delete")
async def delete(call: Call, key_id: str) -> float | None:
    """The waiting time is over: the key, its aliases and its grants go."""
    key = call.store.get(Key, call.account, call.region, key_id)
    if key is None or key.deletion is None:
        return None
    if key.deletion > call.epoch:
        return key.deletion - call.epoch
    with call.transaction():
        _destroy(call, key)
        _let_primary_go(call, key)
    return None


def _destroy(call: Call, key: Key) -> None:
    for alias in call.store.list(Alias, key.account, key.region):
        if alias.target == key.id:
            call.store.delete(alias)
    for grant in granting.of_key(call, key):
        call.store.delete(grant)
    call.store.delete(key)
    material.forget(call.cloud, key)
    happened(call, key, "DeleteKey", "KMS CMK Deletion")


def _let_primary_go(call: Call, gone: Key) -> None:
    """With the last replica gone, a primary key that waits for that begins its own time."""
    left = related(call, gone)
    if len(left) == 1 and left[0].state == "PendingReplicaDeletion":
        _begin(call, left[0])
        call.store.put(left[0])
