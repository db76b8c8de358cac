"""Single values as text: timestamps, numbers, booleans and blobs, in every spelling that a protocol uses."""

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

from botocore.model import Shape

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,5})?|-?Infinity|NaN")
_BITS = {"integer": 31, "long": 63}
_SPECIAL = {math.inf: "Infinity", -math.inf: "-Infinity"}


class Malformed(ValueError):
    """Bytes that can't be the value which the model asks for; the text is AWS's sentence about them.

    `place` is uri or body, where the answer differs by it.
    """

    def __init__(self, text: str, place: str = "") -> None:
        super().__init__(text)
        self.place = place


def whole(value: int, type_name: str) -> int:
    """The number, if an integer (32 bits) or a long (64 bits) can hold it."""
    limit = 1 << _BITS[type_name]
    if not -limit <= value < limit:
        raise Malformed(f"{value} is out of the range of {'an Integer' if type_name == 'integer' else 'a Long'}")
    return value


def integer_of(text: str) -> int:
    return whole(_plain_integer(text), "integer")


def long_of(text: str) -> int:
    return whole(_plain_integer(text), "long")


def _plain_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Malformed(f"'{_short(text)}' can not be converted to an Integer")
    return int(text)


def float_of(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise Malformed(f"'{_short(text)}' can not be converted to a Double")
    return float(text)


def boolean_of(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise Malformed(f"'{_short(text)}' can not be converted to a Boolean")
    return lowered == "true"


def blob_of(text: str) -> bytes:
    """Strict base64, as AWS takes it: an unknown letter or missing padding is refused."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("The value is not valid base64") from error


def same(text: str) -> str:
    return text


def moment_of(text: str) -> datetime:
    """A timestamp from ISO 8601, an HTTP date or seconds since 1970: services take each, whatever they name."""
    try:
        return aware(_moment(text.strip()))
    except (ValueError, TypeError, IndexError, OverflowError, OSError) as error:
        raise Malformed(f"'{_short(text)}' is not a valid timestamp") from error


def _moment(text: str) -> datetime:
    if _FLOAT.fullmatch(text):
        return moment_at(float(text))
    if text[:1].isdigit():
        return datetime.fromisoformat(text)
    return parsedate_to_datetime(text)


def moment_at(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{seconds} is not a valid timestamp") from error


def aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def text_reader(shape: Shape) -> Callable[[str], Any]:
    """Turns the text of a form field, header, query parameter or XML element into a scalar shape's value."""
    return _READERS.get(shape.type_name, same)


def text_writer(shape: Shape, timestamps: str = "iso8601") -> Callable[[Any], str]:
    """The reverse of `text_reader`; `timestamps` is the spelling where the shape doesn't choose one itself."""
    if shape.type_name == "timestamp":
        return _MOMENTS[shape.serialization.get("timestampFormat", timestamps).lower()]
    return _WRITERS.get(shape.type_name, str)


def epoch(value: datetime | float) -> float:
    """Seconds since 1970 to the millisecond, without a fraction where there is none."""
    seconds = round(aware(value).timestamp(), 3) if isinstance(value, datetime) else value
    return int(seconds) if seconds == int(seconds) else seconds


def _iso(value: datetime | float) -> str:
    moment = _utc(value)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond >= 1000 else "seconds")
    return text[:-6] + "Z"


def _iso_millis(value: datetime | float) -> str:
    return _utc(value).isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=256)
def _http_date(value: datetime | float) -> str:
    return format_datetime(_utc(value).replace(microsecond=0), usegmt=True)


def _utc(value: datetime | float) -> datetime:
    return aware(value).astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _float(value: float) -> str:
    return special(value) or repr(value)


def special(value: float) -> str | None:
    """How AWS spells what JSON and XML have no number for."""
    return "NaN" if value != value else _SPECIAL.get(value)


def _blob(value: bytes | str) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:100] + "..."


_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": boolean_of,
    "integer": integer_of,
    "long": long_of,
    "float": float_of,
    "double": float_of,
    "blob": blob_of,
    "timestamp": moment_of,
}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": _boolean,
    "float": _float,
    "double": _float,
    "blob": _blob,
}
_MOMENTS: dict[str, Callable[[Any], str]] = {
    "iso8601": _iso,
    "iso8601-millis": _iso_millis,
    "rfc822": _http_date,
    "unixtimestamp": lambda value: str(epoch(value)),
}
