"""What keeps a panel up to date: it slows down, sleeps, wakes, and outlives a cloud that does not answer."""

import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from labsupport import home
from labsupport.panels import watching
from labsupport.panels.live import View
from labsupport.panels.watching import Note, Watch, pace, trouble

PATIENCE = 10.0


class Thing:
    """Something to look at: its value, and what was pressed."""

    def __init__(self):
        self.value, self.pressed, self.looks = 0, [], 0
        self.looked = threading.Condition()

    def look(self):
        with self.looked:
            self.looks += 1
            self.looked.notify_all()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def act(self, what, fields):
        self.pressed.append((what, fields))
        if what == "break":
            raise ClientError({"Error": {"Code": "ConflictException", "Message": "Not now."}}, "Break")
        self.value += 1
        return f"{what}: done"

    def watch(self, key="thing"):
        found = Watch(key, self.look, lambda seen, note: View(f"{seen}|{note.said}|{note.asleep}", ""), self.act)
        found._resume()
        return found


@pytest.fixture
def thing():
    return Thing()


@pytest.fixture
def watch(thing):
    found = thing.watch()
    yield found
    found.stop()


def shows(watch, *parts):
    """Wait until the panel shows all of this."""
    return watch.until(lambda _: all(part in watch.panel.view.html for part in parts), PATIENCE)


def test_a_change_is_shown(thing, watch):
    thing.value = 7
    assert watch.until(lambda seen: seen == 7, PATIENCE)


def test_a_press_acts_and_is_told(thing, watch):
    watch._pressed("start", {"stage": "Build"})
    assert thing.pressed == [("start", {"stage": "Build"})]
    assert shows(watch, "1|start: done|")


def test_a_press_that_is_refused_is_told_in_awss_words(watch):
    watch._pressed("break", {})
    assert shows(watch, "✘ ConflictException: Not now.")


def test_a_cloud_that_does_not_answer_is_told_and_looked_at_again(thing, watch):
    thing.value = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert shows(watch, "0|✘ The cloud does not answer")
    thing.value = 3
    assert shows(watch, "3||")


def test_nobody_waits_for_a_cloud_that_is_gone(thing, watch, monkeypatch):
    monkeypatch.setattr(watching, "SILENCE", 0.0)
    thing.value = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    with pytest.raises(home.Unreachable, match="The cloud does not answer"):
        watch.until(lambda _: False, PATIENCE)


def test_of_two_watches_of_one_thing_the_newer_looks(thing, watch):
    other = thing.watch()
    assert watching.ELSEWHERE in watch.panel.view.html
    assert watch._running is None
    watch._pressed("look", {})
    assert watching.ELSEWHERE in other.panel.view.html
    assert other._running is None
    assert watching.ELSEWHERE not in watch.panel.view.html


def test_after_long_without_change_nobody_looks_until_somebody_asks(thing, watch, monkeypatch):
    monkeypatch.setattr(watching, "PACES", ())
    assert not watch.until(lambda _: False, PATIENCE)
    assert watching.IDLE in watch.panel.view.html
    monkeypatch.undo()
    watch._pressed("look", {})
    thing.value = 5
    assert watch.until(lambda seen: seen == 5, PATIENCE)
    assert thing.pressed == []


@pytest.mark.parametrize(("unchanged", "seconds"), [(0, 0.25), (59, 0.25), (61, 0.5), (200, 2.0), (900, None)])
def test_the_longer_nothing_changes_the_slower_it_looks(unchanged, seconds):
    assert pace(unchanged) == seconds


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "X"),
            "✘ AccessDeniedException: No. lab.why() tells which policy.",
        ),
        (ClientError({"Error": {"Code": "Conflict", "Message": "No."}}, "X"), "✘ Conflict: No."),
        (ValueError("odd"), "✘ ValueError: odd"),
    ],
)
def test_trouble_in_words(error, words):
    assert trouble(error) == words


def test_a_note_is_empty_at_first():
    assert Note() == Note("", "")
