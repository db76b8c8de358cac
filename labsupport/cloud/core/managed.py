"""The AWS managed policies, as AWS publishes them (AWS Managed Policy Reference). Read when first asked for."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

_FILE = Path(__file__).parent / "managed_policies.json"


@cache
def policies() -> dict[str, dict[str, Any]]:
    """By ARN: Arn, DefaultVersionId, Document, Path."""
    return {policy["Arn"]: policy for policy in msgspec.json.decode(_FILE.read_bytes()).values()}


@cache
def document_of(arn: str) -> str | None:
    """The text of a policy's default version; `None` where AWS has no such policy here."""
    policy = policies().get(arn)
    return msgspec.json.encode(policy["Document"]).decode() if policy else None
