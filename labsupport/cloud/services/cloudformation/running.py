"""A stack on its way: one task takes it from where it stands to the end of its operation."""

import asyncio
import logging
import math
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import graph
from labsupport.cloud.services.cloudformation.base import service
from labsupport.cloud.services.cloudformation.finishing import exports_of, forget_exports, settle
from labsupport.cloud.services.cloudformation.making import Failed, bring_about, remove, skip
from labsupport.cloud.services.cloudformation.records import Resource, Rest, Stack, find_stack, note, save
from labsupport.cloud.services.cloudformation.scope import scope_of, wanted
from labsupport.cloud.services.cloudformation.template import parse
from labsupport.cloud.services.cloudformation.together import together

log = logging.getLogger("labsupport.cloud.cloudformation")
_FAILED = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
}


@service.task("advance")
async def advance(call: Call, stack_id: str) -> None:
    """Bring a stack's operation to its end."""
    stack = find_stack(call, stack_id)
    while stack is not None and stack.busy:
        try:
            await _STEPS[stack.status](call, stack)
        except Exception as error:
            log.exception("stack %s", stack.name)
            turn(call, stack, _FAILED[stack.status], f"Internal Failure: {error!r}")
        stack = find_stack(call, stack_id)


def turn(call: Call, stack: Stack, status: str, reason: str = "") -> None:
    """The stack's next status, noted with its event."""
    with call.transaction():
        stack.status, stack.reason = status, reason
        note(call, stack)


async def _create(call: Call, stack: Stack) -> None:
    try:
        await _bring_all_about(call, stack)
        exports = exports_of(call, stack)
    except (AwsError, Failed) as error:
        _creation_failed(call, stack, _why(error))
        return
    with call.transaction():
        settle(call, stack, exports)
        turn(call, stack, "CREATE_COMPLETE")


def _why(error: Exception) -> str:
    return error.message if isinstance(error, AwsError) else str(error)


def _creation_failed(call: Call, stack: Stack, reason: str) -> None:
    failed = [one.logical for one in stack.resources.values() if one.status == "CREATE_FAILED"]
    text = f"The following resource(s) failed to create: [{', '.join(failed)}]. " if failed else f"{reason} "
    if stack.wish == "delete":
        turn(call, stack, "DELETE_IN_PROGRESS", "User Initiated")
    elif stack.on_failure == "DO_NOTHING":
        turn(call, stack, "CREATE_FAILED", text.strip())
    elif stack.on_failure == "DELETE":
        turn(call, stack, "DELETE_IN_PROGRESS", f"{text}Delete requested by user.")
    else:
        turn(call, stack, "ROLLBACK_IN_PROGRESS", f"{text}Rollback requested by user.")


async def _bring_all_about(call: Call, stack: Stack) -> None:
    """Make every resource of the template that isn't as it should be, in the order of their needs."""
    template = parse(stack.target.template)
    scope = scope_of(call, stack, template)
    names = wanted(template, scope)
    needs = graph.dependencies(template, names, scope.conditions)
    graph.order(needs)

    async def bring_one(name: str) -> None:
        _heed(call, stack)
        if not (name in stack.skipped and stack.status == "UPDATE_ROLLBACK_IN_PROGRESS"):
            await bring_about(call, stack, template, name, needs[name])

    await together(needs, bring_one, _interruption(call, stack))
    for name in [one for one in stack.resources if one not in names]:
        _leave(call, stack, name)


def _heed(call: Call, stack: Stack) -> None:
    """Turn back where somebody has asked for it meanwhile, or the time is up."""
    save(call, stack)
    if stack.wish and stack.status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
        raise Failed("User initiated cancellation." if stack.wish == "cancel" else "Resource creation cancelled.")
    if call.epoch >= _deadline(stack):
        raise Failed("Stack creation time exceeded the specified timeout.")


def _deadline(stack: Stack) -> float:
    counts = stack.timeout and stack.status == "CREATE_IN_PROGRESS"
    return stack.created + 60 * stack.timeout if counts else math.inf


async def _interruption(call: Call, stack: Stack) -> Exception:
    """Waits until there is something to heed while resources are on their way."""
    signal = call.signal or asyncio.Event()
    while True:
        signal.clear()
        try:
            _heed(call, stack)
        except Failed as reason:
            return reason
        await _woken(call, signal, _deadline(stack))


