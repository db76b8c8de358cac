"""What the topics share: the service, its errors, who may ask, and how things are named."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from labsupport.cloud.core import paging
from labsupport.cloud.core import tags as tagged
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.organization import Organization
from labsupport.cloud.core.service import Service
from labsupport.cloud.services.organizations.records import ControlPolicy, Member, Unit

Params = dict[str, Any]
T = TypeVar("T")
service = Service("organizations")

SCP = "SERVICE_CONTROL_POLICY"
FULL_ACCESS = "p-FullAWSAccess"
PAGE = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_id(prefix: str, length: int) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def invalid(message: str, reason: str) -> AwsError:
    return AwsError("InvalidInputException", message, 400, Reason=reason)


def constraint(message: str, reason: str) -> AwsError:
    return AwsError("ConstraintViolationException", message, 400, Reason=reason)


def organization_of(call: Call) -> Organization:
    """The caller's organization."""
    member = call.store.get(Member, call.account)
    found = call.store.get(Organization, member.organization) if member else None
    if found is None:
        message = "Your account is not a member of an organization."
        raise AwsError("AWSOrganizationsNotInUseException", message, 400)
    return found


def managed(call: Call) -> Organization:
    """The organization that the caller's account manages. Member accounts are refused."""
    found = organization_of(call)
    if found.management != call.account:
        raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.", 400)
    return found


def member_of(call: Call, organization: Organization, account: str) -> Member:
    found = call.store.get(Member, account)
    if found is None or found.organization != organization.id:
        message = "You specified an account that doesn't exist."
        raise AwsError("AccountNotFoundException", message, 400)
    return found


def members(call: Call, organization: Organization) -> list[Member]:
    return [one for one in call.store.list(Member) if one.organization == organization.id]


def unit_of(call: Call, organization: Organization, unit: str) -> Unit:
    found = call.store.get(Unit, organization.id, unit)
    if found is None:
        message = "You specified an organizational unit that doesn't exist."
        raise AwsError("OrganizationalUnitNotFoundException", message, 400)
    return found


def check_parent(call: Call, organization: Organization, parent: str, code: str = "ParentNotFoundException") -> None:
    if parent != organization.root and call.store.get(Unit, organization.id, parent) is None:
        raise AwsError(code, "You specified parent that doesn't exist.", 400)


def way_up(call: Call, organization: Organization, parent: str) -> list[str]:
    """From the root down to a parent: the ids on the way."""
    way = [parent]
    while way[0] != organization.root:
        way.insert(0, unit_of(call, organization, way[0]).parent)
    return way


def target_arn(organization: Organization, target: str) -> str:
    """The ARN of a root, a unit or an account, by its id."""
    kind = "root" if target.startswith("r-") else "ou" if target.startswith("ou-") else "account"
    return f"arn:aws:organizations::{organization.management}:{kind}/{organization.id}/{target}"


def policy_arn(organization: Organization, policy: ControlPolicy) -> str:
    place = "arn:aws:organizations::aws:policy" if policy.by_aws else ""
    place = place or f"arn:aws:organizations::{organization.management}:policy/{organization.id}"
    return f"{place}/service_control_policy/{policy.id}"


def on_target(parameter: str) -> Callable[[Call, Params], str]:
    """The ARN that a call acts upon, where a parameter has the id of a root, a unit, an account or a policy."""

    def arn(call: Call, params: Params) -> str:
        member = call.store.get(Member, call.account)
        organization = call.store.get(Organization, member.organization) if member else None
        target = params.get(parameter, "")
        if organization is None or not target:
            return "*"
        policy = call.store.get(ControlPolicy, organization.id, target)
        return policy_arn(organization, policy) if policy else target_arn(organization, target)

    return arn


def about_scps(_: Call, params: Params) -> Params:
    """The condition key of all that has to do with policies; what is no policy has none."""
    target = params.get("ResourceId", "p-")
    kind = params.get("Type") or params.get("Filter") or params.get("PolicyType") or SCP
    return {"organizations:policytype": kind} if target.startswith("p-") else {}


def paged(items: list[T], params: Params, name: str, shown: Callable[[T], Any]) -> Params:
    bad = invalid("You specified an invalid value for NextToken.", "INVALID_NEXT_TOKEN")
    chosen, token = paging.page_of_list(items, params.get("NextToken"), params.get("MaxResults", PAGE), bad)
    return {name: [shown(one) for one in chosen], **({"NextToken": token} if token else {})}


def checked_tags(given: list[dict[str, str]] | None, old: dict[str, str] | None = None) -> dict[str, str]:
    both = {**(old or {}), **tagged.from_list(given)}
    tagged.check(
        both,
        constraint("You have exceeded the number of tags allowed.", "MAX_TAG_LIMIT_EXCEEDED"),
        invalid("You specified a tag key that begins with aws:.", "INVALID_SYSTEM_TAGS_PARAMETER"),
    )
    return both


def owner_of(call: Call, resource: str) -> tuple[None, str, str, str]:
    """What an organization has is in the management account's name; whose it is to act upon, each operation says."""
    return None, "resource", call.account, "either"


service.resource_policy = owner_of
