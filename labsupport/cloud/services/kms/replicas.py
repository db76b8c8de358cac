"""Multi-Region keys: one key id and material in several Regions, each with a policy and a state of its own."""

from dataclasses import replace

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms import keys
from labsupport.cloud.services.kms.base import Key, Params, not_found, service, unsupported, validation
from labsupport.cloud.services.kms.conditions import of_new_key, on_key_conditions
from labsupport.cloud.services.kms.lookup import not_of_aws, on_key, own_key, usable
from labsupport.cloud.services.kms.shown import metadata, related


def _primary(call: Call, params: Params) -> Key:
    key = usable(not_of_aws(own_key(call, params["KeyId"])))
    if key.multi_region != "PRIMARY":
        raise unsupported(f"{key.arn} is not a multi-Region primary key.")
    return key


@service.operation(on=on_key(), context=on_key_conditions)
def replicate_key(call: Call, params: Params) -> Params:
    primary, region = _primary(call, params), params["ReplicaRegion"]
    if region == primary.region:
        raise validation("A replica key must be in another Region than its primary key.")
    if call.store.get(Key, primary.account, region, primary.id):
        raise AwsError("AlreadyExistsException", f"{primary.arn_in(region)} already exists")
    there = replace(call, region=region)
    kind = {"KeySpec": primary.spec, "KeyUsage": primary.usage, "Origin": primary.origin, "MultiRegion": True}
    there.authorise("kms:CreateKey", "*", of_new_key(call, {**params, **kind}))
    keys.authorise_tags(there, {**params, **kind})
    keys.need_linked_role(call)
    replica = _replica(call, primary, region, params.get("Description", ""))
    keys.put_new(there, replica, params)
    return {
        "ReplicaKeyMetadata": metadata(call, replica),
        "ReplicaPolicy": replica.policy,
        "ReplicaTags": params.get("Tags", []),
    }


def _replica(call: Call, primary: Key, region: str, description: str) -> Key:
    """The same key elsewhere; imported material has to be imported there again."""
    external = primary.origin == "EXTERNAL"
    return Key(
        account=primary.account,
        region=region,
        id=primary.id,
        materials=[] if external else primary.materials,
        public=b"" if external else primary.public,
        spec=primary.spec,
        usage=primary.usage,
        origin=primary.origin,
        state="PendingImport" if external else "Enabled",
        policy="",
        description=description,
        created=call.epoch,
        rotation_days=primary.rotation_days,
        next_rotation=primary.next_rotation,
        multi_region="REPLICA",
        primary_region=primary.region,
    )


@service.operation(on=on_key(), context=on_key_conditions)
def update_primary_region(call: Call, params: Params) -> Params:
    """Primary and replica change their parts; asked for on both."""
    old, region = _primary(call, params), params["PrimaryRegion"]
    new = call.store.get(Key, old.account, region, old.id)
    if new is None or region == old.region:
        raise not_found(f"{old.arn} has no replica key in {region}")
    there = replace(call, region=region)
    there.authorise("kms:UpdatePrimaryRegion", new.arn, on_key_conditions(there, {**params, "KeyId": new.arn}))
    for one in (old, *related(call, old)):
        one.multi_region = "PRIMARY" if one.region == region else "REPLICA"
        one.primary_region = region
        call.store.put(one)
    if new.rotation_days is not None and new.next_rotation is not None:
        there.start("rotate", new.id, after=max(0.0, new.next_rotation - call.epoch))
    return {}
