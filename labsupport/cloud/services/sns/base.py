"""Topics and subscriptions as records, and what the topics of SNS share (Amazon SNS API Reference)."""

import json
from typing import Any

import msgspec

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.service import Service
from labsupport.cloud.policy.records import Mode
from labsupport.cloud.store.record import record

Params = dict[str, Any]
service = Service("sns")


@record("sns.topic", key=("account", "region", "name"))
class Topic(msgspec.Struct, kw_only=True):
    account: str
    region: str
    name: str
    policy: str
    display_name: str = ""
    kms_key: str = ""
    attributes: dict[str, str] = {}  # further ones, kept as given
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{self.name}"


@record("sns.subscription", key=("topic", "id"))
class Subscription(msgspec.Struct, kw_only=True):
    topic: str  # ARN
    id: str
    owner: str
    protocol: str
    endpoint: str
    token: str
    confirmed: bool = False
    needs_signature: bool = False  # to unsubscribe
    attributes: dict[str, str] = {}
    principal: str  # who subscribed
    asked: float  # when its confirmation was last asked for

    @property
    def arn(self) -> str:
        return f"{self.topic}:{self.id}"

    @property
    def shown_arn(self) -> str:
        return self.arn if self.confirmed else "PendingConfirmation"


def default_policy(arn: str, account: str) -> str:
    """The policy of a new topic: its owner's account may use it."""
    actions = (
        "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe "
        "ListSubscriptionsByTopic Publish"
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions.split()],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", f"Invalid parameter: {message}", 400)


def find_topic(call: Call, arn: str) -> Topic | None:
    found = parse(arn)
    return call.store.get(Topic, found.account, found.region, found.resource) if found else None


def topic_of(call: Call, arn: str) -> Topic:
    """The topic; it has to be in the region that is called, as SNS's endpoints know their own only."""
    parsed = parse(arn)
    if parsed is None:
        raise invalid(f"TopicArn Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}")
    if parsed.service != "sns" or parsed.region != call.region:
        raise invalid("TopicArn")
    topic = find_topic(call, arn)
    if topic is None:
        raise AwsError("NotFoundException", "Topic does not exist", 404)
    return topic


def topic_of_subscription(arn: str) -> str:
    return arn.rpartition(":")[0]


def subscription_of(call: Call, arn: str) -> Subscription:
    if arn.count(":") < 5:
        raise invalid(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}")
    found = call.store.get(Subscription, *arn.rpartition(":")[::2])
    if found is None:
        raise AwsError("NotFoundException", "Subscription does not exist", 404)
    return found


def _resource_policy(call: Call, resource: str) -> tuple[str | None, str, str, Mode] | None:
    topic = find_topic(call, resource)
    return (topic.policy, "resource", topic.account, "either") if topic else None


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    topic = find_topic(call, resource)
    return topic.tags if topic else {}


service.resource_policy = _resource_policy
service.resource_tags = _resource_tags
