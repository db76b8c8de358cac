"""Keys: create, describe, enable, delete after a while, policies, tags."""

from datetime import UTC, datetime

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.policy import document
from labsupport.cloud.services.kms.base import (
    Alias,
    Key,
    Params,
    conditions,
    default_policy,
    key_named,
    new_key,
    on_key,
    own_key,
    pending,
    service,
)

DAY = 86400
_LARGEST_POLICY = 32768


def bad_marker() -> AwsError:
    return AwsError("InvalidMarkerException", "The marker is not valid.")


@service.operation(context=conditions)
def create_key(call: Call, params: Params) -> Params:
    _refuse_other_kinds(params)
    policy = params.get("Policy")
    key = new_key(
        call, _checked_policy(policy) if policy else default_policy(call.account), params.get("Description", "")
    )
    key.tags = _checked_tags(tags.from_list(params.get("Tags"), "TagKey", "TagValue"))
    if key.tags:
        call.authorise("kms:TagResource", "*", conditions(call, params))
    call.store.put(key)
    if policy and not params.get("BypassPolicyLockoutSafetyCheck"):
        _refuse_lockout(call, key)
    return {"KeyMetadata": shown(key)}


def _refuse_other_kinds(params: Params) -> None:
    spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    if spec != "SYMMETRIC_DEFAULT":
        raise not_simulated(f"A key of the spec {spec}")
    if params.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
        message = (
            f"The operation failed because the KeyUsage value of {params['KeyUsage']} is not compatible with {spec}."
        )
        raise AwsError("ValidationException", message)
    if params.get("Origin", "AWS_KMS") != "AWS_KMS":
        raise not_simulated(f"Key material of the origin {params['Origin']}")
    if params.get("MultiRegion"):
        raise not_simulated("A multi-Region key")


def _checked_policy(text: str) -> str:
    if len(text) > _LARGEST_POLICY:
        raise AwsError("LimitExceededException", f"A key policy has at most {_LARGEST_POLICY} characters.")
    try:
        document.parse(text, "resource")
    except AwsError as error:
        raise AwsError("MalformedPolicyDocumentException", error.message, 400) from None
    return text


def shown(key: Key) -> Params:
    metadata: Params = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": datetime.fromtimestamp(key.created, UTC),
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    if key.deletion is not None:
        metadata["DeletionDate"] = datetime.fromtimestamp(key.deletion, UTC)
    return metadata


@service.operation(on=on_key(), context=conditions)
def describe_key(call: Call, params: Params) -> Params:
    return {"KeyMetadata": shown(key_named(call, params["KeyId"]))}


@service.operation()
def list_keys(call: Call, params: Params) -> Params:
    found = call.store.list(Key, call.account, call.region)
    chosen, marker = paging.page(
        found, lambda one: one.id, params.get("Marker"), params.get("Limit", 100), bad_marker()
    )
    keys = [{"KeyId": one.id, "KeyArn": one.arn} for one in chosen]
    return {"Keys": keys, "Truncated": marker is not None, "NextMarker": marker}


@service.operation(on=on_key(), context=conditions)
def update_key_description(call: Call, params: Params) -> Params:
    key = _changeable(call, params)
    key.description = params["Description"]
    call.store.put(key)
    return {}


def _changeable(call: Call, params: Params) -> Key:
    key = own_key(call, params["KeyId"])
    if key.state == "PendingDeletion":
        raise pending(key)
    return _not_aws(key)


def _not_aws(key: Key) -> Key:
    if key.manager == "AWS":
        raise AwsError("AccessDeniedException", f"The key {key.arn} is managed by AWS and cannot be changed.", 400)
    return key


