"""Who is told of a bucket's events: which rules are taken (User Guide: "Amazon S3 Event Notifications").

EventBridge gets everything where it is switched on. A topic or queue gets what its rule names, after it has let S3
send a test message; a function whose policy lets S3 call it gets no test.
"""

import secrets
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import msgspec

from labsupport.cloud.core.arn import parse, queue_url
from labsupport.cloud.core.call import Call, Client
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import service_principal
from labsupport.cloud.services.s3.base import BUCKET, Bucket, Params, bucket_named, service
from labsupport.cloud.wire.serialize import s3_host_id

SUBJECT = "Amazon S3 Notification"
# Kind of rule -> (where its destination's ARN stands, the destination's service).
_KINDS = {
    "TopicConfigurations": ("TopicArn", "sns"),
    "QueueConfigurations": ("QueueArn", "sqs"),
    "LambdaFunctionConfigurations": ("LambdaFunctionArn", "lambda"),
}


class Rule(NamedTuple):
    id: str
    service: str
    arn: str
    events: list[str]
    prefix: str
    suffix: str

    def covers(self, event: str, key: str) -> bool:
        """Whether an event (`ObjectCreated:Put`) of a key is one that the rule asks for."""
        family = f"s3:{event.partition(':')[0]}:*"
        named = f"s3:{event}" in self.events or family in self.events
        return named and key.startswith(self.prefix) and key.endswith(self.suffix)


def rules_of(configuration: Params) -> Iterator[Rule]:
    for kind, (place, destination) in _KINDS.items():
        for one in configuration.get(kind, []):
            prefix, suffix = _filter(one)
            yield Rule(one.get("Id", ""), destination, one[place], one["Events"], prefix, suffix)


def _filter_rules(one: Params) -> list[Params]:
    rules: list[Params] = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return rules


def _filter(one: Params) -> tuple[str, str]:
    found: dict[str, str] = {}
    for rule in _filter_rules(one):
        name = rule.get("Name", "").lower()
        if name not in ("prefix", "suffix"):
            raise _invalid("filter rule name must be either prefix or suffix", rule.get("Name", ""))
        if name in found:
            raise _invalid(f"Cannot specify more than one {name} rule in a filter.", rule.get("Value", ""))
        found[name] = rule.get("Value", "")
    return found.get("prefix", ""), found.get("suffix", "")


def _invalid(message: str, value: str) -> AwsError:
    return AwsError("InvalidArgument", message, 400, ArgumentName=value, ArgumentValue=value)


@service.operation(on=BUCKET, action="s3:PutBucketNotification")
async def put_bucket_notification_configuration(call: Call, params: Params) -> Params:
    """Takes the place of all rules that were there; none of it counts if one destination refuses S3."""
    bucket, wanted = bucket_named(call, params), _named(params["NotificationConfiguration"])
    rules = list(rules_of(wanted))
    for rule in rules:
        _check_destination(call, bucket, rule)
    for one, other in combinations(rules, 2):
        _refuse_overlap(one, other)
    asked = {} if params.get("SkipDestinationValidation") else {rule.arn: rule.service for rule in rules}
    for arn in (arn for arn, kind in asked.items() if kind == "lambda"):
        await _try_function(call, bucket, arn)
    with call.transaction():
        bucket = bucket_named(call, params)
        bucket.notifications = _as_told(wanted)
        call.store.put(bucket)
        for arn in (arn for arn, kind in asked.items() if kind != "lambda"):
            _test(call, bucket, arn)
        call.conclude({})
    return {}


def _named(configuration: Params) -> Params:
    """With an id for each rule that has none."""
    for kind in _KINDS:
        for one in configuration.get(kind, []):
            one.setdefault("Id", secrets.token_urlsafe(36))
    return {kind: rules for kind, rules in configuration.items() if rules or kind == "EventBridgeConfiguration"}


def _as_told(configuration: Params) -> Params:
    """S3 takes `prefix` and `Prefix`, and answers `Prefix`."""
    for one in (one for kind in _KINDS for one in configuration.get(kind, [])):
        for rule in _filter_rules(one):
            rule["Name"] = rule["Name"].capitalize()
    return configuration


def _check_destination(call: Call, bucket: Bucket, rule: Rule) -> None:
    arn = parse(rule.arn)
    if arn is None or arn.service != rule.service:
        raise _invalid("The ARN is not well formed", rule.arn)
    if arn.region != bucket.region:
        message = "The notification destination service region is not valid for the bucket location constraint"
        raise _invalid(message, rule.arn)


def _refuse_overlap(one: Rule, other: Rule) -> None:
    """Of two rules at most one may fit an event of a key."""
    if not any(_meet(a, b) for a in one.events for b in other.events):
        return
    if not (one.prefix or one.suffix or other.prefix or other.suffix):
        message = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        raise _invalid(message, one.id)
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    if prefixes and suffixes:
        message = (
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
            "overlapping for the same event type."
        )
        raise _invalid(message, one.id)


def _meet(one: str, other: str) -> bool:
    """Whether two names of events (`s3:ObjectCreated:*`) stand for a common one."""
    families = one.rpartition(":")[0] == other.rpartition(":")[0]
    return one == other or (families and "*" in (one[-1], other[-1]))


def _test(call: Call, bucket: Bucket, arn: str) -> None:
    text = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": f"{call.now:%Y-%m-%dT%H:%M:%S}.{call.now.microsecond // 1000:03d}Z",
        "Bucket": bucket.name,
        "RequestId": call.request_id,
        "HostId": s3_host_id(call.request_id),
    }
    try:
        send(call, bucket, arn, text)
    except AwsError as error:
        raise _unusable(arn, error) from None


async def _try_function(call: Call, bucket: Bucket, arn: str) -> None:
    """May S3 call it? Nothing is run."""
    try:
        await _as_s3(call, bucket, "lambda").invoke(FunctionName=arn, InvocationType="DryRun")
    except AwsError as error:
        raise _unusable(arn, error) from None


def _unusable(arn: str, error: AwsError) -> AwsError:
    if error.code in ("NotSimulated", "InternalFailure"):
        return error
    message = "Unable to validate the following destination configurations"
    return AwsError("InvalidArgument", message, 400, ArgumentName=arn, ArgumentValue=error.message)


def _as_s3(call: Call, bucket: Bucket, service_name: str) -> Client:
    """Another service, as S3 on the bucket's behalf."""
    return Client(call, service_name, service_principal(service.principal, bucket.account), bucket.arn)


def send(call: Call, bucket: Bucket, arn: str, message: Any) -> None:
    """To a topic or a queue as S3, on the bucket's behalf: its policy, and its key's, have to let S3 in."""
    text = msgspec.json.encode(message).decode()
    if arn.startswith("arn:aws:sqs:"):
        _as_s3(call, bucket, "sqs").send_message(QueueUrl=queue_url(arn), MessageBody=text)
    else:
        _as_s3(call, bucket, "sns").publish(TopicArn=arn, Subject=SUBJECT, Message=text)


async def call_function(call: Call, bucket: Bucket, arn: str, message: Any) -> None:
    """Hand a message to a function, which takes it now and runs later: its policy has to let S3 in."""
    payload = msgspec.json.encode(message)
    await _as_s3(call, bucket, "lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=payload)


@service.operation(on=BUCKET, action="s3:GetBucketNotification")
def get_bucket_notification_configuration(call: Call, params: Params) -> Params:
    return bucket_named(call, params).notifications
