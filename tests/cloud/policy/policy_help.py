"""Short ways to write policies, principals and requests for the tables."""

from typing import Any

from labsupport.cloud.policy.document import Kind, parse
from labsupport.cloud.policy.evaluate import Decision, evaluate
from labsupport.cloud.policy.records import Policy, Principal, Request

ME, OTHER = "111111111111", "222222222222"
USER_ARN = f"arn:aws:iam::{ME}:user/ann"
ROLE_ARN = f"arn:aws:iam::{ME}:role/build"
SESSION_ARN = f"arn:aws:sts::{ME}:assumed-role/build/run"
FEDERATED_ARN = f"arn:aws:sts::{ME}:federated-user/guest"

USER = Principal(ME, USER_ARN, "user", name="ann", unique_id="AIDAEXAMPLE")
ROOT = Principal(ME, f"arn:aws:iam::{ME}:root", "root")
SESSION = Principal(ME, SESSION_ARN, "session", role_arn=ROLE_ARN, name="build", unique_id="AROAEXAMPLE:run")
FEDERATED = Principal(ME, FEDERATED_ARN, "federated", role_arn=USER_ARN, unique_id=f"{ME}:guest")
SERVICE = Principal("", "", "service", service="codepipeline.amazonaws.com")
ANONYMOUS = Principal("", "", "anonymous")
WEB = Principal("", "", "federated", provider="accounts.google.com")
STRANGER = Principal(OTHER, f"arn:aws:iam::{OTHER}:user/bob", "user", name="bob")

PUT = "s3:PutObject"
KEY = "arn:aws:s3:::box/key"


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def granting(principal: Any, action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return allow(action, resource, Principal=principal, **more)


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def policy(kind: Kind, *statements: dict[str, Any], version: str = "2012-10-17", name: str = "") -> Policy:
    text = document(*statements, version=version)
    return Policy(kind, name or f"{kind}-policy", None, "user/ann", parse(text, kind))


def request(
    action: str = PUT,
    resource: str = KEY,
    who: Principal = USER,
    owner: str | None = None,
    context: dict[str, Any] | None = None,
) -> Request:
    return Request(action, resource, context or {}, who, owner)


def decides(statement: dict[str, Any], asked: Request, version: str = "2012-10-17") -> bool:
    """Whether one identity statement allows a request."""
    return evaluate(asked, [policy("identity", statement, version=version)]).allowed


def applied(condition: dict[str, Any], context: dict[str, Any], version: str = "2012-10-17") -> bool:
    """Whether a condition lets an allowing statement apply."""
    return decides(allow(Condition=condition), request(context=context), version)


def outcome(decision: Decision) -> tuple[str, str]:
    return decision.effect, decision.reason_kind
