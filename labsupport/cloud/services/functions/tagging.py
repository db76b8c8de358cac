"""Tags of functions, and how many executions a function may have at a time."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions.base import (
    Function,
    Params,
    Version,
    function_named,
    function_of,
    invalid,
    name_of,
    on_function,
    service,
)
from labsupport.cloud.services.functions.functions import checked_tags

CONCURRENCY = 1000  # executions at a time, of all functions of an account in a Region
UNRESERVED = 100  # of them are left to functions that have none reserved


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


# Concurrency


def _reserved(call: Call, but: str = "") -> int:
    functions = call.store.list(Function, call.account, call.region)
    return sum(one.reserved or 0 for one in functions if one.name != but)


@service.operation(on=on_function)
def put_function_concurrency(call: Call, params: Params) -> Params:
    function, wanted = function_of(call, params), params["ReservedConcurrentExecutions"]
    if CONCURRENCY - _reserved(call, function.name) - wanted < UNRESERVED:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED}]."
        )
    function.reserved = wanted
    call.store.put(function)
    return {"ReservedConcurrentExecutions": wanted}


@service.operation(on=on_function)
def get_function_concurrency(call: Call, params: Params) -> Params:
    reserved = function_of(call, params).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@service.operation(on=on_function)
def delete_function_concurrency(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    function.reserved = None
    call.store.put(function)
    return {}


@service.operation()
def get_account_settings(call: Call, params: Params) -> Params:
    functions = list(call.store.list(Function, call.account, call.region))
    packages = {one.settings.code: one.settings.size for one in functions}
    for version in call.store.list(Version, call.account, call.region):
        packages[version.settings.code] = version.settings.size
    limits = {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": CONCURRENCY,
        "UnreservedConcurrentExecutions": CONCURRENCY - _reserved(call),
    }
    usage = {"TotalCodeSize": sum(packages.values()), "FunctionCount": len(functions)}
    return {"AccountLimit": limits, "AccountUsage": usage}
