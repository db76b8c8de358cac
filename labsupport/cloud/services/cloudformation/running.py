"""A stack on its way: one task takes it from where it stands to the end of its operation.

Every resource is noted before it is touched and after, so that a process that is killed goes on from
there; creating something twice is harmless, for generated names and request tokens repeat.
"""

import logging

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import graph, parameters, schemas
from labsupport.cloud.services.cloudformation.base import invalid, not_here, service
from labsupport.cloud.services.cloudformation.finishing import exports_of, outputs_of
from labsupport.cloud.services.cloudformation.providers import PROVIDERS
from labsupport.cloud.services.cloudformation.records import Export, Params, Resource, Rest, Stack, find_stack, note
from labsupport.cloud.services.cloudformation.scope import properties_of, scope_of, wanted
from labsupport.cloud.services.cloudformation.template import Template, parse
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, client_maker

log = logging.getLogger("labsupport.cloud.cloudformation")
_KEPT = ("Retain",)


class Failed(Exception):
    """A resource could not be brought about; the text is why."""


@service.task("advance")
async def advance(call: Call, stack_id: str) -> None:
    """Bring a stack's operation to its end."""
    stack = find_stack(call, stack_id)
    while stack is not None and stack.busy:
        await _STEPS[stack.status](call, stack)
        stack = find_stack(call, stack_id)


def turn(call: Call, stack: Stack, status: str, reason: str = "") -> None:
    """The stack's next status, noted with its event."""
    with call.transaction():
        stack.status, stack.reason = status, reason
        note(call, stack)


async def _create(call: Call, stack: Stack) -> None:
    try:
        await _bring_about(call, stack)
        exports = exports_of(call, stack)
    except (AwsError, Failed) as error:
        return _creation_failed(call, stack, _why(error))
    with call.transaction():
        _settle(call, stack, exports)
        stack.status, stack.reason = "CREATE_COMPLETE", ""
        note(call, stack)


def _why(error: Exception) -> str:
    return error.message if isinstance(error, AwsError) else str(error)


def _settle(call: Call, stack: Stack, exports: dict[str, str]) -> None:
    """Outputs and exports as the stack now has them."""
    stack.outputs = outputs_of(call, stack)
    for old in list(call.store.list(Export, stack.account, stack.region)):
        if old.stack == stack.id and old.name not in exports:
            call.store.delete(old)
    for name, value in exports.items():
        call.store.put(Export(account=stack.account, region=stack.region, name=name, value=value, stack=stack.id))


def _creation_failed(call: Call, stack: Stack, reason: str) -> None:
    failed = [one.logical for one in stack.resources.values() if one.status == "CREATE_FAILED"]
    text = f"The following resource(s) failed to create: [{', '.join(failed)}]. " if failed else f"{reason} "
    if stack.on_failure == "DO_NOTHING":
        return turn(call, stack, "CREATE_FAILED", text.strip())
    if stack.on_failure == "DELETE":
        return turn(call, stack, "DELETE_IN_PROGRESS", f"{text}Delete requested by user.")
    return turn(call, stack, "ROLLBACK_IN_PROGRESS", f"{text}Rollback requested by user.")


async def _bring_about(call: Call, stack: Stack) -> None:
    """Make every resource of the template that isn't as it should be, in the order of their needs."""
    template = parse(stack.target.template)
    scope = scope_of(call, stack, template)
    names = wanted(template, scope)
    needs = graph.dependencies(template, names)
    for name in graph.order(needs):
        await _one(call, stack, template, name, needs[name])
    for name in [one for one in stack.resources if one not in names]:
        _leave(call, stack, name)


async def _one(call: Call, stack: Stack, template: Template, name: str, needs: list[str]) -> None:
    """One resource, as the template wants it: created, changed, replaced, or left as it is."""
    declared = template["Resources"][name]
    old = stack.resources.get(name)
    begun = old is not None and old.status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
    try:
        client = client_maker(call, stack)
        props = properties_of(template, name, scope_of(call, stack, template), client("ssm"))
        schemas.check(name, declared["Type"], props)
        provider = _provider(declared["Type"])
    except AwsError as error:
        _fail(call, stack, _begin(call, stack, name, declared, old, needs), error)
    if old is not None and not begun and old.status.endswith("_COMPLETE") and old.type == declared["Type"]:
        return await _change(call, stack, old, provider, declared, props, needs)
    fresh = old if begun and old is not None else _begin(call, stack, name, declared, old, needs)
    await _make(call, stack, fresh, provider, props, again=begun)


def _provider(kind: str) -> Provider:
    if kind not in PROVIDERS:
        raise not_here(f"The resource type {kind}")
    return PROVIDERS[kind]


