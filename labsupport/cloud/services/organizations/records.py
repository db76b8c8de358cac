"""What an organization is made of. Its own record is in `core/organization.py`."""

import msgspec

from labsupport.cloud.store.record import record

Tags = dict[str, str]


@record("organizations.member", key=("account",))
class Member(msgspec.Struct, kw_only=True):
    """An account of an organization. `parent` is the root's id or a unit's."""

    account: str
    organization: str
    parent: str
    name: str
    email: str
    method: str  # INVITED, CREATED
    joined: float
    tags: Tags = {}


@record("organizations.unit", key=("organization", "id"))
class Unit(msgspec.Struct, kw_only=True):
    organization: str
    id: str
    name: str
    parent: str
    tags: Tags = {}


@record("organizations.policy", key=("organization", "id"))
class ControlPolicy(msgspec.Struct, kw_only=True):
    """A service control policy, and the root, units and accounts that it is attached to."""

    organization: str
    id: str
    name: str
    description: str
    content: str
    by_aws: bool = False
    targets: list[str] = []
    tags: Tags = {}


@record("organizations.request", key=("organization", "id"))
class AccountRequest(msgspec.Struct, kw_only=True):
    """An account that is asked for: CreateAccount works in the background."""

    organization: str
    id: str
    name: str
    email: str
    role: str
    state: str = "IN_PROGRESS"
    account: str = ""
    failure: str = ""
    requested: float
    completed: float = 0.0
    tags: Tags = {}


@record("organizations.handshake", key=("id",))
class Handshake(msgspec.Struct, kw_only=True):
    """An invitation of an account into an organization."""

    id: str
    organization: str
    management: str
    account: str
    state: str = "OPEN"
    requested: float
    expires: float
    notes: str = ""
    tags: Tags = {}
