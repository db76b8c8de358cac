"""Tags of functions."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions.base import Function, Params, function_named, invalid, name_of, service
from labsupport.cloud.services.functions.functions import checked_tags


def _tagged(call: Call, params: Params) -> Function:
    name = name_of(call, params["Resource"])
    if name.qualifier:
        raise invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return function_named(call, name)


@service.operation(on="{Resource}")
def tag_resource(call: Call, params: Params) -> Params:
    function = _tagged(call, params)
    function.tags = checked_tags(tags.merged(function.tags, params["Tags"]))
    call.store.put(function)
    return {}


@service.operation(on="{Resource}")
def untag_resource(call: Call, params: Params) -> Params:
    function = _tagged(call, params)
    function.tags = tags.without(function.tags, params["TagKeys"])
    call.store.put(function)
    return {}


@service.operation(on="{Resource}")
def list_tags(call: Call, params: Params) -> Params:
    return {"Tags": _tagged(call, params).tags}
