"""AWS Security Token Service: who am I, and temporary credentials (AWS STS API Reference)."""

import re
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import AccessKey, Role, Session
from labsupport.cloud.core.service import Service
from labsupport.cloud.policy import document

Params = dict[str, Any]
service = Service("sts")


@service.operation(action=None)
def get_caller_identity(call: Call, params: Params) -> Params:
    return {"UserId": call.caller.id, "Account": call.caller.account, "Arn": call.caller.arn}


@service.operation()
def get_access_key_info(call: Call, params: Params) -> Params:
    key = params["AccessKeyId"]
    holder = call.store.get(Session, key) if key.startswith("ASIA") else call.store.get(AccessKey, key)
    if holder is None:
        raise AwsError("ValidationError", f"The access key {key} does not exist.", 400)
    return {"Account": holder.account}


def _assume_role_conditions(call: Call, params: Params) -> Params:
    keys: Params = {"sts:rolesessionname": params["RoleSessionName"]}
    if "ExternalId" in params:
        keys["sts:externalid"] = params["ExternalId"]
    if "SourceIdentity" in params:
        keys["sts:sourceidentity"] = params["SourceIdentity"]
    return keys


@service.operation(on="{RoleArn}", context=_assume_role_conditions)
def assume_role(call: Call, params: Params) -> Params:
    """A session of a role. That the trust policy names the caller is decided at the way in."""
    arn = parse(params["RoleArn"])
    if arn is None or not re.fullmatch(r"role/.+", arn.resource):
        raise AwsError("ValidationError", f"{params['RoleArn']} is invalid", 400)
    role = _role(call, params["RoleArn"]) or (_imagined(call, params["RoleArn"]) if call.cloud.settings.open else None)
    if role is None:
        raise AwsError("AccessDenied", _not_authorised(call, params["RoleArn"]), 403)
    session = _session_of_role(call, role, params)
    role.last_used = call.epoch
    call.store.put(session, role)
    return {
        "Credentials": _credentials(session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{session.name}",
            "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.name}",
        },
        "SourceIdentity": params.get("SourceIdentity"),
    }


@service.operation(action=None)
def get_session_token(call: Call, params: Params) -> Params:
    if call.caller.kind not in ("user", "root") or call.caller.session:
        raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
    seconds = params.get("DurationSeconds", 43200 if call.caller.kind == "user" else 3600)
    session = _session(call, call.caller.account, call.caller.name, seconds)
    session.user = call.caller.name
    call.store.put(session)
    return {"Credentials": _credentials(session)}


def _role(call: Call, arn: str) -> Role | None:
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    role = call.store.get(Role, account, name)
    return role if role and role.arn == arn else None


def _imagined(call: Call, arn: str) -> Role:
    """With `--auth open` any role can be assumed: it comes to be in the account of its ARN."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    path = arn.split(":role", 1)[1].removesuffix(name)
    return Role(account=account, name=name, id=ids.iam_id("AROA"), path=path, created=call.epoch, trust="{}")


def _session_of_role(call: Call, role: Role, params: Params) -> Session:
    chained = call.caller.kind == "session"
    longest = min(role.max_session, 3600) if chained else role.max_session
    seconds = params.get("DurationSeconds", 3600)
    if seconds > longest:
        limit = (
            "1 hour session limit for roles assumed by role chaining"
            if chained and seconds > 3600
            else ("MaxSessionDuration set for this role")
        )
        raise AwsError("ValidationError", f"The requested DurationSeconds exceeds the {limit}.", 400)
    session = _session(call, role.account, params["RoleSessionName"], seconds)
    session.role, session.role_id = role.name, role.id
    session.tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
    session.source_identity = params.get("SourceIdentity", "")
    session.policies = _session_policies(call, params)
    session.issued_to = call.caller.service
    return session


def _session_policies(call: Call, params: Params) -> list[str]:
    if "Policy" in params:
        document.parse(params["Policy"], "session")
    return [params["Policy"]] if "Policy" in params else []


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


def trust_policy(call: Call, resource: str) -> tuple[str | None, str, str, str] | None:
    """A role's trust policy has to allow whoever assumes it; across accounts the caller's own policies too."""
    role = _role(call, resource) if ":role/" in resource else None
    return (role.trust, "trust", role.account, "resource_required") if role else None


service.resource_policy = trust_policy
