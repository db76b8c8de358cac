"""The record of progress: counted rightly, shared by several writers, signed, and never lost."""

import json
import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from labsupport.course import engine
from labsupport.course.declare import Outcome
from labsupport.course.progress import record as recording
from labsupport.course.progress import signing
from labsupport.course.progress.migrations import MIGRATIONS
from labsupport.course.progress.record import FILE, Event, NotKept, Record
from labsupport.course.progress.signing import KEY, NotGenuine, exported, read, taken_in
from labsupport.course.progress.standing import standing


@pytest.fixture
def record(tmp_path):
    return Record(tmp_path / "home")


def checked(outcome, at=1.0):
    return Event("checked", "tiny.1", {"outcome": outcome.value}, at)


def test_what_the_lab_failed_at_never_counts():
    found = standing([checked(Outcome.NOT_RIGHT), checked(Outcome.LAB_FAILED)]).of("tiny.1")
    assert (found.tries, found.outcome, found.passed) == (1, Outcome.NOT_RIGHT, None)


def test_once_passed_stays_passed():
    found = standing([checked(Outcome.PASSED, 5.0), checked(Outcome.NOT_YET, 6.0), checked(Outcome.PASSED, 7.0)])
    assert (found.of("tiny.1").passed, found.of("tiny.1").tries, found.passed("tiny.1")) == (5.0, 3, True)


def test_hints_solutions_and_answers_are_counted():
    found = standing(
        [
            Event("hint", "tiny.1", {"number": 1}),
            Event("hint", "tiny.1", {"number": 2}),
            Event("solution", "tiny.1"),
            Event("answered", "q", {"right": True}),
            Event("answered", "q", {"right": False}),
            Event("something a newer lab notes", "x"),
        ]
    )
    assert (found.of("tiny.1").hints, found.of("tiny.1").solutions, found.of("tiny.1").tries) == (2, 1, 0)
    assert (found.answered("q").times, found.answered("q").right_times, found.answered("q").right) == (2, 1, False)


def test_events_come_back_as_they_were_noted(record):
    record.note("checked", "tiny.1", outcome="passed")
    (found,) = Record(record.folder).events()
    assert (found.what, found.subject, found.detail, found.learner) == ("checked", "tiny.1", {"outcome": "passed"}, "")


