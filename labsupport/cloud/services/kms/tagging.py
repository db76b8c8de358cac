"""Tags of keys."""

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms.base import Params, bad_marker, service
from labsupport.cloud.services.kms.conditions import on_key_conditions
from labsupport.cloud.services.kms.lookup import changeable, on_key, own_key


def given_tags(params: Params) -> dict[str, str]:
    """The tags in a request, each key once."""
    given = params.get("Tags") or []
    if len({one["TagKey"] for one in given}) < len(given):
        raise AwsError("TagException", "Duplicate tag keys")
    return tags.from_list(given, "TagKey", "TagValue")


def checked_tags(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("LimitExceededException", "A key can have at most 50 tags.")
    tags.check(found, too_many, AwsError("TagException", "Tag keys that begin with aws: are reserved."))
    return found


@service.operation(on=on_key(), context=on_key_conditions)
def tag_resource(call: Call, params: Params) -> Params:
    key = changeable(call, params)
    key.tags = checked_tags(tags.merged(key.tags, given_tags(params)))
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def untag_resource(call: Call, params: Params) -> Params:
    key = changeable(call, params)
    key.tags = tags.without(key.tags, params["TagKeys"])
    call.store.put(key)
    return {}


@service.operation(on=on_key(), context=on_key_conditions)
def list_resource_tags(call: Call, params: Params) -> Params:
    found = tags.to_list(own_key(call, params["KeyId"]).tags, "TagKey", "TagValue")
    chosen, marker = paging.page(
        found, lambda one: one["TagKey"], params.get("Marker"), params.get("Limit", 50), bad_marker()
    )
    return {"Tags": chosen, "Truncated": marker is not None, "NextMarker": marker}
