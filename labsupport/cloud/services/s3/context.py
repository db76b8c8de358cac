"""S3's condition keys (Service Authorization Reference: "Actions, resources, and condition keys for Amazon S3")."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.signing import instant
from labsupport.cloud.services.s3.base import Bucket, Params, find_version, is_form, service

# What a request says -> the key that policies read.
_SAID = {
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "Delimiter": "s3:delimiter",
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
    "MaxKeys": "s3:max-keys",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold",
    "ObjectLockMode": "s3:object-lock-mode",
    "ObjectLockRetainUntilDate": "s3:object-lock-retain-until-date",
    "ObjectOwnership": "s3:x-amz-object-ownership",
    "Prefix": "s3:prefix",
    "SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "StorageClass": "s3:x-amz-storage-class",
    "VersionId": "s3:versionid",
    "WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
}
_ONLY_IF = {"IfMatch": "s3:if-match", "IfNoneMatch": "s3:if-none-match"}
_EXISTING = "s3:existingobjecttag/"
_DAY = 86_400  # seconds
_V4, _V2 = "AWS4-HMAC-SHA256", "AWS"


def conditions(_: Call, params: Params) -> Params:
    """The keys that a request's own parameters fill; an empty prefix is one, too."""
    return {_SAID[name]: _text(value) for name, value in params.items() if name in _SAID and value is not None}


def _text(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def write_conditions(call: Call, params: Params) -> Params:
    """The same for a call that writes an object: its conditions and tags, too."""
    keys = conditions(call, params)
    for name, key in _ONLY_IF.items():
        if params.get(name):
            keys[key] = params[name]
    if params.get("ObjectLockRetainUntilDate"):
        keys |= remaining(call, params["ObjectLockRetainUntilDate"])
    if params.get("Tagging"):
        keys |= tag_conditions(_pairs(params["Tagging"]))
    return keys


def remaining(call: Call, until: datetime | None) -> Params:
    """The condition key that tells how many days a version is to be kept."""
    days = -(-(until.timestamp() - call.epoch) // _DAY) if until else None
    return {"s3:object-lock-remaining-retention-days": str(int(days))} if days is not None else {}


def _pairs(tagging: Any) -> dict[str, str]:
    """Tags as a header or a body writes them."""
    if isinstance(tagging, str):
        return dict(parse_qsl(tagging, keep_blank_values=True))
    return {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet", [])}


def tag_conditions(tags: dict[str, str]) -> Params:
    found: Params = {f"s3:requestobjecttag/{name.lower()}": value for name, value in tags.items()}
    return {**found, "s3:requestobjecttagkeys": list(tags)} if tags else {}


def creating_conditions(call: Call, params: Params) -> Params:
    """The same for the calls that make an object appear, as distinct from those that begin and feed an upload."""
    return {**write_conditions(call, params), "s3:objectcreationoperation": "true"}


def feeding_conditions(call: Call, params: Params) -> Params:
    return {**write_conditions(call, params), "s3:objectcreationoperation": "false"}


def _looked_up(call: Call, resource: str, params: Params, keys: set[str]) -> Params:
    """How the call was signed and sent, who owns the bucket, which tags its object has."""
    name, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    bucket = call.store.get(Bucket, name)
    found = _signature(call)
    if call.tls:
        found["s3:tlsversion"] = call.tls.removeprefix("TLSv")
    if bucket:
        found["s3:resourceaccount"] = bucket.account
        if key and any(one.startswith(_EXISTING) for one in keys):
            found |= existing_tags(call, bucket, key, params.get("VersionId"))
    return found


def existing_tags(call: Call, bucket: Bucket, key: str, version: str | None) -> Params:
    there = find_version(call, bucket, key, version)
    return {f"{_EXISTING}{name.lower()}": value for name, value in there.tags.items()} if there else {}


def _signature(call: Call) -> Params:
    """Authentication's form, version and age; of the lab's own calls, that of a signed header."""
    if call.caller.kind == "anonymous":
        return {}
    declared = call.headers.get("x-amz-content-sha256")
    found: Params = {"s3:x-amz-content-sha256": declared} if declared else {}
    if not call.headers or "authorization" in call.headers:
        return {**found, "s3:authtype": "REST-HEADER", "s3:signatureversion": _V4}
    if is_form(call):
        return {**found, "s3:authtype": "POST", "s3:signatureversion": _V4}
    query = {name.lower(): value for name, value in parse_qsl(call.query)}
    found |= {"s3:authtype": "REST-QUERY-STRING", "s3:signatureversion": _V4 if "x-amz-algorithm" in query else _V2}
    signed = instant(query.get("x-amz-date", ""))
    if signed is not None:
        found["s3:signatureage"] = str(int((call.cloud.clock.true_now() - signed).total_seconds() * 1000))
    return found


service.keys = _looked_up
