"""The results of a simulation, as IAM's simulators show them (IAM API Reference: EvaluationResult)."""

from dataclasses import dataclass
from typing import Any

from labsupport.cloud.policy.evaluate import Decision, evaluate
from labsupport.cloud.policy.records import Policies, Policy, Principal, Request
from labsupport.cloud.policy.source import Position, keys_of_statement, positions
from labsupport.cloud.policy.statements import applies, question_of

Params = dict[str, Any]
_DECISIONS = {"allow": "allowed", "explicitDeny": "explicitDeny", "implicitDeny": "implicitDeny"}
_OUTCOMES = {"deny": "explicitDeny", "allow": "allowed", "none": "implicitDeny"}
_TYPES = {"resource": "Resource Policy"}  # all others are "IAM Policy"


@dataclass(frozen=True, slots=True)
class Given:
    """The policies and the caller that are simulated."""

    caller: Principal
    identity: Policies
    boundary: Policies | None
    scps: list[Policies] | None
    resource: Policies


def results(given: Given, params: Params) -> list[Params]:
    """One result for each action on each resource."""
    context = {entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in _entries(params)}
    owner = _account(params.get("ResourceOwner", "")) or given.caller.account
    return [
        _result(_decide(given, Request(action, resource, context, given.caller, owner)))
        for action in params["ActionNames"]
        for resource in params.get("ResourceArns") or ["*"]
    ]


def _entries(params: Params) -> list[Params]:
    """The context entries that say something; a key without values is as good as missing."""
    entries: list[Params] = params.get("ContextEntries", [])
    return [entry for entry in entries if "ContextKeyName" in entry and entry.get("ContextKeyValues")]


def _account(owner: str) -> str:
    """The account of a resource's owner, who is named by its number or by an ARN."""
    return owner.split(":")[4] if owner.count(":") >= 5 else owner


def _decide(given: Given, request: Request) -> Decision:
    return evaluate(request, given.identity, given.resource, given.boundary, scps=given.scps)


def _result(decision: Decision) -> Params:
    """Of a definite resource, matches and missing keys stand in the part for that resource too."""
    asked = decision.asked
    result: Params = {
        "EvalActionName": asked.request.action,
        "EvalResourceName": asked.request.resource,
        "EvalDecision": _DECISIONS[decision.effect],
        "MatchedStatements": _matched(decision),
        "MissingContextValues": _missing(decision),
    }
    if asked.scps is not None:
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": _by_organizations(decision)}
    if asked.boundary is not None:
        result["PermissionsBoundaryDecisionDetail"] = _by_boundary(decision)
    return result if asked.request.resource == "*" else _with_resource(result, decision)


def _with_resource(result: Params, decision: Decision) -> Params:
    """Across accounts both show what each side decides; an SCP's denial ends the simulation before that."""
    details: Params = {}
    if decision.asked.crosses_accounts() and decision.reason_kind != "scp":
        details = {"EvalDecisionDetails": _details(decision)}
    specific = {
        "EvalResourceName": result["EvalResourceName"],
        "EvalResourceDecision": result["EvalDecision"],
        "MatchedStatements": result["MatchedStatements"],
        "MissingContextValues": result["MissingContextValues"],
        **details,
    }
    if "PermissionsBoundaryDecisionDetail" in result:
        specific["PermissionsBoundaryDecisionDetail"] = result["PermissionsBoundaryDecisionDetail"]
    shown = {"EvalDecisionDetails": {}, **details} if decision.reason_kind != "scp" else {}
    return {**result, **shown, "MissingContextValues": [], "ResourceSpecificResults": [specific]}


def _matched(decision: Decision) -> list[Params]:
    """The statements that decide: those that deny, or else those that allow; none where an allowance is missing.

    Of identity-based and resource-based policies only: what a boundary and SCPs say stands in details of their own.
    """
    if decision.effect == "implicitDeny":
        return []
    deny = decision.effect == "explicitDeny"
    question = question_of(decision.asked)
    found = []
    for policy in (*decision.asked.identity, *decision.asked.resource):
        for statement in policy.document.about(question.action):
            if statement.deny is deny and applies(statement, question):
                found.append(_statement(policy, statement.index))
    return found


def _statement(policy: Policy, index: int) -> Params:
    shown: Params = {"SourcePolicyId": _id(policy), "SourcePolicyType": _TYPES.get(policy.kind, "IAM Policy")}
    if policy.text:
        start, end = positions(policy.text)[index]
        shown |= {"StartPosition": _position(start), "EndPosition": _position(end)}
    return shown


def _id(policy: Policy) -> str:
    """A managed policy's or an input's name; an inline one's with its holder before it: `user_ann_own`."""
    inline = policy.kind == "identity" and policy.arn is None and policy.holder
    return f"{policy.holder.replace('/', '_', 1)}_{policy.name}" if inline else policy.name


def _position(position: Position) -> Params:
    return {"Line": position.line, "Column": position.column}


def _missing(decision: Decision) -> list[str]:
    """The keys that statements about the action ask for and the simulation was not given, as they write them.

    Those of SCPs are not told (IAM API Reference: EvaluationResult).
    """
    asked = decision.asked
    question = question_of(asked)
    found: dict[str, str] = {}
    groups = [asked.identity, asked.resource, asked.boundary or ()]
    for policy in (policy for group in groups for policy in group):
        for statement in policy.document.about(question.action):
            for name in keys_of_statement(statement):
                if name.lower() not in question.context:
                    found.setdefault(name.lower(), name)
    return list(found.values())


def _by_organizations(decision: Decision) -> bool:
    return decision.reason_kind != "scp" or decision.allowed


def _by_boundary(decision: Decision) -> Params:
    outcomes = {entry["outcome"] for entry in decision.trace() if entry["kind"] == "boundary"}
    return {"AllowedByPermissionsBoundary": "allow" in outcomes and "deny" not in outcomes}


def _details(decision: Decision) -> Params:
    """What each side says: the caller's own policies, and the resource's."""
    found = {}
    for name, kind in (("IAM Policy", "identity"), ("Resource Policy", "resource")):
        outcomes = {entry["outcome"] for entry in decision.trace() if entry["kind"] == kind}
        strongest = next((one for one in ("deny", "allow") if one in outcomes), "none")
        found[name] = _OUTCOMES[strongest]
    return found
