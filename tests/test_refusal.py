"""A refused call in words."""

from io import StringIO

import pytest
from rich.console import Console

from labsupport import refusal
from labsupport.commands.why import show

STATEMENT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::" + "shop-artifacts/" * 9}


def refused(told, **missing):
    event = {"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "errorMessage": "User: me is not authorized"}
    return {"event": event, "explanation": ["Me asked.", *told], "missing": missing}


ONE = refused(["This would allow it, in a: {}"], where="a", statement=STATEMENT, also=[])
TWO = refused(["in a", "in b"], where="a", statement=STATEMENT, also=[{"where": "b", "statement": STATEMENT}])
NONE = refused(["To allow the call, change b."], where="b", statement=None, also=[])


@pytest.mark.parametrize(
    ("found", "story", "places"),
    [(ONE, ["Me asked."], ["a"]), (TWO, ["Me asked."], ["a", "b"]), (NONE, ["Me asked.", NONE["explanation"][1]], [])],
    ids=["one statement", "two statements", "no statement helps"],
)
def test_how_to_allow_it_is_told_once(found, story, places):
    assert refusal.story(found) == story
    assert [where for where, _ in refusal.remedies(found)] == places
    assert refusal.words(found).count("This would allow it") == len(places)


def test_a_terminal_shows_a_statement_that_can_be_copied():
    out = StringIO()
    show(ONE, Console(file=out, width=60))
    assert f'"Resource": "{STATEMENT["Resource"]}"\n' in out.getvalue()
    assert "s3:PutObject refused" in out.getvalue()
