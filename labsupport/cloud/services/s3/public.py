"""Is a bucket's policy public? (User Guide: "The meaning of \"public\"")"""

import json
from functools import lru_cache
from typing import Any

# Conditions on these keys keep a wildcard principal from meaning everybody, as long as their values are fixed.
_NARROWING = frozenset(
    (
        "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:sourceip",
        "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid",
        "s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:x-amz-server-side-encryption-aws-kms-key-id",
    )
)  # fmt: skip
_WIDE = ("*", "0.0.0.0/0", "::/0")


@lru_cache(maxsize=256)
def is_public(policy: str) -> bool:
    """Whether a policy's text lets anybody in: a wildcard principal that no condition narrows to fixed values."""
    return any(
        statement["Effect"] == "Allow" and _anyone(statement) and not _narrowed(statement)
        for statement in statements(json.loads(policy))
    )


def statements(policy: Any) -> list[Any]:
    found = policy["Statement"]
    return found if isinstance(found, list) else [found]


def _anyone(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:  # everybody but a few
        return True
    principal = statement.get("Principal")
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return named == "*" or (isinstance(named, list) and "*" in named)


def _narrowed(statement: dict[str, Any]) -> bool:
    for operator, tests in statement.get("Condition", {}).items():
        if "Not" in operator or operator.endswith("IfExists") or operator == "Null":
            continue
        for key, values in tests.items():
            given = values if isinstance(values, list) else [values]
            if key.lower() in _NARROWING and not any(_wide(str(value)) for value in given):
                return True
    return False


def _wide(value: str) -> bool:
    """A value that is no fixed one: wildcards (but for an ARN's or user id's end) and whole address ranges."""
    account = value.split(":")[4] if value.startswith("arn:") and value.count(":") >= 5 else value.removesuffix(":*")
    return value in _WIDE or "*" in account or "?" in account or "${" in value
