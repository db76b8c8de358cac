"""Conditional requests and ranges (RFC 9110; S3 User Guide: "Conditional requests")."""

import re
from datetime import datetime
from email.utils import format_datetime

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Object, Params, time

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def _failed(condition: str) -> AwsError:
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412, Condition=condition)


def _not_modified(found: Object) -> AwsError:
    """The answer that lets a cache keep what it has."""
    error = AwsError("304", "Not Modified", 304)
    error.headers = {"etag": f'"{found.etag}"', "last-modified": format_datetime(time(found.modified), usegmt=True)}
    return error


def _tags(text: str) -> list[str]:
    return [one.strip().removeprefix("W/").strip('"') for one in text.split(",")]


def _matches(text: str, found: Object) -> bool:
    return text.strip() == "*" or found.etag in _tags(text)


def check_read(found: Object, params: Params) -> None:
    """If-Match wins over If-Unmodified-Since, If-None-Match over If-Modified-Since."""
    modified = int(found.modified)
    if params.get("IfMatch"):
        if not _matches(params["IfMatch"], found):
            raise _failed("If-Match")
    elif params.get("IfUnmodifiedSince") and modified > _epoch(params["IfUnmodifiedSince"]):
        raise _failed("If-Unmodified-Since")
    if params.get("IfNoneMatch"):
        if _matches(params["IfNoneMatch"], found):
            raise _not_modified(found)
    elif params.get("IfModifiedSince") and modified <= _epoch(params["IfModifiedSince"]):
        raise _not_modified(found)


def _epoch(moment: datetime) -> float:
    return moment.timestamp()


def check_write(current: Object | None, params: Params) -> None:
    """A write that is to happen only to a new key (If-None-Match: *), or to a known version (If-Match)."""
    there = current if current and not current.marker else None
    if params.get("IfNoneMatch", "*").strip() != "*":
        message = "A header you provided implies functionality that is not implemented"
        raise AwsError("NotImplemented", message, 501, Header="If-None-Match")
    if params.get("IfNoneMatch") and there:
        raise _failed("If-None-Match")
    if params.get("IfMatch"):
        if there is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=params["Key"])
        if not _matches(params["IfMatch"], there):
            raise _failed("If-Match")


def is_range(text: str) -> bool:
    """Whether a `Range` header is one that counts: of bytes, a single one, forwards."""
    match = _RANGE.fullmatch(text)
    if match is None or match.groups() == ("", ""):
        return False
    first, last = match.groups()
    return not (first and last and int(last) < int(first))


def range_of(found: Object, params: Params) -> tuple[int, int]:
    """The first byte and the one after the last that a request wants."""
    if params.get("PartNumber") is not None:
        if params.get("Range"):
            message = "Cannot specify both Range header and partNumber query parameter"
            raise AwsError("InvalidRequest", message, 400)
        return _part(found, params["PartNumber"])
    text = params.get("Range") or ""
    if not is_range(text):
        return 0, found.size  # what cannot be read as a range is left aside
    first, last = text.removeprefix("bytes=").split("-")
    if not first:
        start, end = max(found.size - int(last), 0), found.size
    else:
        start, end = int(first), min(int(last or found.size), found.size - 1) + 1
    if start >= found.size or start >= end:
        message = "The requested range is not satisfiable"
        size = str(found.size)
        raise AwsError("InvalidRange", message, 416, RangeRequested=params["Range"], ActualObjectSize=size)
    return start, end


def _part(found: Object, number: int) -> tuple[int, int]:
    if not 1 <= number <= 10_000:
        message = "Part number must be an integer between 1 and 10000, inclusive"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="partNumber", ArgumentValue=str(number))
    sizes = found.parts or [found.size]
    if number > len(sizes):
        message = "The requested partnumber is not satisfiable"
        raise AwsError("InvalidPartNumber", message, 416, PartNumberRequested=str(number))
    start = sum(sizes[: number - 1])
    return start, start + sizes[number - 1]
