"""AWS Security Token Service: who am I, and temporary credentials (AWS STS API Reference)."""

import re
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core import ids, managed
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import AccessKey, ManagedPolicy, Role, Session
from labsupport.cloud.core.service import Service
from labsupport.cloud.policy import document

Params = dict[str, Any]
service = Service("sts")

HOUR = 3600
LONGEST_OF_ROOT = HOUR
MOST_POLICIES = 10
_PACKED = 2048  # characters that session policies and tags may have together


def denied(message: str) -> AwsError:
    return AwsError("AccessDenied", message, 403)


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


@service.operation(action=None)
def get_caller_identity(call: Call, params: Params) -> Params:
    return {"UserId": call.caller.id, "Account": call.caller.account, "Arn": call.caller.arn}


@service.operation()
def get_access_key_info(call: Call, params: Params) -> Params:
    key = params["AccessKeyId"]
    holder = call.store.get(Session, key) if key.startswith("ASIA") else call.store.get(AccessKey, key)
    if holder is None:
        raise invalid(f"The access key {key} does not exist.")
    return {"Account": holder.account}


def _conditions(_: Call, params: Params) -> Params:
    keys: Params = {"sts:rolesessionname": params["RoleSessionName"]}
    if "ExternalId" in params:
        keys["sts:externalid"] = params["ExternalId"]
    if "SourceIdentity" in params:
        keys["sts:sourceidentity"] = params["SourceIdentity"]
    return keys


@service.operation(on="{RoleArn}", context=_conditions)
def assume_role(call: Call, params: Params) -> Params:
    """A session of a role. That the trust policy names the caller is decided at the way in."""
    arn = parse(params["RoleArn"])
    if arn is None or not re.fullmatch(r"role/.+", arn.resource):
        raise invalid(f"{params['RoleArn']} is invalid")
    if call.caller.kind == "root" and not call.cloud.settings.open:
        raise denied("Roles may not be assumed by root accounts.")
    role = _role(call, params["RoleArn"]) or (_imagined(call, params["RoleArn"]) if call.cloud.settings.open else None)
    if role is None:
        raise denied(_not_authorised(call, params["RoleArn"]))
    _refuse_unknown(params)
    _ask_for_more(call, params)
    session = _session_of_role(call, role, params)
    role.last_used = call.epoch
    call.store.put(role)
    _keep(call, session)
    return {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{session.name}",
            "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.name}",
        },
        "PackedPolicySize": _packed_size(session),
        "SourceIdentity": session.source_identity or None,
    }


@service.operation(action=None)
def get_session_token(call: Call, params: Params) -> Params:
    """Temporary credentials of the user (or the root) that asks, for up to 36 hours (the root's: one)."""
    if call.caller.kind not in ("user", "root") or call.caller.session:
        raise denied("Cannot call GetSessionToken with session credentials")
    _refuse_unknown(params)
    seconds = params.get("DurationSeconds", 12 * HOUR)
    if call.caller.kind == "root":
        seconds = min(seconds, LONGEST_OF_ROOT)
    session = _session(call, call.caller.account, call.caller.name, seconds)
    if call.caller.kind == "user":
        session.user, session.user_id = call.caller.name, call.caller.id
    _keep(call, session)
    return {"Credentials": _credentials(session)}


def _refuse_unknown(params: Params) -> None:
    if params.get("SerialNumber") or params.get("TokenCode"):
        raise not_simulated("Multi-factor authentication")
    if params.get("TransitiveTagKeys"):
        raise not_simulated("Session tags that are passed on to further roles")
    if params.get("ProvidedContexts"):
        raise not_simulated("A context that an identity provider gives")


def _ask_for_more(call: Call, params: Params) -> None:
    """Tags and a source identity are permissions of their own, in the caller's policies and in the trust policy."""
    keys = _conditions(call, params)
    if params.get("Tags"):
        named = {f"aws:requesttag/{tag['Key'].lower()}": tag["Value"] for tag in params["Tags"]}
        tag_keys = [tag["Key"] for tag in params["Tags"]]
        call.authorise("sts:TagSession", params["RoleArn"], {**keys, **named, "aws:tagkeys": tag_keys})
    if "SourceIdentity" in params:
        call.authorise("sts:SetSourceIdentity", params["RoleArn"], keys)


