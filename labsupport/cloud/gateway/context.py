"""The condition keys of a call (IAM User Guide: "AWS global condition context keys"), names in lower case."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Role, User
from labsupport.cloud.core.organization import Membership

Context = dict[str, Any]
Finder = Callable[[Call], Any]
_KINDS = {
    "root": "Account",
    "user": "User",
    "session": "AssumedRole",
    "federated": "FederatedUser",
    "service": "Service",
    "anonymous": "Anonymous",
}


def context_of(
    call: Call, resource: str, owner: str, extra: Context, params: dict[str, Any], keys: frozenset[str] | None
) -> Context:
    """What the policies may ask about this call: the values of `keys`, those that they read, with `extra`, the
    operation's own. None: all that there is to tell. A key that the call has not is not there.
    """
    if keys is not None and not keys:
        return extra
    context: Context = {"aws:resourceaccount": owner}
    finders, groups = _sought(keys)
    for key, find in finders:
        value = find(call)
        if value is not None:
            context[key] = value
    for gather in groups:
        context |= gather(call, resource, owner, params)
    if call.service.keys:
        context |= call.service.keys(call, resource, params, keys or frozenset())
    return context | extra


def _principal_arn(call: Call) -> str | None:
    """Of a role's session: the ARN of the role. An anonymous request has none."""
    caller = call.caller
    if caller.kind == "anonymous":
        return None
    return caller.arn if caller.kind == "federated" else caller.role_arn or caller.arn


def _source_ip(call: Call) -> str | None:
    """An address; a service that calls for somebody has none to show."""
    return call.source_ip if call.source_ip[:1].isdigit() or ":" in call.source_ip else None


def _source(call: Call) -> str | None:
    """The resource on whose behalf a service calls."""
    return call.source_arn or None if call.caller.kind == "service" else None


def _source_account(call: Call) -> str | None:
    """The account of that resource; the bucket that S3 calls for has none in its ARN."""
    arn = _source(call)
    return (arn.split(":")[4] if arn.count(":") >= 5 else "") or call.account if arn else None


def _of_session(find: Callable[[Any], Any]) -> Finder:
    """What only temporary credentials carry."""
    return lambda call: None if call.caller.session is None else find(call.caller.session) or None


def _mfa_age(call: Call) -> str | None:
    session = call.caller.session
    return str(int(call.epoch - session.issued)) if session and session.mfa else None


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _flag(value: object) -> str:
    return "true" if value else "false"


_FINDERS: dict[str, Finder] = {
    "aws:currenttime": lambda call: _stamp(call.now),
    "aws:epochtime": lambda call: str(int(call.now.timestamp())),
    "aws:securetransport": lambda call: _flag(call.secure),
    "aws:requestedregion": lambda call: call.region,
    "aws:useragent": lambda call: call.user_agent,
    "aws:referer": lambda call: call.headers.get("referer"),
    "aws:sourceip": _source_ip,
    "aws:sourcearn": _source,
    "aws:sourceaccount": _source_account,
    "aws:principalarn": _principal_arn,
    "aws:principaltype": lambda call: _KINDS.get(call.caller.kind, call.caller.kind),
    "aws:principalaccount": lambda call: None if call.caller.kind == "service" else call.caller.account,
    "aws:principalisawsservice": lambda call: _flag(call.caller.kind == "service"),
    "aws:principalservicename": lambda call: call.caller.service or None,
    "aws:principalservicenameslist": lambda call: [call.caller.service] if call.caller.service else None,
    "aws:userid": lambda call: call.caller.id,
    "aws:username": lambda call: call.caller.name if call.caller.kind == "user" else None,
    "aws:viaawsservice": lambda call: _flag(call.caller.via),
    "aws:calledvia": lambda call: list(call.caller.via) or None,
    "aws:calledviafirst": lambda call: call.caller.via[0] if call.caller.via else None,
    "aws:calledvialast": lambda call: call.caller.via[-1] if call.caller.via else None,
    "aws:multifactorauthpresent": _of_session(lambda session: _flag(session.mfa)),
    "aws:multifactorauthage": _mfa_age,
    "aws:tokenissuetime": _of_session(lambda session: _stamp(datetime.fromtimestamp(session.issued, UTC))),
    "aws:sourceidentity": _of_session(lambda session: session.source_identity),
    "aws:federatedprovider": _of_session(lambda session: session.provider),
}


