"""Event patterns: the operators of the EventBridge User Guide, and what is refused."""

from typing import Any

import pytest

from labsupport.cloud.core.patterncheck import PatternError, check
from labsupport.cloud.core.patterns import matches

Json = Any

# The user guide's example of an event.
EC2 = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated", "nothing": None, "count": 0, "up": True},
}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.ec2", "aws.s3"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": ["AWS.EC2"]}, False),
        ({"Source": ["aws.ec2"]}, False),
        ({"source": ["aws.ec2"], "region": ["us-west-1"]}, True),
        ({"source": ["aws.ec2"], "region": ["eu-west-1"]}, False),
        ({"resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"]}, True),
        ({"detail": {"state": ["terminated"]}}, True),
        ({"detail": {"state": ["running", "terminated"]}}, True),
        ({"detail": {"state": ["running"]}}, False),
        ({"detail": {"state": {"deeper": ["terminated"]}}}, False),
        ({"detail": ["terminated"]}, False),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"nothing": [""]}}, False),
        ({"detail": {"absent": [None]}}, False),
        ({"detail": {"up": [True]}}, True),
        ({"detail": {"up": [1]}}, False),
        ({"detail": {"up": ["true"]}}, False),
        ({"detail": {"count": [0]}}, True),
        ({"detail": {"count": [False]}}, False),
        ({"detail": {"count": ["0"]}}, False),
        ({"source": ["aws.ec2"], "detail": {"state": [{"anything-but": "running"}], "up": [True]}}, True),
    ],
)
def test_values(pattern: Json, fits: bool) -> None:
    check(pattern)
    assert matches(pattern, EC2) is fits


