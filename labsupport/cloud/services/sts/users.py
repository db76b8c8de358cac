"""Sessions of users: GetSessionToken and GetFederationToken (IAM User Guide: "Compare AWS STS credentials")."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.sts import limits, mfa
from labsupport.cloud.services.sts.base import HOUR, Params, denied, keep, new_session, service

LONGEST_OF_ROOT = HOUR
_PACE = 12 * HOUR  # what a user's session lasts where nothing is said


def _seconds(call: Call, params: Params) -> int:
    seconds: int = params.get("DurationSeconds", _PACE)
    return min(seconds, LONGEST_OF_ROOT) if call.caller.kind == "root" else seconds


@service.operation(action=None)
def get_session_token(call: Call, params: Params) -> Params:
    """Temporary credentials of the user (or the root) that asks, for up to 36 hours (the root's: one)."""
    if call.caller.kind not in ("user", "root") or call.caller.session:
        raise denied("Cannot call GetSessionToken with session credentials")
    session = new_session(call, call.caller.account, call.caller.name, _seconds(call, params))
    session.mfa = mfa.use(call, params)
    if call.caller.kind == "user":
        session.user, session.user_id = call.caller.name, call.caller.id
    return keep(call, session, params)


def _tag_context(_: Call, params: Params) -> Params:
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    named = {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    return {**named, "aws:tagkeys": list(tags)} if tags else {}


@service.operation(on="arn:{partition}:sts::{account}:federated-user/{Name}", context=_tag_context)
def get_federation_token(call: Call, params: Params) -> Params:
    """Credentials that a user gives to somebody else: at most what the user may, and what the policies passed allow."""
    if call.caller.kind not in ("user", "root") or call.caller.session:
        raise denied("Cannot call GetFederationToken with session credentials")
    arn = f"arn:aws:sts::{call.account}:federated-user/{params['Name']}"
    tags = limits.session_tags(params)
    if tags:
        call.authorise("sts:TagSession", arn, _tag_context(call, params))
    session = new_session(call, call.account, params["Name"], _seconds(call, params))
    session.federated, session.tags = True, tags
    session.policies = limits.policies(call, call.account, params)
    if call.caller.kind == "user":
        session.user, session.user_id = call.caller.name, call.caller.id
    packed = limits.packed(params, tags)
    who = {"FederatedUserId": f"{call.account}:{params['Name']}", "Arn": arn}
    return {**keep(call, session, params), "FederatedUser": who, "PackedPolicySize": packed}
