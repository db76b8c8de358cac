"""What decides about a key: its policy and the grants on it; and its tags."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.services.kms import granting
from labsupport.cloud.services.kms.base import Key, service
from labsupport.cloud.services.kms.lookup import find


def _key(call: Call, resource: str) -> Key | None:
    return find(call, resource) if ":key/" in resource else None


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    key = _key(call, resource)
    if key is None:
        return None
    if call.operation == "RetireGrant":  # needs no leave of the other account's own policies
        return granting.retirement(call, key), "resource", call.caller.account, "resource_required"
    return granting.with_grants(call, key), "resource", key.account, "resource_required"


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    key = _key(call, resource)
    return key.tags if key else {}


service.resource_policy = _resource_policy
service.resource_tags = _resource_tags
