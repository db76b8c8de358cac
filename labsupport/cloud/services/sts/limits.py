"""What a session is limited to and known by: session policies, session tags, and the room that they may take
(IAM User Guide: "Session policies", "Pass session tags in AWS STS")."""

import zlib

from labsupport.cloud.core import managed, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import ManagedPolicy
from labsupport.cloud.policy import document
from labsupport.cloud.services.sts.base import Params, invalid

MOST_POLICIES = 10
_PLAIN = 2048  # characters of session policies and their ARNs, as they are written
_PACKED = 2048  # bytes of policies and tags, compressed


def policies(call: Call, account: str, params: Params) -> list[str]:
    """The texts of the inline policy, and of managed ones of the role's or user's account or of AWS."""
    arns = [one["arn"] for one in params.get("PolicyArns", []) if "arn" in one]
    if len(arns) > MOST_POLICIES:
        raise invalid(f"A session can be limited by up to {MOST_POLICIES} managed policies.")
    texts = [_managed(call, account, arn) for arn in arns]
    if "Policy" in params:
        document.parse(params["Policy"], "session")
        texts.append(params["Policy"])
    return texts


def _managed(call: Call, account: str, arn: str) -> str:
    policy = call.store.get(ManagedPolicy, arn)
    if policy and policy.account == account:
        return next(one.document for one in policy.versions if one.id == policy.default_version)
    text = managed.document_of(arn)
    if text is None:
        raise AwsError("MalformedPolicyDocumentException", f"Policy {arn} does not exist or is not attachable.", 400)
    return text


def session_tags(params: Params) -> dict[str, str]:
    """The tags that are passed. Keys are told apart without regard to case."""
    given = params.get("Tags", [])
    found = tags.from_list(given)
    if len({key.lower() for key in found}) < len(given):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    tags.check(
        found,
        invalid(f"A session can have up to {tags.MOST} tags."),
        invalid("Tag keys that begin with aws: are reserved for AWS."),
    )
    return found


def packed(params: Params, all_tags: dict[str, str]) -> int | None:
    """How much of the room for policies and tags is used, in percent; `None` where there are none of them.

    AWS does not tell how it packs; here it is what zlib makes of them. PackedPolicyTooLarge: they don't fit.
    """
    written = "".join([params.get("Policy", ""), *(one.get("arn", "") for one in params.get("PolicyArns", []))])
    of_policies = max(_percent(written), len(written) * 100 // _PLAIN)
    if of_policies > 100:
        message = f"Packed policy consumes {of_policies}% of allotted space, please use smaller policy."
        raise AwsError("PackedPolicyTooLargeException", message, 400)
    of_tags = _percent("".join(key + value for key, value in sorted(all_tags.items())))
    if of_tags > 100:
        message = f"Packed size of session tags consumes {of_tags}% of allotted space."
        raise AwsError("PackedPolicyTooLargeException", message, 400)
    return max(1, of_policies, of_tags) if written or all_tags else None


def _percent(text: str) -> int:
    return len(zlib.compress(text.encode())) * 100 // _PACKED if text else 0
