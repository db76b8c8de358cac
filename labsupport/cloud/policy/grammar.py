"""The shape of a policy document, before anything about its meaning: JSON, elements, types.

AWS: "Grammar of the IAM JSON policy language".
"""

import json
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy.conditions import find_operator

MAX_CHARACTERS = 131_072
VERSIONS = ("2008-10-17", "2012-10-17")
DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class BadShape(ValueError):
    """The document isn't what the grammar says. Which words AWS has for it depends on the kind of policy."""


def malformed(reason: str) -> AwsError:
    """AWS's error for a document that it doesn't take."""
    return AwsError("MalformedPolicyDocument", reason, 400)


def read_json(text: str) -> dict[str, Any]:
    """The object that a text holds; BadShape for anything else, too long, too deep or with an element twice."""
    if len(text) > MAX_CHARACTERS:
        raise BadShape
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadShape from error
    return _object(value)


def check_text(value: Any, depth: int = 0) -> None:
    """Refuse control characters and nesting that no policy has; values that JSON doesn't know too."""
    if depth > 8:
        raise BadShape
    if isinstance(value, str):
        if any(character < " " and character not in "\t\n\r" for character in value):
            raise BadShape
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(_string(key), depth + 1)
            check_text(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_text(item, depth + 1)
    elif not _is_simple(value):
        raise BadShape


def statements_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements, of which one may stand without a list."""
    found = document.get("Statement")
    return found if isinstance(found, list) else [found] if found is not None else []


def strings(value: Any) -> list[str]:
    """An element's texts, of which one may stand without a list."""
    found = value if isinstance(value, list) else [value]
    return [_string(item) for item in found]


def conditions_of(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Operator, key and values of each condition; numbers and booleans as text."""
    for name, entries in _object(statement.get("Condition", {})).items():
        for key, values in _object(entries).items():
            listed = values if isinstance(values, list) else [values]
            yield name, key, [_scalar(value) for value in listed]


def check_document(document: dict[str, Any]) -> None:
    """Elements and types of the whole document, statements included."""
    if not document.keys() <= DOCUMENT_ELEMENTS or document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise BadShape
    _string(document.get("Id", ""))
    if not statements_of(document):
        raise BadShape
    for statement in statements_of(document):
        check_statement(_object(statement))


def check_statement(statement: dict[str, Any]) -> None:
    """Elements and types of one statement."""
    if not statement.keys() <= STATEMENT_ELEMENTS or "Effect" not in statement:
        raise BadShape
    _string(statement.get("Sid", ""))
    if _string(statement["Effect"]).lower() not in ("allow", "deny"):
        raise BadShape
    check_pairs(statement)
    check_conditions(statement)


def check_pairs(statement: dict[str, Any]) -> None:
    """An element and its negation exclude each other."""
    for element in ("Action", "Resource", "Principal"):
        if element in statement and f"Not{element}" in statement:
            raise BadShape
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        strings(statement.get(element, []))


def check_conditions(statement: dict[str, Any]) -> None:
    """Every operator exists; one without keys is let pass, as AWS does."""
    for name, _key, _values in conditions_of(statement):
        if find_operator(name) is None:
            raise BadShape


def check_principal(value: Any) -> None:
    """`"*"` or a map from the kinds of principals to names."""
    if value == "*":
        return
    for kind, names in _object(value).items():
        if kind not in PRINCIPAL_KINDS:
            raise BadShape
        strings(names)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an element stands twice")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_simple(value: Any) -> bool:
    """A number that fits 64 bits, a boolean, null."""
    return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadShape
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise BadShape
    return value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return _string(value)
