"""A refusal as `sts:DecodeAuthorizationMessage` shows it (AWS STS API Reference: DecodeAuthorizationMessage)."""

from collections.abc import Iterable
from typing import Any

from labsupport.cloud.policy.conditions import values_of
from labsupport.cloud.policy.document import Statement
from labsupport.cloud.policy.evaluate import Decision
from labsupport.cloud.policy.statements import applies, question_of
from labsupport.cloud.policy.trace import in_order


def decoded(decision: Decision) -> dict[str, Any]:
    """Whether it was denied explicitly and by which statements, who asked for what, and the request's context."""
    request = decision.request
    context = sorted(request.context.items())
    return {
        "allowed": decision.allowed,
        "explicitDeny": decision.effect == "explicitDeny",
        "matchedStatements": _items(map(_statement, _denying(decision))),
        "failures": _items(()),
        "context": {
            "principal": {
                "id": request.principal.unique_id,
                "name": request.principal.name,
                "arn": request.principal.arn,
            },
            "action": request.action,
            "resource": request.resource,
            "conditions": _items({"key": key, "values": _values(values_of(found))} for key, found in context),
        },
    }


def _denying(decision: Decision) -> list[Statement]:
    question = question_of(decision.asked)
    return [
        statement
        for policy in in_order(decision.asked)
        for statement in policy.document.about(question.action)
        if statement.deny and applies(statement, question)
    ]


def _statement(statement: Statement) -> dict[str, Any]:
    conditions = (
        {"key": one.key, "values": _values(value.written for value in one.values)} for one in statement.conditions
    )
    return {
        "statementId": statement.sid,
        "effect": "DENY",
        "principals": _values(_names(statement)),
        "principalGroups": _items(()),
        "actions": _values(statement.actions),
        "resources": _values(pattern.written for pattern in statement.resources),
        "conditions": _items(conditions),
    }


def _names(statement: Statement) -> list[str]:
    if statement.principals is None:
        return []
    written = statement.principals.written
    groups = written.values() if isinstance(written, dict) else [written]
    return [name for group in groups for name in ([group] if isinstance(group, str) else group)]


def _values(texts: Iterable[str]) -> dict[str, Any]:
    return _items({"value": text} for text in texts)


def _items(items: Iterable[Any]) -> dict[str, Any]:
    return {"items": list(items)}
