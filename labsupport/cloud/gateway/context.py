"""The condition keys of a call (IAM User Guide: "AWS global condition context keys"), names in lower case."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Caller, Role, User
from labsupport.cloud.core.organization import Membership

Context = dict[str, Any]
_KINDS = {
    "root": "Account",
    "user": "User",
    "session": "AssumedRole",
    "federated": "FederatedUser",
    "service": "Service",
    "anonymous": "Anonymous",
}


def context_of(
    call: Call, resource: str, owner: str, extra: Context, params: dict[str, Any], keys: frozenset[str]
) -> Context:
    """What the policies may ask about this call; `keys` are those that they do: tags are looked up only then."""
    if not keys:
        return extra
    now = call.now
    context: Context = {
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:securetransport": str(call.secure).lower(),
        "aws:requestedregion": call.region,
        "aws:resourceaccount": owner,
        "aws:useragent": call.user_agent,
        **_of_caller(call.caller),
        **_of_session(call),
    }
    if call.source_ip[:1].isdigit() or ":" in call.source_ip:
        context["aws:sourceip"] = call.source_ip
    if call.source_arn and call.caller.kind == "service":
        context |= {"aws:sourcearn": call.source_arn, "aws:sourceaccount": call.account}
    context |= _request_tags(params)
    if any("org" in key for key in keys):
        context |= _of_organizations(call, owner)
    if any("tag/" in key for key in keys):
        context |= _resource_tags(call, resource) | _principal_tags(call)
    if call.service.keys:
        context |= call.service.keys(call, resource, params, keys)
    return context | extra


def _of_caller(caller: Caller) -> Context:
    context: Context = {
        # of a role's session: the ARN of the role
        "aws:principalarn": caller.arn if caller.kind == "federated" else caller.role_arn or caller.arn,
        "aws:principaltype": _KINDS.get(caller.kind, caller.kind),
        "aws:userid": caller.id,
        "aws:viaawsservice": str(bool(caller.via)).lower(),
        "aws:principalisawsservice": str(caller.kind == "service").lower(),
    }
    if caller.kind != "service":
        context["aws:principalaccount"] = caller.account
    if caller.kind == "user":
        context["aws:username"] = caller.name
    if caller.service:
        context["aws:principalservicename"] = caller.service
    if caller.via:
        context |= {
            "aws:calledvia": list(caller.via),
            "aws:calledviafirst": caller.via[0],
            "aws:calledvialast": caller.via[-1],
        }
    return context


def _of_organizations(call: Call, owner: str) -> Context:
    """The organizations of the caller's account and of the resource's, where they are in one."""
    context: Context = {}
    mine = None if call.caller.kind == "service" else call.store.get(Membership, call.caller.account)
    if mine is not None:
        context |= {"aws:principalorgid": mine.organization, "aws:principalorgpaths": [mine.path]}
    theirs = call.store.get(Membership, owner)
    if theirs is not None:
        context |= {"aws:resourceorgid": theirs.organization, "aws:resourceorgpaths": [theirs.path]}
    return context


def _of_session(call: Call) -> Context:
    """What only temporary credentials carry."""
    session = call.caller.session
    if session is None:
        return {}
    issued = datetime.fromtimestamp(session.issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    context: Context = {"aws:multifactorauthpresent": str(session.mfa).lower(), "aws:tokenissuetime": issued}
    if session.mfa:
        context["aws:multifactorauthage"] = str(int(call.epoch - session.issued))
    if session.source_identity:
        context["aws:sourceidentity"] = session.source_identity
    if session.provider:
        context["aws:federatedprovider"] = session.provider
    return context


def _request_tags(params: dict[str, Any]) -> Context:
    tags = dict(_pairs(params.get("tags") or params.get("Tags") or params.get("TagList")))
    if not tags:
        return {}
    return {"aws:tagkeys": list(tags), **{f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}}


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    """AWS's services write tags as a map, or as a list of pairs under various spellings."""
    if isinstance(tags, dict):
        yield from tags.items()
    for tag in tags if isinstance(tags, list) else []:
        named = {key.lower(): value for key, value in tag.items()}
        key = named.get("key", named.get("tagkey"))
        if key is not None:
            yield key, named.get("value", named.get("tagvalue")) or ""


def _resource_tags(call: Call, resource: str) -> Context:
    tags = call.service.resource_tags(call, resource) if call.service.resource_tags else {}
    prefixes = ("aws:resourcetag/", f"{call.service.iam}:resourcetag/")
    return {f"{prefix}{key.lower()}": value for key, value in tags.items() for prefix in prefixes}


def _principal_tags(call: Call) -> Context:
    caller = call.caller
    tags = dict(caller.session.tags) if caller.session else {}
    holder: Role | User | None = None
    if caller.role:
        holder = call.store.get(Role, caller.account, caller.role)
    elif caller.kind == "user":
        holder = call.store.get(User, caller.account, caller.name)
    tags = {**(holder.tags if holder else {}), **tags}
    return {f"aws:principaltag/{key.lower()}": value for key, value in tags.items()}
