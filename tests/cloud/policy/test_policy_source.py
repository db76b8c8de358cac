"""Where a policy's statements stand in its text, and the keys that it names."""

import json
from typing import Any

import pytest
from policy_help import allow, deny, document

from labsupport.cloud.policy.document import parse
from labsupport.cloud.policy.source import Position, key_names, positions

TWO = document(allow("s3:*", Condition={"StringLike": {"aws:UserAgent": 'a } ] , " b'}}), deny("ec2:*"))


@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"separators": (",", ":")}, {"indent": "\t", "sort_keys": True}])
def test_statements_are_found_in_any_layout(layout: dict[str, Any]) -> None:
    text = json.dumps(TWO, **layout)
    lines = text.split("\n")
    found = positions(text)
    assert len(found) == 2
    for (start, end), statement in zip(found, TWO["Statement"], strict=True):
        inside = "\n".join(lines[start.line - 1 : end.line])
        offset = len(inside) - len(lines[end.line - 1])
        assert json.loads(inside[start.column - 1 : offset + end.column - 1]) == statement


def test_a_statement_without_a_list_begins_after_its_brace() -> None:
    text = '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Version":"2012-10-17"}'
    assert positions(text) == [(Position(1, 15), Position(1, text.index("},") + 2))]


def test_keys_are_named_once_as_they_are_written() -> None:
    statement = allow(
        resource="arn:aws:s3:::${aws:UserName}/${aws:PrincipalTag/team, 'none'}/${*}",
        Condition={"StringEquals": {"aws:username": "${aws:userid}", "AWS:SourceIp": "x"}},
    )
    found = key_names(parse(document(statement, deny(Condition={"Null": {"aws:SourceIp": "true"}})), "identity"))
    assert found == ["aws:UserName", "aws:PrincipalTag/team", "aws:userid", "AWS:SourceIp"]
