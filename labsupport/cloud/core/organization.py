"""An account's place in an organization, as the gateway needs it for every call.

The service `organizations` keeps one record per account and writes it anew whenever the tree, a policy or an
attachment changes, in the same transaction.
"""

import msgspec

from labsupport.cloud.store.record import record


@record("organizations.organization", key=("id",))
class Organization(msgspec.Struct, kw_only=True):
    """An organization: whose it is, and what is switched on in it."""

    id: str  # o-…
    management: str  # the account
    root: str  # r-…
    created: float
    features: str = "ALL"
    policy_types: list[str] = []  # enabled in the root
    services: dict[str, float] = {}  # service principals with trusted access, and since when
    root_features: list[str] = []  # centralised root access: RootCredentialsManagement, RootSessions
    tags: dict[str, str] = {}  # the root's

    @property
    def arn(self) -> str:
        return f"arn:aws:organizations::{self.management}:organization/{self.id}"


class Control(msgspec.Struct, kw_only=True):
    """A service control policy that is attached to a root, a unit or an account (`target`, its id)."""

    name: str
    arn: str
    target: str
    document: str


@record("identity.membership", key=("account",))
class Membership(msgspec.Struct, kw_only=True):
    """`levels` are the SCPs at each level from the root down to the account; None where none bind: in the
    management account, and where the organization has not enabled them.

    `path` is the account's as aws:PrincipalOrgPaths has it: `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.
    """

    account: str
    organization: str  # its id
    path: str
    management: bool = False
    levels: list[list[Control]] | None = None