async def _woken(call: Call, signal: asyncio.Event, deadline: float) -> None:
    """Until somebody wakes the stack's task, or the deadline."""
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(signal.wait())]
    if deadline < math.inf:
        waits.append(asyncio.ensure_future(call.cloud.clock.sleep_until(deadline)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


def _leave(call: Call, stack: Stack, name: str) -> None:
    """A resource that the template no longer has: removed in the last phase."""
    resource = stack.resources.pop(name)
    back = stack.status == "UPDATE_ROLLBACK_IN_PROGRESS"
    if resource.physical:
        stack.rests.append(Rest(resource=resource, keep=_stays(stack, resource, made_now=back)))
    save(call, stack)


def _stays(stack: Stack, resource: Resource, made_now: bool) -> bool:
    """Whether its DeletionPolicy keeps a resource; `made_now`: by the operation that is being taken back."""
    if made_now:
        return resource.deletion == "Retain" and not stack.drops_new
    return resource.deletion in ("Retain", "RetainExceptOnCreate")


# Turning back and cleaning up


async def _update(call: Call, stack: Stack) -> None:
    try:
        await _bring_all_about(call, stack)
        exports = exports_of(call, stack)
    except (AwsError, Failed) as error:
        failed = [one.logical for one in stack.resources.values() if one.status.endswith("_FAILED")]
        text = f"The following resource(s) failed to update: [{', '.join(failed)}]. " if failed else _why(error)
        if stack.stays_failed and not stack.wish:
            turn(call, stack, "UPDATE_FAILED", text.strip())
        else:
            go_back(call, stack, text.strip())
        return
    with call.transaction():
        settle(call, stack, exports)
        stack.before = None
        turn(call, stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def go_back(call: Call, stack: Stack, reason: str) -> None:
    """The way back is an update too, to what the stack was made from before."""
    if stack.before is not None:
        stack.target, stack.before = stack.before, stack.target
    _bring_back_replaced(stack)
    turn(call, stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)


def _bring_back_replaced(stack: Stack) -> None:
    """What was to be removed is wanted again; what has come in its place is to be removed."""
    rests, stack.rests = stack.rests, []
    for rest in rests:
        newer = stack.resources.get(rest.resource.logical)
        if newer is not None and newer.physical:
            stack.rests.append(Rest(resource=newer, keep=_stays(stack, newer, made_now=True)))
        rest.resource.status = "UPDATE_FAILED"  # until the way back has come by
        stack.resources[rest.resource.logical] = rest.resource
    for name, resource in list(stack.resources.items()):
        if resource.fresh and not resource.physical:
            del stack.resources[name]


async def _update_rollback(call: Call, stack: Stack) -> None:
    try:
        await _bring_all_about(call, stack)
    except (AwsError, Failed) as error:
        turn(call, stack, "UPDATE_ROLLBACK_FAILED", _why(error))
        return
    with call.transaction():
        settle(call, stack, exports_of(call, stack))
        stack.before = None
        turn(call, stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")


async def _clean_up(call: Call, stack: Stack) -> None:
    """Remove what the operation has left over; a failure here doesn't spoil it."""
    while stack.rests:
        rest = stack.rests[0]
        if rest.keep:
            skip(call, stack, rest.resource)
        else:
            await remove(call, stack, rest.resource)
        stack.rests.pop(0)
        save(call, stack)
    turn(call, stack, stack.status.replace("_CLEANUP_IN_PROGRESS", ""))


async def _take_down(call: Call, stack: Stack) -> list[str]:
    """Delete the resources, each before those it needs; the names of those that would not go."""
    users = {name: [one for one, two in stack.resources.items() if name in two.needs] for name in stack.resources}
    left: list[str] = []

    async def take_one(name: str) -> None:
        resource = stack.resources[name]
        if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
            return
        if resource.physical and _stays(stack, resource, made_now=stack.status == "ROLLBACK_IN_PROGRESS"):
            skip(call, stack, resource)
        elif set(users[name]) & set(left) or not await remove(call, stack, resource):
            left.append(name)

    await together(dict(reversed(users.items())), take_one, asyncio.Future())
    return [name for name in stack.resources if name in left]


async def _rollback(call: Call, stack: Stack) -> None:
    left = await _take_down(call, stack)
    text = f"The following resource(s) failed to delete: [{', '.join(left)}]. " if left else ""
    turn(call, stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", text)


async def _delete(call: Call, stack: Stack) -> None:
    for rest in list(stack.rests):
        if rest.keep or await remove(call, stack, rest.resource):
            stack.rests.remove(rest)
    left = [*(rest.resource.logical for rest in stack.rests), *await _take_down(call, stack)]
    if left:
        turn(call, stack, "DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(left)}]. ")
        return
    with call.transaction():
        stack.deleted, stack.outputs = call.epoch, []
        forget_exports(call, stack, keep=())
        turn(call, stack, "DELETE_COMPLETE")


_STEPS = {
    "CREATE_IN_PROGRESS": _create,
    "ROLLBACK_IN_PROGRESS": _rollback,
    "UPDATE_IN_PROGRESS": _update,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _clean_up,
    "UPDATE_ROLLBACK_IN_PROGRESS": _update_rollback,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": _clean_up,
    "DELETE_IN_PROGRESS": _delete,
}