def test_notebooks_and_terminals_write_side_by_side(record):
    code = (
        "import sys; from pathlib import Path; from labsupport.course.progress.record import Record\n"
        "for n in range(20): Record(Path(sys.argv[1])).note('hint', sys.argv[2], number=n)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(record.folder), str(n)]) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len(record.events()) == 80


def test_a_full_disk_ends_in_a_sentence_and_the_next_note_brings_all(record, monkeypatch):
    record.note("hint", "tiny.1", number=1)
    real = sqlite3.connect

    def full(*arguments, **options):
        database = real(*arguments, **options)
        database.execute("PRAGMA max_page_count = 1")  # SQLite's own way to say that there is no room
        return database

    monkeypatch.setattr(recording.sqlite3, "connect", full)
    with pytest.raises(NotKept, match="is full, so your progress could not be kept: free some space"):
        record.note("checked", "tiny.1", outcome="passed", more="x" * 100_000)
    assert len(record.events()) == 2
    monkeypatch.undo()
    record.note("hint", "tiny.1", number=2)
    assert [one.what for one in Record(record.folder).events()] == ["hint", "checked", "hint"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written(record):
    record.note("hint", "tiny.1", number=1)
    (record.folder / FILE).chmod(0o400)
    with pytest.raises(NotKept, match="can't be written"):
        record.note("hint", "tiny.1", number=2)
    assert len(Record(record.folder).events()) == 1


def test_reading_takes_no_lock_that_a_writer_needs(record):
    record.note("hint", "tiny.1", number=1)
    with record._opened("BEGIN IMMEDIATE"):  # SQLite refuses this lock on a file that may only be read
        assert len(Record(record.folder).events()) == 1


def test_what_sqlite_says_of_a_file_that_may_not_be_written(tmp_path):
    said = recording.sentence(tmp_path / FILE, sqlite3.OperationalError("attempt to write a readonly database"))
    assert f"chmod u+w {FILE}" in said


def test_a_damaged_file_is_left_as_it_is_and_a_check_still_answers(record):
    record.folder.mkdir()
    (record.folder / FILE).write_bytes(b"no database, but long enough to be taken for one" * 100)
    before = (record.folder / FILE).read_bytes()
    found = engine.check(record.folder, "tiny.1")
    assert "Move it away" in found.note
    assert engine.hint(record.folder, "tiny.1").number == 1
    assert engine.hint(record.folder, "tiny.1").number == 2
    assert (record.folder / FILE).read_bytes() == before


def test_a_newer_labs_file_is_left_alone(record):
    record.note("hint", "tiny.1", number=1)
    with sqlite3.connect(record.folder / FILE) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    with pytest.raises(NotKept, match="Use the newer lab"):
        record.events()


def test_an_export_is_read_as_it_was_and_taken_in_once(record, tmp_path):
    record.note("checked", "tiny.1", outcome="passed")
    text = exported(record, "Ada", 7.0)
    found = read(text)
    assert (found.name, found.exported, len(found.events)) == ("Ada", 7.0, 1)
    teacher = Record(tmp_path / "teacher")
    assert [taken_in(teacher, found, mine=False) for _ in range(2)] == [1, 0]
    assert teacher.learners() == {found.learner: "Ada"}
    assert teacher.events() == []
    assert standing(teacher.events(found.learner)).passed("tiny.1")


def test_a_learner_takes_progress_to_another_machine(record, tmp_path):
    record.note("checked", "tiny.1", outcome="passed")
    other = Record(tmp_path / "other")
    assert taken_in(other, read(exported(record, "Ada", 7.0)), mine=True) == 1
    assert standing(other.events()).passed("tiny.1")


def test_the_key_is_one_and_for_its_owner_alone(record):
    record.note("hint", "tiny.1", number=1)
    assert read(exported(record, "a", 1.0)).learner == read(exported(record, "b", 2.0)).learner
    assert stat.S_IMODE((record.folder / KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "tamper",
    [
        lambda file: file["content"].update(name="Eve"),
        lambda file: file["content"]["events"][0]["detail"].update(outcome="passed"),
        lambda file: file["content"]["events"].clear(),
        lambda file: file.update(signature="AAAA"),
        lambda file: file.update(key="AAAA"),
        lambda file: file.update(format="another"),
        lambda file: file.pop("content"),
    ],
    ids=["name", "outcome", "events", "signature", "key", "format", "content"],
)
def test_a_changed_file_is_noticed(record, tamper):
    record.note("checked", "tiny.1", outcome="not right")
    file = json.loads(exported(record, "Ada", 7.0))
    tamper(file)
    with pytest.raises(NotGenuine):
        read(json.dumps(file))


@pytest.mark.parametrize("text", ["", "[]", "null", "no JSON", '{"format": 1}', "[" * 5000])
def test_what_is_no_export_is_said_to_be_none(text):
    with pytest.raises(NotGenuine, match="no file of progress"):
        read(text)


@pytest.mark.parametrize(
    "event",
    [5, {"what": "checked", "subject": "x", "detail": {}}, {"what": "x"}, {"what": "hint", "subject": "x", "odd": 1}],
)
def test_a_well_signed_file_of_nonsense_is_not_taken(record, monkeypatch, event):
    monkeypatch.setattr(signing, "as_json", lambda _: event)
    record.note("hint", "tiny.1", number=1)
    with pytest.raises(NotGenuine, match="no file of progress"):
        read(exported(record, "Eve", 1.0))


def test_a_file_laid_out_anew_is_still_genuine(record):
    record.note("checked", "tiny.1", outcome="passed")
    assert read(json.dumps(json.loads(exported(record, "Zoë", 7.0)))).name == "Zoë"
