"""Listings: objects (both versions of the call), versions."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote_plus

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import (
    BUCKET,
    Bucket,
    Object,
    Params,
    Version,
    bucket_named,
    canonical_id,
    restore_status,
    service,
    time,
)
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.ownership import owner_of

_LAST = "\U0010ffff"  # sorts behind every key with the same beginning
_CHUNK = 1000


class Found(NamedTuple):
    """One entry of a page: an object, or a prefix that stands for many."""

    key: str
    object: Object | None


def _entries(call: Call, bucket: Bucket, params: Params, after: str | None, markers: bool = False) -> Iterator[Found]:
    """Keys and common prefixes in their order; a prefix's keys are jumped over. `markers`: deleted keys, too."""
    prefix = params.get("Prefix", "")
    after = behind(after, params)
    while True:
        chunk = list(call.store.list(Object, bucket.name, starting=prefix, after=after, limit=_CHUNK))
        jumped = False
        for one in chunk:
            after, common = one.key, common_prefix(one.key, params)
            if one.marker and not markers:
                continue
            if not common:
                yield Found(one.key, one)
            else:
                yield Found(common, None)
                after, jumped = common + _LAST, True
                break
        if not jumped and len(chunk) < _CHUNK:
            return


def common_prefix(key: str, params: Params) -> str:
    """The common prefix that a key belongs to: up to the first delimiter behind the prefix asked for."""
    delimiter, prefix = params.get("Delimiter", ""), params.get("Prefix", "")
    cut = key.find(delimiter, len(prefix)) if delimiter and key.startswith(prefix) else -1
    return key[: cut + len(delimiter)] if cut >= 0 else ""


def behind(after: str | None, params: Params) -> str | None:
    """A marker that is itself a common prefix stands for all of its keys."""
    return after + _LAST if after and common_prefix(after, params) == after else after


def _size(params: Params) -> int:
    size: int = params.get("MaxKeys", _CHUNK)
    if size < 0:
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647", 400)
    return min(size, _CHUNK)


def _page(call: Call, params: Params, after: str | None) -> tuple[list[Found], bool]:
    size, bucket = _size(params), bucket_named(call, params)
    page: list[Found] = []
    for found in _entries(call, bucket, params, after):
        if len(page) == size:
            return page, size > 0
        page.append(found)
    return page, False


def encoded(params: Params, text: str) -> str:
    """A key as XML can always carry it: percent-encoded, but for a slash and an asterisk; a space is a plus."""
    return quote_plus(text, safe="/*").replace("~", "%7E") if params.get("EncodingType") == "url" else text


def _further(call: Call, bucket: Bucket, params: Params, one: Object, owner: bool = True) -> Params:
    """What not every listing tells of an object: its owner, and how its restoration stands."""
    further: Params = {}
    if owner:
        further["Owner"] = {"ID": canonical_id(owner_of(bucket, one))}
    if "RestoreStatus" in params.get("OptionalObjectAttributes", ()):
        further |= restore_status(call, one)
    return further


def _contents(params: Params, page: list[Found], further: Callable[[Object], Params]) -> Params:
    contents, prefixes = [], []
    for key, one in page:
        if one is None:
            prefixes.append({"Prefix": encoded(params, key)})
            continue
        shown: Params = {
            "Key": encoded(params, key),
            "LastModified": time(one.modified),
            "ETag": f'"{one.etag}"',
            "Size": one.size,
            "StorageClass": one.storage,
        }
        contents.append(shown | further(one))
    return {"Contents": contents, "CommonPrefixes": prefixes}


def _echo(params: Params, *names: str) -> Params:
    """What a listing repeats of its request."""
    shown = {name: encoded(params, params[name]) for name in names if params.get(name)}
    options = {"Name": params["Bucket"], "MaxKeys": _size(params), "Prefix": shown.pop("Prefix", "")}
    return {**options, **shown, "EncodingType": params.get("EncodingType")}


