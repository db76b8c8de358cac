"""Rotation: new material under the same key; the old stays, so that what it encrypted can still be opened.

KMS Developer Guide: "Rotate AWS KMS keys".
"""

from typing import Any

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import material
from labsupport.cloud.services.kms.base import (
    DAY,
    Key,
    Material,
    Params,
    bad_marker,
    bad_origin,
    service,
    time,
    unsupported,
)
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.happenings import happened
from labsupport.cloud.services.kms.lookup import invalid_state, not_of_aws, on_key, own_key, plain_key, usable
from labsupport.cloud.services.kms.shown import related

_USUAL = 365  # days
_MOST_ON_DEMAND = 25


def _rotatable(key: Key) -> Key:
    if not key.symmetric:
        raise unsupported(f"{key.arn} key spec is {key.spec} which is not valid for this operation.")
    return key


def _by_itself(key: Key) -> Key:
    """A key that can be rotated automatically: one with material of KMS's own."""
    if key.origin == "EXTERNAL":
        raise bad_origin(key)
    return _rotatable(key)


def _settable(call: Call, params: Params) -> Key:
    key = usable(_by_itself(not_of_aws(own_key(call, params["KeyId"]))))
    if key.multi_region == "REPLICA":
        raise unsupported(f"{key.arn} is a replica key: set the rotation of its primary key.")
    return key


def _share(call: Call, key: Key) -> None:
    """Keep a key, and what a primary key shares with its replicas in them too."""
    call.store.put(key)
    for one in related(call, key) if key.multi_region == "PRIMARY" else []:
        one.rotation_days, one.next_rotation = key.rotation_days, key.next_rotation
        one.materials = key.materials if key.origin == "AWS_KMS" else one.materials
        call.store.put(one)


@service.operation(on=on_key(), context=on_key_conditions)
def enable_key_rotation(call: Call, params: Params) -> Params:
    key, now = _settable(call, params), call.epoch
    key.rotation_days = params.get("RotationPeriodInDays", key.rotation_days or _USUAL)
    key.next_rotation = now + key.rotation_days * DAY
    _share(call, key)
    call.start("rotate", key.id, after=key.rotation_days * DAY)
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def disable_key_rotation(call: Call, params: Params) -> Params:
    key = _settable(call, params)
    key.rotation_days = key.next_rotation = None
    _share(call, key)
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def get_key_rotation_status(call: Call, params: Params) -> Params:
    key = _by_itself(plain_key(call, params["KeyId"]))
    status: Params = {"KeyId": key.arn, "KeyRotationEnabled": key.next_rotation is not None}
    if key.next_rotation is None:
        return status
    return {**status, "RotationPeriodInDays": key.rotation_days, "NextRotationDate": time(key.next_rotation)}


@service.operation(on=on_key(), context=on_key_conditions)
def rotate_key_on_demand(call: Call, params: Params) -> Params:
    """At once, without bearing on the schedule of automatic rotation."""
    key = usable(_rotatable(not_of_aws(own_key(call, params["KeyId"]))))
    if key.multi_region == "REPLICA":
        raise unsupported(f"{key.arn} is a replica key: rotate its primary key.")
    if key.on_demand >= _MOST_ON_DEMAND:
        message = f"{key.arn} has been rotated on demand {_MOST_ON_DEMAND} times, which is the most that a key can be."
        raise AwsError("LimitExceededException", message)
    key.on_demand += 1
    _rotate(call, key, call.epoch, "ON_DEMAND")
    return {"KeyId": key.arn}


def _rotate(call: Call, key: Key, when: float, kind: str) -> None:
    if key.origin == "EXTERNAL":
        _take_up(call, key, when)
    else:
        material.renewed(call.cloud, key, when, rotated=when, rotation=kind)
    _share(call, key)
    happened(call, key, "RotateKey", "KMS CMK Rotation")


def _take_up(call: Call, key: Key, when: float) -> None:
    """Imported material that waits for it becomes the current one, in the replicas too."""
    waiting = [(one, _waiting(one)) for one in (key, *related(call, key))]
    if any(found is None or not found.sealed for _, found in waiting):
        raise invalid_state(f"{key.arn} has no imported key material that is pending rotation.")
    for one, fresh in waiting:
        if one.current:
            one.current.state = "NON_CURRENT"
        assert fresh is not None
        fresh.state, fresh.rotated, fresh.rotation = "CURRENT", when, "ON_DEMAND"
        call.store.put(one)


def _waiting(key: Key) -> Material | None:
    return next((one for one in key.materials if one.state == "PENDING_ROTATION"), None)


@service.task("rotate")
async def rotate(call: Call, key_id: str) -> float | None:
    """Rotate as often as fell due; a key that isn't enabled waits until it is."""
    key = call.store.get(Key, call.account, call.region, key_id)
    if key is None or key.next_rotation is None or key.rotation_days is None:
        return None
    if key.state != "Enabled" or key.multi_region == "REPLICA":
        return None
    while key.next_rotation <= call.epoch:
        with call.transaction():
            due, key.next_rotation = key.next_rotation, key.next_rotation + key.rotation_days * DAY
            _rotate(call, key, due, "AUTOMATIC")
    return key.next_rotation - call.epoch


@service.operation(on=on_key(), context=on_key_conditions)
def list_key_rotations(call: Call, params: Params) -> Params:
    key = _rotatable(own_key(call, params["KeyId"]))
    everything = params.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    found = [_shown(key, one) for one in key.materials if everything or one.rotated is not None]
    limit = params.get("Limit", 100)
    chosen, marker = paging.page_of_list(found, params.get("Marker"), limit, bad_marker())
    return {"Rotations": chosen, "Truncated": marker is not None, "NextMarker": marker}


def _shown(key: Key, one: Material) -> dict[str, Any]:
    entry: Params = {"KeyId": key.arn, "KeyMaterialId": one.id, "KeyMaterialState": one.state}
    if one.rotated is not None:
        entry |= {"RotationDate": time(one.rotated), "RotationType": one.rotation}
    return entry | (_of_import(one) if key.origin == "EXTERNAL" else {})


def _of_import(one: Material) -> Params:
    if not one.sealed:
        return {"ImportState": "PENDING_IMPORT", "KeyMaterialDescription": one.description or None}
    shown: Params = {"ImportState": "IMPORTED", "KeyMaterialDescription": one.description or None}
    if one.expires is None:
        return shown | {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return shown | {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": time(one.expires)}
