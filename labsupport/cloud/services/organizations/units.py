"""Organizational units: a tree below the root, five levels deep at most."""

from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations.base import (
    Params,
    check_parent,
    checked_tags,
    constraint,
    managed,
    member_of,
    members,
    new_id,
    on_target,
    paged,
    service,
    target_arn,
    unit_of,
    way_up,
)
from labsupport.cloud.services.organizations.binding import refresh
from labsupport.cloud.services.organizations.joining import attach_default
from labsupport.cloud.services.organizations.records import ControlPolicy, Unit

DEEPEST = 5


def _below(call: Call, organization: Organization, parent: str) -> list[Unit]:
    return [one for one in call.store.list(Unit, organization.id) if one.parent == parent]


def _check_name(call: Call, organization: Organization, parent: str, name: str) -> None:
    if any(one.name.lower() == name.lower() for one in _below(call, organization, parent)):
        raise AwsError("DuplicateOrganizationalUnitException", "An OU with the same name already exists.", 400)


def _shown(call: Call, organization: Organization, unit: Unit) -> Params:
    path = "/".join([organization.id, *way_up(call, organization, unit.id)]) + "/"
    return {"Id": unit.id, "Arn": target_arn(organization, unit.id), "Name": unit.name, "Path": path}


@service.operation(on=on_target("ParentId"), tagging="organizations:TagResource")
def create_organizational_unit(call: Call, params: Params) -> Params:
    organization, parent = managed(call), params["ParentId"]
    check_parent(call, organization, parent)
    _check_name(call, organization, parent, params["Name"])
    if len(way_up(call, organization, parent)) > DEEPEST:
        raise constraint("You have exceeded the depth of an organization's tree.", "OU_DEPTH_LIMIT_EXCEEDED")
    unit = Unit(
        organization=organization.id,
        id=new_id(f"ou-{organization.root[2:]}-", 8),
        name=params["Name"],
        parent=parent,
        tags=checked_tags(params.get("Tags")),
    )
    call.store.put(unit)
    attach_default(call, organization, unit.id)
    return {"OrganizationalUnit": _shown(call, organization, unit)}


@service.operation(on=on_target("OrganizationalUnitId"))
def describe_organizational_unit(call: Call, params: Params) -> Params:
    organization = managed(call)
    unit = unit_of(call, organization, params["OrganizationalUnitId"])
    return {"OrganizationalUnit": _shown(call, organization, unit)}


@service.operation(on=on_target("OrganizationalUnitId"))
def update_organizational_unit(call: Call, params: Params) -> Params:
    organization = managed(call)
    unit = unit_of(call, organization, params["OrganizationalUnitId"])
    if params.get("Name", unit.name) != unit.name:
        _check_name(call, organization, unit.parent, params["Name"])
        unit.name = params["Name"]
        call.store.put(unit)
    return {"OrganizationalUnit": _shown(call, organization, unit)}


@service.operation(on=on_target("OrganizationalUnitId"))
def delete_organizational_unit(call: Call, params: Params) -> Params:
    organization = managed(call)
    unit = unit_of(call, organization, params["OrganizationalUnitId"])
    inside: list[Any] = [*_below(call, organization, unit.id), *members(call, organization)]
    if any(one.parent == unit.id for one in inside):
        message = "The OU isn't empty. Move its accounts and delete its child OUs first."
        raise AwsError("OrganizationalUnitNotEmptyException", message, 400)
    for policy in list(call.store.list(ControlPolicy, organization.id)):
        if unit.id in policy.targets:
            policy.targets.remove(unit.id)
            call.store.put(policy)
    call.store.delete(unit)
    refresh(call, organization)
    return {}


@service.operation(on=on_target("ParentId"))
def list_organizational_units_for_parent(call: Call, params: Params) -> Params:
    organization = managed(call)
    check_parent(call, organization, params["ParentId"])
    found = _below(call, organization, params["ParentId"])
    return paged(found, params, "OrganizationalUnits", lambda unit: _shown(call, organization, unit))


@service.operation(on=on_target("ChildId"))
def list_parents(call: Call, params: Params) -> Params:
    organization, child = managed(call), params["ChildId"]
    try:
        holder: Any = (unit_of if child.startswith("ou-") else member_of)(call, organization, child)
    except AwsError:
        message = "You specified a child that doesn't exist."
        raise AwsError("ChildNotFoundException", message, 400) from None
    kind = "ROOT" if holder.parent == organization.root else "ORGANIZATIONAL_UNIT"
    return {"Parents": [{"Id": holder.parent, "Type": kind}]}


@service.operation(on=on_target("ParentId"))
def list_children(call: Call, params: Params) -> Params:
    organization, parent, kind = managed(call), params["ParentId"], params["ChildType"]
    check_parent(call, organization, parent)
    if kind == "ACCOUNT":
        found = [one.account for one in members(call, organization) if one.parent == parent]
    else:
        found = [one.id for one in _below(call, organization, parent)]
    return paged(found, params, "Children", lambda child: {"Id": child, "Type": kind})