def _of_caller_s_organization(call: Call, _resource: str, _owner: str, _params: Context) -> Context:
    """The organization of the caller's account, where it is in one."""
    mine = None if call.caller.kind == "service" else call.store.get(Membership, call.caller.account)
    return {"aws:principalorgid": mine.organization, "aws:principalorgpaths": [mine.path]} if mine else {}


def _of_owner_s_organization(call: Call, _resource: str, owner: str, _params: Context) -> Context:
    """The organization of the account that the resource belongs to, where it is in one."""
    theirs = call.store.get(Membership, owner)
    return {"aws:resourceorgid": theirs.organization, "aws:resourceorgpaths": [theirs.path]} if theirs else {}


def _of_source_s_organization(call: Call, _resource: str, _owner: str, _params: Context) -> Context:
    """The organization of the account on whose behalf a service calls, where it is in one."""
    account = _source_account(call)
    source = call.store.get(Membership, account) if account else None
    return {"aws:sourceorgid": source.organization, "aws:sourceorgpaths": [source.path]} if source else {}


def _request_tags(_call: Call, _resource: str, _owner: str, params: Context) -> Context:
    tags = dict(_pairs(params.get("tags") or params.get("Tags") or params.get("TagList")))
    names = [*tags, *_names(params.get("tagKeys") or params.get("TagKeys"))]
    if not names:
        return {}
    return {"aws:tagkeys": names, **{f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}}


def _names(keys: Any) -> list[str]:
    """The tags that a request takes away, of which it names the keys only."""
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    """AWS's services write tags as a map, or as a list of pairs under various spellings."""
    if isinstance(tags, dict):
        yield from tags.items()
    for tag in tags if isinstance(tags, list) else []:
        named = {key.lower(): value for key, value in tag.items()}
        key = named.get("key", named.get("tagkey"))
        if key is not None:
            yield key, named.get("value", named.get("tagvalue")) or ""


def _resource_tags(call: Call, resource: str, _owner: str, _params: Context) -> Context:
    tags = call.service.resource_tags(call, resource) if call.service.resource_tags else {}
    prefixes = ("aws:resourcetag/", f"{call.service.iam}:resourcetag/")
    return {f"{prefix}{key.lower()}": value for key, value in tags.items() for prefix in prefixes}


def _principal_tags(call: Call, _resource: str, _owner: str, _params: Context) -> Context:
    """The session's tags, and before them those of the user or role behind it."""
    caller = call.caller
    tags = dict(caller.session.tags) if caller.session else {}
    holder: Role | User | None = None
    if caller.role:
        holder = call.store.get(Role, caller.account, caller.role)
    elif caller.kind == "user":
        holder = call.store.get(User, caller.account, caller.name)
    tags = {**(holder.tags if holder else {}), **tags}
    return {f"aws:principaltag/{key.lower()}": value for key, value in tags.items()}


Gather = Callable[[Call, str, str, Context], Context]
# Keys that come together, by how their names begin; they are looked up only where a policy reads one of them. A
# resource's tags have the service's prefix, too.
_GROUPS: tuple[tuple[re.Pattern[str], Gather], ...] = (
    (re.compile("aws:requesttag/|aws:tagkeys"), _request_tags),
    (re.compile("aws:principaltag/"), _principal_tags),
    (re.compile("aws:principalorg"), _of_caller_s_organization),
    (re.compile("aws:resourceorg"), _of_owner_s_organization),
    (re.compile("aws:sourceorg"), _of_source_s_organization),
    (re.compile(".*:resourcetag/"), _resource_tags),
)


@lru_cache(maxsize=1024)
def _sought(keys: frozenset[str] | None) -> tuple[list[tuple[str, Finder]], list[Gather]]:
    """What finds these keys, or all that there are."""
    finders = [(key, find) for key, find in _FINDERS.items() if keys is None or key in keys]
    groups = [gather for pattern, gather in _GROUPS if keys is None or any(map(pattern.match, keys))]
    return finders, groups
