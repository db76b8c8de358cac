"""The same vocabulary in a terminal: what it prints and how it ends."""

import io
import json
import sys

import pytest

from labsupport import cli
from labsupport.course import engine, quiz, registry
from labsupport.course.declare import Outcome


@pytest.fixture
def run(lab, capsys, monkeypatch):
    """`run("check", "tiny.1")` gives the exit status and what was printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words, typed="", folder=lab.folder):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        status = cli.main([words[0], "--home", str(folder), *words[1:]])
        said = capsys.readouterr()
        return status, said.out + said.err

    return call


@pytest.fixture
def begun(lab):
    engine.begin(lab.folder, registry.chapter("tiny"), lab.url)
    return registry.exercise("tiny.1")[1]


def test_an_exercise_and_its_help_are_shown(run):
    status, said = run("exercise", "tiny.1")
    assert status == 0
    assert "Parameter Store" in said
    assert "DVA-C02 1.1" in said
    assert "lab check tiny.1" in said
    assert run("hint", "tiny.1") == (0, "Hint 1 of 3 (a nudge)\nWhich service keeps settings?" + " " * 171 + "\n")
    status, said = run("solution", "tiny.1")
    assert status == 0
    assert "aws ssm put-parameter" in said


def test_a_check_ends_as_it_went(run, lab, begun):
    lab.colour()
    status, said = run("check", "tiny.1")
    assert (status, "· not yet  tiny.1 A colour" in said) == (1, True)
    assert "aws ssm get-parameter --name /tiny/colour" in said
    lab.colour("red")
    status, said = run("check", "tiny.1")
    assert (status, "✘ not right" in said, "The value is red." in said) == (1, True, True)
    lab.colour("blue")
    status, said = run("check", "tiny.1")
    assert (status, "✔ passed" in said) == (0, True)


@pytest.mark.parametrize("command", ["check", "quiz", "progress"])
def test_the_help_tells_how_a_command_ends(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "Exit status: 0" in capsys.readouterr().out


def test_without_a_cloud_it_says_how_to_start_one(run, tmp_path):
    status, said = run("check", "tiny.1", folder=tmp_path)
    assert status == 3
    assert "No cloud runs on" in said
    assert "does not count against you" in said


def test_a_lab_that_fails_has_a_status_of_its_own(run, monkeypatch):
    exercise = registry.exercise("tiny.1")[1]
    monkeypatch.setattr(engine, "_parts", lambda folder, _: (failed(exercise),))
    assert run("check", "tiny.1")[0] == 4


def failed(exercise):
    from labsupport.course.mishaps import finding_of
    from labsupport.course.verdict import Part

    return Part(exercise.check[0].name, finding_of(ZeroDivisionError("x")))


@pytest.mark.parametrize("words", [("check", "tiny.9"), ("hint", "nope"), ("quiz", "nope"), ("reset", "nope")])
def test_what_does_not_exist_is_used_wrongly(run, words):
    status, said = run(*words)
    assert status == 2
    assert f"lab {words[0]}: There is no " in said


def test_a_chapter_is_reset_alone(run, lab, begun):
    lab.colour("blue")
    status, said = run("reset", "tiny")
    assert (status, "at its starting point again" in said) == (0, True)
    assert engine.check(lab.folder, "tiny.1").outcome is Outcome.NOT_YET


def test_progress_is_shown_exported_and_read_by_a_teacher(run, lab, begun, tmp_path):
    lab.colour("blue")
    run("check", "tiny.1")
    status, said = run("progress")
    assert (status, "tiny.1 A colour" in said, "1 of 2 exercises passed" in said) == (0, True, True)
    file, other = tmp_path / "ada.json", tmp_path / "eve.json"
    status, said = run("progress", "export", str(file), "--name", "Ada")
    assert (status, "The progress of Ada is in" in said) == (0, True)
    changed = json.loads(file.read_text())
    changed["content"]["name"] = "Eve"
    other.write_text(json.dumps(changed))
    teacher = tmp_path / "teacher"
    status, said = run("progress", "import", str(other), str(tmp_path / "none"), str(file), folder=teacher)
    assert status == 1
    assert "was changed after it was exported" in said
    assert f"{file}: unchanged since its export" in said
    assert "Ada" in run("progress", folder=teacher)[1]
    status, said = run("progress", "import", "--mine", str(file), folder=teacher)
    assert "added to your own" in said
    assert "1 of 2 exercises passed" in run("progress", folder=teacher)[1]


def test_an_export_that_cannot_be_written_is_said(run, tmp_path):
    status, said = run("progress", "export", str(tmp_path / "no" / "folder" / "x.json"))
    assert (status, "could not be written" in said) == (1, True)


def letters(question):
    """Those of its right options, and those of the others; they stand in another order than they are written in."""
    right = quiz.right(question)
    found = [
        [quiz.LETTERS[at] for at in range(len(question.options)) if (at in right) is good] for good in (True, False)
    ]
    return ["".join(one) for one in found]


def test_the_right_options_stand_anywhere():
    places = {min(quiz.right(one)) for chapter in ("start", "guard") for one in quiz.questions(chapter)}
    assert places >= {0, 1, 2}


def test_a_quiz_is_answered_explained_shown_and_scored(run, lab):
    (right, wrong), (both, _) = map(letters, quiz.questions("tiny"))
    status, said = run("quiz", "tiny", typed=f"z\n{wrong.lower()}\n{wrong.lower()}\n\n{wrong}\n{both.lower()}\n")
    assert status == 1
    assert "Please answer with letters from A to B." in said
    assert "✘ Not right." in said
    assert f"{wrong}  ✘ wrong, and chosen: Names may not begin with `aws`." in said
    assert "It was refused, as the explanation says." in said
    assert "1 of 2 right so far." in said
    status, said = run("quiz", "tiny", "--left", typed=f"{right}\n{right}\n\n")
    assert "It worked, as the explanation says." in said
    assert "Question 1 of 1" in said
    assert (status, "2 of 2 right so far." in said) == (0, True)


def test_a_quiz_is_marked_all_or_nothing(lab):
    one = quiz.questions("tiny")[1]
    right = quiz.right(one)
    assert quiz.marked(lab.folder, one, right).right
    assert not quiz.marked(lab.folder, one, {min(right)}).right
    assert not quiz.marked(lab.folder, one, {0, 1, 2}).right
    assert quiz.so_far(lab.folder, one).right is False
    assert quiz.how_many(one) == "Choose exactly 2; all of them have to be right."


def test_an_option_that_cannot_be_run_says_so(lab):
    with pytest.raises(quiz.NoProof, match="Option A of this question can't be run"):
        quiz.shown(lab.folder, quiz.questions("tiny")[1], 0)
