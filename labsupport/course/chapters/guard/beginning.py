"""The starting point: a vault, an archive whose key is off, roles with too much, too little and a boundary."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from labsupport.course.chapters.guard import deputy, keys, least, refused
from labsupport.course.chapters.guard.seeing import account, arn, bucket, found, key
from labsupport.course.declare import World

BUCKETS = ("vault", "archive", "artifacts", "drop")
LAUNCH_CODE = "gentle-otter-4711\n"
PLANS = "".join(
    f"{number:03d}. Move the workshop's shelf {number} to aisle {number % 7 + 1}.\n" for number in range(1, 201)
)
REPORT = "Sold in 2025: 1,204 parcels of tea, 388 pots.\n"


def begin(world: World) -> str:
    """What is there already stays as it is, so that opening the notebook again undoes nothing."""
    _material(world)
    for step in (_buckets, _repository, _archive, _reader, _pipeline, _topic, _release):
        step(world)
    number = account(world)
    return (
        f"Buckets guard-vault-{number}, guard-archive-{number}, guard-artifacts-{number} and guard-drop-{number} are "
        "there, "
        "a repository guard-notes, a topic guard-alerts,\n"
        "and the roles guard-reader, guard-pipeline and guard-release. "
        f"Two files to protect lie in {world.home / 'material' / 'guard'}.\n"
        "You are the administrator of both accounts: learner here, second there."
    )


def _material(world: World) -> None:
    folder = world.home / "material" / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("launch-code.txt", LAUNCH_CODE), ("plans.txt", PLANS)):
        (folder / name).write_text(text)


def _unless_there(codes: tuple[str, ...], call: Callable[..., Any], **params: Any) -> bool:
    """Make something; whether it was made now."""
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return False
    return True


def _buckets(world: World) -> None:
    s3 = world.client("s3")
    there = {one["Name"] for one in s3.list_buckets()["Buckets"]}
    for what in BUCKETS:
        if bucket(world, what) not in there:
            s3.create_bucket(Bucket=bucket(world, what))


def _repository(world: World) -> None:
    taken = ("RepositoryNameExistsException",)
    _unless_there(taken, world.client("codecommit").create_repository, repositoryName="guard-notes")


def _archive(world: World) -> None:
    """The key is disabled once, when it is made: what a learner has enabled stays enabled."""
    if key(world, keys.ARCHIVE):
        return
    kms = world.client("kms")
    made = kms.create_key(Description="The archive's objects")["KeyMetadata"]["KeyId"]
    world.client("s3").put_object(
        Bucket=bucket(world, "archive"),
        Key=keys.REPORT,
        Body=REPORT.encode(),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=made,
    )
    kms.disable_key(KeyId=made)
    kms.create_alias(AliasName=keys.ARCHIVE, TargetKeyId=made)


def _trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(actions: Any, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _role(world: World, name: str, principal: dict[str, str], policy: str = "", **more: Any) -> None:
    """A role as it is at the beginning, unless there is one of the name."""
    iam = world.client("iam")
    if found(iam.get_role, RoleName=name) is None:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_trust(principal), **more)
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)


def _us(world: World) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account(world)}:root"}


def _reader(world: World) -> None:
    _role(world, keys.READER, _us(world), _allow(["s3:GetObject"], f"arn:aws:s3:::{bucket(world, 'vault')}/*"))


def _pipeline(world: World) -> None:
    _role(world, least.ROLE, {"Service": "codepipeline.amazonaws.com"}, _allow("*"))


def _release(world: World) -> None:
    limits = arn(world, f"policy/{refused.LIMITS}")
    taken = ("EntityAlreadyExists",)
    _unless_there(
        taken,
        world.client("iam").create_policy,
        PolicyName=refused.LIMITS,
        PolicyDocument=_allow(["s3:GetObject", "s3:ListBucket"]),
    )
    _role(world, refused.ROLE, _us(world), _allow("s3:*"), PermissionsBoundary=limits)


def _topic(world: World) -> None:
    sns = world.client("sns")
    topic = f"arn:aws:sns:us-east-1:{account(world)}:{deputy.TOPIC}"
    if found(sns.get_topic_attributes, TopicArn=topic) is None:
        service = {"Sid": "Events", "Effect": "Allow", "Principal": {"Service": deputy.SERVICE}}
        owner = {"Sid": "Owner", "Effect": "Allow", "Principal": _us(world)}
        statements = [
            {**service, "Action": "sns:Publish", "Resource": topic},
            {**owner, "Action": ["sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes"], "Resource": topic},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        sns.create_topic(Name=deputy.TOPIC, Attributes={"Policy": policy})
