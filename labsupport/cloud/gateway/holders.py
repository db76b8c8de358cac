"""The policies that a caller and a resource hold, from the store, compiled once for each text."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from labsupport.cloud.core import managed
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import Caller, Group, ManagedPolicy, Role, User
from labsupport.cloud.core.organization import Control, Membership
from labsupport.cloud.policy import document
from labsupport.cloud.policy.document import Kind
from labsupport.cloud.policy.evaluate import is_unlimited
from labsupport.cloud.policy.records import Mode, Policies, Policy, Principal
from labsupport.cloud.store.store import Store

_NOTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "none:Nothing", "Resource": "*"}]}
)


NONE = Policies()


@dataclass(slots=True)
class Held:
    """What bears on a caller: `scps` per level of its organization; None: none bind."""

    identity: Policies
    boundary: Policies | None
    session: Policies
    scps: list[Policies] | None
    _bearing: dict[str, "Bearing"] = field(default_factory=dict)

    def on(self, action: str) -> "Bearing":
        """What these policies are for an action, looked up once."""
        found = self._bearing.get(action)
        if found is None:
            groups = [self.identity, self.boundary or Policies(), self.session, *(self.scps or ())]
            keys = frozenset[str]().union(*(group.about(action.lower()).keys for group in groups))
            found = Bearing(keys, is_unlimited(action, self.identity, self.boundary, self.session, self.scps))
            self._bearing[action] = found
        return found


class Bearing(NamedTuple):
    """`keys`: the condition keys that the statements about an action read. `unlimited`: `evaluate.is_unlimited`."""

    keys: frozenset[str]
    unlimited: bool


def principal_of(caller: Caller) -> Principal:
    """The caller as the policy language sees it."""
    nobody = caller.kind in ("service", "anonymous") or bool(caller.provider)
    return Principal(
        account="" if nobody else caller.account,
        arn="" if nobody else caller.arn,
        kind=caller.kind,  # type: ignore[arg-type]
        role_arn=caller.role_arn or None,
        service=caller.service or None,
        name=caller.name,
        unique_id=caller.id,
        provider=caller.provider or None,
    )


def policies_of(call: Call) -> Held:
    """The identity policies, boundary and session policies that bear on the caller now."""
    caller, store = call.caller, call.store
    return store.remembered(("held", caller.arn, caller.access_key), lambda: _held(store, caller))


def _held(store: Store, caller: Caller) -> Held:
    holder = _role_of(store, caller) if caller.role else _user_of(store, caller)
    if holder is None:  # nobody with policies; the account's root, which a session may limit (AssumeRoot)
        return Held(Policies(), None, _session(caller), controls_of(store, caller.account))
    return held_by(store, holder, _session(caller))


def _role_of(store: Store, caller: Caller) -> Role | None:
    """A role made anew under an old name is another one, which the session never was given."""
    role = store.get(Role, caller.account, caller.role)
    return role if role and role.id == caller.role_id else None


def _user_of(store: Store, caller: Caller) -> User | None:
    """The user whose policies count: the caller, or who gave a federated user its credentials."""
    if caller.kind == "federated" and caller.session:
        user = store.get(User, caller.account, caller.session.user)
        return user if user and user.id == caller.session.user_id else None
    return store.get(User, caller.account, caller.name) if caller.kind == "user" else None


def held_by(store: Store, holder: User | Role | Group, session: Policies | None = None) -> Held:
    """What bears on a user, a role or a group, limited by session policies if given."""
    label = f"{type(holder).__name__.lower()}/{holder.name}"
    policies = _of_user(store, holder) if isinstance(holder, User) else _of_holder(store, holder, label)
    boundary = None if isinstance(holder, Group) else _boundary(store, holder.boundary, label)
    return Held(Policies(policies), boundary, session or Policies(), controls_of(store, holder.account))


def controls_of(store: Store, account: str) -> list[Policies] | None:
    """The SCPs that bind an account, per level from the organization's root down; None where none do."""
    membership = store.get(Membership, account)
    if membership is None or membership.levels is None:
        return None
    return [Policies(map(_control, level)) for level in membership.levels]


def _control(control: Control) -> Policy:
    return Policy(
        "scp", control.name, control.arn, control.target, document.parse(control.document, "scp"), control.document
    )


def resource_policies(call: Call, resource: str, owner: str) -> tuple[Policies, str, Mode]:
    """What the service says of a resource: its policy's text, its owner, and how it decides.

    The service's hook gives (text or None, kind, owner, mode); `mode` is "either", or
    "resource_required" where the resource's policy decides alone (KMS keys, role trust).
    """
    found = call.service.resource_policy(call, resource) if call.service.resource_policy else None
    if found is None:
        return NONE, owner, "either"
    text, kind, owner, mode = found
    return _of_resource(kind, resource, text) if text else NONE, owner, mode


@lru_cache(maxsize=1024)
def _of_resource(kind: Kind, resource: str, text: str) -> Policies:
    return Policies([Policy(kind, "policy", resource, resource, document.parse(text, kind))])


def _of_user(store: Store, user: User) -> list[Policy]:
    policies = _of_holder(store, user, f"user/{user.name}")
    for name in user.groups:
        group = store.get(Group, user.account, name)
        if group:
            policies += _of_holder(store, group, f"group/{name}")
    return policies


def _of_holder(store: Store, holder: User | Role | Group, label: str) -> list[Policy]:
    inline = [
        Policy("identity", name, None, label, document.parse(text, "identity"), text)
        for name, text in holder.inline.items()
    ]
    return inline + list(_managed(store, holder.attached, label, "identity"))


def _managed(store: Store, arns: Iterable[str], label: str, kind: Any) -> Iterable[Policy]:
    for arn in arns:
        text = managed_text(store, arn)
        if text is not None:
            yield Policy(kind, arn.rsplit("/", 1)[-1], arn, label, document.parse(text, kind), text)


def managed_text(store: Store, arn: str) -> str | None:
    """The default version of a managed policy: AWS's own, or a customer's."""
    if arn.startswith("arn:aws:iam::aws:"):
        return managed.document_of(arn)
    policy = store.get(ManagedPolicy, arn)
    if policy is None:
        return None
    return next((version.document for version in policy.versions if version.id == policy.default_version), None)


def _boundary(store: Store, arn: str | None, label: str) -> Policies | None:
    """The boundary; one whose policy is gone still bounds, and lets nothing through."""
    if arn is None:
        return None
    found = next(iter(_managed(store, [arn], label, "boundary")), None)
    nothing = Policy("boundary", arn.rsplit("/", 1)[-1], arn, label, document.parse(_NOTHING, "boundary"))
    return Policies([found or nothing])


def _session(caller: Caller) -> Policies:
    texts = caller.session.policies if caller.session else []
    return Policies(
        Policy("session", "session policy", None, caller.arn, document.parse(text, "session")) for text in texts
    )
