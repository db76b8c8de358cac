"""A claim of identity: what a signed request says about who sent it, when and for what. Not verified yet."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.signing import TERMINATOR
from labsupport.cloud.gateway.autherrors import Family, refusal

Form = Literal["header", "presigned", "presigned v2"]

_DATE = re.compile(r"\d{8}", re.ASCII)


class Claim(msgspec.Struct, frozen=True):
    """Who, when and for what.

    `form` is where it stood: the header, a presigned URL, or an S3 URL of version 2. `access_key` is the access key id,
    `token` the session token. `timestamp` is `YYYYMMDDTHHMMSSZ`; `expires` is a presigned URL's life in seconds.
    Version 2 has no scope and no timestamp: those parts are empty, and `expires` is the epoch second of the URL's end.
    """

    form: Form
    access_key: str
    date: str
    region: str
    service: str
    signed_headers: str
    signature: str
    timestamp: str
    token: str | None = None
    expires: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope, without the key id."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def basic_iso(moment: datetime) -> str:
    """A time as signatures write it: `YYYYMMDDTHHMMSSZ`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def from_http_date(text: str) -> str | None:
    """An HTTP date (`Tue, 27 Mar 2007 19:36:42 GMT`) as signatures write it; None if it isn't one."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return basic_iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def s3_malformed(form: Form, problem: str, **members: Any) -> AwsError:
    """S3's error for a claim that it can't read, which depends on where the claim stood."""
    if form == "header":
        message = f"The authorization header is malformed; {problem}"
        return refusal("incomplete", "s3", message, **members)
    message = f"Error parsing the X-Amz-Credential parameter; {problem}"
    return AwsError("AuthorizationQueryParametersError", message, 400, **members)


def split_credential(credential: str, form: Form, family: Family) -> tuple[str, str, str, str]:
    """`KEY/date/region/service/aws4_request` as its first four parts."""
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts):
        raise _not_five_parts(credential, form, family)
    key, date, region, service, terminator = parts
    if terminator != TERMINATOR:
        raise _bad_terminator(terminator, form, family)
    if family == "s3" and not _DATE.fullmatch(date):
        problem = f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".'
        raise s3_malformed(form, problem)
    return key, date, region, service


def _not_five_parts(credential: str, form: Form, family: Family) -> AwsError:
    if family == "s3":
        return s3_malformed(
            form, 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        )
    rule = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
    return refusal("incomplete", family, f"{rule}, got '{credential}'")


def _bad_terminator(terminator: str, form: Form, family: Family) -> AwsError:
    if family == "s3":
        return s3_malformed(form, f'incorrect terminal "{terminator}". This endpoint uses "{TERMINATOR}".')
    text = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
    return refusal("mismatch", family, text)
