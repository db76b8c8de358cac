"""Tags of objects."""

from collections.abc import Callable

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.s3.base import OBJECT, Params, service
from labsupport.cloud.services.s3.configuration import checked_tags
from labsupport.cloud.services.s3.context import conditions, write_conditions
from labsupport.cloud.services.s3.happenings import tell
from labsupport.cloud.services.s3.objects import found_object, version_of


def _named(verb: str) -> Callable[[Call, Params], str]:
    def action(_: Call, params: Params) -> str:
        return f"s3:{verb}Object{'Version' if params.get('VersionId') else ''}Tagging"

    return action


@service.operation(on=OBJECT, action=_named("Put"), context=write_conditions, data_event=True)
def put_object_tagging(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    found.tags = checked_tags(params["Tagging"]["TagSet"], 10)
    call.store.put(found)
    tell(call, bucket, "ObjectTagging:Put", found, {"etag": found.etag})
    return version_of(bucket, found)


@service.operation(on=OBJECT, action=_named("Get"), context=conditions, data_event=True)
def get_object_tagging(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    return {"TagSet": tags.to_list(found.tags), **version_of(bucket, found)}


@service.operation(on=OBJECT, action=_named("Delete"), context=conditions, data_event=True)
def delete_object_tagging(call: Call, params: Params) -> Params:
    bucket, found = found_object(call, params)
    found.tags = {}
    call.store.put(found)
    tell(call, bucket, "ObjectTagging:Delete", found, {"etag": found.etag})
    return version_of(bucket, found)