@pytest.mark.parametrize(
    ("rule", "value", "fits"),
    [
        ({"prefix": "2017-10-02"}, "2017-10-02T18:43:48Z", True),
        ({"prefix": "2017-10-02"}, "2017-10-03T18:43:48Z", False),
        ({"prefix": "x"}, 7, False),
        ({"prefix": "us-"}, "US-east", False),
        ({"prefix": {"equals-ignore-case": "EventB"}}, "eventbridge", True),
        ({"prefix": {"equals-ignore-case": "EventB"}}, "events", False),
        ({"suffix": ".png"}, "a.png", True),
        ({"suffix": ".png"}, "a.PNG", False),
        ({"suffix": ".png"}, ".png.jpg", False),
        ({"suffix": {"equals-ignore-case": ".png"}}, "a.PnG", True),
        ({"suffix": {"equals-ignore-case": ".png"}}, None, False),
        ({"equals-ignore-case": "Alice"}, "aLICE", True),
        ({"equals-ignore-case": "Alice"}, "aLICE ", False),
        ({"equals-ignore-case": "3"}, 3, False),
        ({"anything-but": "initializing"}, "running", True),
        ({"anything-but": "initializing"}, "initializing", False),
        ({"anything-but": "initializing"}, None, True),
        ({"anything-but": 123}, 124, True),
        ({"anything-but": 123}, 123.0, False),
        ({"anything-but": 123}, "123", True),
        ({"anything-but": [1, 2]}, 3, True),
        ({"anything-but": [1, 2]}, 2, False),
        ({"anything-but": [1, 2]}, True, True),
        ({"anything-but": ["stopped", "overloaded"]}, "stopped", False),
        ({"anything-but": ["stopped", "overloaded"]}, "running", True),
        ({"anything-but": {"prefix": "init"}}, "initializing", False),
        ({"anything-but": {"prefix": "init"}}, "running", True),
        ({"anything-but": {"prefix": ["init", "run"]}}, "running", False),
        ({"anything-but": {"suffix": ".txt"}}, "a.txt", False),
        ({"anything-but": {"suffix": [".txt", ".png"]}}, "a.jpg", True),
        ({"anything-but": {"equals-ignore-case": "initializing"}}, "INITIALIZING", False),
        ({"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}, "Running", True),
        ({"anything-but": {"wildcard": "*/lib/*"}}, "dir/lib/a", False),
        ({"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}, "dir/src/a", True),
        ({"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}, "dir/bin/a", False),
        ({"numeric": ["=", 100]}, 100, True),
        ({"numeric": ["=", 100]}, 100.0, True),
        ({"numeric": ["=", 100]}, "100", False),
        ({"numeric": ["=", 3.018e2]}, 301.8, True),
        ({"numeric": [">", 0, "<=", 5]}, 0, False),
        ({"numeric": [">", 0, "<=", 5]}, 5, True),
        ({"numeric": [">", 0, "<=", 5]}, 5.1, False),
        ({"numeric": [">=", 0, "<", 5]}, 0, True),
        ({"numeric": [">=", 0, "<", 5]}, 5, False),
        ({"numeric": ["<", 10]}, 9.999, True),
        ({"numeric": ["<=", 10]}, 11, False),
        ({"numeric": ["<", 10]}, False, False),
        ({"numeric": ["<", 10]}, None, False),
        ({"cidr": "10.0.0.0/24"}, "10.0.0.255", True),
        ({"cidr": "10.0.0.0/24"}, "10.0.1.0", False),
        ({"cidr": "10.0.0.7/24"}, "10.0.0.1", True),
        ({"cidr": "2001:db8::/32"}, "2001:db8::1", True),
        ({"cidr": "2001:db8::/32"}, "10.0.0.1", False),
        ({"cidr": "10.0.0.0/24"}, "no address", False),
        ({"cidr": "0.0.0.0/0"}, 7, False),
        ({"wildcard": "arn:aws:s3:us-east-1:*:*"}, "arn:aws:s3:us-east-1:123456789012:b", True),
        ({"wildcard": "dir/*.png"}, "dir/sub/a.png", True),
        ({"wildcard": "dir/*.png"}, "dir/a.png.txt", False),
        ({"wildcard": "dir/*.png"}, "other/dir/a.png", False),
        ({"wildcard": "a\nb*"}, "a\nb\nc", True),
        ({"wildcard": "a.c*"}, "abc", False),
        ({"wildcard": r"2\*3*"}, "2*3=6", True),
        ({"wildcard": r"2\*3*"}, "2x3=6", False),
        ({"wildcard": r"C:\\*"}, "C:\\windows", True),
        ({"wildcard": "*"}, "", True),
        ({"wildcard": "*"}, 1, False),
        ({"exists": True}, "x", True),
        ({"exists": True}, None, True),
        ({"exists": False}, "x", False),
        ({"exists": True}, {"not": "a leaf"}, False),
        ({"exists": False}, {"not": "a leaf"}, True),
        ({"exists": True}, [], False),
        (300, 300.0, True),
        (3.0e2, 300, True),
        ("", "", True),
        ("a", ["b", "a"], True),
        ("a", ["b", ["c", ["a"]]], True),
        ({"prefix": "a"}, ["b", "ab"], True),
        ({"anything-but": "a"}, ["a", "b"], True),
        ({"anything-but": "a"}, ["a"], False),
        (None, [None], True),
    ],
)
def test_operators(rule: Json, value: Json, fits: bool) -> None:
    pattern = {"detail": {"field": [rule]}}
    check(pattern)
    assert matches(pattern, {"detail": {"field": value}}) is fits


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"exists": False}, True),
        ({"exists": True}, False),
        ({"anything-but": "x"}, False),
        ({"anything-but": {"prefix": "x"}}, False),
        ({"wildcard": "*"}, False),
        (None, False),
    ],
)
def test_a_field_that_is_not_there(rule: Json, fits: bool) -> None:
    assert matches({"detail": {"field": [rule]}}, {"detail": {}}) is fits
    assert matches({"detail": {"field": [rule]}}, {}) is fits


ORDERS = {"detail": {"items": [{"name": "cup", "price": 7}, {"name": "pan", "price": 30}, "loose"], "none": []}}


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"items": {"name": ["cup"]}}, True),
        ({"items": {"name": ["cup"], "price": [{"numeric": ["<", 10]}]}}, True),
        ({"items": {"name": ["pan"], "price": [{"numeric": ["<", 10]}]}}, False),
        ({"items": ["loose"]}, True),
        ({"items": {"size": [{"exists": False}]}}, True),
        ({"items": {"size": [{"exists": True}]}}, False),
        ({"none": {"name": [{"exists": False}]}}, True),
        ({"none": {"name": ["cup"]}}, False),
        ({"none": ["cup"]}, False),
    ],
)
def test_arrays(pattern: Json, fits: bool) -> None:
    assert matches({"detail": pattern}, ORDERS) is fits


OR = {
    "source": ["aws.cloudwatch"],
    "$or": [{"detail": {"c": [{"numeric": [">", 0]}]}}, {"region": ["eu-west-1"], "detail": {"d": ["x"]}}],
}


@pytest.mark.parametrize(
    ("event", "fits"),
    [
        ({"source": "aws.cloudwatch", "detail": {"c": 1}}, True),
        ({"source": "aws.cloudwatch", "region": "eu-west-1", "detail": {"d": "x"}}, True),
        ({"source": "aws.cloudwatch", "region": "us-east-1", "detail": {"d": "x"}}, False),
        ({"source": "aws.other", "detail": {"c": 1}}, False),
        ({"source": "aws.cloudwatch"}, False),
    ],
)
def test_or(event: Json, fits: bool) -> None:
    check(OR)
    assert matches(OR, event) is fits


