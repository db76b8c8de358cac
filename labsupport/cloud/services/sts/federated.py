"""What AssumeRoleWithWebIdentity and AssumeRoleWithSAML share: a role for somebody for whom a provider vouches."""

from typing import NamedTuple

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Caller, Role
from labsupport.cloud.services.sts import limits
from labsupport.cloud.services.sts.base import HOUR, Params, check_length, keep_of_role, new_session, role_of


class Vouched(NamedTuple):
    """Whom a provider vouches for, and what it says about them."""

    provider: str  # its ARN
    subject: str
    id: str  # as the trail has it
    context: Params
    tags: dict[str, str]
    transitive: list[str]
    source_identity: str
    ends: float | None = None  # when the provider's own session ends, where it says so


def refused(operation: str, decision: dict[str, object] | None = None) -> AwsError:
    return AwsError("AccessDenied", f"Not authorized to perform sts:{operation}", 403, decision=decision)


def role_asked_for(call: Call, params: Params, operation: str) -> Role:
    """The role, in whose account the call takes place. One that isn't there is refused like one that doesn't trust."""
    role = role_of(call, params["RoleArn"])
    arn = parse(params["RoleArn"])
    if arn is not None and arn.account.isdigit():
        call.account = arn.account
    if role is None:
        raise refused(operation)
    return role


def assume(call: Call, role: Role, who: Vouched, name: str, params: Params, operation: str) -> Params:
    """The session, where the role's trust policy allows it."""
    call.caller = Caller("federated", role.account, "", who.id, who.subject, provider=who.provider)
    call.resources.append(role.arn)
    context = {**who.context, "aws:federatedprovider": who.provider, "sts:rolesessionname": name}
    _ask(call, role, f"sts:{operation}", context)
    if who.tags:
        tags = {f"aws:requesttag/{key.lower()}": value for key, value in who.tags.items()}
        more = {"aws:tagkeys": list(who.tags), "sts:transitivetagkeys": who.transitive}
        _ask(call, role, "sts:TagSession", {**context, **tags, **more})
    if who.source_identity:
        _ask(call, role, "sts:SetSourceIdentity", {**context, "sts:sourceidentity": who.source_identity})
    seconds = params.get("DurationSeconds", HOUR)
    check_length(role, seconds)
    session = new_session(call, role.account, name, seconds)
    session.expires = min(session.expires, who.ends or session.expires)
    session.role, session.role_id, session.provider = role.name, role.id, who.provider
    session.tags, session.transitive, session.source_identity = who.tags, who.transitive, who.source_identity
    session.policies = limits.policies(call, role.account, params)
    packed = limits.packed(params, who.tags)
    return {**keep_of_role(call, role, session, params), "PackedPolicySize": packed}


def _ask(call: Call, role: Role, action: str, context: Params) -> None:
    try:
        call.authorise(action, role.arn, context)
    except AwsError as error:
        raise refused(action.removeprefix("sts:"), error.decision) from None
