"""One resource on its way: created, changed, replaced or removed as the template wants it.

It is noted before it is touched and after, so that a process that is killed goes on from there: what an
interrupted try has created is remembered (`Work.once`), and not created twice.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import NoReturn, TypeVar

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation import schemas
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.providers import provider_of
from labsupport.cloud.services.cloudformation.records import Params, Resource, Rest, Stack, note
from labsupport.cloud.services.cloudformation.scope import properties_of, scope_of
from labsupport.cloud.services.cloudformation.template import Template
from labsupport.cloud.services.cloudformation.together import CANCELLED
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, client_of

log = logging.getLogger("labsupport.cloud.cloudformation")
_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
T = TypeVar("T")


class Failed(Exception):
    """A resource could not be brought about; the text is why."""


async def bring_about(call: Call, stack: Stack, template: Template, name: str, needs: list[str]) -> None:
    """One resource as the template wants it, from whatever state it is in. Raises `Failed`."""
    declared = template["Resources"][name]
    old = stack.resources.get(name)
    if old is not None and old.status == "CREATE_FAILED":
        await remove(call, stack, old)
        old = None
    try:
        client = client_of(call, stack, "ssm")
        props = properties_of(template, name, scope_of(call, stack, template), client)
        schemas.check(name, declared["Type"], props)
        provider = provider_of(declared["Type"], props)
    except AwsError as error:
        resource = old or _begin(call, stack, name, declared, needs)
        _fail(call, stack, resource, error)
    if old is None or old.fresh:
        await _make(call, stack, old or _begin(call, stack, name, declared, needs), provider, props)
    else:
        await _change(call, stack, old, provider, declared, props, needs)


def _begin(
    call: Call, stack: Stack, name: str, declared: Params, needs: list[str], old: Resource | None = None
) -> Resource:
    """Note a resource that is about to be created; `old`, which it replaces, is removed at the end."""
    if old is not None:
        stack.rests.append(Rest(resource=old, keep=old.replaced == "Retain"))
    fresh = Resource(
        logical=name,
        type=declared["Type"],
        status="UPDATE_IN_PROGRESS" if old else "CREATE_IN_PROGRESS",
        reason=_REPLACING if old else "",
        at=call.epoch,
        needs=needs,
        generation=old.generation + 1 if old else 0,
        deletion=declared.get("DeletionPolicy", "Delete"),
        replaced=declared.get("UpdateReplacePolicy", "Delete"),
    )
    stack.resources[name] = fresh
    _noted(call, stack, fresh)
    return fresh


def _noted(call: Call, stack: Stack, resource: Resource, status: str = "", reason: str | None = None) -> None:
    """A step of a resource, with its event."""
    resource.status, resource.at = status or resource.status, call.epoch
    resource.reason = resource.reason if reason is None else reason
    with call.transaction():
        note(call, stack, resource)


async def _make(call: Call, stack: Stack, fresh: Resource, provider: Provider, props: Params) -> None:
    fresh.properties = props
    verb = fresh.status.split("_")[0]
    try:
        made = await _told(fresh, provider.create(Work(call, stack, fresh), props))
    except AwsError as error:
        _fail(call, stack, fresh, error)
    except asyncio.CancelledError as error:
        _stop(call, stack, fresh, error)
    else:
        _complete(call, stack, fresh, made, f"{verb}_COMPLETE")


async def _told(resource: Resource, work: Awaitable[T]) -> T:
    """A provider's work, whose surprises are told as the properties' fault that they are."""
    try:
        return await work
    except AwsError:
        raise
    except Exception as error:
        log.exception("%s of type %s", resource.logical, resource.type)
        text = f"The properties of {resource.logical} are not of the form that {resource.type} takes: {error!r}"
        raise invalid(text) from None


def _complete(call: Call, stack: Stack, resource: Resource, made: Made, status: str) -> None:
    resource.physical, resource.attributes = made.physical, made.attributes
    resource.fresh, resource.tried, resource.tags = False, None, dict(stack.target.tags)
    _noted(call, stack, resource, status, "")


def _fail(call: Call, stack: Stack, resource: Resource, error: AwsError) -> NoReturn:
    verb = "CREATE" if resource.status.startswith("CREATE") and resource.fresh else "UPDATE"
    codes = f" (Service: {resource.type.split('::')[1]}, Error code: {error.code})"
    reason = error.message + ("" if error.code == "ValidationError" else codes)
    _noted(call, stack, resource, f"{verb}_FAILED", reason)
    raise Failed(reason)


def _stop(call: Call, stack: Stack, resource: Resource, error: asyncio.CancelledError) -> NoReturn:
    """Another resource has failed; or the whole process ends, and the next one goes on with this resource."""
    if error.args != (CANCELLED,):
        raise error
    verb = "creation" if resource.fresh else "update"
    _fail(call, stack, resource, invalid(f"Resource {verb} cancelled"))


async def _change(
    call: Call, stack: Stack, old: Resource, provider: Provider, declared: Params, props: Params, needs: list[str]
) -> None:
    old.needs = needs
    replaced = declared.get("UpdateReplacePolicy", "Delete")
    old.deletion, old.replaced = declared.get("DeletionPolicy", "Delete"), replaced
    changed = {key for key in {*old.properties, *props} if old.properties.get(key) != props.get(key)}
    if changed and replaces(old.type, provider, changed):
        _refuse_same_name(call, stack, old, props)
        fresh = _begin(call, stack, old.logical, declared, needs, old)
        await _make(call, stack, fresh, provider, props)
    elif changed or old.tried is not None or _tags_differ(stack, old):
        await _update_in_place(call, stack, old, provider, props)
    elif old.status == "UPDATE_FAILED":
        _noted(call, stack, old, "UPDATE_COMPLETE", "")


def _tags_differ(stack: Stack, old: Resource) -> bool:
    taggable = "Tags" in (schemas.of(old.type) or {}).get("properties", {})
    return taggable and old.tags != stack.target.tags


def replaces(kind: str, provider: Provider | None, changed: set[str]) -> bool:
    """Whether a new resource takes the old one's place."""
    if provider is None or provider.update is None or changed & set(provider.anew):
        return True
    return schemas.creates_only(kind, changed)


