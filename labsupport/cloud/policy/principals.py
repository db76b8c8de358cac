"""The `Principal` element. AWS: "AWS JSON policy elements: Principal"."""

import re
from dataclasses import dataclass
from typing import Any, Protocol

NO_MATCH, ACCOUNT, ROLE, DIRECT = 0, 1, 2, 3
"""How a statement names the caller: not at all; by the account (which hands the decision to that account's identity
policies); by the role or user behind the session; by itself, or as anybody. The stronger the naming, the fewer other
policies can limit what the statement grants. AWS: "Policy evaluation for requests within a single account"."""

GRADES = ("", "account", "role", "principal")

_ACCOUNT = re.compile(r"(?:arn:[a-z-]+:iam::)?(\d{12})(?::root)?", re.ASCII)
_ARN = re.compile(
    r"arn:[a-z-]+:(?:iam::(?:\d{12}|cloudfront):(?:user|role)/.+|sts::\d{12}:(?:assumed-role|federated-user)/.+)",
    re.ASCII,
)
_ID = re.compile(r"A(?:IDA|ROA|GPA|NPA)[A-Z0-9]+(:.+)?", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(?:amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)", re.ASCII)


class Caller(Protocol):
    """What is compared of a principal."""

    @property
    def account(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def role_arn(self) -> str | None: ...
    @property
    def service(self) -> str | None: ...
    @property
    def unique_id(self) -> str: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def canonical_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Principals:
    """A compiled `Principal` or `NotPrincipal`; `written` is what the document says."""

    written: Any
    anyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    services: frozenset[str]
    providers: frozenset[str]
    canonical: frozenset[str]


def compile_principals(written: Any) -> Principals:
    """From `"*"` or a map of lists, already checked by the grammar."""
    entries = {"AWS": ["*"]} if written == "*" else {kind: _listed(value) for kind, value in written.items()}
    aws = entries.get("AWS", [])
    accounts = {found.group(1) for name in aws if (found := _ACCOUNT.fullmatch(name))}
    return Principals(
        written,
        "*" in aws,
        frozenset(accounts),
        frozenset(name for name in aws if not _ACCOUNT.fullmatch(name)),
        frozenset(entries.get("Service", [])),
        frozenset(entries.get("Federated", [])),
        frozenset(entries.get("CanonicalUser", [])),
    )


def grade(principals: Principals, caller: Caller) -> int:
    """How the element names the caller: NO_MATCH, ACCOUNT, ROLE or DIRECT."""
    if principals.anyone or _named(principals, caller):
        return DIRECT
    names = principals.names
    if names and (caller.role_arn in names or (caller.unique_id and caller.unique_id.partition(":")[0] in names)):
        return ROLE
    return ACCOUNT if _in_account(principals, caller) else NO_MATCH


def excepted(principals: Principals, caller: Caller) -> bool:
    """Whether a denial of everybody but these leaves the caller out.

    The caller's account is looked for first, then the user or role: both have to be named.
    """
    if principals.anyone or _named(principals, caller):
        return principals.anyone or not caller.account or _in_account(principals, caller)
    if not caller.account or not _in_account(principals, caller):
        return False
    return caller.arn.endswith(":root") or grade(principals, caller) >= ROLE


def _in_account(principals: Principals, caller: Caller) -> bool:
    return caller.account in principals.accounts or caller.canonical_id in principals.canonical


def _named(principals: Principals, caller: Caller) -> bool:
    if caller.service is not None:
        return caller.service in principals.services or "*" in principals.services
    if caller.provider is not None and not principals.providers.isdisjoint((caller.provider, "*")):
        return True
    names = principals.names
    return bool(names) and bool(caller.arn) and (caller.arn in names or caller.unique_id in names)


def invalid_principal(kind: str, name: str) -> bool:
    """Whether AWS would refuse this name in a `Principal`; whether an ARN's owner exists is for the service to see."""
    if name == "*":
        return False
    if kind == "AWS":
        return not (_ACCOUNT.fullmatch(name) or _ID.fullmatch(name) or (_ARN.fullmatch(name) and "*" not in name))
    if kind == "Service":
        return not _SERVICE.fullmatch(name)
    return not name


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
