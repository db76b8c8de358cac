"""Tags of the root, of units, accounts and policies."""

from typing import Any

from labsupport.cloud.core import tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.services.organizations.base import (
    Params,
    about_scps,
    checked_tags,
    managed,
    on_target,
    paged,
    service,
)
from labsupport.cloud.services.organizations.records import ControlPolicy, Member, Unit

_on_resource = on_target("ResourceId")


def _holder(call: Call, organization: Organization, resource: str) -> Any:
    """The record that a root, a unit, an account or a policy is kept in."""
    if resource == organization.root:
        return organization
    if resource.isdigit():
        member = call.store.get(Member, resource)
        return member if member and member.organization == organization.id else None
    struct = Unit if resource.startswith("ou-") else ControlPolicy
    return call.store.get(struct, organization.id, resource)


def _named(call: Call, params: Params) -> Any:
    found = _holder(call, managed(call), params["ResourceId"])
    if found is None:
        raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.", 400)
    return found


@service.operation(on=_on_resource, context=about_scps)
def tag_resource(call: Call, params: Params) -> Params:
    holder = _named(call, params)
    holder.tags = checked_tags(params["Tags"], holder.tags)
    call.store.put(holder)
    return {}


@service.operation(on=_on_resource, context=about_scps)
def untag_resource(call: Call, params: Params) -> Params:
    holder = _named(call, params)
    holder.tags = tags.without(holder.tags, params["TagKeys"])
    call.store.put(holder)
    return {}


@service.operation(on=_on_resource, context=about_scps)
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return paged(tags.to_list(_named(call, params).tags), params, "Tags", lambda tag: tag)


def tags_of(call: Call, resource: str) -> dict[str, str]:
    """For policies that ask aws:ResourceTag."""
    arn, member = parse(resource), call.store.get(Member, call.account)
    organization = call.store.get(Organization, member.organization) if member else None
    if arn is None or organization is None:
        return {}
    found = _holder(call, organization, arn.resource.rsplit("/", 1)[-1])
    return dict(found.tags) if found else {}


service.resource_tags = tags_of
