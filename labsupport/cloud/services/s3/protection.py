"""What Object Lock holds back, and what new versions get of it."""

from datetime import datetime
from typing import Any

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Bucket, Object, Params, bucket_named, time
from labsupport.cloud.services.s3.context import conditions
from labsupport.cloud.services.s3.dates import DAY

_NAMES = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")


def protected() -> AwsError:
    return AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403)


def refuse_unlocked(bucket: Bucket) -> None:
    if not bucket.locked:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", 400)


def is_protected(call: Call, one: Object) -> bool:
    return one.legal_hold == "ON" or one.retain_until > call.epoch


def refuse_protected(call: Call, bucket: Bucket, one: Object, params: Params) -> None:
    """A version under Object Lock is not deleted, unless GOVERNANCE alone holds it and is bypassed."""
    if is_protected(call, one) and (one.legal_hold == "ON" or not may_bypass(call, bucket, one, params)):
        raise protected()


def may_bypass(call: Call, bucket: Bucket, one: Object, params: Params) -> bool:
    """Whether the request says that it bypasses GOVERNANCE, and its caller may."""
    if one.retain_mode != "GOVERNANCE" or not params.get("BypassGovernanceRetention"):
        return False
    call.authorise("s3:BypassGovernanceRetention", f"{bucket.arn}/{one.key}", conditions(call, params))
    return True


def check_asked(call: Call, params: Params) -> None:
    """What a write asks of Object Lock: mode and date together, the date to come, in a bucket that has it."""
    if params.keys().isdisjoint(_NAMES):
        return
    mode, until, hold = (params.get(name) for name in _NAMES)
    if not (mode or until or hold):
        return
    if bool(mode) != bool(until):
        message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        raise AwsError("InvalidArgument", message, 400)
    if until and _epoch(until) <= call.epoch:
        raise AwsError("InvalidArgument", "The retain until date must be in the future!", 400)
    refuse_unlocked(bucket_named(call, {"Bucket": params["Bucket"]}))


def asked(params: Params) -> Params:
    """The same as records hold it, for an upload whose object comes later."""
    return {name: _epoch(params[name]) if name == _NAMES[1] else params[name] for name in _NAMES if params.get(name)}


def _epoch(moment: Any) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def protect(bucket: Bucket, made: Object, params: Params) -> None:
    """Give a new version what the request asks for, or else the bucket's default."""
    if not bucket.locked:
        return
    mode, until, hold = (params.get(name) for name in _NAMES)
    if mode and until:
        made.retain_mode, made.retain_until = mode, _epoch(until)
    elif bucket.retention:
        days = bucket.retention.get("Days") or 365 * bucket.retention["Years"]
        made.retain_mode, made.retain_until = bucket.retention["Mode"], made.modified + days * DAY
    made.legal_hold = hold or ""


def told(call: Call, found: Object, params: Params) -> Params:
    """What an answer says of a version's lock, to those who may know."""
    shown: Params = {}
    if found.retain_mode and allowed(call, "s3:GetObjectRetention", params):
        shown = {"ObjectLockMode": found.retain_mode, "ObjectLockRetainUntilDate": time(found.retain_until)}
    if found.legal_hold and allowed(call, "s3:GetObjectLegalHold", params):
        shown["ObjectLockLegalHoldStatus"] = found.legal_hold
    return shown


def allowed(call: Call, action: str, params: Params) -> bool:
    """Whether the caller may do a further thing to the object of a call."""
    try:
        call.authorise(action, f"arn:aws:s3:::{params['Bucket']}/{params['Key']}", conditions(call, params))
    except AwsError:
        return False
    return True
