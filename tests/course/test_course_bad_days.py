"""Bad days: each ends in a sentence that says what happened and what to do, and nothing is lost."""

import os
import signal
import subprocess
import sys

import nbformat
import notebook_runs
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labsupport import home
from labsupport import lab as learner
from labsupport.commands.background import started, stopped
from labsupport.course import engine
from labsupport.course.declare import Outcome


@pytest.fixture
def lab(make_lab, monkeypatch):
    """A lab of the test's own, its first exercise solved."""
    made = make_lab("bad-day")
    monkeypatch.setenv("LAB_HOME", str(made.folder))
    learner.start("tiny")
    made.colour("blue")
    assert learner.check("tiny.1").outcome is Outcome.PASSED
    return made


def killed(lab):
    lab.process.send_signal(signal.SIGKILL)
    lab.process.wait(20)
    lab.process.stderr.close()


def test_the_cloud_is_killed_in_mid_chapter(lab):
    killed(lab)
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.LAB_FAILED
    assert "does not count against you" in str(found)
    assert "lab.start() starts the cloud" in str(found)
    assert "No cloud runs on" in learner.reset("tiny")
    with pytest.raises(home.Unreachable, match="No cloud runs on"):
        learner.client("s3")
    lab.start()
    assert lab.url in learner.start("tiny")
    assert learner.check("tiny.1").outcome is Outcome.PASSED
    assert engine.stand(lab.folder).of("tiny.1").tries == 2


def test_the_cloud_ends_while_a_check_looks(lab, monkeypatch):
    endpoint = home.endpoint(lab.folder)
    monkeypatch.setattr(engine.home, "running", lambda _: endpoint)
    killed(lab)
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.LAB_FAILED
    assert "The cloud does not answer any more." in str(found)
    monkeypatch.undo()
    lab.start()


def test_something_is_deleted_by_hand(lab):
    lab.world.client("ssm").delete_parameter(Name="/tiny/given")
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.NOT_RIGHT
    assert "make it (again)" in str(found)
    learner.start("tiny")
    assert learner.check("tiny.1").outcome is Outcome.PASSED


def test_a_learner_who_denied_himself_is_told_by_what(lab):
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ssm:*","Resource":"*"}]}'
    lab.world.client("iam").put_user_policy(UserName="learner", PolicyName="no", PolicyDocument=policy)
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.NOT_RIGHT
    assert "explicit deny" in str(found)
    assert "lab why" in str(found)
    with pytest.raises(engine.NotBegun, match="could not be brought about") as told:
        learner.start("tiny")
    assert "explicit deny" in str(told.value)
    assert "could not be brought about" in learner.reset("tiny")


def test_a_check_before_anything_was_started(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "fresh"))
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.LAB_FAILED
    assert "lab.start()" in str(found)
    assert learner.hint("tiny.1")
    assert "0 of 2 exercises passed" in str(learner.progress())


STARTS = "from labsupport import lab; print(lab.start('tiny'), flush=True); input()"


@pytest.fixture
def kernel(tmp_path):
    """Starts processes that attach to the cloud of one home folder or start it, as kernels do."""
    made = []

    def start():
        environ = {**os.environ, "LAB_HOME": str(tmp_path / "home")}
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", STARTS],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        made.append(process)
        line = process.stdout.readline()
        assert "The cloud answers at" in line
        return process

    yield start
    for process in made:
        process.kill()
        process.communicate()
    stopped(tmp_path / "home")


def test_a_kernel_that_is_killed_takes_nothing_along(kernel, tmp_path):
    first = kernel()
    first_cloud = home.endpoint(tmp_path / "home")
    first.kill()
    first.communicate()
    second = (
        kernel()
    )  # at once, as a restart of the kernel does it: while the cloud is about to end, or before it knows
    psutil.wait_procs([psutil.Process(first_cloud.pid)] if psutil.pid_exists(first_cloud.pid) else [], timeout=1.5)
    found = home.endpoint(tmp_path / "home")
    assert found is not None
    assert second.poll() is None


def test_a_notebook_that_ends_leaves_the_cloud_to_the_others(kernel, tmp_path):
    first, _ = kernel(), kernel()
    cloud = psutil.Process(home.endpoint(tmp_path / "home").pid)
    first.kill()
    first.communicate()
    gone, _ = psutil.wait_procs([cloud], timeout=1.5)
    assert gone == []
    assert home.endpoint(tmp_path / "home").pid == cloud.pid


def test_the_cloud_ends_with_its_last_notebook(kernel, tmp_path):
    first, second = kernel(), kernel()
    cloud = psutil.Process(home.endpoint(tmp_path / "home").pid)
    for one in (first, second):
        one.kill()
        one.communicate()
    assert psutil.wait_procs([cloud], timeout=10)[1] == []


def test_a_cloud_that_was_started_alone_stays(tmp_path):
    folder = tmp_path / "home"
    there, process = started(folder, follow=False)
    try:
        assert started(folder)[0].pid == there.pid
        assert home.ask(folder, "POST", "/_lab/follow?pid=1") == {"status": "stays"}
    finally:
        stopped(folder)
        process.wait(20)
        process.stderr.close()


def test_a_cloud_that_ends_by_itself_as_it_is_to_be_stopped(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    there, process = started(folder, follow=False)
    ask = home.ask

    def too_late(*asked, **more):
        ask(*asked, **more)
        process.wait(20)
        raise home.Unreachable("did not answer")

    monkeypatch.setattr(home, "ask", too_late)
    assert stopped(folder)
    assert not home.is_alive(there.pid)
    process.stderr.close()


def test_in_a_notebook_trouble_is_a_sentence_and_no_traceback(lab):
    cells = [
        "from labsupport import lab",
        "lab.client('sts', profile='nobody')",
        "lab.check('tiny.7')",
        "lab.start('tiny')",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in [*cells, "lab.start('tiny')"]])
    ran = notebook_runs.run(nbformat.from_dict(notebook), lab.folder, allow_errors=True)
    ((source, name, told),) = notebook_runs.errors(ran)
    assert (source, name) == (cells[1], "Unreachable")
    assert told.startswith("There is no profile named nobody in ")
    assert "Traceback" not in told
    assert ran.cells[3].outputs[0].data == ran.cells[4].outputs[0].data