def _refuse_same_name(call: Call, stack: Stack, old: Resource, props: Params) -> None:
    """Two resources cannot have one name, so what the template names cannot be replaced under that name."""
    names = schemas.identifiers(old.type)
    if names and all(props.get(one) and props[one] == old.properties.get(one) for one in names):
        shown = "|".join(str(props[one]) for one in names)
        what = "CloudFormation cannot update a stack when a custom-named resource requires replacing."
        _fail(call, stack, old, invalid(f"{what} Rename {shown} and update the stack again."))


async def _update_in_place(call: Call, stack: Stack, old: Resource, provider: Provider, props: Params) -> None:
    """On the way back, from what was tried; else from what the resource has been made from.

    What is refused for good before it has changed anything needs no way back, and might have none.
    """
    back = stack.status.startswith("UPDATE_ROLLBACK")
    work = Work(call, stack, old, touched=old.tried is not None)
    before = old.tried if back and old.tried is not None else old.properties
    old.tried = old.tried if back else props
    _noted(call, stack, old, "UPDATE_IN_PROGRESS", "")
    try:
        made = Made(old.physical, old.attributes)
        if provider.update is not None:
            made = await _told(old, provider.update(work, old.physical, before, props))
    except AwsError as error:
        refused = error.code in ("NotSimulated", "ValidationError") and not work.touched
        old.tried = None if refused else old.tried
        _fail(call, stack, old, error)
    except asyncio.CancelledError as error:
        _stop(call, stack, old, error)
    else:
        old.properties = props
        _complete(call, stack, old, made, "UPDATE_COMPLETE")


async def remove(call: Call, stack: Stack, resource: Resource) -> bool:
    """Delete a resource; whether it is gone."""
    if not resource.physical:
        _noted(call, stack, resource, "DELETE_COMPLETE", "")
        return True
    _noted(call, stack, resource, "DELETE_IN_PROGRESS", "")
    try:
        work = Work(call, stack, resource)
        await _told(resource, provider_of(resource.type).delete(work, resource.physical, resource.properties))
    except AwsError as error:
        _noted(call, stack, resource, "DELETE_FAILED", f"{error.message} (Error code: {error.code})")
        return False
    _noted(call, stack, resource, "DELETE_COMPLETE", "")
    return True


def skip(call: Call, stack: Stack, resource: Resource) -> None:
    """A resource that stays behind, as its policy has it."""
    _noted(call, stack, resource, "DELETE_SKIPPED", "")