def _role(call: Call, arn: str) -> Role | None:
    parsed = parse(arn)
    if parsed is None:
        return None
    role = call.store.get(Role, parsed.account, arn.rsplit("/", 1)[-1])
    return role if role and role.arn == arn else None


def _imagined(call: Call, arn: str) -> Role:
    """With `--auth open` any role can be assumed: it comes to be in the account of its ARN."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    path = arn.split(":role", 1)[1].removesuffix(name)
    return Role(account=account, name=name, id=ids.iam_id("AROA"), path=path, created=call.epoch, trust="{}")


def _session_of_role(call: Call, role: Role, params: Params) -> Session:
    chained = call.caller.kind == "session"
    seconds = params.get("DurationSeconds", HOUR)
    if chained and seconds > HOUR:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise invalid(message)
    if seconds > role.max_session:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    session = _session(call, role.account, params["RoleSessionName"], seconds)
    session.role, session.role_id = role.name, role.id
    session.tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    session.source_identity = params.get("SourceIdentity", "")
    session.policies = _session_policies(call, role, params)
    session.issued_to = call.caller.service
    return session


def _session_policies(call: Call, role: Role, params: Params) -> list[str]:
    """What the session is limited to: the inline policy, and managed ones of the role's account or of AWS."""
    arns = [one["arn"] for one in params.get("PolicyArns", []) if "arn" in one]
    if len(arns) > MOST_POLICIES:
        raise invalid(f"A session can be limited by up to {MOST_POLICIES} managed policies.")
    texts = [_managed(call, role, arn) for arn in arns]
    if "Policy" in params:
        document.parse(params["Policy"], "session")
        texts.append(params["Policy"])
    return texts


def _managed(call: Call, role: Role, arn: str) -> str:
    policy = call.store.get(ManagedPolicy, arn)
    if policy and policy.account == role.account:
        return next(one.document for one in policy.versions if one.id == policy.default_version)
    text = managed.document_of(arn)
    if text is None:
        raise AwsError("MalformedPolicyDocumentException", f"Policy {arn} does not exist or is not attachable.", 400)
    return text


def _packed_size(session: Session) -> int | None:
    """How much of the room for session policies and tags is used, in percent; `None` where there are none."""
    size = sum(map(len, session.policies)) + sum(len(key) + len(value) for key, value in session.tags.items())
    return max(1, size * 100 // _PACKED) if size else None


def _session(call: Call, account: str, name: str, seconds: int) -> Session:
    return Session(
        id=ids.iam_id("ASIA"),
        account=account,
        secret=ids.secret_key(),
        token=ids.session_token(),
        issued=call.epoch,
        expires=call.epoch + seconds,
        name=name,
    )


def _credentials(session: Session) -> Params:
    return {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": datetime.fromtimestamp(int(session.expires), UTC),
    }


def _not_authorised(call: Call, arn: str) -> str:
    return f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"


def _keep(call: Call, session: Session) -> None:
    call.store.put(session)
    call.start("sweep", "", after=SWEEP)


SWEEP = 24 * HOUR  # a session is forgotten some time after it has expired; until then it is known as expired


@service.task("sweep")
async def sweep(call: Call, _: str) -> float | None:
    """Forget sessions that expired a day ago, so that they don't add up; again as long as there are any."""
    with call.transaction():
        sessions = list(call.store.list(Session))
        old = [one for one in sessions if one.expires < call.epoch - SWEEP]
        for session in old:
            call.store.delete(session)
    return SWEEP if len(old) < len(sessions) else None


def trust_policy(call: Call, resource: str) -> tuple[str | None, str, str, str] | None:
    """A role's trust policy has to allow whoever assumes it; across accounts the caller's own policies too."""
    role = _role(call, resource) if ":role/" in resource else None
    return (role.trust, "trust", role.account, "resource_required") if role else None


service.resource_policy = trust_policy
