"""What the evaluator is asked about: who, what, on what, under which policies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from labsupport.cloud.policy.document import Document, Kind, Statement

PrincipalKind = Literal["root", "user", "session", "federated", "service", "anonymous"]
Context = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    `arn` is the caller's own: of a user, of a role's session (`arn:aws:sts::…:assumed-role/…`), of a federated user, of
    the root. `role_arn` is the identity behind a session: the role, or the user who asked for a federated session.
    `unique_id` is `AIDA…` for a user and `AROA…:session-name` for a session. `provider` is the identity provider (its
    ARN, or a name such as `accounts.google.com`) of somebody who is about to assume a role by web identity or SAML.
    A service has `service` and an empty account; nobody known (`anonymous`) has neither account nor ARN.
    """

    account: str
    arn: str
    kind: PrincipalKind
    role_arn: str | None = None
    service: str | None = None
    name: str = ""
    unique_id: str = ""
    provider: str | None = None
    canonical_id: str | None = None

    @property
    def has_own_policies(self) -> bool:
        """False for services, for the unknown, and for whoever is yet to get a role: only resource policies count."""
        return self.kind not in ("service", "anonymous") and self.provider is None


@dataclass(slots=True)
class Request:
    """One question: may this principal do this `action` on this `resource` (an ARN, or `*`)?

    `context` holds the condition keys, their names in lower case; it may be built lazily. `resource_account` is the
    account that owns the resource; None: the principal's own.
    """

    action: str
    resource: str
    context: Context
    principal: Principal
    resource_account: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A document, and where it is attached: `holder` is like `user/learner`, or the resource's ARN.

    `text` is what the document was read from, where somebody may want to be shown a place in it.
    """

    kind: Kind
    name: str
    arn: str | None
    holder: str
    document: Document
    text: str = ""

    @property
    def is_aws_managed(self) -> bool:
        """One of AWS's own, which no account can change."""
        return (self.arn or "").startswith("arn:aws:iam::aws:")


class Policies:
    """Policies that bear together, such as all of a user's. Kept as long as they stay, they decide more quickly:
    what speaks of an action is looked up once.
    """

    __slots__ = ("_by_action", "_every")

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._every = tuple(policies)
        self._by_action: dict[str, About] = {}

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

    def about(self, action: str) -> "About":
        """The statements that speak of an action (in lower case)."""
        found = self._by_action.get(action)
        if found is None:
            if len(self._by_action) >= _CACHED_ACTIONS:
                self._by_action.clear()
            every = [statement for policy in self._every for statement in policy.document.about(action)]
            found = About(
                tuple(statement for statement in every if statement.deny),
                tuple(statement for statement in every if not statement.deny),
                frozenset().union(*(statement.keys for statement in every)),
            )
            self._by_action[action] = found
        return found


class About(NamedTuple):
    """Statements about one action, and the condition keys that they read."""

    denying: tuple[Statement, ...]
    allowing: tuple[Statement, ...]
    keys: frozenset[str]


_CACHED_ACTIONS = 1024


def gathered(policies: Iterable[Policy]) -> Policies:
    """Policies as the evaluator wants them."""
    return policies if isinstance(policies, Policies) else Policies(policies)


Mode = Literal["either", "resource_required"]
SERVICE_LINKED = ":role/aws-service-role/"
"""In the ARN of a role that a service made for itself."""


@dataclass(slots=True)
class Asked:
    """Everything that a decision is made from; see `evaluate.evaluate` for what each part means."""

    request: Request
    identity: Policies
    resource: Policies
    boundary: Policies | None
    session: Policies
    scps: Sequence[Policies] | None
    mode: Mode
    rcps: Sequence[Policies] | None = None
    endpoint: Policies | None = None

    def crosses_accounts(self) -> bool:
        """Whether the resource belongs to another account than the principal."""
        owner = self.request.resource_account
        return owner is not None and owner != self.request.principal.account

    def binding_scps(self) -> Sequence[Policies]:
        """The SCPs that bind the caller: not those without policies of their own, not service-linked roles."""
        return (
            () if self.scps is None or not self.request.principal.has_own_policies else self._unless_linked(self.scps)
        )

    def binding_rcps(self) -> Sequence[Policies]:
        """The RCPs that guard the resource, against everybody but service-linked roles."""
        return () if self.rcps is None else self._unless_linked(self.rcps)

    def _unless_linked(self, levels: Sequence[Policies]) -> Sequence[Policies]:
        return () if SERVICE_LINKED in (self.request.principal.role_arn or "") else levels
