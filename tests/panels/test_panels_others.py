"""The mailbox, the trail and a refused call: what they show, and what their buttons do."""

import json
import urllib.request
from datetime import UTC, datetime

import pytest

from labsupport.panels import mailbox, trail
from labsupport.panels.live import still
from labsupport.panels.trail import Filters, Seen, chosen, rows
from labsupport.panels.watching import Note
from labsupport.panels.why import NONE, why

LINK = "http://127.0.0.1:4566/?Action=ConfirmSubscription&TopicArn=a&Token=t"


def mail(number=1, subject="Hello", body="text"):
    return {
        "id": str(number),
        "to": "a@example.com",
        "sender": "s@example.com",
        "subject": subject,
        "body": body,
        "time": 0,
    }


MAILS = [mail(2, "AWS Notification - Subscription Confirmation", f"Choose to confirm:\n{LINK}\n"), mail(1, "APPROVAL")]


def test_mails_are_listed_newest_first_with_their_words():
    shown = mailbox.mailbox(lambda: MAILS)
    assert str(shown).index("Subscription") < str(shown).index("APPROVAL")
    assert "To:      a@example.com" in str(shown)


@pytest.mark.parametrize(
    ("given", "subjects"),
    [({"about": "APPROVAL"}, ["APPROVAL"]), ({"newest": 1}, [MAILS[0]["subject"]]), ({"about": "none"}, [])],
)
def test_mails_are_chosen(given, subjects):
    shown = mailbox.mailbox(lambda: MAILS, **given)
    assert [one["subject"] for one in shown.seen] == subjects
    assert bool(subjects) != (mailbox.EMPTY in str(shown))


def test_a_confirmation_has_a_button_and_other_links_have_none():
    html = mailbox.view(tuple(MAILS), Note()).html
    assert html.count('data-do="follow"') == 1
    assert "<button" not in still(html)


def test_following_a_link_visits_it(monkeypatch):
    visited = []

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self):
            return b""

    monkeypatch.setattr(urllib.request, "urlopen", lambda link, timeout: visited.append(link) or Answer())
    assert mailbox.act("follow", {"link": LINK}).startswith("✔")
    assert visited == [LINK]


@pytest.mark.parametrize("link", ["http://example.com/?Action=ConfirmSubscription", "file:///etc/passwd", ""])
def test_no_link_out_of_the_lab_is_followed(link):
    assert mailbox.act("follow", {"link": link}).startswith("✘")


def event(name, user="learner", error="", read=False, resource="arn:aws:codecommit:us-east-1:1:shop"):
    record = {"userIdentity": {}, "readOnly": read, **({"errorCode": error, "errorMessage": "No."} if error else {})}
    return {
        "EventId": f"{name} {user} {error}",
        "EventTime": datetime(2026, 1, 1, tzinfo=UTC),
        "EventName": name,
        "EventSource": "codecommit.amazonaws.com",
        "Username": user,
        "Resources": [{"ResourceName": resource}],
        "CloudTrailEvent": json.dumps(record),
    }


class CloudTrail:
    def __init__(self, *pages):
        self.pages, self.asked = pages, []

    def lookup_events(self, **params):
        self.asked.append(params)
        at = int(params.get("NextToken", 0))
        return {"Events": self.pages[at], **({"NextToken": str(at + 1)} if at + 1 < len(self.pages) else {})}


HISTORY = [
    event("LookupEvents", read=True),
    event("CreateRepository"),
    event("GetRepository", read=True),
    event("GetBranch", user="bob", error="AccessDenied", read=True),
    event("DeleteRepository", user="bob"),
]


@pytest.mark.parametrize(
    ("filters", "attribute", "names"),
    [
        (Filters(), ("ReadOnly", "false"), ["CreateRepository", "DeleteRepository"]),
        (Filters(reads=True), None, ["CreateRepository", "GetRepository", "GetBranch", "DeleteRepository"]),
        (Filters(errors=True), None, ["GetBranch"]),
        (Filters(user="bob"), ("Username", "bob"), ["DeleteRepository"]),
        (Filters(event="GetRepository"), ("EventName", "GetRepository"), ["GetRepository"]),
        (Filters(user="bob", resource="shop"), ("ResourceName", "shop"), ["DeleteRepository"]),
        (Filters(event="LookupEvents"), ("EventName", "LookupEvents"), ["LookupEvents"]),
    ],
)
def test_the_trail_is_sifted(filters, attribute, names):
    client = CloudTrail(HISTORY)
    assert [row.event.partition(":")[2] for row in rows(client, filters)] == names
    sent = client.asked[0].get("LookupAttributes")
    assert sent == (attribute and [{"AttributeKey": attribute[0], "AttributeValue": attribute[1]}])


def test_the_trail_is_looked_through_page_by_page_within_limits():
    client = CloudTrail(*[[event("GetBranch", read=True)]] * 9)
    assert rows(client, Filters()) == []
    assert len(client.asked) == trail.PAGES


def test_the_form_sets_the_filters():
    assert chosen(Filters(errors=True), {"user": " bob ", "reads": "1"}) == Filters(user="bob", reads=True)


def test_the_form_shows_the_filters_and_the_count_tells_them():
    shown = trail.view(Seen(Filters(user='"><b>', errors=True), ()), Note())
    assert 'value="&quot;&gt;&lt;b&gt;"' in shown.html
    assert 'name="errors" value="1" checked' in shown.html
    assert "errors only" in shown.text


def test_pressing_look_up_changes_what_is_shown():
    shown = trail.trail(lambda _: CloudTrail(HISTORY), Filters())
    assert "2 events (changes only)" in str(shown)
    shown._act("filter", {"user": "bob"})
    assert len(shown._look().rows) == 1


FOUND = {
    "event": {"eventSource": "s3.amazonaws.com", "eventName": "PutObject", "errorMessage": "User: u is not authorized"},
    "decision": {
        "policies": [], "missing": ["identity"], "allowed": False, "effect": "implicitDeny", "action": "s3:PutObject",
        "resource": "*", "principal": {"arn": "arn:u", "service": None, "provider": None},
    },
    "explanation": ["arn:u asked.", "No identity-based policy allows it.", "This would allow it, in x: {}"],
    "missing": {"where": "an identity-based policy of u", "statement": {"Effect": "Allow"}, "also": []},
}  # fmt: skip


def test_a_refused_call_is_told_with_its_picture_and_its_remedy():
    shown = why(FOUND)
    assert "<svg" in shown.html
    assert "This would allow it" in shown.html
    assert "&quot;Effect&quot;: &quot;Allow&quot;" in shown.html
    assert "User: u is not authorized" in str(shown)
    assert "<style>" in shown._repr_html_()


def test_nothing_refused_is_said():
    assert str(why({})) == NONE
