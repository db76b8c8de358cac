"""What can be found wrong with a claim before its signature is looked at: time, signed headers, scope."""

from datetime import datetime, timedelta

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.core.signing import instant
from labsupport.cloud.gateway.autherrors import Family, refusal
from labsupport.cloud.gateway.claim import Claim, basic_iso, s3_malformed
from labsupport.cloud.gateway.presigned import check_s3_expiry

# Most services allow five minutes of difference between the clocks; these were seen to allow fifteen.
_SKEW, _WIDER_SKEW = timedelta(minutes=5), timedelta(minutes=15)
_WIDER = ("sts", "sns", "s3", "ec2")


def check_claim(
    request: HttpRequest, claim: Claim, now: datetime, family: Family, *, service: str = "", region: str = ""
) -> None:
    """The part of `sigv4.verify` that needs no secret, in AWS's order."""
    _check_time(claim, now, family)
    _check_signed_headers(request.headers, claim, family)
    _check_scope(claim, family, service, region)


def _check_time(claim: Claim, now: datetime, family: Family) -> None:
    signed_at = instant(claim.timestamp)
    if signed_at is None:
        raise ValueError(f"a claim with the timestamp {claim.timestamp!r}")
    skew = _WIDER_SKEW if family == "s3" or claim.service in _WIDER else _SKEW
    if family == "s3" and claim.form == "presigned":
        return check_s3_expiry(claim, now, signed_at, skew)
    # Elsewhere a URL lives as long as it says, and at least as long as a signed header.
    life = max(skew, timedelta(seconds=claim.expires)) if claim.expires else skew
    if signed_at + life < now:
        raise _bad_time(claim, now, family, life, late=True)
    if signed_at > now + skew:
        raise _bad_time(claim, now, family, skew, late=False)
    return None


def _bad_time(claim: Claim, now: datetime, family: Family, allowed: timedelta, late: bool) -> AwsError:
    if family == "s3":
        return _skewed(claim, now, allowed)
    if family == "ec2":
        return AwsError("RequestExpired", "Request has expired.", 400)
    minutes = int(allowed.total_seconds() // 60)
    server, signed = basic_iso(now), claim.timestamp
    if late:
        limit = f"{basic_iso(now - allowed)} ({server} - {minutes} min.)"
        return refusal("mismatch", family, f"Signature expired: {signed} is now earlier than {limit}")
    limit = f"{basic_iso(now + allowed)} ({server} + {minutes} min.)"
    return refusal("mismatch", family, f"Signature not yet current: {signed} is still later than {limit}")


def _skewed(claim: Claim, now: datetime, allowed: timedelta) -> AwsError:
    return AwsError(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
        RequestTime=claim.timestamp,
        ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        MaxAllowedSkewMilliseconds=str(int(allowed.total_seconds() * 1000)),
    )


def _check_signed_headers(headers: dict[str, str], claim: Claim, family: Family) -> None:
    signed = claim.signed_headers.split(";")
    # The value of x-amz-content-sha256 is signed anyway: it is the canonical request's last line.
    unsigned = [n for n in headers.keys() - signed if n.startswith("x-amz-") and n != "x-amz-content-sha256"]
    if "host" not in signed:
        unsigned.append("host")
    if unsigned:
        raise _not_signed(sorted(unsigned), family)


def _not_signed(names: list[str], family: Family) -> AwsError:
    if family == "s3":
        message = "There were headers present in the request which were not signed"
        return AwsError("AccessDenied", message, 403, HeadersNotSigned=", ".join(names))
    title = "-".join(word.capitalize() for word in names[0].split("-"))
    which = "'Host' or ':authority'" if "host" in names else f"'{title}'"
    return refusal("mismatch", family, f"{which} must be a 'SignedHeader' in the AWS Authorization.")


def _check_scope(claim: Claim, family: Family, service: str, region: str) -> None:
    expected = (service or claim.service, region or claim.region, claim.timestamp[:8])
    if (claim.service, claim.region, claim.date) == expected:
        return
    if family == "s3":
        raise _s3_scope(claim, service, region)
    raise refusal("mismatch", family, _scope_problems(claim, service, region))


def _scope_problems(claim: Claim, service: str, region: str) -> str:
    problems = ""
    if region and claim.region != region:
        problems += f"Credential should be scoped to a valid region, not '{claim.region}'. "
    if service and claim.service != service:
        problems += f"Credential should be scoped to correct service: '{service}'. "
    day = claim.timestamp[:8]
    if claim.date != day:
        rule = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
        problems += f"{rule}: '{claim.date}' != '{day}', from '{claim.timestamp}'."
    return problems


def _s3_scope(claim: Claim, service: str, region: str) -> AwsError:
    if service and claim.service != service:
        problem = f'incorrect service "{claim.service}". This endpoint belongs to "{service}".'
        return s3_malformed(claim.form, problem)
    if region and claim.region != region:
        problem = f"the region '{claim.region}' is wrong; expecting '{region}'"
        return s3_malformed(claim.form, problem, Region=region)
    day = claim.timestamp[:8]
    return s3_malformed(
        claim.form, f'Invalid credential date "{claim.date}". This date is not the same as X-Amz-Date: "{day}".'
    )
