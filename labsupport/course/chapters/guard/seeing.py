"""What the checks of this chapter look at: what the simulator decides, keys, objects and the trail."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.declare import World
from labsupport.course.world import CHECKING

REGION = "us-east-1"
ALLOWED, DENIED = "allowed", "explicitDeny"
Document = dict[str, Any]


def account(world: World, profile: str = "learner") -> str:
    return str(world.client("sts", profile).get_caller_identity()["Account"])


def arn(world: World, kind: str) -> str:
    """The ARN of one of the account's own: `arn(world, "role/guard-builder")`."""
    return f"arn:aws:iam::{account(world)}:{kind}"


def repository_arn(world: World, name: str = "guard-notes") -> str:
    return f"arn:aws:codecommit:{REGION}:{account(world)}:{name}"


def bucket(world: World, what: str) -> str:
    """Bucket names are unique among all accounts of the world, so they end in the account's number."""
    return f"guard-{what}-{account(world)}"


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def found(call: Any, **params: Any) -> Any:
    """What a call finds; `None` where it says that there is no such thing."""
    try:
        return call(**params)
    except ClientError as error:
        if code(error) in ("NoSuchEntity", "NotFound", "NotFoundException", "NoSuchKey", "NoSuchBucket", "404"):
            return None
        raise


def decision(
    world: World, holder: str, action: str, resource: str = "*", context: Mapping[str, str] | None = None
) -> str:
    """How IAM's simulator decides for a user or role: `allowed`, `implicitDeny`, `explicitDeny`."""
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (context or {}).items()
    ]
    answer = world.client("iam").simulate_principal_policy(
        PolicySourceArn=holder, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def simulate(holder: str, action: str, resource: str = "*") -> str:
    """The command that shows a decision."""
    return (
        f"`aws iam simulate-principal-policy --policy-source-arn {holder} --action-names {action} "
        f'--resource-arns {resource} --query "EvaluationResults[].[EvalActionName,EvalDecision]" --output text` shows '
        "it."
    )


def role(world: World, name: str, profile: str = "learner") -> Document | None:
    answer = found(world.client("iam", profile).get_role, RoleName=name)
    return answer["Role"] if answer else None


def attached(world: World, name: str) -> list[str]:
    """The names of the managed policies of a role."""
    answer = world.client("iam").list_attached_role_policies(RoleName=name)
    return [one["PolicyName"] for one in answer["AttachedPolicies"]]


def key(world: World, alias: str) -> Document | None:
    """A KMS key by its alias."""
    answer = found(world.client("kms").describe_key, KeyId=alias)
    return answer["KeyMetadata"] if answer else None


def content(world: World, where: str, name: str) -> bytes | None:
    """An object's content; `None` where there is none."""
    answer = found(world.client("s3").get_object, Bucket=where, Key=name)
    return bytes(answer["Body"].read()) if answer else None


def given(world: World, name: str) -> bytes:
    """A file of this chapter as the learner has got it."""
    return (world.home / "material" / "guard" / name).read_bytes()


def events(world: World, name: str, profile: str = "learner") -> list[Document]:
    """CloudTrail's newest events of a name, without those that checks have made."""
    answer = world.client("cloudtrail", profile).lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}], MaxResults=50
    )
    told = [json.loads(one["CloudTrailEvent"]) for one in answer["Events"]]
    return [one for one in told if CHECKING not in one["userAgent"]]


def statements(document: Any) -> list[Document]:
    """The statements of a policy, which may be one alone, and text or not."""
    parsed = json.loads(document) if isinstance(document, str) else document
    listed = parsed.get("Statement", [])
    return listed if isinstance(listed, list) else [listed]


def many(value: Any) -> list[Any]:
    """One value or a list of them, as policies write both."""
    return value if isinstance(value, list) else [value]
