"""What a learner calls: start, check, hint, solution, progress, reset, in a notebook's Python."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from labsupport import home, session
from labsupport import lab as learner
from labsupport.course import engine, registry, starting, world
from labsupport.course.declare import Outcome, bash, python


@pytest.fixture(autouse=True)
def _in_the_lab(lab, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(lab.folder))


def test_start_says_where_things_are_and_what_is_there(lab):
    said = learner.start("tiny")
    assert lab.url in said
    assert str(lab.folder / "clones") in said
    assert "The parameter /tiny/given is there." in said


def test_an_unknown_chapter_still_gives_the_cloud(lab):
    said = learner.start("tinny")
    assert lab.url in said
    assert "There is no chapter 'tinny'. The chapters are: " in said


@pytest.mark.parametrize("call", [learner.check, learner.hint, learner.solution, learner.exercise])
def test_an_unknown_exercise_is_answered_with_those_there_are(call):
    assert "There is no exercise 'tiny.9'. The exercises of the chapter tiny are: tiny.1, tiny.2." in str(
        call("tiny.9")
    )


def test_hints_go_a_step_further_each_time_and_stay_at_the_last():
    said = [str(learner.hint("tiny.2")) for _ in range(4)]
    hints = registry.exercise("tiny.2")[1].hints
    assert [one.splitlines()[1] for one in said] == [*hints, hints[-1]]
    assert "Hint 1 of 3 (a nudge)" in said[0]
    assert "last hint" in said[2]


def test_solutions_are_shown_explained_and_counted(lab):
    said = str(learner.solution("tiny.1"))
    assert "A solution with the AWS CLI" in said
    assert "    aws ssm put-parameter" in said
    assert registry.exercise("tiny.1")[1].solutions[0].why in said
    assert engine.stand(lab.folder).of("tiny.1").solutions == 1


def test_a_check_after_the_work_is_in_the_progress(lab):
    learner.start("tiny")
    lab.colour("blue")
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.PASSED, found
    assert "✔ tiny.1 A colour: passed" in str(learner.progress())
    assert "seen at work" in str(learner.map())
    assert "tiny.1 A colour" in learner.progress()._repr_html_()


def test_a_deleted_clone_and_a_missing_commit_are_no_failure_of_the_lab(lab):
    lab.world.run(bash("rm -rf notes"))
    assert learner.check("tiny.2").outcome is Outcome.NOT_YET
    lab.world.run(bash("mkdir notes"))  # a folder within the project's own repository is no clone
    with pytest.raises(world.NoClone):
        lab.world.git("notes", "log")


def test_a_reset_keeps_the_clone_what_others_made_and_the_progress(lab):
    ssm = lab.world.client("ssm")
    ssm.put_parameter(Name="/other", Value="mine", Type="String")
    lab.colour("blue")
    learner.check("tiny.1")
    lab.world.run(bash("mkdir -p notes && echo mine > notes/file"))
    said = learner.reset("tiny")
    kept = next((lab.folder / "clones").glob("notes.before-reset-*/file"))
    assert kept.read_text() == "mine\n"
    assert str(kept.parent) in said
    assert learner.check("tiny.1").outcome is Outcome.NOT_YET
    assert ssm.get_parameter(Name="/other")["Parameter"]["Value"] == "mine"
    assert engine.stand(lab.folder).passed("tiny.1")


def test_a_second_reset_in_the_same_second_keeps_both_clones(lab, monkeypatch):
    monkeypatch.setattr(starting, "_stamp", lambda: "now")
    for text in ("one", "two"):
        lab.world.run(bash(f"mkdir -p notes && echo {text} > notes/file"))
        learner.reset("tiny")
    assert {one.read_text() for one in (lab.folder / "clones").glob("notes.before-reset-now*/file")} == {
        "one\n",
        "two\n",
    }


def test_emptying_the_cloud_leaves_progress_and_clones(lab):
    learner.start("tiny")
    lab.colour("blue")
    learner.check("tiny.1")
    lab.world.run(bash("mkdir -p notes && touch notes/kept"))
    home.ask(lab.folder, "POST", "/_lab/reset", profile="root")
    assert engine.stand(lab.folder).passed("tiny.1")
    assert (lab.folder / "clones" / "notes" / "kept").exists()
    learner.start("tiny")  # with the new keys of the emptied cloud
    assert learner.client("sts").get_caller_identity()["Account"]
    assert learner.check("tiny.1").outcome is Outcome.NOT_YET


def test_a_check_can_only_read(lab):
    reading = world.Here(lab.folder, lab.url, reading=True)
    with pytest.raises(world.NotReadOnly, match="ssm:PutParameter"):
        reading.client("ssm").put_parameter(Name="/x", Value="x", Type="String")
    with pytest.raises(world.NotReadOnly, match="git commit"):
        reading.git("notes", "commit")
    assert reading.client("sts").get_caller_identity()["Account"]


def test_steps_run_as_a_learner_types_them(lab):
    assert lab.world.run(bash("false\necho on")).status == 1
    assert lab.world.run(bash("false | true\necho on")).status == 1
    assert lab.world.run(bash("pwd")).output.strip() == str(lab.folder / "clones")
    ran = lab.world.run(python("from labsupport import lab\nprint(lab.client('sts').get_caller_identity()['Arn'])"))
    assert (ran.status, ran.output.strip().endswith(":user/learner")) == (0, True)


def test_several_buttons_at_once(lab):
    learner.start("tiny")
    lab.colour("blue")
    before = engine.stand(lab.folder).of("tiny.1").tries
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: learner.check("tiny.1").outcome, range(8)))
    assert found == [Outcome.PASSED] * 8
    assert engine.stand(lab.folder).of("tiny.1").tries == before + 8


def test_where_the_clone_is_kept_is_said_even_where_the_chapter_cannot_begin(lab, monkeypatch):
    def fails(*_):
        raise engine.NotBegun("It could not.")

    lab.world.run(bash("mkdir -p notes"))
    monkeypatch.setattr(engine, "begin", fails)
    said = learner.reset("tiny")
    assert "It could not." in said
    assert "Your clone notes is kept as it was" in said


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "clones").touch()
    with pytest.raises(home.Trouble, match="can't be made: File exists"):
        starting._clones(tmp_path)


def test_a_step_that_does_not_end_is_ended(lab, monkeypatch):
    monkeypatch.setattr(world, "PATIENCE", 0.3)
    ran = lab.world.run(bash("echo begun; sleep 60; echo never"))
    assert ran.status == 124
    assert "begun" in ran.output
    assert "did not end" in ran.output


WRONG_SHELL = {
    "AWS_PROFILE": "my-company",
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


def test_real_keys_profiles_and_endpoints_of_the_shell_are_never_used(lab, tmp_path, monkeypatch):
    (tmp_path / ".aws").mkdir()
    real = {
        "config": "[profile my-company]\nregion = eu-west-1\n",
        "credentials": "[default]\naws_access_key_id = REAL\n",
    }
    for name, text in real.items():
        (tmp_path / ".aws" / name).write_text(text)
    for name, value in {**WRONG_SHELL, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    learner.start("tiny")
    assert learner.check("tiny.1").outcome is not Outcome.LAB_FAILED
    assert {name for name in WRONG_SHELL if name.startswith("AWS_")} & set(os.environ) == {"AWS_PROFILE"}
    assert os.environ["AWS_PROFILE"] == "learner"
    seen = subprocess.run(["aws", "sts", "get-caller-identity", "--query", "Arn"], capture_output=True, text=True)
    assert "user/learner" in seen.stdout, seen.stderr
    assert {path.name: path.read_text() for path in (tmp_path / ".aws").iterdir()} == real


def test_boto3_of_the_lab_works_in_a_shell_with_a_profile_that_is_not_there(lab, monkeypatch):
    for name, value in WRONG_SHELL.items():
        monkeypatch.setenv(name, value)
    client = session.client_of(lab.folder, lab.url)
    assert client("sts").get_caller_identity()["Arn"].endswith(":user/learner")


def test_importing_the_lab_imports_nothing_heavy():
    code = "import sys; from labsupport import lab; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"boto3", "botocore", "IPython", "ipywidgets", "sqlite3", "rich", "cryptography", "markdown_it", "asyncio"}
    assert heavy & set(done.stdout.split()) == set()


def test_all_of_the_vocabulary_has_help():
    words = ["start", "exercise", "check", "hint", "solution", "reset", "progress", "client", "pipeline", "why",
             "mailbox", "map", "quiz", "clones"]  # fmt: skip
    for word in words:
        assert len(getattr(learner, word).__doc__) > 60, word
        assert f"lab.{word}(" in learner.__doc__ or word == "clones", word
