"""Object Lock: versions that nobody may delete before their time (User Guide: "Locking objects with Object Lock").

GOVERNANCE gives way to who may bypass it and says so; COMPLIANCE to nobody; a legal hold until it is taken off.
"""

from datetime import UTC, datetime
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import (
    BUCKET,
    MALFORMED,
    OBJECT,
    Bucket,
    Object,
    Params,
    bucket_named,
    service,
)
from labsupport.cloud.services.s3.context import conditions, remaining
from labsupport.cloud.services.s3.objects import found_object
from labsupport.cloud.services.s3.protection import may_bypass, protected, refuse_unlocked

_LONGEST = 36_500  # days


@service.operation(on=BUCKET, action="s3:PutBucketObjectLockConfiguration")
def put_object_lock_configuration(call: Call, params: Params) -> Params:
    """Switch Object Lock on, for good; and what new versions get by default."""
    bucket, wanted = bucket_named(call, params), params.get("ObjectLockConfiguration", {})
    if bucket.versioning != "Enabled":
        message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        raise AwsError("InvalidBucketState", message, 409)
    if wanted.get("ObjectLockEnabled") != "Enabled":
        raise AwsError("MalformedXML", MALFORMED, 400)
    default = wanted.get("Rule", {}).get("DefaultRetention", {})
    _check_default(default)
    bucket.locked, bucket.retention = True, default
    call.store.put(bucket)
    return {}


def _check_default(default: Params) -> None:
    if not default:
        return
    if "Mode" not in default or ("Days" in default) == ("Years" in default):
        raise AwsError("MalformedXML", MALFORMED, 400)
    days = default.get("Days", 365 * default.get("Years", 0))
    if days < 1:
        raise _invalid("Default retention period must be a positive integer value.")
    if days > _LONGEST:
        raise _invalid("Default retention period too large. The maximum is 36500 days or 100 years.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message, 400)


@service.operation(on=BUCKET, action="s3:GetBucketObjectLockConfiguration")
def get_object_lock_configuration(call: Call, params: Params) -> Params:
    bucket = bucket_named(call, params)
    if not bucket.locked:
        message = "Object Lock configuration does not exist for this bucket"
        raise AwsError("ObjectLockConfigurationNotFoundError", message, 404, BucketName=bucket.name)
    rule = {"Rule": {"DefaultRetention": bucket.retention}} if bucket.retention else {}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}}


def _retaining(call: Call, params: Params) -> Params:
    wanted = params.get("Retention", {})
    said = {"ObjectLockMode": wanted.get("Mode"), "ObjectLockRetainUntilDate": wanted.get("RetainUntilDate")}
    return conditions(call, {**params, **said}) | remaining(call, wanted.get("RetainUntilDate"))


@service.operation(on=OBJECT, context=_retaining, data_event=True)
def put_object_retention(call: Call, params: Params) -> Params:
    """Longer is always possible; shorter, or none, only where GOVERNANCE is bypassed."""
    bucket, found = _locked(call, params)
    wanted = params.get("Retention", {})
    mode, until = wanted.get("Mode", ""), wanted.get("RetainUntilDate")
    if bool(mode) != bool(until):
        raise AwsError("MalformedXML", MALFORMED, 400)
    ends = until.timestamp() if until else 0.0
    if until and ends <= call.epoch:
        raise _invalid("The retain until date must be in the future!")
    weaker = ends < found.retain_until or mode != found.retain_mode
    stricter = found.retain_mode == "GOVERNANCE" and mode == "COMPLIANCE" and ends >= found.retain_until
    running = found.retain_until > call.epoch
    if running and weaker and not stricter and not may_bypass(call, bucket, found, params):
        raise protected()
    found.retain_mode, found.retain_until = mode, ends
    call.store.put(found)
    return {}


def _locked(call: Call, params: Params) -> tuple[Bucket, Object]:
    bucket, found = found_object(call, params)
    refuse_unlocked(bucket)
    return bucket, found


@service.operation(on=OBJECT, context=conditions, data_event=True)
def get_object_retention(call: Call, params: Params) -> Params:
    _, found = _locked(call, params)
    if not found.retain_mode:
        raise _nothing()
    until = datetime.fromtimestamp(found.retain_until, UTC)
    return {"Retention": {"Mode": found.retain_mode, "RetainUntilDate": until}}


def _nothing() -> AwsError:
    message = "The specified object does not have a ObjectLock configuration"
    return AwsError("NoSuchObjectLockConfiguration", message, 404)


def _holding(call: Call, params: Params) -> Params:
    status: Any = params.get("LegalHold", {}).get("Status")
    return conditions(call, {**params, "ObjectLockLegalHoldStatus": status})


@service.operation(on=OBJECT, context=_holding, data_event=True)
def put_object_legal_hold(call: Call, params: Params) -> Params:
    _, found = _locked(call, params)
    found.legal_hold = params.get("LegalHold", {}).get("Status", "")
    if not found.legal_hold:
        raise AwsError("MalformedXML", MALFORMED, 400)
    call.store.put(found)
    return {}


@service.operation(on=OBJECT, context=conditions, data_event=True)
def get_object_legal_hold(call: Call, params: Params) -> Params:
    _, found = _locked(call, params)
    if not found.legal_hold:
        raise _nothing()
    return {"LegalHold": {"Status": found.legal_hold}}
