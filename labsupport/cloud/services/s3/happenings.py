"""What happens to objects, told to EventBridge and to the topics, queues and functions that a bucket names.

User Guide: "EventBridge event message structure", "Event message structure". A message is kept with the transaction
that caused it and sent from there, so that none is lost.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import msgspec

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import NULL, Bucket, Object, Params, canonical_id, is_form, service, start_for
from labsupport.cloud.services.s3.notifications import Rule, call_function, rules_of, send
from labsupport.cloud.store.record import record
from labsupport.cloud.wire.serialize import s3_host_id

log = logging.getLogger("labsupport.cloud.s3")
# Event's name in notifications -> its detail type on the bus.
_ON_THE_BUS = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
    "LifecycleTransition": "Object Storage Class Changed",
    "ObjectRestore": "Object Restore Initiated",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
}
_CREATED = {"PutObject": "Put", "PostObject": "Post", "CopyObject": "Copy"}
_REASONS = {"PostObject": "POST Object"}
_NEWER = ("LifecycleExpiration", "LifecycleTransition", "ObjectTagging")  # told in version 2.3 of the structure


@record("s3.notice", key=("id",))
class Notice(msgspec.Struct, kw_only=True):
    """A message on its way to a topic, a queue or a function."""

    id: str
    bucket: str
    topic: str  # ARN of any of them
    text: Any


def created(call: Call, bucket: Bucket, made: Object) -> None:
    if bucket.notifications:
        operation = "PostObject" if is_form(call) else call.operation
        name = _CREATED.get(operation, operation)
        told = {"size": made.size, "etag": made.etag}
        tell(call, bucket, f"ObjectCreated:{name}", made, told, reason=_REASONS.get(operation, operation))


def removed(call: Call, bucket: Bucket, gone: Object, marked: bool, lifecycle: bool = False) -> None:
    """An object (version) deleted for good, or a marker put over it: `gone` is what is no more, or the marker."""
    if bucket.notifications:
        family = "LifecycleExpiration" if lifecycle else "ObjectRemoved"
        name, kind = ("DeleteMarkerCreated", "Delete Marker Created") if marked else ("Delete", "Permanently Deleted")
        more = {"reason": "Lifecycle Expiration" if lifecycle else "DeleteObject", "deletion-type": kind}
        tell(call, bucket, f"{family}:{name}", gone, {}, **more)


def tell(call: Call, bucket: Bucket, event: str, one: Object, told: Params, **more: Any) -> None:
    """`told` describes the object, `more` stands beside it in the bus's event."""
    sequencer = f"{int(call.epoch * 1e9):016X}"
    if "EventBridgeConfiguration" in bucket.notifications:
        shown = {"key": one.key, **told, **({"version-id": one.version} if one.version != NULL else {})}
        _publish(call, bucket, event, {"object": {**shown, "sequencer": sequencer}, **more})
    for rule in rules_of(bucket.notifications):
        if rule.covers(event, one.key):
            notice = Notice(
                id=ids.uuid4(),
                bucket=bucket.name,
                topic=rule.arn,
                text={"Records": [_message(call, bucket, event, rule, one, told, sequencer)]},
            )
            call.store.put(notice)
            start_for(call, bucket, "notify", notice.id)


def _publish(call: Call, bucket: Bucket, event: str, detail: Params) -> None:
    kind = _ON_THE_BUS.get(event) or _ON_THE_BUS[event.partition(":")[0]]
    common = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "request-id": call.request_id,
        "requester": call.caller.service if call.caller.kind == "service" else call.caller.account,
        "source-ip-address": call.source_ip,
    }
    call.emit(kind, {**common, **detail}, [bucket.arn])


def _message(
    call: Call, bucket: Bucket, event: str, rule: Rule, one: Object, told: Params, sequencer: str
) -> dict[str, Any]:
    shown: Params = {"key": quote_plus(one.key, safe="/"), "sequencer": sequencer}
    shown |= {"eTag" if name == "etag" else name: value for name, value in told.items()}
    if one.version != NULL:
        shown["versionId"] = one.version
    owner = {"principalId": canonical_id(bucket.account)}
    now = datetime.fromtimestamp(call.epoch, UTC)
    return {
        "eventVersion": "2.3" if event.startswith(_NEWER) else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "eventName": event,
        "userIdentity": {"principalId": _principal(call)},
        "requestParameters": {"sourceIPAddress": call.source_ip},
        "responseElements": {"x-amz-request-id": call.request_id, "x-amz-id-2": s3_host_id(call.request_id)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule.id,
            "bucket": {"name": bucket.name, "ownerIdentity": owner, "arn": bucket.arn},
            "object": shown,
        },
    }


def _principal(call: Call) -> str:
    if call.caller.kind == "anonymous":
        return "Anonymous"
    return call.caller.service or f"AWS:{call.caller.id}"


@service.task("notify")
async def notify(call: Call, notice_id: str) -> float | None:
    """Send a message. Whatever is gone or takes it no more loses it, as at AWS."""
    notice = call.store.get(Notice, notice_id)
    if notice is None:
        return None
    bucket = call.store.get(Bucket, notice.bucket)
    to_function = notice.topic.startswith("arn:aws:lambda:")
    try:
        if bucket and to_function:  # before the message is forgotten: rather twice than never
            await call_function(call, bucket, notice.topic, notice.text)
        with call.transaction():
            call.store.delete(notice)
            if bucket and not to_function:
                send(call, bucket, notice.topic, notice.text)
    except AwsError as error:
        log.warning("a message of %s to %s is lost: %s", notice.bucket, notice.topic, error)
        call.store.delete(notice)
    return None