def _begin(call: Call, stack: Stack, name: str, declared: Params, old: Resource | None, needs: list[str]) -> Resource:
    """Note a resource that is about to be created; one that it replaces is removed at the end."""
    generation = 0
    if old is not None and old.physical:
        keep = old.replaced in _KEPT
        stack.rests.append(Rest(resource=old, keep=keep))
        generation = old.generation + 1
    elif old is not None:
        generation = old.generation
    fresh = Resource(
        logical=name,
        type=declared["Type"],
        status="CREATE_IN_PROGRESS",
        at=call.epoch,
        needs=needs,
        generation=generation,
        deletion=declared.get("DeletionPolicy", "Delete"),
        replaced=declared.get("UpdateReplacePolicy", "Delete"),
    )
    stack.resources[name] = fresh
    with call.transaction():
        note(call, stack, fresh)
    return fresh


async def _make(call: Call, stack: Stack, fresh: Resource, provider: Provider, props: Params, again: bool) -> None:
    work = Work(stack, fresh, client_maker(call, stack), call.cloud.clock.sleep, again)
    fresh.properties = props
    try:
        made = await provider.create(work, props)
    except AwsError as error:
        _fail(call, stack, fresh, error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.exception("%s could not be created", fresh.type)
        _fail(
            call,
            stack,
            fresh,
            invalid(f"Properties of {fresh.logical} are not of the form that {fresh.type} takes: {error}"),
        )
    else:
        _complete(call, stack, fresh, made, "CREATE_COMPLETE")


def _complete(call: Call, stack: Stack, resource: Resource, made: Made, status: str) -> None:
    resource.physical, resource.attributes = made.physical, made.attributes
    resource.status, resource.reason, resource.at = status, "", call.epoch
    with call.transaction():
        note(call, stack, resource)


def _fail(call: Call, stack: Stack, resource: Resource, error: AwsError) -> None:
    verb = resource.status.split("_")[0]
    codes = f"(Service: {resource.type.split('::')[1]}, Error code: {error.code})"
    resource.status, resource.at = f"{verb}_FAILED", call.epoch
    resource.reason = f"{error.message} {codes}".strip()
    with call.transaction():
        note(call, stack, resource)
    raise Failed(resource.reason)


async def _change(
    call: Call, stack: Stack, old: Resource, provider: Provider, declared: Params, props: Params, needs: list[str]
) -> None:
    changed = {key for key in {*old.properties, *props} if old.properties.get(key) != props.get(key)}
    old.needs = needs
    old.deletion, old.replaced = declared.get("DeletionPolicy", "Delete"), declared.get("UpdateReplacePolicy", "Delete")
    tags_differ = stack.before is not None and stack.before.tags != stack.target.tags
    if not changed and not tags_differ:
        return None
    if changed and (provider.update is None or schemas.creates_only(old.type, changed) or _needs_stop(old, changed)):
        fresh = _begin(call, stack, old.logical, declared, old, needs)
        return await _make(call, stack, fresh, provider, props, again=False)
    await _update_in_place(call, stack, old, provider, props)


def _needs_stop(resource: Resource, changed: set[str]) -> bool:
    """Changes that AWS makes by stopping the instance are made here by replacing it."""
    return resource.type == "AWS::EC2::Instance" and bool(changed & {"InstanceType", "IamInstanceProfile", "UserData"})


async def _update_in_place(call: Call, stack: Stack, old: Resource, provider: Provider, props: Params) -> None:
    before = old.properties
    old.status, old.at = "UPDATE_IN_PROGRESS", call.epoch
    with call.transaction():
        note(call, stack, old)
    work = Work(stack, old, client_maker(call, stack), call.cloud.clock.sleep)
    try:
        made = await provider.update(work, old.physical, before, props) if provider.update else Made(old.physical)
    except AwsError as error:
        _fail(call, stack, old, error)
    else:
        old.properties = props
        _complete(call, stack, old, made, "UPDATE_COMPLETE")


def _leave(call: Call, stack: Stack, name: str) -> None:
    """A resource that the template no longer has: removed in the last phase."""
    resource = stack.resources.pop(name)
    if resource.physical:
        stack.rests.append(Rest(resource=resource, keep=resource.deletion in _KEPT))
    call.store.put(stack)


# Turning back and cleaning up


async def _update(call: Call, stack: Stack) -> None:
    try:
        await _bring_about(call, stack)
        exports = exports_of(call, stack)
    except (AwsError, Failed) as error:
        failed = [one.logical for one in stack.resources.values() if one.status.endswith("_FAILED")]
        text = f"The following resource(s) failed to update: [{', '.join(failed)}]." if failed else _why(error)
        return _go_back(call, stack, text)
    with call.transaction():
        _settle(call, stack, exports)
        stack.before = None
        stack.status, stack.reason = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""
        note(call, stack)


def _go_back(call: Call, stack: Stack, reason: str) -> None:
    """The way back is an update too, to what the stack was made from before."""
    if stack.before is not None:
        stack.target, stack.before = stack.before, stack.target
        client = client_maker(call, stack)
        stack.resolved = parameters.resolved(parse(stack.target.template), stack.target.parameters, client("ssm"))
    for resource in stack.resources.values():
        if resource.status == "UPDATE_FAILED":
            resource.status = "UPDATE_COMPLETE"
    _bring_back_replaced(stack)
    turn(call, stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)


def _bring_back_replaced(stack: Stack) -> None:
    """What was to be removed is wanted again; what has come in its place is to be removed."""
    rests, stack.rests = stack.rests, []
    for rest in rests:
        name = rest.resource.logical
        newer = stack.resources.get(name)
        if newer is not None and newer.physical:
            stack.rests.append(Rest(resource=newer))
        stack.resources[name] = rest.resource
    for name, resource in list(stack.resources.items()):
        if not resource.physical and resource.status == "CREATE_FAILED":
            del stack.resources[name]


async def _update_rollback(call: Call, stack: Stack) -> None:
    try:
        await _bring_about(call, stack)
    except (AwsError, Failed) as error:
        return turn(call, stack, "UPDATE_ROLLBACK_FAILED", _why(error))
    stack.before = None
    turn(call, stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")


async def _clean_up(call: Call, stack: Stack) -> None:
    """Remove what the operation has left over; a failure here doesn't spoil it."""
    while stack.rests:
        rest = stack.rests[0]
        if not rest.keep:
            await _remove(call, stack, rest.resource)
        stack.rests.pop(0)
        call.store.put(stack)
    turn(call, stack, stack.status.replace("_CLEANUP_IN_PROGRESS", ""))


async def _remove(call: Call, stack: Stack, resource: Resource) -> bool:
    """Delete a resource; whether it is gone."""
    if not resource.physical and resource.status != "CREATE_IN_PROGRESS":
        return True
    resource.status, resource.at, resource.reason = "DELETE_IN_PROGRESS", call.epoch, ""
    with call.transaction():
        note(call, stack, resource)
    try:
        if resource.physical:
            work = Work(stack, resource, client_maker(call, stack), call.cloud.clock.sleep)
            await _provider(resource.type).delete(work, resource.physical, resource.properties)
    except AwsError as error:
        resource.status, resource.reason, resource.at = "DELETE_FAILED", error.message, call.epoch
        with call.transaction():
            note(call, stack, resource)
        return False
    resource.status, resource.at = "DELETE_COMPLETE", call.epoch
    with call.transaction():
        note(call, stack, resource)
    return True


async def _take_down(call: Call, stack: Stack) -> list[str]:
    """Delete the resources, each before those it needs; the names of those that would not go."""
    needs = {name: [one for one in two.needs if one in stack.resources] for name, two in stack.resources.items()}
    left = []
    for name in reversed(graph.order(needs)):
        resource = stack.resources[name]
        if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
            continue
        if resource.deletion in _KEPT and resource.physical and not stack.status.startswith("ROLLBACK"):
            resource.status, resource.at = "DELETE_SKIPPED", call.epoch
            with call.transaction():
                note(call, stack, resource)
        elif not await _remove(call, stack, resource):
            left.append(name)
    return left


async def _rollback(call: Call, stack: Stack) -> None:
    left = await _take_down(call, stack)
    if left:
        return turn(call, stack, "ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(left)}].")
    return turn(call, stack, "ROLLBACK_COMPLETE")


async def _delete(call: Call, stack: Stack) -> None:
    for rest in list(stack.rests):
        if rest.keep or await _remove(call, stack, rest.resource):
            stack.rests.remove(rest)
    left = await _take_down(call, stack)
    if left:
        text = f"The following resource(s) failed to delete: [{', '.join(left)}]."
        return turn(call, stack, "DELETE_FAILED", text)
    stack.deleted = call.epoch
    with call.transaction():
        _settle_nothing(call, stack)
        stack.status, stack.reason = "DELETE_COMPLETE", ""
        note(call, stack)
    return None


def _settle_nothing(call: Call, stack: Stack) -> None:
    stack.outputs = []
    for old in list(call.store.list(Export, stack.account, stack.region)):
        if old.stack == stack.id:
            call.store.delete(old)


_STEPS = {
    "CREATE_IN_PROGRESS": _create,
    "ROLLBACK_IN_PROGRESS": _rollback,
    "UPDATE_IN_PROGRESS": _update,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": _clean_up,
    "UPDATE_ROLLBACK_IN_PROGRESS": _update_rollback,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": _clean_up,
    "DELETE_IN_PROGRESS": _delete,
}
