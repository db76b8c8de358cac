"""Service last accessed information, from the trail (IAM User Guide: "Refine permissions using last accessed
information"). The lab's own services are reported on, as far as a policy gives access to them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core import ids, model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Group, ManagedPolicy, Role, User
from labsupport.cloud.services.iam import granting
from labsupport.cloud.services.iam.base import Params, missing, paged, service, time
from labsupport.cloud.services.iam.granting import Entity
from labsupport.cloud.services.iam.records import AccessJob
from labsupport.cloud.store.trail import Latest

TRACKED = 400 * 86_400  # seconds that are looked back

Uses = list[tuple[Latest, User | Role]]  # the newest first


@service.operation(on="{Arn}")
def generate_service_last_accessed_details(call: Call, params: Params) -> Params:
    granting.found(call, params["Arn"])
    job = AccessJob(
        account=call.account,
        id=ids.uuid4(),
        arn=params["Arn"],
        granularity=params.get("Granularity", "SERVICE_LEVEL"),
        made=call.epoch,
    )
    call.store.put(job)
    return {"JobId": job.id}


def _job(call: Call, params: Params) -> AccessJob:
    found = call.store.get(AccessJob, call.account, params["JobId"])
    if found is None:
        raise missing(f"Job {params['JobId']} does not exist.")
    return found


def _about(job: AccessJob) -> Params:
    made = time(job.made)
    return {"JobStatus": "COMPLETED", "JobCreationDate": made, "JobCompletionDate": made}


@service.operation()
def get_service_last_accessed_details(call: Call, params: Params) -> Params:
    job = _job(call, params)
    entity = granting.found(call, job.arn)
    uses = _uses_by_service(call, job, entity)
    namespaces = [name for name in _services(call) if _granted(call, entity, name)]
    page = paged(
        namespaces, str, params, "ServicesLastAccessed", lambda name: _shown(call, job, name, uses.get(name, []))
    )
    return {**_about(job), "JobType": job.granularity, **page}


@service.operation()
def get_service_last_accessed_details_with_entities(call: Call, params: Params) -> Params:
    """Who used one service, of those that the report is about."""
    job = _job(call, params)
    uses = _uses_by_service(call, job, granting.found(call, job.arn)).get(params["ServiceNamespace"], [])
    last = {entity.id: (entity, used.time) for used, entity in reversed(uses)}
    page = paged(list(last.values()), lambda pair: pair[0].id, params, "EntityDetailsList", _shown_entity)
    return {**_about(job), **page}


def _shown_entity(pair: tuple[User | Role, float]) -> Params:
    entity, used = pair
    kind = type(entity).__name__.upper()
    info = {"Arn": entity.arn, "Name": entity.name, "Type": kind, "Id": entity.id, "Path": entity.path}
    return {"EntityInfo": info, "LastAuthenticated": time(used)}


def _services(call: Call) -> dict[str, str]:
    """The lab's services by their prefix in actions: botocore's name."""
    found = {name: call.cloud.service(name) for name in call.cloud.service_names}
    prefixes = {one.iam: name for name, one in reversed(found.items()) if one is not None}
    return dict(sorted(prefixes.items()))


def _granted(call: Call, entity: Entity | ManagedPolicy, namespace: str) -> bool:
    if isinstance(entity, ManagedPolicy):
        return granting.grants(granting.default_text(entity), namespace)
    return any(granting.grants(one.text, namespace) for one in granting.held(call, entity))


def _uses_by_service(call: Call, job: AccessJob, entity: Entity | ManagedPolicy) -> dict[str, Uses]:
    """What the people and roles that the report is about did, by service."""
    found: dict[str, Uses] = defaultdict(list)
    for one in _callers(call, entity):
        for used in _calls_of(call, job, one):
            found[used.source.partition(".")[0]].append((used, one))
    for uses in found.values():
        uses.sort(key=lambda pair: -pair[0].time)
    return found


def _calls_of(call: Call, job: AccessJob, caller: User | Role) -> list[Latest]:
    """A role's sessions are noted as `role/session`. Somebody earlier of the same name is not meant."""
    since, until = max(caller.created, job.made - TRACKED), job.made
    where = "account = ? AND time >= ? AND time <= ? AND "
    if isinstance(caller, User):
        return call.store.trail.latest(where + "username = ?", (call.account, since, until, caller.name))
    low, high = f"{caller.name}/", f"{caller.name}0"  # "0" follows "/"
    values = (call.account, since, until, low, high)
    return call.store.trail.latest(where + "username >= ? AND username < ?", values)


def _callers(call: Call, entity: Entity | ManagedPolicy) -> Iterator[User | Role]:
    if isinstance(entity, User | Role):
        yield entity
        return
    users = list(call.store.list(User, call.account))
    if isinstance(entity, Group):
        yield from (one for one in users if entity.name in one.groups)
        return
    groups = {one.name for one in call.store.list(Group, call.account) if entity.arn in one.attached}
    yield from (one for one in users if entity.arn in one.attached or groups & set(one.groups))
    yield from (one for one in call.store.list(Role, call.account) if entity.arn in one.attached)


def _shown(call: Call, job: AccessJob, namespace: str, uses: Uses) -> Params:
    name = model.full_name(_services(call)[namespace])
    shown: Params = {"ServiceName": name, "ServiceNamespace": namespace, "TotalAuthenticatedEntities": 0}
    if uses:
        last, entity = uses[0]
        shown |= {
            "LastAuthenticated": time(last.time),
            "LastAuthenticatedEntity": entity.arn,
            "LastAuthenticatedRegion": last.region,
            "TotalAuthenticatedEntities": len({one.id for _, one in uses}),
        }
    if job.granularity == "ACTION_LEVEL":
        shown["TrackedActionsLastAccessed"] = _actions(uses)
    return shown


def _actions(uses: Uses) -> list[dict[str, Any]]:
    last = {used.name: (used, entity) for used, entity in reversed(uses)}
    return [
        {
            "ActionName": name,
            "LastAccessedEntity": entity.arn,
            "LastAccessedTime": time(used.time),
            "LastAccessedRegion": used.region,
        }
        for name, (used, entity) in sorted(last.items())
    ]
