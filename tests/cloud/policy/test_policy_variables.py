"""Policy variables in resources and conditions."""

from typing import Any

import pytest
from policy_help import allow, applied, decides, request

NAME = {"aws:username": "ann"}

RESOURCES = [
    ("arn:aws:s3:::box/${aws:username}/*", "arn:aws:s3:::box/ann/k", NAME, True),
    ("arn:aws:s3:::box/${aws:username}/*", "arn:aws:s3:::box/bob/k", NAME, False),
    ("arn:aws:s3:::box/${AWS:UserName}/*", "arn:aws:s3:::box/ann/k", NAME, True),
    ("arn:aws:s3:::box/${aws:username}/*", "arn:aws:s3:::box/ann/k", {}, False),
    ("arn:aws:s3:::box/${aws:username, 'nobody'}", "arn:aws:s3:::box/nobody", {}, True),
    ("arn:aws:s3:::box/${aws:username, 'nobody'}", "arn:aws:s3:::box/ann", NAME, True),
    ("arn:aws:s3:::box/${aws:username, 'nobody'}", "arn:aws:s3:::box/nobody", NAME, False),
    ("arn:aws:s3:::box/${aws:username,'nobody'}", "arn:aws:s3:::box/nobody", {}, True),
    ("arn:aws:s3:::box/${aws:username, ''}", "arn:aws:s3:::box/", {}, True),
    ("arn:aws:s3:::box/${aws:username, 'a*'}", "arn:aws:s3:::box/ax", {}, False),
    ("arn:aws:s3:::box/${aws:username, 'a*'}", "arn:aws:s3:::box/a*", {}, True),
    ("arn:aws:s3:::box/${*}", "arn:aws:s3:::box/*", {}, True),
    ("arn:aws:s3:::box/${*}", "arn:aws:s3:::box/x", {}, False),
    ("arn:aws:s3:::box/${?}", "arn:aws:s3:::box/?", {}, True),
    ("arn:aws:s3:::box/${?}", "arn:aws:s3:::box/x", {}, False),
    ("arn:aws:s3:::box/${$}{x}", "arn:aws:s3:::box/${x}", {}, True),
    ("arn:aws:s3:::box/${aws:PrincipalTag/team}/*", "arn:aws:s3:::box/red/k", {"aws:principaltag/team": "red"}, True),
    ("arn:aws:s3:::box/${aws:username}", "arn:aws:s3:::box/x", {"aws:username": "*"}, False),
    ("arn:aws:s3:::box/${aws:username}", "arn:aws:s3:::box/*", {"aws:username": "*"}, True),
    ("arn:aws:s3:::box/${aws:username}", "arn:aws:s3:::box/x", {"aws:username": "\x01"}, False),
    ("arn:aws:s3:::box/${aws:username}", "arn:aws:s3:::box/x", {"aws:username": "${lab:x}", "lab:x": "x"}, False),
    ("arn:aws:s3:::box/${aws:TagKeys}", "arn:aws:s3:::box/a", {"aws:tagkeys": ["a", "b"]}, False),
    ("arn:aws:s3:::box/${aws:TagKeys}", "arn:aws:s3:::box/a", {"aws:tagkeys": ["a"]}, True),
    ("arn:aws:s3:::${aws:username}-box", "arn:aws:s3:::ann-box", NAME, True),
    ("arn:aws:s3:::${aws:username", "arn:aws:s3:::ann", NAME, False),
    ("arn:aws:s3:::${}", "arn:aws:s3:::${}", {}, True),
    ("arn:aws:iam::${aws:account}:user/x", "arn:aws:iam::1:user/x", {"aws:account": "1"}, False),
    ("arn:aws:s3:::box/${aws:username}${aws:username}", "arn:aws:s3:::box/annann", NAME, True),
    ("arn:aws:s3:::box/${lab:flag}", "arn:aws:s3:::box/true", {"lab:flag": True}, True),
]


@pytest.mark.parametrize(("pattern", "resource", "context", "expected"), RESOURCES)
def test_in_a_resource(pattern: str, resource: str, context: dict[str, Any], expected: bool) -> None:
    asked = request(resource=resource, context=context)
    assert decides(allow(resource=pattern), asked) is expected


CONDITIONS = [
    ("StringEquals", "${aws:username}", "ann", NAME, True),
    ("StringEquals", "${aws:username}", "bob", NAME, False),
    ("StringEquals", "${aws:username}", "ann", {}, False),
    ("StringNotEquals", "${aws:username}", "ann", {}, True),
    ("StringNotEquals", "${aws:username}", "ann", NAME, False),
    ("StringEquals", ["${aws:username}", "eve"], "eve", {}, True),
    ("StringLike", "home/${aws:username}/*", "home/ann/x", NAME, True),
    ("StringLike", "home/${aws:username}/*", "home/bob/x", NAME, False),
    ("StringLike", "${aws:username}", "anything", {"aws:username": "*"}, False),
    ("StringLike", "a${*}", "ab", {}, False),
    ("StringLike", "a${*}", "a*", {}, True),
    ("StringEquals", "a${*}", "a*", {}, True),
    ("StringNotLike", "${aws:username}*", "annabel", NAME, False),
    ("ArnLike", "arn:aws:iam::*:role/${aws:username}", "arn:aws:iam::1:role/ann", NAME, True),
    ("ArnEquals", "${lab:arn}", "arn:aws:iam::1:role/x", {"lab:arn": "arn:aws:iam::1:role/x"}, True),
    ("ArnLike", "arn:aws:iam::${lab:account}:role/x", "arn:aws:iam::1:role/x", {"lab:account": "1"}, True),
    ("StringEqualsIgnoreCase", "${aws:username}", "ANN", NAME, True),
    ("Bool", "${lab:flag}", "true", {"lab:flag": "true"}, True),
    ("NumericEquals", "${lab:number}", "7", {"lab:number": "7"}, False),
    ("IpAddress", "${lab:ip}", "10.0.0.1", {"lab:ip": "10.0.0.1"}, False),
]


@pytest.mark.parametrize(("operator", "wanted", "actual", "context", "expected"), CONDITIONS)
def test_in_a_condition(operator: str, wanted: Any, actual: str, context: dict[str, Any], expected: bool) -> None:
    assert applied({operator: {"lab:key": wanted}}, {"lab:key": actual, **context}) is expected


def test_a_not_resource_without_a_value_covers_every_resource() -> None:
    statement = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::box/${aws:username}/*"}
    assert decides(statement, request(resource="arn:aws:s3:::box/ann/k"))
    assert not decides(statement, request(resource="arn:aws:s3:::box/ann/k", context=NAME))


@pytest.mark.parametrize(
    ("resource", "expected"), [("arn:aws:s3:::box/${aws:username}", True), ("arn:aws:s3:::box/ann", False)]
)
def test_the_older_language_has_no_variables(resource: str, expected: bool) -> None:
    statement = allow(resource="arn:aws:s3:::box/${aws:username}")
    assert decides(statement, request(resource=resource, context=NAME), version="2008-10-17") is expected


def test_the_older_language_has_wildcards() -> None:
    statement = allow(resource="arn:aws:s3:::box/*", Condition={"StringLike": {"lab:key": "${*}"}})
    asked = request(context={"lab:key": "${anything}"})
    assert decides(statement, asked, version="2008-10-17")
    assert not decides(statement, asked)
