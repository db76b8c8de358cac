"""AssumeRole: a session of a role (STS API Reference: AssumeRole)."""

import re

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.core.identity import Role, Session
from labsupport.cloud.services.sts import limits, mfa
from labsupport.cloud.services.sts.base import (
    HOUR,
    Params,
    check_length,
    denied,
    invalid,
    keep_of_role,
    new_session,
    role_of,
    service,
)


def _conditions(call: Call, params: Params) -> Params:
    """What a trust policy may ask about this request, a one-time code included: it is looked at before the policy."""
    keys: Params = {"sts:rolesessionname": params["RoleSessionName"]}
    if "ExternalId" in params:
        keys["sts:externalid"] = params["ExternalId"]
    if _source_identity(call, params):
        keys["sts:sourceidentity"] = _source_identity(call, params)
    if params.get("TransitiveTagKeys"):
        keys["sts:transitivetagkeys"] = params["TransitiveTagKeys"]
    if mfa.checked(call, params):
        keys |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
    return keys


@service.operation(on="{RoleArn}", context=_conditions)
def assume_role(call: Call, params: Params) -> Params:
    """A session of a role. That the trust policy names the caller is decided at the way in."""
    arn = parse(params["RoleArn"])
    if arn is None or not re.fullmatch(r"role/.+", arn.resource):
        raise invalid(f"{params['RoleArn']} is invalid")
    if call.caller.kind == "root" and not call.cloud.settings.open:
        raise denied("Roles may not be assumed by root accounts.")
    role = role_of(call, params["RoleArn"])
    if role is None and call.cloud.settings.open:
        role = _imagined(call, params["RoleArn"])
    if role is None:
        raise denied(f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    if params.get("ProvidedContexts"):
        raise not_simulated("A context that an identity provider gives")
    session = _session(call, role, params)
    _ask_for_more(call, params, session)
    mfa.use(call, params)
    return {**keep_of_role(call, role, session, params), "PackedPolicySize": limits.packed(params, session.tags)}


def _session(call: Call, role: Role, params: Params) -> Session:
    seconds = params.get("DurationSeconds", HOUR)
    if call.caller.kind == "session" and seconds > HOUR:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise invalid(message)
    check_length(role, seconds)
    session = new_session(call, role.account, params["RoleSessionName"], seconds)
    session.role, session.role_id = role.name, role.id
    session.tags, session.transitive = _tags(call, params)
    session.source_identity = _source_identity(call, params)
    session.policies = limits.policies(call, role.account, params)
    session.issued_to = call.caller.service
    return session


def _tags(call: Call, params: Params) -> tuple[dict[str, str], list[str]]:
    """The session's tags: those passed, and those that the calling session passes on."""
    given, wanted = limits.session_tags(params), params.get("TransitiveTagKeys", [])
    if not {key.lower() for key in wanted} <= {key.lower() for key in given}:
        raise invalid("The specified transitive tag key must be included in the requested tags.")
    inherited = _inherited(call)
    if {key.lower() for key in inherited} & {key.lower() for key in given}:
        raise invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session."
        )
    return {**inherited, **given}, [*inherited, *wanted]


def _inherited(call: Call) -> dict[str, str]:
    session = call.caller.session
    if session is None or not session.role:
        return {}
    passed_on = {key.lower() for key in session.transitive}
    return {key: value for key, value in session.tags.items() if key.lower() in passed_on}


def _source_identity(call: Call, params: Params) -> str:
    """Once set it goes with every session that follows, and can't become another."""
    there = call.caller.session.source_identity if call.caller.session else ""
    given: str = params.get("SourceIdentity", "")
    if there and given and given != there:
        raise denied("The source identity of a session cannot be changed when it assumes a further role.")
    return there or given


def _ask_for_more(call: Call, params: Params, session: Session) -> None:
    """Tags and a source identity are permissions of their own, in the caller's policies and in the trust policy."""
    keys = _conditions(call, params)
    if session.tags:
        given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
        named = {f"aws:requesttag/{key.lower()}": value for key, value in given.items()}
        call.authorise("sts:TagSession", params["RoleArn"], {**keys, **named, "aws:tagkeys": list(given)})
    if session.source_identity:
        call.authorise("sts:SetSourceIdentity", params["RoleArn"], keys)


def _imagined(call: Call, arn: str) -> Role:
    """With `--auth open` any role can be assumed: it comes to be in the account of its ARN."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    path = arn.split(":role", 1)[1].removesuffix(name)
    return Role(account=account, name=name, id=ids.iam_id("AROA"), path=path, created=call.epoch, trust="{}")
