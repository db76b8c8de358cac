"""Scenarios that the questions of this chapter are proved by: the simulator, a user of its own, a key of its own."""

from typing import Any

from labsupport.course.declare import Proof, python

SIMULATED = """\
import json, sys

from labsupport import lab

answer = lab.client("iam").simulate_custom_policy(
    PolicyInputList=[json.dumps({{"Version": "2012-10-17", "Statement": {statements}}})],
    PermissionsBoundaryPolicyInputList=[
        json.dumps({{"Version": "2012-10-17", "Statement": one}}) for one in {boundary}],
    ActionNames=[{action!r}], ResourceArns=[{resource!r}],
    ContextEntries=[dict(ContextKeyName=key, ContextKeyValues=[value], ContextKeyType=kind)
                    for key, kind, value in {context}])
decision = answer["EvaluationResults"][0]["EvalDecision"]
print(decision)
sys.exit(decision != {wanted!r})
"""
Statement = dict[str, Any]


def simulated(
    *statements: Statement,
    action: str,
    resource: str = "*",
    context: tuple[tuple[str, str, str], ...] = (),
    boundary: tuple[Statement, ...] = (),
    wanted: str = "allowed",
    says: str = "",
) -> Proof:
    """IAM's own simulator on statements: right where it decides as `wanted`. `context`: (key, type, value)."""
    limits = [list(boundary)] if boundary else []
    return Proof(
        python(
            SIMULATED.format(
                statements=list(statements),
                boundary=limits,
                action=action,
                resource=resource,
                context=list(context),
                wanted=wanted,
            )
        ),
        says,
    )


def allow(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


# A key of its own, which goes again; `kms` and `key` are there for the call.
WITH_KEY = """\
import sys

from botocore.exceptions import ClientError
from labsupport import lab

kms = lab.client("kms")
key = kms.create_key()["KeyMetadata"]["KeyId"]
try:
{call}
except ClientError as error:
    sys.exit(error.response["Error"]["Code"])
finally:
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
"""


def with_key(call: str, says: str = "") -> Proof:
    """Some lines with a key of their own."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in call.splitlines())
    return Proof(python(WITH_KEY.format(call=lines.rstrip("\n"))), says)


# A user and a role of their own; the call is made as the user, `arn` is the role's.
WITH_ROLE = """\
import json, sys, time

import boto3
from botocore.exceptions import ClientError
from labsupport import lab

iam, there = lab.client("iam"), lab.client("iam", profile={profile!r})
account = lab.client("sts").get_caller_identity()["Account"]
iam.create_user(UserName="quiz-guard")
made = iam.create_access_key(UserName="quiz-guard")["AccessKey"]
someone = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"])
statement = {{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}
statement |= {condition}
trust = json.dumps({{"Version": "2012-10-17", "Statement": [statement]}})
try:
    role = there.create_role(RoleName="quiz-guard", AssumeRolePolicyDocument=trust, MaxSessionDuration=7200)
    arn = role["Role"]["Arn"]
    if {allowed}:
        document = {{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Action": {allowed}, "Resource": "*"}}]}}
        iam.put_user_policy(UserName="quiz-guard", PolicyName="quiz", PolicyDocument=json.dumps(document))
{call}
except ClientError as error:
    sys.exit(error.response["Error"]["Message"])
finally:
    for name in there.list_role_policies(RoleName="quiz-guard")["PolicyNames"]:
        there.delete_role_policy(RoleName="quiz-guard", PolicyName=name)
    there.delete_role(RoleName="quiz-guard")
    if {allowed}:
        iam.delete_user_policy(UserName="quiz-guard", PolicyName="quiz")
    iam.delete_access_key(UserName="quiz-guard", AccessKeyId=made["AccessKeyId"])
    iam.delete_user(UserName="quiz-guard")
"""
US = '{"AWS": f"arn:aws:iam::{account}:root"}'
ASSUME = 'someone.client("sts").assume_role(RoleArn=arn, RoleSessionName="quiz"{extra})'


def with_role(
    call: str = ASSUME.format(extra=""),
    *,
    profile: str = "second",
    principal: str = US,
    condition: str = "{}",
    allowed: str = '["sts:AssumeRole"]',
    says: str = "",
) -> Proof:
    """A call of a user who may do `allowed`, with a role in the account of `profile` that trusts `principal`."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in call.splitlines())
    code = WITH_ROLE.format(
        profile=profile, principal=principal, condition=condition, allowed=allowed, call=lines.rstrip("\n")
    )
    return Proof(python(code), says)
