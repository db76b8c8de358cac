"""Listings: objects (both versions of the call), versions."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import BUCKET, Bucket, Object, Params, Version, bucket_named, service, time
from labsupport.cloud.services.s3.buckets import canonical_id

_LAST = "\U0010ffff"  # sorts behind every key with the same beginning
_CHUNK = 1000


class Found(NamedTuple):
    """One entry of a page: an object, or a prefix that stands for many."""

    key: str
    object: Object | None


def _conditions(_: Call, params: Params) -> Params:
    names = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}
    return {name: str(params[parameter]) for parameter, name in names.items() if parameter in params}


def _entries(call: Call, bucket: Bucket, prefix: str, delimiter: str, after: str | None) -> Iterator[Found]:
    """Keys and common prefixes in their order; a prefix's keys are jumped over."""
    while True:
        chunk = list(call.store.list(Object, bucket.name, starting=prefix, after=after, limit=_CHUNK))
        jumped = False
        for one in chunk:
            after = one.key
            cut = one.key.find(delimiter, len(prefix)) if delimiter else -1
            if one.marker:
                continue
            if cut < 0:
                yield Found(one.key, one)
                continue
            common = one.key[: cut + len(delimiter)]
            yield Found(common, None)
            after, jumped = common + _LAST, True
            break
        if not jumped and len(chunk) < _CHUNK:
            return


def _page(call: Call, params: Params, after: str | None) -> tuple[list[Found], bool]:
    size = min(params.get("MaxKeys", 1000), 1000)
    page: list[Found] = []
    if size < 0:
        raise AwsError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647", 400)
    bucket = bucket_named(call, params)
    after = _behind(after, params)
    for found in _entries(call, bucket, params.get("Prefix", ""), params.get("Delimiter", ""), after):
        if len(page) == size:
            return page, size > 0
        page.append(found)
    return page, False


def _behind(after: str | None, params: Params) -> str | None:
    """A marker that is itself a common prefix stands for all of its keys."""
    delimiter = params.get("Delimiter")
    if after and delimiter and after.endswith(delimiter) and after != params.get("Prefix"):
        return after + _LAST
    return after


def _encoded(params: Params, text: str) -> str:
    return quote(text, safe="/-_.~") if params.get("EncodingType") == "url" else text


def _contents(params: Params, page: list[Found], owner: str | None) -> Params:
    contents, prefixes = [], []
    for key, one in page:
        if one is None:
            prefixes.append({"Prefix": _encoded(params, key)})
            continue
        shown: Params = {
            "Key": _encoded(params, key),
            "LastModified": time(one.modified),
            "ETag": f'"{one.etag}"',
            "Size": one.size,
            "StorageClass": one.storage,
        }
        contents.append({**shown, "Owner": {"ID": owner}} if owner else shown)
    return {"Contents": contents, "CommonPrefixes": prefixes}


def _echo(params: Params, *names: str) -> Params:
    """What a listing repeats of its request."""
    shown = {name: _encoded(params, params[name]) for name in names if params.get(name)}
    options = {"Name": params["Bucket"], "MaxKeys": params.get("MaxKeys", 1000), "Prefix": shown.pop("Prefix", "")}
    return {**options, **shown, "EncodingType": params.get("EncodingType")}


@service.operation(on=BUCKET, action="s3:ListBucket", context=_conditions)
def list_objects_v2(call: Call, params: Params) -> Params:
    bad = AwsError("InvalidArgument", "The continuation token provided is incorrect", 400)
    token = params.get("ContinuationToken")
    after = paging.last_of(token, bad) if token else params.get("StartAfter")
    page, truncated = _page(call, params, after)
    owner = canonical_id(bucket_named(call, params).account) if params.get("FetchOwner") else None
    answer = {
        **_echo(params, "Prefix", "Delimiter", "StartAfter"),
        **_contents(params, page, owner),
        "KeyCount": len(page),
        "IsTruncated": truncated,
        "ContinuationToken": token,
    }
    return {**answer, "NextContinuationToken": paging.token_for(page[-1].key)} if truncated else answer


@service.operation(on=BUCKET, action="s3:ListBucket", context=_conditions)
def list_objects(call: Call, params: Params) -> Params:
    page, truncated = _page(call, params, params.get("Marker"))
    owner = canonical_id(bucket_named(call, params).account)
    answer = {
        **_echo(params, "Prefix", "Delimiter"),
        **_contents(params, page, owner),
        "Marker": _encoded(params, params.get("Marker", "")),
        "IsTruncated": truncated,
    }
    return {**answer, "NextMarker": _encoded(params, page[-1].key)} if truncated and params.get("Delimiter") else answer


@service.operation(on=BUCKET, action="s3:ListBucketVersions", context=_conditions)
def list_object_versions(call: Call, params: Params) -> Params:
    """Every version and marker, keys in their order, each key's newest first."""
    bucket, size = bucket_named(call, params), min(params.get("MaxKeys", 1000), 1000)
    marker = (params.get("KeyMarker", ""), params.get("VersionIdMarker", ""))
    page: list[tuple[Object, bool]] = []
    prefixes: list[str] = []
    truncated = False
    for one, latest in _versions(call, bucket, params.get("Prefix", ""), marker):
        common = _common(one.key, params)
        if common in prefixes:
            continue
        if len(page) + len(prefixes) == size:
            truncated = True
            break
        if common:
            prefixes.append(common)
        else:
            page.append((one, latest))
    owner = {"ID": canonical_id(bucket.account)}
    answer: Params = {
        **_echo(params, "Prefix", "Delimiter"),
        "Versions": [_version(params, one, latest, owner) for one, latest in page if not one.marker],
        "DeleteMarkers": [_marker(params, one, latest, owner) for one, latest in page if one.marker],
        "CommonPrefixes": [{"Prefix": _encoded(params, one)} for one in prefixes],
        "IsTruncated": truncated,
        "KeyMarker": params.get("KeyMarker", ""),
        "VersionIdMarker": params.get("VersionIdMarker", ""),
    }
    if truncated and page:
        answer |= {"NextKeyMarker": _encoded(params, page[-1][0].key), "NextVersionIdMarker": page[-1][0].version}
    return answer


def _common(key: str, params: Params) -> str:
    delimiter, prefix = params.get("Delimiter", ""), params.get("Prefix", "")
    cut = key.find(delimiter, len(prefix)) if delimiter else -1
    return key[: cut + len(delimiter)] if cut >= 0 else ""


def _versions(call: Call, bucket: Bucket, prefix: str, marker: tuple[str, str]) -> Iterator[tuple[Object, bool]]:
    """(version, is it the latest) behind the marker."""
    key_marker, version_marker = marker
    passed = not key_marker
    for current in call.store.list(Object, bucket.name, starting=prefix):
        for one in (current, *call.store.list(Version, bucket.name, current.key)):
            if passed or one.key > key_marker:
                yield one, one is current
            elif one.key == key_marker and version_marker and one.version == version_marker:
                passed = True
        passed = passed or (current.key >= key_marker)


def _version(params: Params, one: Object, latest: bool, owner: Params) -> Params:
    shown = {"ETag": f'"{one.etag}"', "Size": one.size, "StorageClass": one.storage}
    return {**shown, **_marker(params, one, latest, owner)}


def _marker(params: Params, one: Object, latest: bool, owner: Params) -> Params:
    return {
        "Key": _encoded(params, one.key),
        "VersionId": one.version,
        "IsLatest": latest,
        "LastModified": time(one.modified),
        "Owner": owner,
    }
