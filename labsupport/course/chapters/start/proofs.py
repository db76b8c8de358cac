"""Scenarios that several questions of this chapter are proved by: each makes what it needs, and takes it away again."""

from labsupport.course.declare import Proof, python

# A user of its own, who may do what `statements` say; the call is made as that user.
AS_USER = """\
import json, sys

import boto3
from botocore.exceptions import ClientError
from labsupport import lab

iam, account = lab.client("iam"), lab.client("sts").get_caller_identity()["Account"]
iam.create_user(UserName={user!r})
key = iam.create_access_key(UserName={user!r})["AccessKey"]
statements = {statements}
if statements:
    document = json.dumps({{"Version": "2012-10-17", "Statement": statements}})
    iam.put_user_policy(UserName={user!r}, PolicyName="quiz", PolicyDocument=document)
someone = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
try:
    {call}
except ClientError as error:
    sys.exit(error.response["Error"]["Message"])
finally:
    if statements:
        iam.delete_user_policy(UserName={user!r}, PolicyName="quiz")
    iam.delete_access_key(UserName={user!r}, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName={user!r})
"""
PUT = 'someone.client("s3").put_object(Bucket=f"shop-artifacts-{account}", Key="quiz/note.txt", Body=b"A note")'


def as_user(user: str, call: str, statements: str = "[]", says: str = "") -> Proof:
    """The call by a user who may do what the statements say, and nothing else."""
    return Proof(python(AS_USER.format(user=user, call=call, statements=statements)), says)


def may_put(user: str, *statements: str, says: str = "") -> Proof:
    """An object put into the artifact bucket by a user to whom the statements apply."""
    return as_user(user, PUT, f"[{', '.join(statements)}]", says)


TEMPLATE = """\
import sys

from botocore.exceptions import ClientError
from labsupport import lab

template = \"\"\"
{template}\"\"\"
try:
    lab.client("cloudformation").validate_template(TemplateBody=template)
except ClientError as error:
    sys.exit(error.response["Error"]["Message"])
"""


def template(text: str, says: str = "") -> Proof:
    """Whether CloudFormation takes a template."""
    return Proof(python(TEMPLATE.format(template=text)), says)


PATTERN = """\
import json, sys

from labsupport import lab

event = {{
    "id": "1", "account": "123456789012", "region": "us-east-1", "time": "2026-01-01T00:00:00Z",
    "source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change",
    "resources": ["arn:aws:codecommit:us-east-1:123456789012:shop"],
    "detail": {{"event": "referenceUpdated", "referenceType": "branch", "referenceName": "main"}},
}}
pattern = {pattern}
found = lab.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
if not found["Result"]:
    sys.exit("The pattern does not match the event.")
"""


def matches(pattern: str, says: str = "") -> Proof:
    """Whether an EventBridge pattern matches the event of a push to main."""
    return Proof(python(PATTERN.format(pattern=pattern)), says)
