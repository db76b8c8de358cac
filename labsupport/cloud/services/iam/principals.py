"""Whom a trust policy names: IAM keeps no policy that names users or roles who aren't there."""

import json
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import Account, Role, User
from labsupport.cloud.policy import document
from labsupport.cloud.services.iam.base import check_size

LARGEST = 2048  # characters


def checked_trust(call: Call, text: str) -> str:
    """A role's trust policy, as given. MalformedPolicyDocument says what is wrong with it."""
    document.parse(text, "trust")
    check_size(text, LARGEST, "ACLSizePerRole")
    for name in _named(json.loads(text)):
        if not _is_there(call, name):
            raise AwsError("MalformedPolicyDocumentException", f'Invalid principal in policy: "AWS":"{name}"', 400)
    return text


def _named(policy: dict[str, Any]) -> Iterator[str]:
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element)
            names = principal.get("AWS", []) if isinstance(principal, dict) else []
            yield from [names] if isinstance(names, str) else names


def _is_there(call: Call, name: str) -> bool:
    """Users and roles of the lab's accounts are looked up; what may be in other accounts is believed."""
    arn = parse(name)
    if arn is None or arn.service != "iam" or call.store.get(Account, arn.account) is None:
        return True
    kind, _, path = arn.resource.partition("/")
    kinds: dict[str, type[User] | type[Role]] = {"user": User, "role": Role}
    holder = kinds.get(kind)
    if holder is None:
        return True
    found = call.store.get(holder, arn.account, path.rsplit("/", 1)[-1])
    return found is not None and found.arn == name
