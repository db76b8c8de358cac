"""A key as DescribeKey shows it."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms.base import Key, Params, time
from labsupport.cloud.services.kms.specs import SHOWN_AS, SPECS


def algorithms(key: Key) -> Params:
    return {SHOWN_AS[key.usage]: list(SPECS[key.spec].uses[key.usage])}


def metadata(call: Call, key: Key) -> Params:
    shown: Params = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": time(key.created),
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": bool(key.multi_region),
        **algorithms(key),
        **_of_import(key),
    }
    if key.deletion is not None:
        shown["DeletionDate"] = time(key.deletion)
    if key.state == "PendingReplicaDeletion":
        shown["PendingDeletionWindowInDays"] = key.window
    if key.symmetric and key.current:
        shown["CurrentKeyMaterialId"] = key.current.id
    if key.multi_region:
        shown["MultiRegionConfiguration"] = _multi_region(call, key)
    return shown


def _of_import(key: Key) -> Params:
    """Whether imported material expires, and when the first of it does."""
    held = [one for one in key.materials if one.sealed]
    if key.origin != "EXTERNAL" or not held:
        return {}
    ends = [one.expires for one in held if one.expires is not None]
    if not ends:
        return {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": time(min(ends))}


def related(call: Call, key: Key) -> list[Key]:
    """The other keys of a multi-Region key, one in each further Region."""
    if not key.multi_region:
        return []
    keys = call.store.list(Key, key.account)
    return [one for one in keys if one.id == key.id and one.region != key.region]


def _multi_region(call: Call, key: Key) -> Params:
    def place(region: str) -> Params:
        return {"Arn": key.arn_in(region), "Region": region}

    replicas = sorted(one.region for one in (key, *related(call, key)) if one.multi_region == "REPLICA")
    return {
        "MultiRegionKeyType": key.multi_region,
        "PrimaryKey": place(key.primary_region),
        "ReplicaKeys": [place(region) for region in replicas],
    }