@service.operation(on=on_key(), context=conditions)
def enable_key(call: Call, params: Params) -> Params:
    key = _changeable(call, params)
    key.state = "Enabled"
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=conditions)
def disable_key(call: Call, params: Params) -> Params:
    key = _changeable(call, params)
    key.state = "Disabled"
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=conditions)
def schedule_key_deletion(call: Call, params: Params) -> Params:
    key, days = _changeable(call, params), params.get("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        raise AwsError("ValidationException", "PendingWindowInDays must be between 7 and 30 (inclusive)")
    key.state, key.deletion = "PendingDeletion", call.epoch + days * DAY
    call.store.put(key)
    call.start("delete", key.id, after=days * DAY)
    date = datetime.fromtimestamp(key.deletion, UTC)
    return {"KeyId": key.arn, "DeletionDate": date, "KeyState": key.state, "PendingWindowInDays": days}


@service.operation(on=on_key(), context=conditions)
def cancel_key_deletion(call: Call, params: Params) -> Params:
    key = own_key(call, params["KeyId"])
    if key.state != "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    key.state, key.deletion = "Disabled", None
    call.store.put(key)
    return {"KeyId": key.arn}


@service.task("delete")
async def delete(call: Call, key_id: str) -> float | None:
    """The waiting time is over: the key and its aliases go, and with it all that it encrypted."""
    key = call.store.get(Key, call.account, call.region, key_id)
    if key is None or key.deletion is None:
        return None
    if key.deletion > call.epoch:
        return key.deletion - call.epoch
    with call.transaction():
        for alias in call.store.list(Alias, call.account, call.region):
            if alias.target == key.id:
                call.store.delete(alias)
        call.store.delete(key)
    return None


# Policies


@service.operation(on=on_key(), context=conditions)
def get_key_policy(call: Call, params: Params) -> Params:
    key = own_key(call, params["KeyId"])
    _only_default(params)
    return {"Policy": key.policy, "PolicyName": "default"}


@service.operation(on=on_key(), context=conditions)
def put_key_policy(call: Call, params: Params) -> Params:
    key = _not_aws(own_key(call, params["KeyId"]))  # its policy may be set while it waits for its deletion, too
    _only_default(params)
    key.policy = _checked_policy(params["Policy"])
    call.store.put(key)
    if not params.get("BypassPolicyLockoutSafetyCheck"):
        _refuse_lockout(call, key)
    return {}


def _refuse_lockout(call: Call, key: Key) -> None:
    """Who sets a policy must still be able to set the next one."""
    try:
        call.authorise("kms:PutKeyPolicy", key.arn, conditions(call, {}))
    except AwsError:
        message = (
            "The new key policy will not allow you to update the key policy in the future. "
            "To proceed, set BypassPolicyLockoutSafetyCheck."
        )
        raise AwsError("MalformedPolicyDocumentException", message) from None


def _only_default(params: Params) -> None:
    if params.get("PolicyName", "default") != "default":
        raise AwsError("NotFoundException", f"No such policy exists: {params['PolicyName']}")


@service.operation(on=on_key(), context=conditions)
def list_key_policies(call: Call, params: Params) -> Params:
    own_key(call, params["KeyId"])
    return {"PolicyNames": ["default"], "Truncated": False}


# Tags


def _checked_tags(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("LimitExceededException", "A key can have at most 50 tags.")
    tags.check(found, too_many, AwsError("TagException", "Tag keys that begin with aws: are reserved."))
    return found


@service.operation(on=on_key(), context=conditions)
def tag_resource(call: Call, params: Params) -> Params:
    key = _changeable(call, params)
    key.tags = _checked_tags(tags.merged(key.tags, tags.from_list(params["Tags"], "TagKey", "TagValue")))
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=conditions)
def untag_resource(call: Call, params: Params) -> Params:
    key = _changeable(call, params)
    key.tags = tags.without(key.tags, params["TagKeys"])
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=conditions)
def list_resource_tags(call: Call, params: Params) -> Params:
    found = tags.to_list(own_key(call, params["KeyId"]).tags, "TagKey", "TagValue")
    chosen, marker = paging.page(
        found, lambda one: one["TagKey"], params.get("Marker"), params.get("Limit", 50), bad_marker()
    )
    return {"Tags": chosen, "Truncated": marker is not None, "NextMarker": marker}
