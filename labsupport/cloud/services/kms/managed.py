"""AWS managed keys: `alias/aws/NAME`, made when a service or DescribeKey first asks for one."""

import json
from typing import NamedTuple

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.kms import material
from labsupport.cloud.services.kms.base import DAY, Alias, Key, service

PREFIX = "alias/aws/"
_YEAR = 365  # days: AWS rotates its managed keys every year
_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
_GRANT = ("kms:CreateGrant",)
_RECEIVE = ("kms:GenerateDataKey*", "kms:Decrypt", "kms:CreateGrant", "kms:DescribeKey")


class _Managed(NamedTuple):
    """Its description names the service; `endpoint` is how kms:ViaService does."""

    called: str
    actions: tuple[str, ...] = _USE
    endpoint: str = ""


_KEYS = {
    "acm": _Managed("ACM", _USE + _GRANT),
    "codeartifact": _Managed("CodeArtifact", _USE + _GRANT),
    "codecommit": _Managed("CodeCommit"),
    "dynamodb": _Managed("DynamoDB", _USE + _GRANT),
    "ebs": _Managed("EBS", _USE + _GRANT, "ec2"),
    "ecr": _Managed("ECR", _USE + _GRANT),
    "elasticfilesystem": _Managed("EFS", _USE + _GRANT),
    "kinesis": _Managed("Kinesis"),
    "lambda": _Managed("AWS Lambda", _USE + _GRANT),
    "rds": _Managed("RDS", _USE + _GRANT),
    "s3": _Managed("S3"),
    "secretsmanager": _Managed("AWS Secrets Manager", _USE + _GRANT),
    "sns": _Managed("SNS", _RECEIVE),
    "sqs": _Managed("SQS", _RECEIVE),
    "ssm": _Managed("SSM", _USE + _GRANT),
}


def named(call: Call, alias: str) -> Key | None:
    """The AWS managed key of a service; `None` where AWS has none of that name, or nobody made it yet."""
    name = alias.removeprefix(PREFIX)
    if not alias.startswith(PREFIX) or name not in _KEYS or not _makes(call):
        return None
    now = call.epoch
    key = Key(
        account=call.account,
        region=call.region,
        id=ids.uuid4(),
        policy=_policy(call, name),
        description=f"Default key that protects my {_KEYS[name].called} data when no other key is defined",
        created=now,
        manager="AWS",
        rotation_days=_YEAR,
        next_rotation=now + _YEAR * DAY,
    )
    material.renewed(call.cloud, key, now)
    call.store.put(key)
    call.store.put(Alias(account=call.account, region=call.region, name=alias, target=key.id, created=now, updated=now))
    call.start("rotate", key.id, after=_YEAR * DAY, service=service.name)
    return key


def _makes(call: Call) -> bool:
    """A service that uses it makes it, and so does DescribeKey; nothing else does."""
    return call.operation == "DescribeKey" or bool(call.caller.via) or call.caller.kind == "service"


def _policy(call: Call, name: str) -> str:
    """Everybody of the account may use it, through that service only."""
    service, actions, endpoint = _KEYS[name]
    through = f"{endpoint or name}.{call.region}.amazonaws.com"
    use = {
        "Sid": f"Allow access through {service} for all principals in the account that are authorized to use {service}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(actions),
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": through, "kms:CallerAccount": call.account}},
    }
    see = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{call.account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{name}-2", "Statement": [use, see]})
