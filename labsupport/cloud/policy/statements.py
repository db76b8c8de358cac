"""Whether a statement applies to a request."""

from dataclasses import dataclass

from labsupport.cloud.policy.document import Statement
from labsupport.cloud.policy.principals import DIRECT, NO_MATCH, Principals, excepted, grade
from labsupport.cloud.policy.records import Asked, Context, Principal


@dataclass(slots=True)
class Question:
    """The request as statements are asked about it: the action in lower case, whether the caller has a boundary."""

    action: str
    resource: str
    context: Context
    principal: Principal
    bounded: bool


def question_of(asked: Asked) -> Question:
    """The form in which statements are compared with a request."""
    request = asked.request
    bounded = asked.boundary is not None
    return Question(request.action.lower(), request.resource, request.context, request.principal, bounded)


def applies(statement: Statement, question: Question) -> int:
    """How strongly a statement that speaks of the action applies to the request (`principals.grade`)."""
    found = DIRECT if statement.principals is None else named(statement, question)
    if not found:
        return NO_MATCH
    if not statement.everywhere and not statement.covers_resource(question.resource, question.context):
        return NO_MATCH
    for check in statement.checks:
        if not check(question.context):
            return NO_MATCH
    return found


def named(statement: Statement, question: Question) -> int:
    """How the statement names the caller; DIRECT in policies without principals, which are the caller's own."""
    principals = statement.principals
    if principals is None:
        return DIRECT
    if statement.not_principal:
        return _unnamed(principals, statement.deny, question)
    return grade(principals, question.principal)


def _unnamed(principals: Principals, deny: bool, question: Question) -> int:
    """`NotPrincipal` speaks of everybody else.

    A denial by NotPrincipal always meets a principal that has a permissions boundary, named or not.
    AWS: "AWS JSON policy elements: NotPrincipal".
    """
    if deny:
        return NO_MATCH if excepted(principals, question.principal) and not question.bounded else DIRECT
    return NO_MATCH if grade(principals, question.principal) else DIRECT
