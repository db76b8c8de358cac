"""What the topics of IAM share: the service, its errors, names, paths, tags and pages (IAM API Reference)."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Group, InstanceProfile, Name, Role, User
from labsupport.cloud.core.service import Service

Params = dict[str, Any]
T = TypeVar("T")
Holder = TypeVar("Holder", User, Role, Group, InstanceProfile)

service = Service("iam")

SERVICE_PATH = "/aws-service-role/"
# How many of a kind an account may have (IAM User Guide: "IAM and AWS STS quotas").
MOST = {
    "User": ("Users", 5000),
    "Group": ("Groups", 300),
    "Role": ("Roles", 1000),
    "Policy": ("Policies", 1500),
    "InstanceProfile": ("InstanceProfiles", 1000),
    "ServerCertificate": ("ServerCertificates", 20),
}
# The account's part of an IAM ARN has no region.
_PLACE = "arn:{partition}:iam::{account}:"
USER = _PLACE + "user/{UserName}"
GROUP = _PLACE + "group/{GroupName}"
ROLE = _PLACE + "role/{RoleName}"
PROFILE = _PLACE + "instance-profile/{InstanceProfileName}"


def on_holder(struct: type[Any], parameter: str, kind: str) -> Callable[[Call, Params], str]:
    """The ARN of a user, role, group or profile with its path, which the parameter does not tell."""

    def arn(call: Call, params: Params) -> str:
        name = params.get(parameter) or call.caller.name
        if not name and call.caller.kind == "root":
            return call.caller.arn
        found = call.store.get(struct, call.account, name)
        path = found.path if found else params.get("Path", "/")
        return f"arn:aws:iam::{call.account}:{kind}{path}{name}"

    return arn


on_user = on_holder(User, "UserName", "user")
on_role = on_holder(Role, "RoleName", "role")
on_group = on_holder(Group, "GroupName", "group")
on_profile = on_holder(InstanceProfile, "InstanceProfileName", "instance-profile")


def no_such(kind: str, name: str) -> AwsError:
    return missing(f"The {kind} with name {name} cannot be found.")


def missing(message: str) -> AwsError:
    return AwsError("NoSuchEntityException", message, 404)


def exists(message: str) -> AwsError:
    return AwsError("EntityAlreadyExistsException", message, 409)


def conflict(message: str) -> AwsError:
    return AwsError("DeleteConflictException", message, 409)


def over_limit(message: str) -> AwsError:
    return AwsError("LimitExceededException", message, 409)


def check_size(text: str, limit: int, quota: str) -> None:
    """White space is not counted (IAM User Guide: "IAM and AWS STS quotas")."""
    if size_of(text) > limit:
        raise over_limit(f"Cannot exceed quota for {quota}: {limit}")


def size_of(text: str) -> int:
    return len("".join(text.split()))


def user_named(call: Call, params: Params) -> User:
    """The user of `UserName`, or the caller where it isn't given."""
    name = params.get("UserName") or (call.caller.name if call.caller.kind == "user" else "")
    if not name:
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials", 400)
    return _found(call.store.get(User, call.account, name), "user", name)


def role_named(call: Call, params: Params) -> Role:
    return _found(call.store.get(Role, call.account, params["RoleName"]), "role", params["RoleName"])


def unprotected(holder: T) -> T:
    """Roles that a service made for itself are changed by that service only."""
    if isinstance(holder, Role) and holder.path.startswith(SERVICE_PATH):
        message = f"Cannot perform the operation on the protected role '{holder.name}'"
        raise AwsError("UnmodifiableEntityException", f"{message} - this role is only modifiable by AWS", 400)
    return holder


def group_named(call: Call, params: Params) -> Group:
    return _found(call.store.get(Group, call.account, params["GroupName"]), "group", params["GroupName"])


def profile_named(call: Call, params: Params) -> InstanceProfile:
    name = params["InstanceProfileName"]
    found = call.store.get(InstanceProfile, call.account, name)
    if found is None:
        raise missing(f"Instance Profile {name} cannot be found.")
    return found


def _found(holder: T | None, kind: str, name: str) -> T:
    if holder is None:
        raise no_such(kind, name)
    return holder


def claim_name(call: Call, kind: str, name: str, taken: str = "") -> None:
    """Take a name for a new `User`, `Role`, `Group`, …; EntityAlreadyExists where one has it, in whatever case."""
    claim = Name(account=call.account, kind=kind, folded=name.lower())
    if call.store.get(Name, call.account, kind, claim.folded):
        raise exists(taken or f"{kind} with name {name} already exists.")
    plural, most = MOST[kind]
    if call.store.reaches(most, Name, call.account, kind):
        raise over_limit(f"Cannot exceed quota for {plural}PerAccount: {most}")
    call.store.put(claim)


def release_name(call: Call, kind: str, name: str) -> None:
    call.store.delete(Name(account=call.account, kind=kind, folded=name.lower()))


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


@lru_cache(maxsize=256)
def encoded(text: str) -> str:
    """Policies are answered URL-encoded (RFC 3986); clients decode them."""
    return quote(text, safe="")


def paged(
    items: Iterable[T],
    key: Callable[[T], str],
    params: Params,
    name: str,
    shown: Callable[[T], Any],
    newest_first: bool = False,
) -> Params:
    """One page of a listing in IAM's form: IsTruncated and Marker."""
    bad = AwsError("ValidationError", f"Invalid Marker: {params.get('Marker')}", 400)
    found = sorted(items, key=key, reverse=newest_first)
    size = params.get("MaxItems", 100)
    chosen, marker = paging.page(found, key, params.get("Marker"), size, bad, descending=newest_first)
    page: Params = {name: [shown(item) for item in chosen], "IsTruncated": marker is not None}
    return {**page, "Marker": marker} if marker else page


def below(params: Params, path: str) -> bool:
    return path.startswith(params.get("PathPrefix", "/"))


def checked_tags(new: list[dict[str, str]] | None, old: dict[str, str] | None = None) -> dict[str, str]:
    """Old and new tags together, within IAM's limits. Keys are told apart without regard to case."""
    given = tags.from_list(new)
    folded = {name.lower() for name in given}
    if len(folded) < len(new or []):
        message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise AwsError("InvalidInputException", message, 400)
    kept = {name: value for name, value in (old or {}).items() if name.lower() not in folded}
    both = {**kept, **given}
    tags.check(
        both,
        over_limit(f"The number of tags has reached the maximum limit of {tags.MOST}."),
        AwsError("InvalidInputException", "Tag keys that begin with aws: are reserved for AWS.", 400),
    )
    return both


def untagged(old: dict[str, str], names: list[str]) -> dict[str, str]:
    gone = {name.lower() for name in names}
    return {name: value for name, value in old.items() if name.lower() not in gone}


def listed_tags(found: dict[str, str], params: Params) -> Params:
    return paged(tags.to_list(found), lambda tag: tag["Key"], params, "Tags", lambda tag: tag)
