"""Whether the principals that a key policy or a grant names are there, and who they are."""

import re
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Account, Role, User

SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_UNIQUE_ID = re.compile(r"A(IDA|ROA)[A-Z0-9]+", re.ASCII)


def resolved(call: Call, name: str) -> str | None:
    """How a principal is known from now on: a user or role by its unique id, so that nobody who later gets the same
    name is taken for it; all others as written. `None`: there is nobody of that name."""
    if _ACCOUNT.fullmatch(name):
        return name if call.store.get(Account, name) else None
    if _UNIQUE_ID.fullmatch(name):
        return name if _has_id(call, name) else None
    arn = parse(name)
    if arn is None or arn.service not in ("iam", "sts") or not call.store.get(Account, arn.account):
        return None
    kind, _, path = arn.resource.partition("/")
    return _of_arn(call, name, arn.account, kind, path)


def _of_arn(call: Call, name: str, account: str, kind: str, path: str) -> str | None:
    last = path.rpartition("/")[2]
    if kind == "user":
        user = call.store.get(User, account, last)
        return user.id if user and user.arn == name else None
    if kind == "role":
        role = call.store.get(Role, account, last)
        return role.id if role and role.arn == name else None
    if kind == "assumed-role":
        role = call.store.get(Role, account, path.partition("/")[0])
        return f"{role.id}:{last}" if role else None
    return name if kind in ("root", "federated-user") else None


def _has_id(call: Call, unique_id: str) -> bool:
    kind: type[User] | type[Role] = User if unique_id.startswith("AIDA") else Role
    return any(one.id == unique_id for one in call.store.list(kind))


def all_there(call: Call, policy: dict[str, Any]) -> bool:
    """Whether every principal of a policy exists. What a service is called is told by its form only."""
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        element = statement.get("Principal", statement.get("NotPrincipal"))
        named = element.get("AWS", []) if isinstance(element, dict) else []
        for name in [named] if isinstance(named, str) else named:
            if name != "*" and resolved(call, name) is None:
                return False
    return True
