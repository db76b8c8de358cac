"""May this principal do that? AWS's order of evaluation, decided on compiled documents.

AWS: "Policy evaluation for requests within a single account" and "Cross-account policy evaluation logic". The decision
is made without writing anything down; `Decision.trace()` looks again and records every policy, statement and value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from labsupport.cloud.policy import trace
from labsupport.cloud.policy.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE
from labsupport.cloud.policy.records import Asked, Mode, Policies, Policy, Principal, Request, gathered
from labsupport.cloud.policy.statements import Question, applies, question_of

Effect = Literal["allow", "explicitDeny", "implicitDeny"]
Reason = Literal["identity", "resource", "trust", "boundary", "session", "scp", "rcp", "endpoint", "root"]
DENIED = -1


@dataclass(slots=True)
class Decision:
    """The answer.

    `reason_kind` is the kind of policy that decided: the one that allows, the one that denies, or the first in which an
    allowing statement is missing (`missing` has all of them); `root` where the account's root needed none.
    """

    allowed: bool
    effect: Effect
    reason_kind: Reason
    missing: tuple[Reason, ...]
    asked: Asked

    @property
    def request(self) -> Request:
        """What was asked."""
        return self.asked.request

    def trace(self) -> list[dict[str, Any]]:
        """Every policy looked at, its statements, and what of each matched; JSON-able."""
        return trace.policies(self.asked)

    def as_dict(self) -> dict[str, Any]:
        """The decision with its trace, for storing; `explain` works from it later."""
        outcome = {"allowed": self.allowed, "effect": self.effect, "reason": self.reason_kind}
        remarks = trace.remarks(self.asked, self.missing) if self.effect == "implicitDeny" else []
        return {**outcome, "missing": list(self.missing), "remarks": remarks, **trace.record(self.asked)}


class _Verdicts(NamedTuple):
    """DENIED, or how strongly each kind of policy allows (`principals.grade`); DIRECT where a kind sets no limit."""

    scps: int
    rcps: int
    endpoint: int
    resource: int
    identity: int
    boundary: int
    session: int


def evaluate(
    request: Request,
    identity: Iterable[Policy],
    resource: Iterable[Policy] = (),
    boundary: Policy | Policies | None = None,
    session: Iterable[Policy] = (),
    scps: Sequence[Iterable[Policy]] | None = None,
    mode: Mode = "either",
    *,
    rcps: Sequence[Iterable[Policy]] | None = None,
    endpoint: Iterable[Policy] | None = None,
) -> Decision:
    """Decide a request.

    `scps`: the caller's account's, one group per level, from the organization's root to the account; None for an
    account in no organization (and for the management account, which SCPs don't bind); `rcps` likewise, of the account
    that owns the resource. `endpoint`: the policy of the VPC endpoint that the request came by; None: by none. `mode`:
    "resource_required" for KMS keys and role trust policies, whose own policy must allow; "either" elsewhere. A
    federated user without session policies has no permissions of its own.
    """
    asked = Asked(
        request,
        gathered(identity),
        gathered(resource),
        gathered((boundary,)) if isinstance(boundary, Policy) else boundary,
        gathered(session),
        None if scps is None else [gathered(level) for level in scps],
        mode,
        None if rcps is None else [gathered(level) for level in rcps],
        None if endpoint is None else gathered(endpoint),
    )
    verdicts = _verdicts(asked)
    denied = _denied(asked, verdicts)
    if denied is not None:
        return Decision(False, "explicitDeny", denied, (), asked)
    missing = _missing(asked, verdicts)
    if missing:
        return Decision(False, "implicitDeny", missing[0], missing, asked)
    return Decision(True, "allow", _allowing(asked, verdicts), (), asked)


def is_unlimited(
    action: str,
    identity: Policies,
    boundary: Policies | None = None,
    session: Policies | None = None,
    scps: Sequence[Policies] | None = None,
) -> bool:
    """Whether a user or a role's session may do this to all that its account owns, whatever the circumstances, as far
    as its own policies go: an administrator's calls need no further look, where no resource's policy has a say."""
    if boundary is not None or session or scps is not None:
        return False
    about = identity.about(action.lower())
    return not about.denying and any(one.everywhere and not one.checks for one in about.allowing)


def _verdicts(asked: Asked) -> _Verdicts:
    question = question_of(asked)
    limited = len(asked.session) > 0 or _needs_session(asked.request.principal)
    return _Verdicts(
        DIRECT if asked.scps is None else _weakest(asked.binding_scps(), question),
        DIRECT if asked.rcps is None else _weakest(asked.binding_rcps(), question),
        DIRECT if asked.endpoint is None else _strongest(asked.endpoint, question),
        _strongest(asked.resource, question),
        _strongest(asked.identity, question),
        DIRECT if asked.boundary is None else _strongest(asked.boundary, question),
        _strongest(asked.session, question) if limited else DIRECT,
    )


def _weakest(levels: Sequence[Policies], question: Question) -> int:
    """Every level must allow."""
    return min((_strongest(level, question) for level in levels), default=DIRECT)


def _strongest(policies: Policies, question: Question) -> int:
    if not policies:
        return NO_MATCH
    about = policies.about(question.action)
    for statement in about.denying:
        if applies(statement, question):
            return DENIED
    best = NO_MATCH
    for statement in about.allowing:
        best = max(best, applies(statement, question))
        if best == DIRECT:
            break
    return best


def _denied(asked: Asked, verdicts: _Verdicts) -> Reason | None:
    """The kind of policy in which a statement denies, the first in AWS's order."""
    if DENIED not in verdicts:
        return None
    kind = _REASONS[verdicts.index(DENIED)]
    return _resource_kind(asked) if kind == "resource" else kind


_REASONS: tuple[Reason, ...] = ("scp", "rcp", "endpoint", "resource", "identity", "boundary", "session")


def _missing(asked: Asked, verdicts: _Verdicts) -> tuple[Reason, ...]:
    """The kinds of policies in which an allowing statement is missing."""
    missing = _missing_in_accounts(asked, verdicts)
    if verdicts.scps and verdicts.rcps and verdicts.endpoint:
        return missing
    outer = zip(_REASONS[:3], verdicts[:3], strict=True)
    return (*(kind for kind, verdict in outer if not verdict), *missing)


def _missing_in_accounts(asked: Asked, verdicts: _Verdicts) -> tuple[Reason, ...]:
    """AWS's rules for who must allow, within an account and across two."""
    resource = verdicts.resource
    if not asked.request.principal.has_own_policies:
        return () if resource == DIRECT else (_resource_kind(asked),)
    own = _own_limits(verdicts, asked.request.principal.kind == "root")
    if asked.crosses_accounts():
        return own if resource else (*own, _resource_kind(asked))
    if resource == DIRECT:
        return ()
    limits = tuple(kind for kind in own if kind != "identity")
    if resource == ROLE:
        return limits
    if asked.mode == "resource_required" and resource < ACCOUNT:
        return (_resource_kind(asked),) + (limits if asked.request.principal.role_arn else ())
    return own


def _own_limits(verdicts: _Verdicts, is_root: bool) -> tuple[Reason, ...]:
    """What is missing among the policies of the caller itself."""
    if verdicts.identity and verdicts.boundary and verdicts.session:
        return ()
    missing: list[Reason] = [] if verdicts.identity or is_root else ["identity"]
    if not verdicts.boundary:
        missing.append("boundary")
    if not verdicts.session:
        missing.append("session")
    return tuple(missing)


def _allowing(asked: Asked, verdicts: _Verdicts) -> Reason:
    if verdicts.identity:
        return "identity"
    if verdicts.resource:
        return _resource_kind(asked)
    return "root"


def _needs_session(principal: Principal) -> bool:
    return principal.kind == "federated" and principal.has_own_policies


def _resource_kind(asked: Asked) -> Reason:
    return "trust" if any(policy.kind == "trust" for policy in asked.resource) else "resource"
