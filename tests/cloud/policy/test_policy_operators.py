"""Every condition operator, with and without its modifiers."""

from typing import Any

import pytest
from policy_help import applied

from labsupport.cloud.policy.operators import OPERATORS, moment

K = "lab:key"
ARN = "arn:aws:sns:eu-west-1:111111111111:news"

SINGLE = [
    ("StringEquals", "red", "red", True),
    ("StringEquals", "red", "Red", False),
    ("StringEquals", "r*", "red", False),
    ("StringEquals", "r*", "r*", True),
    ("StringEquals", ["red", "blue"], "blue", True),
    ("StringEquals", ["red", "blue"], "green", False),
    ("StringEquals", "", "", True),
    ("StringEquals", 10, "10", True),
    ("StringEquals", True, "true", True),
    ("StringEquals", [], "red", False),
    ("StringNotEquals", "red", "red", False),
    ("StringNotEquals", "red", "Red", True),
    ("StringNotEquals", ["red", "blue"], "blue", False),
    ("StringNotEquals", ["red", "blue"], "green", True),
    ("StringNotEquals", [], "red", True),
    ("StringEqualsIgnoreCase", "red", "RED", True),
    ("StringEqualsIgnoreCase", "red", "redder", False),
    ("StringNotEqualsIgnoreCase", "red", "RED", False),
    ("StringNotEqualsIgnoreCase", "red", "blue", True),
    ("StringLike", "r*d", "red", True),
    ("StringLike", "r*d", "rd", True),
    ("StringLike", "r*d", "Red", False),
    ("StringLike", "r?d", "red", True),
    ("StringLike", "r?d", "reed", False),
    ("StringLike", "*", "", True),
    ("StringLike", "*", "anything at all", True),
    ("StringLike", "refs/heads/*", "refs/heads/a/b", True),
    ("StringLike", "a.c", "abc", False),
    ("StringLike", "[ab]", "a", False),
    ("StringLike", "a*b*c", "aXbXbXc", True),
    ("StringLike", "a*b*c", "aXcXb", False),
    ("StringLike", "*a*a", "aa", True),
    ("StringLike", "line*end", "line\nend", True),
    ("StringLike", ["x*", "r*"], "red", True),
    ("StringNotLike", "r*", "red", False),
    ("StringNotLike", "r*", "blue", True),
    ("StringNotLike", ["r*", "b*"], "blue", False),
    ("NumericEquals", "10", "10", True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "10", True),
    ("NumericEquals", "10", "11", False),
    ("NumericEquals", "ten", "10", False),
    ("NumericEquals", "10", "ten", False),
    ("NumericEquals", "0.1", "0.10", True),
    ("NumericNotEquals", "10", "10", False),
    ("NumericNotEquals", "10", "11", True),
    ("NumericNotEquals", ["10", "11"], "11", False),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThan", "10", "-3.5", True),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericLessThanEquals", "10", "10.01", False),
    ("NumericGreaterThan", "10", "11", True),
    ("NumericGreaterThan", "10", "10", False),
    ("NumericGreaterThan", "9", "10", True),
    ("NumericGreaterThanEquals", "10", "10", True),
    ("NumericGreaterThanEquals", "10", "9", False),
    ("DateEquals", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", True),
    ("DateEquals", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", True),
    ("DateEquals", "2026-01-02T03:04:05Z", "1767323045", True),
    ("DateEquals", "2026-01-02", "2026-01-02T00:00:00.000Z", True),
    ("DateEquals", "2026-01-02", "2026-01-03", False),
    ("DateNotEquals", "2026-01-02", "2026-01-03", True),
    ("DateNotEquals", "2026-01-02", "2026-01-02", False),
    ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T23:59:59Z", True),
    ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", False),
    ("DateLessThan", "2026-01-02T00:00:00Z", "nonsense", False),
    ("DateLessThanEquals", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", True),
    ("DateGreaterThan", "2026-01-02T00:00:00Z", "2026-01-02T00:00:01Z", True),
    ("DateGreaterThan", "2026-01-02T00:00:00Z", "2026-01-01", False),
    ("DateGreaterThan", "1767312000", "2026-01-02T00:00:01Z", True),
    ("DateGreaterThanEquals", "2026-01-02", "2026-01-02T00:00:00Z", True),
    ("DateGreaterThanEquals", "2026-01-02", "2026-01-01T23:59:59Z", False),
    ("Bool", "true", "true", True),
    ("Bool", "true", "false", False),
    ("Bool", "false", "false", True),
    ("Bool", True, "true", True),
    ("Bool", "True", "true", True),
    ("Bool", "true", "maybe", False),
    ("Bool", ["true", "false"], "false", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
    ("BinaryEquals", "not base64!", "not base64!", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
    ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
    ("IpAddress", "203.0.113.9", "203.0.113.9", True),
    ("IpAddress", "203.0.113.9", "203.0.113.8", False),
    ("IpAddress", "203.0.113.77/24", "203.0.113.9", True),
    ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:db8:1::5", True),
    ("IpAddress", "2001:db8::/32", "10.0.0.1", False),
    ("IpAddress", "0.0.0.0/0", "127.0.0.1", True),
    ("IpAddress", "0.0.0.0/0", "cloudformation.amazonaws.com", False),
    ("IpAddress", "not an address", "127.0.0.1", False),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
    ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
    ("NotIpAddress", ["10.0.0.0/8", "203.0.113.0/24"], "10.1.2.3", False),
    ("NotIpAddress", "10.0.0.0/8", "cloudformation.amazonaws.com", True),
    ("ArnEquals", ARN, ARN, True),
    ("ArnEquals", "arn:aws:sns:*:111111111111:*", ARN, True),
    ("ArnEquals", "arn:aws:sns:*:222222222222:*", ARN, False),
    ("ArnLike", "arn:aws:sns:*:*:n?ws", ARN, True),
    ("ArnLike", "arn:aws:sns:*:news", ARN, False),
    ("ArnLike", "arn:aws:sns:eu-*:111111111111:news", ARN, True),
    ("ArnLike", "arn:aws:SNS:eu-west-1:111111111111:news", ARN, False),
    ("ArnLike", "*", ARN, True),
    ("ArnLike", "arn:aws:logs:*:1:log-group:*:x", "arn:aws:logs:r:1:log-group:a:b:x", True),
    (
        "ArnLike",
        "arn:aws:store:*:111122223333:finance/*",
        "arn:aws:store:us-east-2:999999999999:shop/abc:111122223333:finance/a.txt",
        False,
    ),
    (
        "StringLike",
        "arn:aws:store:*:111122223333:finance/*",
        "arn:aws:store:us-east-2:999999999999:shop/abc:111122223333:finance/a.txt",
        True,
    ),
    ("ArnNotEquals", ARN, ARN, False),
    ("ArnNotEquals", "arn:aws:sns:*:*:other", ARN, True),
    ("ArnNotLike", "arn:aws:sns:*:*:n*", ARN, False),
    ("ArnNotLike", "arn:aws:sqs:*:*:n*", ARN, True),
    ("Null", "true", "here", False),
    ("Null", "false", "here", True),
    ("Null", "false", "", True),
    ("stringequals", "red", "red", True),
]


@pytest.mark.parametrize(("operator", "wanted", "actual", "expected"), SINGLE)
def test_single_value(operator: str, wanted: Any, actual: str, expected: bool) -> None:
    assert applied({operator: {K: wanted}}, {K: actual}) is expected


MISSING = [
    ("StringEquals", False),
    ("StringNotEquals", True),
    ("StringEqualsIgnoreCase", False),
    ("StringNotEqualsIgnoreCase", True),
    ("StringLike", False),
    ("StringNotLike", True),
    ("NumericEquals", False),
    ("NumericNotEquals", True),
    ("NumericLessThan", False),
    ("NumericLessThanEquals", False),
    ("NumericGreaterThan", False),
    ("NumericGreaterThanEquals", False),
    ("DateEquals", False),
    ("DateNotEquals", True),
    ("DateLessThan", False),
    ("DateLessThanEquals", False),
    ("DateGreaterThan", False),
    ("DateGreaterThanEquals", False),
    ("Bool", False),
    ("BinaryEquals", False),
    ("IpAddress", False),
    ("NotIpAddress", True),
    ("ArnEquals", False),
    ("ArnLike", False),
    ("ArnNotEquals", True),
    ("ArnNotLike", True),
]
A_DATE = {"Date": "2026-01-01"}


@pytest.mark.parametrize(("operator", "expected"), MISSING)
@pytest.mark.parametrize("context", [{}, {K: []}, {K: None}], ids=["absent", "empty", "none"])
def test_missing_key(operator: str, expected: bool, context: dict[str, Any]) -> None:
    value = A_DATE.get(operator[:4], "1")
    assert applied({operator: {K: value}}, context) is expected


@pytest.mark.parametrize("operator", [name for name, _ in MISSING])
def test_if_exists_forgives_a_missing_key(operator: str) -> None:
    value = A_DATE.get(operator[:4], "1")
    assert applied({f"{operator}IfExists": {K: value}}, {})


IF_EXISTS = [
    ("StringEqualsIfExists", "a", "b", False),
    ("StringEqualsIfExists", "a", "a", True),
    ("BoolIfExists", "true", "false", False),
    ("NotIpAddressIfExists", "10.0.0.0/8", "10.0.0.1", False),
    ("NumericLessThanIfExists", "5", "9", False),
    ("ArnLikeIfExists", "arn:aws:sns:*:*:*", ARN, True),
]


@pytest.mark.parametrize(("operator", "wanted", "actual", "expected"), IF_EXISTS)
def test_if_exists_still_compares_a_key_that_is_there(operator: str, wanted: str, actual: str, expected: bool) -> None:
    assert applied({operator: {K: wanted}}, {K: actual}) is expected


def test_the_tables_cover_every_operator() -> None:
    missing = {name.lower() for name, _ in MISSING} | {"null"}
    single = {name.lower() for name, *_ in SINGLE}
    assert missing == set(OPERATORS) == single


MANY = [
    ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], [], True),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringEquals", ["a"], "", True),
    ("ForAllValues:StringEquals", ["a"], "a", True),
    ("ForAllValues:StringEquals", ["a"], "b", False),
    ("ForAllValues:StringLike", ["a*"], ["ab", "ac"], True),
    ("ForAllValues:StringLike", ["a*"], ["ab", "bc"], False),
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
    ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], False),
    ("ForAllValues:StringNotEquals", ["a"], None, True),
    ("ForAllValues:StringEqualsIfExists", ["a"], None, True),
    ("ForAllValues:NumericLessThan", ["5"], ["1", "2"], True),
    ("ForAllValues:NumericLessThan", ["5"], ["1", "7"], False),
    ("ForAnyValue:StringEquals", ["a", "b"], ["b", "x"], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["x", "y"], False),
    ("ForAnyValue:StringEquals", ["a"], [], False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringEquals", [""], "", False),
    ("ForAnyValue:StringEquals", ["a"], "a", True),
    ("ForAnyValue:StringLike", ["*.com/*"], ["x", "a.com/b"], True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringEqualsIfExists", ["a"], None, False),
    ("ForAnyValue:ArnLike", ["arn:aws:sns:*:*:*"], [ARN, "x"], True),
    ("StringEquals", ["a"], ["x", "a"], True),
    ("StringEquals", ["a"], ["x", "y"], False),
    ("StringNotEquals", ["a"], ["x", "a"], False),
    ("StringNotEquals", ["a"], ["x", "y"], True),
    ("StringLike", "a*", ["ab"], True),
    ("Null", "true", [], True),
    ("Null", "true", None, True),
    ("Null", "false", None, False),
    ("Null", True, None, True),
    ("Null", "false", ["x"], True),
]


@pytest.mark.parametrize(("operator", "wanted", "actual", "expected"), MANY)
def test_several_values(operator: str, wanted: Any, actual: Any, expected: bool) -> None:
    context = {} if actual is None else {K: actual}
    assert applied({operator: {K: wanted}}, context) is expected


TOGETHER = [
    ({"StringEquals": {"lab:a": "1", "lab:b": "2"}}, {"lab:a": "1", "lab:b": "2"}, True),
    ({"StringEquals": {"lab:a": "1", "lab:b": "2"}}, {"lab:a": "1"}, False),
    ({"StringEquals": {"lab:a": "1"}, "Bool": {"lab:b": "true"}}, {"lab:a": "1", "lab:b": "true"}, True),
    ({"StringEquals": {"lab:a": "1"}, "Bool": {"lab:b": "true"}}, {"lab:a": "1", "lab:b": "false"}, False),
    ({}, {}, True),
    ({"StringEquals": {}}, {}, True),
    ({"StringEquals": {"LAB:A": "1"}}, {"lab:a": "1"}, True),
    ({"StringEquals": {"aws:RequestTag/Team": "x"}}, {"aws:requesttag/team": "x"}, True),
]


@pytest.mark.parametrize(("condition", "context", "expected"), TOGETHER)
def test_keys_and_operators_must_all_hold(condition: dict[str, Any], context: dict[str, Any], expected: bool) -> None:
    assert applied(condition, context) is expected


@pytest.mark.parametrize(("value", "wanted"), [(True, "true"), (False, "false"), (7, "7"), (7.5, "7.5"), (("x",), "x")])
def test_context_values_of_other_types_are_compared_as_text(value: Any, wanted: str) -> None:
    assert applied({"StringEquals": {K: wanted}}, {K: value})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970", 0),
        ("1970-01", 0),
        ("1970-01-01", 0),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T00:00:00.5Z", 0.5),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00-0130", 5400),
        ("-5", -5),
        ("12.5", 12.5),
        ("1970-13-01", None),
        ("1970-02-30", None),
        ("1970-01-01T24:00:00Z", None),
        ("1970-01-01T00:61:00Z", None),
        ("9223372036854775808", None),
        ("٣", None),
        ("", None),
        ("tomorrow", None),
    ],
)
def test_moments(text: str, seconds: float | None) -> None:
    assert moment(text) == seconds
