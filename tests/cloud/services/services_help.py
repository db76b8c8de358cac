"""What the tests of several services share: people, policies, refusals, mail and the trail."""

import json
import re
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labsupport import mailbox

ACCOUNT = "123456789012"


def refused(operation: Any, /, *given: Any, **params: Any) -> tuple[str, str]:
    """The code and the message of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        operation(*given, **params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def code_of(operation: Any, /, *given: Any, **params: Any) -> str:
    return refused(operation, *given, **params)[0]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def may(*actions: str, effect: str = "Allow", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": effect, "Action": list(actions), "Resource": resource}
    return {**found, "Condition": condition} if condition else found


def person(cloud: Any, name: str, *statements: dict[str, Any]) -> Any:
    """A new user with these permissions: a function that gives its client of a service."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"], "SessionToken": None}
    return lambda service, **more: cloud.client(service, credentials=keys, **more)


def trusting(*services: str, **condition: Any) -> str:
    """A trust policy for AWS services."""
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return policy({**statement, "Condition": condition} if condition else statement)


def service_role(cloud: Any, name: str, service: str, *statements: dict[str, Any]) -> str:
    """The ARN of a new role that a service may assume."""
    iam = cloud.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(f"{service}.amazonaws.com"))["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return str(made["Arn"])


def trail(cloud: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    """CloudTrail's records of an operation, the oldest first."""
    found = cloud.client("cloudtrail", **more).get_paginator("lookup_events")
    pages = found.paginate(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
    events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    return events[::-1]


def mails(cloud: Any, to: str) -> list[dict[str, Any]]:
    """The messages to an address, the oldest first."""
    return mailbox.messages(cloud.home, to)[::-1]


def subscribed(cloud: Any, topic: str, address: str, protocol: str = "email", **more: Any) -> str:
    """A confirmed subscription's ARN; its confirmation is out of the mailbox's way after this (see `news`)."""
    sns = cloud.client("sns")
    made = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=address, ReturnSubscriptionArn=True, **more)
    visit(link_in(mails(cloud, address)[-1]["body"], "ConfirmSubscription"))
    return str(made["SubscriptionArn"])


def news(cloud: Any, address: str) -> list[dict[str, Any]]:
    """The notifications to an address: its mails without confirmations."""
    return [one for one in mails(cloud, address) if "Subscription Confirmation" not in one["subject"]]


def text_of(mail: dict[str, Any]) -> str:
    """What was published, without the foot that a mail has."""
    body: str = mail["body"]
    return body.partition("\n\n--\n")[0]


def link_in(body: str, action: str) -> str:
    found = re.search(rf"http://\S+Action={action}\S*", body)
    assert found, body
    return found[0]


def visit(link: str) -> str:
    with urllib.request.urlopen(link, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def open_topic(cloud: Any, name: str, *services: str) -> str:
    """A topic that these services may publish to."""
    sns = cloud.client("sns")
    arn: str = sns.create_topic(Name=name)["TopicArn"]
    names = [f"{one}.amazonaws.com" for one in services]
    statement = {"Effect": "Allow", "Principal": {"Service": names}, "Action": "sns:Publish", "Resource": arn}
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy(statement))
    return arn
