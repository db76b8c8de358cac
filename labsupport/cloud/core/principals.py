"""Principals in policies, by their unique ids rather than by their names.

AWS keeps the id of a user or role that a policy names (AIDA…, AROA…), and shows its ARN again as long as it is there.
So one made anew under an old name does not get the old one's rights, and the policy of somebody who is gone shows the
id (IAM User Guide: "AWS JSON policy elements: Principal"). A service whose resources have policies keeps
`stored(store, text)`, decides by that, and answers `shown(store, text)`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.identity import Account, Role, User
from labsupport.cloud.store.store import Store

_UNIQUE = re.compile(r"(A(?:IDA|ROA)[A-Z0-9]{8,})(?::(.+))?", re.ASCII)
_SESSION = re.compile(r"assumed-role/([^/]+)/(.+)", re.ASCII)


class Nobody(Exception):
    """A policy names a user or role that isn't there: `name` is how."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def stored(store: Store, text: str) -> str:
    """A valid policy's text with unique ids for the users and roles that it names. Nobody: one of them isn't there.

    Only the lab's own accounts are looked up; who may be in others is believed.
    """
    return _rewritten(text, lambda name: _id_of(store, name))


def shown(store: Store, text: str) -> str:
    """The text as it is answered: ARNs for the ids of those who are there."""
    return _rewritten(text, lambda name: _arn_of(store, name))


def holders(store: Store) -> dict[str, User | Role]:
    """Every user and role of the lab by its unique id."""
    return store.remembered("principals by id", lambda: _holders(store))


def _holders(store: Store) -> dict[str, User | Role]:
    found: dict[str, User | Role] = {one.id: one for one in store.list(User)}
    return found | {one.id: one for one in store.list(Role)}


def _rewritten(text: str, change: Callable[[str], str]) -> str:
    if "AWS" not in text and "\\" not in text:  # no such element; only an escape could hide its name
        return text
    policy = json.loads(text)
    changes = {name: change(name) for name in _named(policy)}
    if all(name == new for name, new in changes.items()):
        return text
    for principal in _principals(policy):
        names = principal["AWS"]
        principal["AWS"] = changes[names] if isinstance(names, str) else [changes[name] for name in names]
    return json.dumps(policy, separators=(",", ":"))


def _named(policy: dict[str, Any]) -> Iterator[str]:
    for principal in _principals(policy):
        yield from [principal["AWS"]] if isinstance(principal["AWS"], str) else principal["AWS"]


def _principals(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    statements = policy.get("Statement", [])  # a role that is only imagined (`--auth open`) trusts nobody in particular
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element)
            if isinstance(principal, dict) and "AWS" in principal:
                yield principal


def _id_of(store: Store, name: str) -> str:
    unique = _UNIQUE.fullmatch(name)
    if unique:
        if unique[1] not in holders(store):
            raise Nobody(name)
        return name
    arn = parse(name)
    if arn is None or arn.service not in ("iam", "sts") or store.get(Account, arn.account) is None:
        return name
    return _id_of_session(store, arn.account, arn.resource, name) or _id_of_holder(store, arn.account, name)


def _id_of_session(store: Store, account: str, resource: str, name: str) -> str | None:
    session = _SESSION.fullmatch(resource)
    if session is None:
        return None
    role = store.get(Role, account, session[1])
    if role is None:
        raise Nobody(name)
    return f"{role.id}:{session[2]}"


def _id_of_holder(store: Store, account: str, name: str) -> str:
    kind, _, path = name.split(":", 5)[5].partition("/")
    kinds: dict[str, type[User] | type[Role]] = {"user": User, "role": Role}
    if kind not in kinds:
        return name
    holder = store.get(kinds[kind], account, path.rsplit("/", 1)[-1])
    if holder is None or holder.arn != name:
        raise Nobody(name)
    return str(holder.id)


def _arn_of(store: Store, name: str) -> str:
    unique = _UNIQUE.fullmatch(name)
    holder = holders(store).get(unique[1]) if unique else None
    if unique is None or holder is None:
        return name
    return f"arn:aws:sts::{holder.account}:assumed-role/{holder.name}/{unique[2]}" if unique[2] else holder.arn
