"""What AWS accepts in policies of resources and in the trust policies of roles, with its reasons."""

from collections.abc import Callable
from typing import Any

from labsupport.cloud.policy.grammar import (
    STATEMENT_ELEMENTS,
    VERSIONS,
    BadShape,
    check_conditions,
    check_pairs,
    check_principal,
    malformed,
    statements_of,
    strings,
)
from labsupport.cloud.policy.principals import invalid_principal


def check_resource(document: dict[str, Any], *, resource_required: bool) -> None:
    """A resource's policy. `resource_required` is false for services whose policies name no resource, such as ECR."""
    _check_top(document)
    for statement in _checked(document):
        _require(statement, "Principal")
        check_principal(statement.get("Principal", statement.get("NotPrincipal")))
        _check_names(statement, lambda _kind, _name: "Invalid principal in policy")
        _require(statement, "Action")
        if resource_required:
            _require(statement, "Resource")
        for arn in strings(statement.get("Resource", statement.get("NotResource", []))):
            if arn != "*" and not arn.startswith("arn:"):
                raise malformed("Policy has invalid resource")


def check_trust(document: dict[str, Any]) -> None:
    """A role's trust policy: principals, STS actions, no resource (it is the role)."""
    _check_top(document)
    for statement in _checked(document):
        _check_trusted(statement)
        _require(statement, "Action")
        for action in strings(statement.get("Action", statement.get("NotAction"))):
            if not action.lower().startswith("sts:"):
                raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        if "Resource" in statement:
            raise malformed("Has prohibited field Resource")
        if "NotResource" in statement:
            raise malformed("AssumeRole policy must not contain resources.")


def _check_trusted(statement: dict[str, Any]) -> None:
    if "NotPrincipal" in statement:
        allow = statement["Effect"] == "Allow"
        raise malformed(
            "Allow with NotPrincipal is not allowed."
            if allow
            else "AssumeRole policy must not contain NotPrincipal field."
        )
    _require(statement, "Principal")
    if isinstance(statement["Principal"], str):
        raise malformed("Principal must be a JSON object.")
    check_principal(statement["Principal"])
    if "CanonicalUser" in statement["Principal"]:
        raise malformed('Invalid principal in policy: "CanonicalUser"')
    _check_names(statement, lambda kind, name: f'Invalid principal in policy: "{kind.upper()}":"{name}"')


def _check_top(document: dict[str, Any]) -> None:
    for name in document:
        if name not in ("Version", "Id", "Statement"):
            raise malformed(f"Unknown field {name}")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise malformed("The policy must contain a valid version string")
    if not isinstance(document.get("Id", ""), str):
        raise BadShape
    if not statements_of(document):
        raise malformed("Could not parse the policy: Statement is empty!")


def _checked(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements, their elements and types checked."""
    statements = statements_of(document)
    for statement in statements:
        _check_shape(statement)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise malformed("The Statement Ids in the policy are not unique")
    return statements


def _check_shape(statement: Any) -> None:
    if not isinstance(statement, dict):
        raise BadShape
    for name in statement:
        if name not in STATEMENT_ELEMENTS:
            raise malformed(f"Unknown field {name}")
    if not isinstance(statement.get("Sid", ""), str):
        raise BadShape
    if "Effect" not in statement:
        raise malformed("Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise malformed(f"Invalid effect: {statement['Effect']}")
    check_pairs(statement)
    check_conditions(statement)


def _require(statement: dict[str, Any], element: str) -> None:
    if element not in statement and f"Not{element}" not in statement:
        raise malformed(f"Missing required field {element}")
    if statement.get(element, statement.get(f"Not{element}")) in ([], {}, ""):
        raise malformed(f"Missing required field {element} cannot be empty!")


def _check_names(statement: dict[str, Any], reason: Callable[[str, str], str]) -> None:
    entries = statement.get("Principal", statement.get("NotPrincipal"))
    for kind, names in entries.items() if isinstance(entries, dict) else ():
        for name in strings(names):
            if invalid_principal(kind, name):
                raise malformed(reason(kind, name))
