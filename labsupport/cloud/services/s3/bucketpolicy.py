"""Bucket policies: who may do what to a bucket and its objects (User Guide: "Bucket policies for Amazon S3")."""

import json
import re
from collections.abc import Iterator
from typing import Any

from labsupport.cloud.core import principals
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.policy import document
from labsupport.cloud.services.s3.base import BUCKET, Bucket, Params, bucket_named, service
from labsupport.cloud.services.s3.public import is_public, statements
from labsupport.cloud.services.s3.vocabulary import acts_on, is_condition_key

_LARGEST = 20 * 1024  # bytes


@service.operation(on=BUCKET)
def put_bucket_policy(call: Call, params: Params) -> Params:
    bucket, text = bucket_named(call, params), params["Policy"]
    if len(text.encode()) > _LARGEST:
        raise _malformed("The policy exceeds the maximum allowed document size.")
    try:
        document.parse(text, "resource")
        kept = principals.stored(call.store, text)
    except AwsError as error:
        raise _malformed(error.message) from None
    except principals.Nobody:
        raise _malformed("Invalid principal in policy") from None
    for statement in statements(json.loads(text)):
        _check(bucket, statement)
    if bucket.public_block.get("BlockPublicPolicy") and is_public(text):
        message = (
            f"User: {call.caller.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"{bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public '
            "Access."
        )
        raise AwsError("AccessDenied", message, 403)
    bucket.policy = kept
    call.store.put(bucket)
    return {}


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, 400)


def _check(bucket: Bucket, statement: Params) -> None:
    """A bucket's policy speaks of that bucket only, of S3's actions, and of what they act upon."""
    resources = _listed(statement.get("Resource", statement.get("NotResource", [])))
    for resource in resources:
        name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        if not resource.startswith("arn:") or not re.fullmatch(_pattern(name), bucket.name):
            raise _malformed("Policy has invalid resource")
    actions = _listed(statement.get("Action", statement.get("NotAction", [])))
    if not all(acts_on(action) for action in actions):
        raise _malformed("Policy has invalid action")
    if "Action" in statement and "Resource" in statement and not _meet(actions, resources):
        raise _malformed("Action does not apply to any resource(s) in statement")
    if not all(is_condition_key(key) for key in _condition_keys(statement)):
        raise _malformed("Policy has an invalid condition key")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _pattern(name: str) -> str:
    return re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")


def _meet(actions: list[str], resources: list[str]) -> bool:
    """Whether each action acts upon one of the resources at least: the bucket itself, or something in it."""
    kinds: set[str] = set()
    for resource in resources:
        name, slash, _ = resource.removeprefix("arn:aws:s3:::").partition("/")
        kinds |= {"object"} if slash else {"bucket", "object"} if "*" in name else {"bucket"}
    return all(acts_on(action) & kinds for action in actions)


def _condition_keys(statement: Params) -> Iterator[str]:
    for tests in statement.get("Condition", {}).values():
        yield from tests


@service.operation(on=BUCKET)
def get_bucket_policy(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.policy:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, BucketName=bucket.name)
    return {"Policy": principals.shown(call.store, bucket.policy)}


@service.operation(on=BUCKET)
def get_bucket_policy_status(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.policy:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, BucketName=bucket.name)
    return {"PolicyStatus": {"IsPublic": is_public(bucket.policy)}}


@service.operation(on=BUCKET)
def delete_bucket_policy(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    bucket.policy = ""
    call.store.put(bucket)
    return {}
