"""validate -> authorise -> run -> record: the steps that every call takes, wherever it comes from."""

from collections.abc import Awaitable
from typing import Any

from labsupport.cloud.core import model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.service import Operation, Service
from labsupport.cloud.gateway import sessions
from labsupport.cloud.gateway.authorise import authorise_call
from labsupport.cloud.gateway.eager import in_task
from labsupport.cloud.gateway.trail import record
from labsupport.cloud.wire import validate

Params = dict[str, Any]


def perform(call: Call, operation: str, params: Params) -> Any:
    """Run an operation (its name as AWS spells it, or in snake case): its result, or for an `async`
    operation an awaitable of it. Errors are `AwsError`."""
    found = find(call.service, operation)
    call.operation = found.name
    return _perform_async(call, found, params) if found.is_async else _perform_plain(call, found, params)


def find(service: Service, operation: str) -> Operation:
    if operation in service.operations:
        return service.operations[operation]
    wanted = operation.replace("_", "").lower()
    for name, found in service.operations.items():
        if name.lower() == wanted:
            return found
    raise not_simulated(f"{service.name}:{operation}")


def _perform_plain(call: Call, operation: Operation, params: Params) -> Params:
    """One call, one transaction: what the handler changed, its events and the trail's entry commit together.

    A call that fails leaves nothing but its entry, which the store keeps through the rollback. Whatever it notes
    bears the same time.
    """
    call.moment = call.epoch
    with call.transaction():
        try:
            _admit(call, operation, params)
            result: Params = operation.handler(call, params) or {}
        except Exception as error:
            record(call, operation, params, error=error)
            raise
        record(call, operation, params, result=result)
        return result


async def _perform_async(call: Call, operation: Operation, params: Params) -> Params:
    """The handler opens its own short transactions between what it awaits."""
    if not operation.at_once:
        await in_task()
    try:
        _admit(call, operation, params)
        call.unrecorded = lambda result: record(call, operation, params, result=result)
        handler: Awaitable[Params] = operation.handler(call, params)
        result = await handler or {}
    except Exception as error:
        record(call, operation, params, error=error)
        raise
    call.conclude(result)
    return result


def _admit(call: Call, operation: Operation, params: Params) -> None:
    validate(model.operation(call.service.name, operation.name), params)
    sessions.check(call, operation.name)
    authorise_call(call, operation, params)
