"""Keys: create, describe, list, enable, disable."""

import secrets

import msgspec

from labsupport.cloud.core import ids, linked, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.kms import conditions, material, policies
from labsupport.cloud.services.kms.base import Key, Params, bad_marker, service, time, unsupported, validation
from labsupport.cloud.services.kms.conditions import of_new_key, on_key_conditions
from labsupport.cloud.services.kms.lookup import changeable, imported, key_named, on_key, own_key
from labsupport.cloud.services.kms.shown import metadata
from labsupport.cloud.services.kms.specs import ENCRYPT, SPECS, SYMMETRIC
from labsupport.cloud.services.kms.tagging import checked_tags, given_tags

_IMPORTABLE = ("aes", "hmac", "rsa", "ec", "secp256k1", "ed25519")
_TRACKED = (
    "Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt", "Sign",
    "Verify", "VerifyMac",
)  # fmt: skip


@service.operation(context=of_new_key)
async def create_key(call: Call, params: Params) -> Params:
    key = _asked_for(call, params)
    authorise_tags(call, params)
    if key.origin == "AWS_KMS":
        material.added(call.cloud, key, await material.generate(key.spec), call.epoch)
    with call.transaction():
        if key.multi_region:
            need_linked_role(call)
        put_new(call, key, params)
    return {"KeyMetadata": metadata(call, key)}


def authorise_tags(call: Call, params: Params) -> None:
    """Who makes a key with tags needs the right to tag it, too."""
    given = given_tags(params)
    if given:
        asked = {"aws:tagkeys": list(given), **{f"aws:requesttag/{name.lower()}": one for name, one in given.items()}}
        call.authorise("kms:TagResource", "*", of_new_key(call, params) | asked)


def need_linked_role(call: Call) -> None:
    """The role by which KMS keeps the keys of several Regions alike."""
    linked.ensure(call, "mrk.kms.amazonaws.com", "KeyManagementServiceMultiRegionKeys", "AccessDeniedException")


def put_new(call: Call, key: Key, params: Params) -> None:
    """Keep a key under the policy and the tags asked for."""
    policy = params.get("Policy")
    key.policy = policies.checked(call, policy) if policy else policies.default(call.account)
    key.tags = checked_tags(given_tags(params))
    call.store.put(key)
    if policy and not params.get("BypassPolicyLockoutSafetyCheck"):
        policies.refuse_lockout(call, key, conditions.of_caller(call))


def _asked_for(call: Call, params: Params) -> Key:
    spec, usage = _kind(params)
    multi_region, external = bool(params.get("MultiRegion")), params.get("Origin") == "EXTERNAL"
    return Key(
        account=call.account,
        region=call.region,
        id=f"mrk-{secrets.token_hex(16)}" if multi_region else ids.uuid4(),
        spec=spec,
        usage=usage,
        origin="EXTERNAL" if external else "AWS_KMS",
        state="PendingImport" if external else "Enabled",
        policy="",
        description=params.get("Description", ""),
        created=call.epoch,
        multi_region="PRIMARY" if multi_region else "",
        primary_region=call.region if multi_region else "",
    )


def _kind(params: Params) -> tuple[str, str]:
    """The key spec and usage, if the lab can make such a key."""
    spec, older = params.get("KeySpec"), params.get("CustomerMasterKeySpec")
    if spec and older:
        raise validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request.")
    spec = spec or older or SYMMETRIC
    _check_origin(params)
    if spec not in SPECS:
        raise not_simulated(f"A key of the spec {spec}")
    if spec != SYMMETRIC and not params.get("KeyUsage"):
        raise validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
    usage = params.get("KeyUsage") or ENCRYPT
    if usage not in SPECS[spec].uses:
        raise validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    if params.get("Origin") == "EXTERNAL" and SPECS[spec].family not in _IMPORTABLE:
        raise not_simulated(f"Imported key material for a key of the spec {spec}")
    return spec, usage


def _check_origin(params: Params) -> None:
    if store := params.get("CustomKeyStoreId"):
        raise no_store(store)
    origin = params.get("Origin", "AWS_KMS")
    if origin not in ("AWS_KMS", "EXTERNAL"):
        raise validation(f"A CustomKeyStoreId is required for a KMS key whose Origin is {origin}.")
    if params.get("XksKeyId"):
        raise unsupported("An XksKeyId is valid only for a KMS key whose Origin is EXTERNAL_KEY_STORE.")


def no_store(name: str) -> AwsError:
    """No custom key store can be made here, so none is ever found."""
    return AwsError("CustomKeyStoreNotFoundException", f"Custom key store {name} does not exist.")


@service.operation(on=on_key(), context=on_key_conditions)
def describe_key(call: Call, params: Params) -> Params:
    return {"KeyMetadata": metadata(call, key_named(call, params["KeyId"]))}


@service.operation()
def list_keys(call: Call, params: Params) -> Params:
    if params.get("ResourceOwners", ["SELF"]) != ["SELF"]:
        raise not_simulated("Keys shared by Resource Access Manager")
    found = call.store.list(Key, call.account, call.region)
    chosen, marker = paging.page(
        found, lambda one: one.id, params.get("Marker"), params.get("Limit", 100), bad_marker()
    )
    keys = [{"KeyId": one.id, "KeyArn": one.arn} for one in chosen]
    return {"Keys": keys, "Truncated": marker is not None, "NextMarker": marker}


@service.operation(on=on_key(), context=on_key_conditions)
def update_key_description(call: Call, params: Params) -> Params:
    key = changeable(call, params)
    key.description = params["Description"]
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def enable_key(call: Call, params: Params) -> Params:
    _set_state(call, params, "Enabled")
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def disable_key(call: Call, params: Params) -> Params:
    _set_state(call, params, "Disabled")
    return {}


def _set_state(call: Call, params: Params, state: str) -> None:
    key = imported(changeable(call, params))
    key.state = state
    call.store.put(key)
    if key.next_rotation is not None:
        call.start("rotate", key.id)  # what fell due while it was disabled is done now


@service.operation(on=on_key(), context=on_key_conditions)
def get_key_last_usage(call: Call, params: Params) -> Params:
    """Read from the trail, which keeps every call."""
    key = own_key(call, params["KeyId"])
    marks = ", ".join("?" * len(_TRACKED))
    where = f"source = ? AND region = ? AND error IS NULL AND name IN ({marks}) AND instr(plain(event), ?) > 0"
    values = ("kms.amazonaws.com", key.region, *_TRACKED, f'"{key.arn}"')
    dates = {"KeyId": key.arn, "KeyCreationDate": time(key.created), "TrackingStartDate": time(key.created)}
    for _, entry in call.store.trail.newest_first(where, values, limit=1):
        event = msgspec.json.decode(entry.event)
        ids_of_it = {"CloudTrailEventId": event["eventID"], "KmsRequestId": event["requestID"]}
        return dates | {"KeyLastUsage": {"Operation": entry.name, "Timestamp": time(entry.time), **ids_of_it}}
    return dates | {"KeyLastUsage": {}}
