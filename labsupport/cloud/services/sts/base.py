"""What the topics of STS share: the service, its errors, sessions and their credentials."""

from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core import ids
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Role, Session
from labsupport.cloud.core.service import Service

Params = dict[str, Any]
service = Service("sts")

HOUR = 3600
LARGEST_TOKEN = 4096  # bytes
SWEEP = 24 * HOUR  # a session is forgotten some time after it has expired; until then it is known as expired


def denied(message: str) -> AwsError:
    return AwsError("AccessDenied", message, 403)


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message, 400)


def time(epoch: float) -> datetime:
    return datetime.fromtimestamp(int(epoch), UTC)


def role_of(call: Call, arn: str) -> Role | None:
    parsed = parse(arn)
    if parsed is None:
        return None
    role = call.store.get(Role, parsed.account, arn.rsplit("/", 1)[-1])
    return role if role and role.arn == arn else None


def new_session(call: Call, account: str, name: str, seconds: int) -> Session:
    return Session(
        id=ids.iam_id("ASIA"),
        account=account,
        secret=ids.secret_key(),
        token=ids.session_token(),
        issued=call.epoch,
        expires=call.epoch + seconds,
        name=name,
    )


def keep(call: Call, session: Session, params: Params) -> Params:
    """Put a session, see to its being forgotten one day, and show its credentials.

    A client may ask for a longer token, to see whether it can bear one (MinimumSessionTokenSize).
    """
    session.token = session.token.ljust(params.get("MinimumSessionTokenSize", 0), "A")
    call.store.put(session)
    call.start("sweep", "", after=SWEEP)
    credentials = {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": time(session.expires),
    }
    size = len(session.token)
    return {
        "Credentials": credentials,
        "SessionTokenSize": size,
        "SessionTokenUtilization": size * 100 // LARGEST_TOKEN,
    }


def keep_of_role(call: Call, role: Role, session: Session, params: Params) -> Params:
    """The part of the answer that all three ways to assume a role share."""
    role.last_used = call.epoch
    call.store.put(role)
    return {
        **keep(call, session, params),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{session.name}",
            "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.name}",
        },
        "SourceIdentity": session.source_identity or None,
    }


def check_length(role: Role, seconds: int) -> None:
    if seconds > role.max_session:
        raise invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
