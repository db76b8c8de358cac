"""How many executions a function may have at a time, and the limits of an account."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions import packages
from labsupport.cloud.services.functions.base import (
    Function,
    Params,
    Version,
    function_of,
    invalid,
    on_function,
    service,
)

CONCURRENCY = 1000  # executions at a time, of all functions of an account in a Region
UNRESERVED = 100  # of them are left to functions that have none reserved
CODE = 80_530_636_800  # bytes of all packages of an account in a Region


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
    sizes = {one.settings.code: one.settings.size for one in functions}
    for version in call.store.list(Version, call.account, call.region):
        sizes[version.settings.code] = version.settings.size
    limits = {
        "TotalCodeSize": CODE,
        "CodeSizeUnzipped": packages.LARGEST_UNPACKED,
        "CodeSizeZipped": packages.LARGEST_DIRECT,
        "ConcurrentExecutions": CONCURRENCY,
        "UnreservedConcurrentExecutions": CONCURRENCY - _reserved(call),
    }
    usage = {"TotalCodeSize": sum(sizes.values()), "FunctionCount": len(functions)}
    return {"AccountLimit": limits, "AccountUsage": usage}
