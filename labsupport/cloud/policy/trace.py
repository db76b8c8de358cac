"""A decision written down: every policy, every statement, what matched and what didn't, with the resolved values.

Everything here is plain JSON, so that it can be stored and explained later.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from labsupport.cloud.policy import lint
from labsupport.cloud.policy.conditions import explain, holds, values_of
from labsupport.cloud.policy.document import Resource, Statement
from labsupport.cloud.policy.principals import GRADES
from labsupport.cloud.policy.records import Asked, Policy, Principal
from labsupport.cloud.policy.statements import Question, applies, named, question_of
from labsupport.cloud.policy.variables import resolve, shown


def record(asked: Asked) -> dict[str, Any]:
    """The request and the policies that it met."""
    request = asked.request
    read = _keys_read(asked)
    found = {key: list(values_of(request.context.get(key))) for key in sorted(read)}
    return {
        "action": request.action,
        "resource": request.resource,
        "principal": _principal(request.principal),
        "resourceAccount": request.resource_account or request.principal.account,
        "crossAccount": asked.crosses_accounts(),
        "mode": asked.mode,
        "context": {key: values for key, values in found.items() if values},
        "missingContext": [key for key, values in found.items() if not values],
        "policies": policies(asked),
    }


def policies(asked: Asked) -> list[dict[str, Any]]:
    """One entry per policy, in the order of evaluation."""
    question = question_of(asked)
    return [_policy(policy, question) for policy in in_order(asked)]


def remarks(asked: Asked, kinds: Iterable[str]) -> list[dict[str, Any]]:
    """What keeps statements of these kinds of policies from ever allowing the action: a slip in writing it, or a
    resource that it doesn't take. Nobody can mend AWS's own policies, so they are left out."""
    question = question_of(asked)
    return [
        {
            "name": policy.name,
            "kind": policy.kind,
            "holder": policy.holder,
            "sid": statement.sid,
            "index": statement.index,
            "message": found.message,
        }
        for policy in in_order(asked)
        if policy.kind in kinds and not policy.is_aws_managed
        for statement in policy.document.statements
        if not (
            statement.covers_action(question.action) and statement.covers_resource(question.resource, question.context)
        )
        for found in lint.why_not(statement, asked.request.action)
    ]


def in_order(asked: Asked) -> Iterator[Policy]:
    """The policies that bear on a request, in the order of evaluation."""
    for level in (*asked.binding_scps(), *asked.binding_rcps()):
        yield from level
    for group in (asked.endpoint, asked.resource, asked.identity, asked.boundary, asked.session):
        yield from group or ()


def _principal(principal: Principal) -> dict[str, Any]:
    return {
        "arn": principal.arn,
        "account": principal.account,
        "kind": principal.kind,
        "roleArn": principal.role_arn,
        "service": principal.service,
        "provider": principal.provider,
        "name": principal.name,
    }


def _policy(policy: Policy, question: Question) -> dict[str, Any]:
    statements = [_statement(statement, question) for statement in policy.document.statements]
    effects = {entry["effect"] for entry in statements if entry["applies"]}
    return {
        "kind": policy.kind,
        "name": policy.name,
        "arn": policy.arn,
        "holder": policy.holder,
        "outcome": "deny" if "Deny" in effects else "allow" if effects else "none",
        "statements": statements,
    }


def _statement(statement: Statement, question: Question) -> dict[str, Any]:
    """One statement. Of a statement about other actions nothing more is said than that."""
    entry: dict[str, Any] = {
        "sid": statement.sid,
        "index": statement.index,
        "effect": "Deny" if statement.deny else "Allow",
        "applies": False,
        "failed": ["action"],
    }
    if statement.covers_action(question.action):
        entry |= _parts(statement, question)
    return entry


def _parts(statement: Statement, question: Question) -> dict[str, Any]:
    covered = statement.covers_resource(question.resource, question.context)
    how = named(statement, question)
    conditions = [explain(condition, question.context) for condition in statement.conditions]
    failed = [] if how else ["principal"]
    failed += [] if covered else ["resource"]
    failed += [] if all(holds(condition, question.context) for condition in statement.conditions) else ["condition"]
    return {
        "applies": applies(statement, question) > 0,
        "failed": failed,
        "actions": list(statement.actions),
        "notAction": statement.not_action,
        "resources": [_resource(pattern, question) for pattern in statement.resources],
        "notResource": statement.not_resource,
        "principal": None if statement.principals is None else statement.principals.written,
        "notPrincipal": statement.not_principal,
        "namedAs": GRADES[how],
        "conditions": conditions,
    }


def _resource(pattern: Resource, question: Question) -> dict[str, Any]:
    resolved = resolve(pattern.template, question.context)
    return {
        "written": pattern.written,
        "resolved": None if resolved is None else shown(resolved),
        "matched": pattern.matches(question.resource, question.context),
    }


def _keys_read(asked: Asked) -> set[str]:
    """The condition keys that statements about the action read."""
    action = asked.request.action.lower()
    return {key for policy in in_order(asked) for statement in policy.document.about(action) for key in statement.keys}
