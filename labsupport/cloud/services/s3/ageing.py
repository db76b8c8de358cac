"""Lifecycle rules at work, at each midnight of the lab's clock (UTC), as AWS applies them once a day.

User Guide: "Lifecycle configuration elements".
"""

import asyncio
from collections.abc import Iterator

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.s3 import content
from labsupport.cloud.services.s3.base import Bucket, Object, Params, Version, service
from labsupport.cloud.services.s3.dates import abort_of, covers, due, rules_of, to_midnight
from labsupport.cloud.services.s3.deleting import delete
from labsupport.cloud.services.s3.happenings import tell
from labsupport.cloud.services.s3.protection import is_protected
from labsupport.cloud.services.s3.uploads import forget, uploads

_CHUNK = 200  # keys of one transaction
_SMALL = 128 * 1024  # bytes: smaller objects are not moved unless a rule says so
# From dear and quick to cheap and slow: objects move forwards only.
_LADDER = ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR",
           "GLACIER", "DEEP_ARCHIVE")  # fmt: skip


@service.task("lifecycle")
async def lifecycle(call: Call, name: str) -> float | None:
    after: str | None = ""
    while after is not None:
        with call.transaction():
            bucket = call.store.get(Bucket, name)
            if bucket is None or bucket.account != call.account or not bucket.lifecycle:
                return None
            after = _some(call, bucket, after)
        await asyncio.sleep(0)
    with call.transaction():
        _give_up(call, name)
    return to_midnight(call.epoch)


def _some(call: Call, bucket: Bucket, after: str) -> str | None:
    """Apply the rules to the next keys; the last of them, or None at the end."""
    keys = list(call.store.list(Object, bucket.name, after=after or None, limit=_CHUNK))
    for current in keys:
        versions = list(call.store.list(Version, bucket.name, current.key)) if bucket.versioning else []
        _age_versions(call, bucket, [current, *versions])
        _age_current(call, bucket, current, bool(versions))
    return keys[-1].key if len(keys) == _CHUNK else None


def _age_current(call: Call, bucket: Bucket, current: Object, has_versions: bool) -> None:
    for rule in rules_of(bucket):
        action = rule.get("Expiration", {})
        if not covers(rule, current.key, current):
            continue
        if current.marker:
            if not (has_versions and _has_versions(call, current)) and _marker_ends(call, current, action):
                return _remove(call, bucket, current, current.version)
        elif action.keys() & {"Days", "Date"} and due(current.modified, action) <= call.epoch:
            return _remove(call, bucket, current, None)
    if not current.marker:
        _move(call, bucket, current, "Transitions", "Days", current.modified)
    return None


def _has_versions(call: Call, current: Object) -> bool:
    return any(True for _ in call.store.list(Version, current.bucket, current.key, limit=1))


def _marker_ends(call: Call, marker: Object, action: Params) -> bool:
    """A marker that covers nothing any more goes where a rule says so, or once it has a rule's age."""
    if action.get("ExpiredObjectDeleteMarker"):
        return True
    return "Days" in action and due(marker.modified, action) <= call.epoch


def _age_versions(call: Call, bucket: Bucket, versions: list[Object]) -> None:
    """Earlier versions, the newest first: each is out of date since the one before it in the list came."""
    for place, one in enumerate(versions[1:]):
        since = versions[place].modified
        if any(_version_ends(call, rule, one, since, place) for rule in rules_of(bucket)):
            _remove(call, bucket, one, one.version)
        elif not one.marker:
            _move(call, bucket, one, "NoncurrentVersionTransitions", "NoncurrentDays", since)


def _version_ends(call: Call, rule: Params, one: Object, since: float, newer: int) -> bool:
    """`newer` is how many earlier versions are newer than this one."""
    action = rule.get("NoncurrentVersionExpiration")
    if not action or newer < action.get("NewerNoncurrentVersions", 0) or not covers(rule, one.key, one):
        return False
    return due(since, action, "NoncurrentDays") <= call.epoch


def _remove(call: Call, bucket: Bucket, one: Object, version: str | None) -> None:
    if version is not None and is_protected(call, one):
        return
    _, freed = delete(call, bucket, one.key, version, lifecycle=True)
    content.remove(call, freed)


def _move(call: Call, bucket: Bucket, one: Object, kind: str, days: str, since: float) -> None:
    """Change the storage class to the last one on the ladder that is due."""
    ready = [target for target in _targets(call, bucket, one, kind, days, since) if _step(target) > _step(one.storage)]
    if ready:
        one.storage = max(ready, key=_step)
        call.store.put(one)
        more = {"destination-storage-class": one.storage}
        tell(call, bucket, "LifecycleTransition", one, {"size": one.size, "etag": one.etag}, **more)


def _targets(call: Call, bucket: Bucket, one: Object, kind: str, days: str, since: float) -> Iterator[str]:
    for rule in rules_of(bucket):
        if not covers(rule, one.key, one):
            continue
        for action in rule.get(kind, []):
            if due(since, action, days) <= call.epoch and not _too_small(bucket, rule, one, action["StorageClass"]):
                yield action["StorageClass"]


def _too_small(bucket: Bucket, rule: Params, one: Object, target: str) -> bool:
    told = rule.get("Filter", {})
    if "ObjectSizeGreaterThan" in told or "ObjectSizeGreaterThan" in told.get("And", {}):
        return False
    by_class = bucket.lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    return one.size < _SMALL and not (by_class and target in ("GLACIER", "DEEP_ARCHIVE"))


def _step(storage: str) -> int:
    return _LADDER.index(storage)


def _give_up(call: Call, name: str) -> None:
    bucket = call.store.get(Bucket, name)
    if bucket is None:
        return
    for upload in list(uploads(call, name)):
        ends = abort_of(bucket, upload.key, upload.begun).get("AbortDate")
        if ends and ends.timestamp() <= call.epoch:
            content.remove(call, forget(call, upload))