@service.operation(on=BUCKET, action="s3:ListBucket", context=conditions)
def list_objects_v2(call: Call, params: Params) -> Params:
    bad = AwsError("InvalidArgument", "The continuation token provided is incorrect", 400)
    token = params.get("ContinuationToken")
    after = paging.last_of(token, bad) if token else params.get("StartAfter")
    page, truncated = _page(call, params, after)
    further = partial(_further, call, bucket_named(call, params), params, owner=params.get("FetchOwner", False))
    answer = {
        **_echo(params, "Prefix", "Delimiter", "StartAfter"),
        **_contents(params, page, further),
        "KeyCount": len(page),
        "IsTruncated": truncated,
        "ContinuationToken": token,
    }
    return {**answer, "NextContinuationToken": paging.token_for(page[-1].key)} if truncated else answer


@service.operation(on=BUCKET, action="s3:ListBucket", context=conditions)
def list_objects(call: Call, params: Params) -> Params:
    page, truncated = _page(call, params, params.get("Marker"))
    further = partial(_further, call, bucket_named(call, params), params)
    answer = {
        **_echo(params, "Prefix", "Delimiter"),
        **_contents(params, page, further),
        "Marker": encoded(params, params.get("Marker", "")),
        "IsTruncated": truncated,
    }
    return {**answer, "NextMarker": encoded(params, page[-1].key)} if truncated and params.get("Delimiter") else answer


@service.operation(on=BUCKET, action="s3:ListBucketVersions", context=conditions)
def list_object_versions(call: Call, params: Params) -> Params:
    """Every version and marker, keys in their order, each key's newest first."""
    bucket, size = bucket_named(call, params), _size(params)
    if params.get("VersionIdMarker") and not params.get("KeyMarker"):
        message = "A version-id marker cannot be specified without a key marker."
        raise AwsError("InvalidArgument", message, 400, ArgumentName="version-id-marker")
    page = list(islice(_versions(call, bucket, params), size + 1))
    truncated, page = 0 < size < len(page), page[:size]
    further = partial(_further, call, bucket, params)
    answer: Params = {
        **_echo(params, "Prefix", "Delimiter"),
        "Versions": [_version(params, one, latest, further) for _, one, latest in page if one and not one.marker],
        "DeleteMarkers": [_marker(params, one, latest, further) for _, one, latest in page if one and one.marker],
        "CommonPrefixes": [{"Prefix": encoded(params, key)} for key, one, _ in page if one is None],
        "IsTruncated": truncated,
        "KeyMarker": encoded(params, params.get("KeyMarker", "")),
        "VersionIdMarker": params.get("VersionIdMarker", ""),
    }
    if truncated:
        key, last, _ = page[-1]
        answer |= {"NextKeyMarker": encoded(params, key), "NextVersionIdMarker": last.version if last else None}
    return answer


def _versions(call: Call, bucket: Bucket, params: Params) -> Iterator[tuple[str, Object | None, bool]]:
    """(key or prefix, version, is it the latest) behind the markers."""
    key_marker, version_marker = params.get("KeyMarker") or None, params.get("VersionIdMarker")
    if key_marker and version_marker:
        yield from _rest(call, bucket, key_marker, version_marker)
    for key, current in _entries(call, bucket, params, key_marker, markers=True):
        if current is None:
            yield key, None, False
            continue
        yield key, current, True
        yield from ((key, one, False) for one in call.store.list(Version, bucket.name, key))


def _rest(call: Call, bucket: Bucket, key: str, version: str) -> Iterator[tuple[str, Object | None, bool]]:
    """A key's versions that are older than the one named; all that are left where that one has been deleted."""
    current = call.store.get(Object, bucket.name, key)
    every = [*([current] if current else []), *call.store.list(Version, bucket.name, key)]
    passed = next((place for place, one in enumerate(every, start=1) if one.version == version), 0)
    yield from ((key, one, one is current) for one in every[passed:])


def _version(params: Params, one: Object, latest: bool, further: Callable[[Object], Params]) -> Params:
    shown = {"ETag": f'"{one.etag}"', "Size": one.size, "StorageClass": one.storage}
    return {**shown, **_marker(params, one, latest, further)}


def _marker(params: Params, one: Object, latest: bool, further: Callable[[Object], Params]) -> Params:
    return {
        "Key": encoded(params, one.key),
        "VersionId": one.version,
        "IsLatest": latest,
        "LastModified": time(one.modified),
        **further(one),
    }