def test_or_inside_a_field() -> None:
    pattern = {"detail": {"$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}}
    check(pattern)
    found = [matches(pattern, {"detail": one}) for one in ({"a": 1}, {"b": 2}, {"c": 3}, {"a": 2, "b": 3})]
    assert found == [True, True, True, False]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("text", "Filter is not an object"),
        (["a"], "Filter is not an object"),
        ({}, "Empty objects are not allowed"),
        ({"detail": {}}, "Empty objects are not allowed"),
        ({"source": "aws.ec2"}, '"source" must be an object or an array'),
        ({"detail": {"a": None}}, '"a" must be an object or an array'),
        ({"source": []}, "Empty arrays are not allowed"),
        ({"source": [["aws.ec2"]]}, "Match value must be String, number, true, false, or null"),
        ({"a": [{}]}, "Match expression name not found"),
        ({"a": [{"like": "x"}]}, "Unrecognized match type like"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression"),
        ({"a": [{"prefix": 7}]}, "prefix match pattern must be a string"),
        ({"a": [{"prefix": {"suffix": "x"}}]}, "Unsupported prefix match pattern: suffix"),
        ({"a": [{"suffix": ["x"]}]}, "suffix match pattern must be a string"),
        ({"a": [{"equals-ignore-case": ["x"]}]}, "equals-ignore-case match pattern must be a string"),
        ({"a": [{"exists": "true"}]}, "exists match pattern must be either true or false."),
        ({"a": [{"wildcard": 7}]}, "wildcard match pattern must be a string"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 2"),
        ({"a": [{"wildcard": r"a\b"}]}, "Invalid escape character at pos 1"),
        ({"a": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 1"),
        ({"a": [{"anything-but": []}]}, "Value of anything-but must be an array or single string/number value."),
        ({"a": [{"anything-but": [None]}]}, "Value of anything-but must be an array or single string/number value."),
        (
            {"a": [{"anything-but": ["a", 1]}]},
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        ({"a": [{"anything-but": {"exists": True}}]}, "Unsupported anything-but pattern: exists"),
        ({"a": [{"anything-but": {}}]}, "Unsupported anything-but pattern: "),
        ({"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}, "Only one key allowed in match expression"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
        ({"a": [{"anything-but": {"prefix": [1]}}]}, "prefix match pattern must be a string"),
        ({"a": [{"anything-but": {"suffix": []}}]}, "suffix match pattern must be a string"),
        ({"a": [{"numeric": 7}]}, "Value of numeric must be an array."),
        ({"a": [{"numeric": [1, ">"]}]}, "Invalid member in numeric match: 1"),
        ({"a": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
        ({"a": [{"numeric": ["!=", 1]}]}, "Unrecognized numeric range operator: !="),
        ({"a": [{"numeric": ["=", "1"]}]}, "Value of equals must be numeric"),
        ({"a": [{"numeric": [">"]}]}, "Value of > must be numeric"),
        ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "Too many elements in numeric expression"),
        ({"a": [{"numeric": [">", 1, ">", 3]}]}, "Bad numeric range operator: >"),
        ({"a": [{"numeric": [">", 1, "<", True]}]}, "Value of < must be numeric"),
        ({"a": [{"numeric": [">", 1, "<", 3, "<", 4]}]}, "Too many terms in numeric range expression"),
        ({"a": [{"numeric": [">", 3, "<", 3]}]}, "Bottom must be less than top"),
        ({"a": [{"numeric": [">", 5_000_000_001]}]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ({"a": [{"cidr": 7}]}, "cidr match pattern must be a string"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
        ({"a": [{"cidr": "10.0.0.0/33"}]}, "Malformed CIDR, no such network: 10.0.0.0/33"),
        ({"$or": {"a": ["b"]}}, "It must be an Array followed with $or."),
        ({"$or": [{"a": ["b"]}]}, "There must have at least 2 Objects in $or relationship."),
        ({"$or": ["a", "b"]}, "Only JSON object is allowed in array of $or relationship."),
        ({"$or": [{"a": ["b"]}, {"a": "b"}]}, '"a" must be an object or an array'),
    ],
)
def test_what_is_no_pattern(pattern: Json, reason: str) -> None:
    with pytest.raises(PatternError) as caught:
        check(pattern)
    assert str(caught.value) == reason
