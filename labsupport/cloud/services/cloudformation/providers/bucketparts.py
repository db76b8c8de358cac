"""A bucket's properties, from how templates write them to how S3's operations do (Template Reference)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.records import Params


def as_it_is(props: Params, _bucket: str) -> Params:
    return props


def renamed(props: Params, **names: str) -> Params:
    """Members under other names; those that are not named keep theirs."""
    return {names.get(name, name): value for name, value in props.items()}


def encryption(props: Params, _bucket: str) -> Params:
    rules = props["ServerSideEncryptionConfiguration"]
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [renamed(rule, **names) for rule in rules]}


def cors(props: Params, _bucket: str) -> Params:
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [renamed(rule, **names) for rule in props["CorsRules"]]}


def logging(props: Params, bucket: str) -> Params:
    """Without a destination the bucket keeps its own logs."""
    told = {"TargetBucket": props.get("DestinationBucketName", bucket), "TargetPrefix": props.get("LogFilePrefix", "")}
    if "TargetObjectKeyFormat" in props:
        told["TargetObjectKeyFormat"] = props["TargetObjectKeyFormat"]
    return {"LoggingEnabled": told}


def website(props: Params, _bucket: str) -> Params:
    told = {name: props[name] for name in ("RedirectAllRequestsTo",) if name in props}
    if "IndexDocument" in props:
        told["IndexDocument"] = {"Suffix": props["IndexDocument"]}
    if "ErrorDocument" in props:
        told["ErrorDocument"] = {"Key": props["ErrorDocument"]}
    if "RoutingRules" in props:
        names = {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}
        told["RoutingRules"] = [renamed(rule, **names) for rule in props["RoutingRules"]]
    return told


# Notifications


def notification(props: Params, _bucket: str) -> Params:
    told: Params = {}
    for kind, target in (("Topic", "Topic"), ("Queue", "Queue"), ("Lambda", "Function")):
        rules = props.get(f"{kind}Configurations", [])
        name = "LambdaFunction" if kind == "Lambda" else kind
        if rules:
            told[f"{name}Configurations"] = [_notified(rule, target, f"{name}Arn") for rule in rules]
    if props.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
        told["EventBridgeConfiguration"] = {}
    return told


def _notified(rule: Params, target: str, arn: str) -> Params:
    told = {arn: rule[target], "Events": [rule["Event"]]}
    if "Filter" in rule:
        told["Filter"] = {"Key": {"FilterRules": rule["Filter"]["S3Key"]["Rules"]}}
    return told


# Lifecycle


def lifecycle(props: Params, _bucket: str) -> Params:
    return {"Rules": [_rule(rule) for rule in props["Rules"]]}


def _rule(rule: Params) -> Params:
    told: Params = {"Status": rule["Status"], "Filter": _filter(rule), **dict(_ends(rule))}
    if "Id" in rule:
        told["ID"] = rule["Id"]
    if "AbortIncompleteMultipartUpload" in rule:
        told["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return told


def _filter(rule: Params) -> Params:
    """One condition stands by itself, several stand together; none is every object."""
    simple: Params = {
        name: rule[name] for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule
    }
    tags = rule.get("TagFilters", [])
    if len(simple) + len(tags) > 1:
        return {"And": {**simple, **({"Tags": tags} if tags else {})}}
    if tags:
        return {"Tag": tags[0]}
    return simple or {"Prefix": ""}


def _ends(rule: Params) -> Iterator[tuple[str, Any]]:
    """When versions end or move, the present ones and the earlier ones."""
    names = {"ExpirationInDays": "Days", "ExpirationDate": "Date", "ExpiredObjectDeleteMarker": None}
    expiration = {new or name: rule[name] for name, new in names.items() if name in rule}
    if "Date" in expiration:
        expiration["Date"] = _moment(expiration["Date"])
    if expiration:
        yield "Expiration", expiration
    moves = _both(rule, "Transition")
    if moves:
        yield "Transitions", [_move(one) for one in moves]
    if "NoncurrentVersionExpirationInDays" in rule:
        yield "NoncurrentVersionExpiration", {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    elif "NoncurrentVersionExpiration" in rule:
        yield "NoncurrentVersionExpiration", rule["NoncurrentVersionExpiration"]
    earlier = _both(rule, "NoncurrentVersionTransition")
    if earlier:
        yield "NoncurrentVersionTransitions", [renamed(one, TransitionInDays="NoncurrentDays") for one in earlier]


def _move(one: Params) -> Params:
    told = renamed(one, TransitionInDays="Days", TransitionDate="Date")
    return {**told, "Date": _moment(told["Date"])} if "Date" in told else told


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"'{text}' is no date in ISO 8601 format") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _both(rule: Params, name: str) -> list[Params]:
    """A list, and the single one that older templates write."""
    return [*rule.get(f"{name}s", []), *([rule[name]] if name in rule else [])]
