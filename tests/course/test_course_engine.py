"""Start, check, hint and solution over a small chapter's declarations."""

import pytest

from labsupport import lab as learner
from labsupport.course import engine
from labsupport.course.declare import Outcome


@pytest.fixture(autouse=True)
def _in_the_lab(lab, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(lab.folder))


def test_a_check_goes_from_not_yet_over_not_right_to_passed(lab):
    learner.start("tiny")
    assert learner.check("tiny.1").outcome is Outcome.NOT_YET
    lab.world.run(engine.registry.exercise("tiny.1")[1].wrong[0].step)
    found = learner.check("tiny.1")
    assert found.outcome is Outcome.NOT_RIGHT
    assert "The value is red." in str(found)
    ran = lab.world.run(engine.registry.exercise("tiny.1")[1].solutions[0].step)
    assert ran.status == 0, ran.output
    assert learner.check("tiny.1").outcome is Outcome.PASSED
