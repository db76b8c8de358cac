"""The condition operators, each a small record. AWS: "IAM JSON policy elements: Condition operators".

`read` turns a value of the policy into a test of a value of the request; a policy's value that cannot be read gives a
test that nothing passes. Negated operators share their positive twin's reading: `StringNotLike` is true where
`StringLike` is not.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache, partial
from operator import eq, ge, gt, le, lt
from typing import Any

from labsupport.cloud.policy.match import Test, arn_test, never, text_test
from labsupport.cloud.policy.variables import shown


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to compare. `words` is how a person would say it: "is", "is before". `exact`: equal as they stand."""

    name: str
    read: Callable[[str], Test]
    words: str
    negated: bool = False
    wildcards: bool = False
    variables: bool = False
    exact: bool = False


def _number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"\s*[+-]?\d{1,40}(\.\d{1,40})?\s*", text, re.ASCII) else None


_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[Tt ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?)?)?)?",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def moment(text: str) -> float | None:
    """Seconds since 1970 for a date as policies and contexts write it (ISO 8601, or Unix time), None if it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return _unix_time(text)
    try:
        return _instant(found)
    except (ValueError, OverflowError):
        return None


def _unix_time(text: str) -> float | None:
    """Seconds, as far as a signed 64 bit number counts them."""
    if not re.fullmatch(r"-?\d{1,19}(\.\d{1,9})?", text, re.ASCII):
        return None
    return float(text) if -(2**63) <= int(text.partition(".")[0]) < 2**63 else None


def _instant(found: re.Match[str]) -> float:
    year, month, day, hour, minute, second, fraction, _z, sign, off_hours, off_minutes = found.groups()
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    zone = timezone(-offset if sign == "-" else offset) if sign else UTC
    micro = int((fraction or "0").ljust(6, "0")[:6])
    day_start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=zone)
    time = timedelta(hours=_below(hour, 24), minutes=_below(minute, 60), seconds=_below(second, 60), microseconds=micro)
    return (day_start + time).timestamp()


def _below(text: str | None, limit: int) -> int:
    number = int(text or 0)
    if number >= limit:
        raise ValueError(f"{text} is no part of a time of day")
    return number


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _compared(parse: Callable[[str], Any], compare: Callable[[Any, Any], bool], value: str) -> Test:
    """A test that reads both sides with `parse`; what cannot be read compares to nothing."""
    expected = parse(value)
    if expected is None:
        return never

    def test(actual: str) -> bool:
        found = parse(actual)
        return found is not None and compare(found, expected)

    return test


def _same(value: str) -> Test:
    return value.__eq__


def _same_letters(value: str) -> Test:
    folded = value.casefold()
    return lambda actual: actual.casefold() == folded


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _within(value: str) -> Test:
    network = _network(value)
    if network is None:
        return never

    def test(actual: str) -> bool:
        address = _address(actual)
        return address is not None and address.version == network.version and address in network

    return test


_READERS: dict[str, Callable[[str], object]] = {
    "numeric": _number,
    "boolean": _boolean,
    "ip": _network,
    "binary": _bytes,
    "date": moment,
}


def readable(kind: str, text: str) -> bool:
    """Whether a text is a value of a type of condition keys (`numeric`, `date`); any text is a `string`."""
    return kind not in _READERS or _READERS[kind](text) is not None


_COMPARISONS = {
    "Equals": (eq, "is", False),
    "NotEquals": (eq, "is not", True),
    "LessThan": (lt, "is less than", False),
    "LessThanEquals": (le, "is at most", False),
    "GreaterThan": (gt, "is greater than", False),
    "GreaterThanEquals": (ge, "is at least", False),
}


def _ordered(prefix: str, parse: Callable[[str], Any]) -> list[Operator]:
    return [
        Operator(prefix + suffix, partial(_compared, parse, compare), words, negated)
        for suffix, (compare, words, negated) in _COMPARISONS.items()
    ]


def _arns() -> list[Operator]:
    return [
        Operator(name, arn_test, words, negated, wildcards=True, variables=True)
        for name, words, negated in (
            ("ArnEquals", "is", False),
            ("ArnLike", "is like", False),
            ("ArnNotEquals", "is not", True),
            ("ArnNotLike", "is not like", True),
        )
    ]


NULL = Operator("Null", partial(_compared, _boolean, eq), "is missing:")
"""`"true"`: the key must be missing; `"false"`: it must be there. Told apart from the rest by identity."""

_ALL = [
    Operator("StringEquals", _same, "is", variables=True, exact=True),
    Operator("StringNotEquals", _same, "is not", negated=True, variables=True, exact=True),
    Operator("StringEqualsIgnoreCase", _same_letters, "is (in any case)", variables=True),
    Operator("StringNotEqualsIgnoreCase", _same_letters, "is not (in any case)", negated=True, variables=True),
    Operator("StringLike", text_test, "is like", wildcards=True, variables=True),
    Operator("StringNotLike", text_test, "is not like", negated=True, wildcards=True, variables=True),
    *_ordered("Numeric", _number),
    *_ordered("Date", moment),
    Operator("Bool", partial(_compared, _boolean, eq), "is", variables=True),
    Operator("BinaryEquals", partial(_compared, _bytes, eq), "is"),
    Operator("IpAddress", _within, "is in"),
    Operator("NotIpAddress", _within, "is not in", negated=True),
    *_arns(),
    NULL,
]

OPERATORS: dict[str, Operator] = {operator.name.lower(): operator for operator in _ALL}


def expected_text(operator: Operator, text: str) -> str:
    """A compiled value as a reader would write it."""
    return shown(text) if operator.wildcards else text
