"""Grants: what each allows, and which of them reach a call (KMS Developer Guide: "Grants in AWS KMS").

A grant takes part in a decision as a statement beside those of the key policy. Which grants on a key reach a call is
worked out here, as their constraints are exact about capitals where condition keys are not; the condition key
below tells it to the decision.
"""

import base64
import binascii
import json
from typing import Any

import msgspec

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.kms.base import Key, Params
from labsupport.cloud.services.kms.specs import WITH_CONTEXT
from labsupport.cloud.store.record import record

CONDITION = "lab:grants-whose-constraints-are-met"
EQUALS, SUBSET, SOURCE = "EncryptionContextEquals", "EncryptionContextSubset", "SourceArn"


@record("kms.grant", key=("account", "region", "key", "id"))
class Grant(msgspec.Struct, kw_only=True):
    """`grantee` and `retiring` are as given; `…_id` is how they are known to policies (see `principals.resolved`)."""

    account: str
    region: str
    key: str
    id: str
    name: str = ""
    created: float
    issuer: str  # account
    operations: list[str]
    constraints: dict[str, Any] = {}
    grantee: str
    grantee_id: str
    grantee_is_service: bool = False
    retiring: str = ""
    retiring_id: str = ""
    retiring_is_service: bool = False

    @property
    def key_arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{self.account}:key/{self.key}"

    @property
    def token(self) -> str:
        """What names this grant in `GrantTokens`: opaque to clients, no secret."""
        return base64.b64encode(f"1:{self.account}:{self.region}:{self.key}:{self.id}".encode()).decode()


def of_token(call: Call, token: str) -> Grant:
    try:
        version, *names = base64.b64decode(token, validate=True).decode().split(":")
    except (binascii.Error, ValueError):
        version, names = "", []
    found = call.store.get(Grant, *names) if version == "1" and len(names) == 4 else None
    if found is None:
        raise AwsError("InvalidGrantTokenException", "The grant token is not valid.")
    return found


def of_key(call: Call, key: Key) -> tuple[Grant, ...]:
    """The grants on a key; every call on it asks, and few keys have any."""
    place = key.account, key.region, key.id
    return call.store.remembered(("grants", *place), lambda: tuple(call.store.list(Grant, *place)))


def applicable(call: Call, key: Key, params: Params, action: str = "") -> list[str]:
    """The ids of the grants on a key whose constraints this call meets. A token has to be one of a grant."""
    for token in params.get("GrantTokens") or []:
        of_token(call, token)
    operation = action or call.operation
    return [one.id for one in of_key(call, key) if _meets(call, one, operation, params)]


def _meets(call: Call, grant: Grant, operation: str, params: Params) -> bool:
    source = grant.constraints.get(SOURCE)
    if source and call.source_arn != source:
        return False
    if operation == "CreateGrant":
        return _no_wider(grant, params["Operations"], params.get("Constraints") or {})
    if operation not in WITH_CONTEXT:
        return True  # a constraint doesn't bear on DescribeKey and RetireGrant
    context = _context(operation, params)
    equals, subset = grant.constraints.get(EQUALS), grant.constraints.get(SUBSET)
    return (not equals or context == equals) and (not subset or subset.items() <= context.items())


def _context(operation: str, params: Params) -> dict[str, str]:
    sides = {"ReEncryptFrom": "SourceEncryptionContext", "ReEncryptTo": "DestinationEncryptionContext"}
    return params.get(sides.get(operation, "EncryptionContext")) or {}


def _no_wider(parent: Grant, operations: list[str], constraints: Params) -> bool:
    """Whether who has CreateGrant from a grant may pass this on: no more operations, no looser constraints."""
    if not set(operations) <= set(parent.operations):
        return False
    equals, subset = parent.constraints.get(EQUALS), parent.constraints.get(SUBSET)
    wanted = constraints.get(EQUALS) or constraints.get(SUBSET) or {}
    if equals:
        return bool(constraints.get(EQUALS) == equals)
    return not subset or subset.items() <= wanted.items()


def with_grants(call: Call, key: Key) -> str:
    """The key policy, and a statement for each grant."""
    found = of_key(call, key)
    if not found:
        return key.policy
    policy = json.loads(key.policy)
    own = policy["Statement"]
    statements = [*(own if isinstance(own, list) else [own]), *(_use(one) for one in found)]
    return json.dumps({**policy, "Statement": statements})


def retirement(call: Call, key: Key) -> str | None:
    """Who may retire the grants on a key: the grant says it, not the key policy."""
    statements = [_retire(one) for one in of_key(call, key)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


def _use(grant: Grant) -> Params:
    actions = [f"kms:{one}" for one in grant.operations]
    return _statement(grant, [(grant.grantee_id, grant.grantee_is_service)], actions)


def _retire(grant: Grant) -> Params:
    """The retiring principal; the grantee where the grant lets it; the account that made the grant."""
    who = [(f"arn:aws:iam::{grant.issuer}:root", False)]
    if grant.retiring:
        who.append((grant.retiring_id, grant.retiring_is_service))
    if "RetireGrant" in grant.operations:
        who.append((grant.grantee_id, grant.grantee_is_service))
    return _statement(grant, who, ["kms:RetireGrant"])


def _statement(grant: Grant, who: list[tuple[str, bool]], actions: list[str]) -> Params:
    named = {kind: [one for one, is_service in who if is_service is (kind == "Service")] for kind in ("AWS", "Service")}
    return {
        "Sid": f"Grant {grant.id}",
        "Effect": "Allow",
        "Principal": {kind: names for kind, names in named.items() if names},
        "Action": actions,
        "Resource": "*",
        "Condition": {"ForAnyValue:StringEquals": {CONDITION: grant.id}},
    }
