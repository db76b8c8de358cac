"""Every chapter proved, a new one by existing: solvable in each way, wrong answers, what is taken away, questions."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest
import warm
from walking import Walk, chapters, writes_of_checks

from labsupport.course import registry, world


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with warm.programs(tmp_path_factory.mktemp("programs")) as folder:
        yield folder


@pytest.fixture(autouse=True)
def _warm(programs, monkeypatch):
    """Steps find the warm programs first; the rest of the path is as it was."""
    path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setattr(world, "command", partial(warm.command, programs))


each_chapter = pytest.mark.parametrize("name", chapters())


@each_chapter
def test_a_learner_who_makes_every_mistake_gets_through(name, make_lab):
    lab = make_lab(f"{name}-mistakes")
    chapter = registry.chapter(name)
    walk = Walk(lab.folder, chapter)
    walk.begin()
    for exercise in chapter.exercises:
        walk.unsolved(exercise)
    for exercise in chapter.exercises:
        walk.unsolved(exercise)
        walk.wrong(exercise)
        walk.solved(exercise)
        walk.broken(exercise)
    walk.counted()
    assert writes_of_checks(walk.world) == []


@each_chapter
def test_questions_hold_and_the_other_solutions_do_too(name, make_lab):
    lab = make_lab(f"{name}-second")
    chapter = registry.chapter(name)
    walk = Walk(lab.folder, chapter)
    walk.begin()
    for question in chapter.questions:
        walk.proved(question)
    for exercise in chapter.exercises:
        walk.unsolved(exercise)  # to see an option at work solves no exercise
        walk.solved(exercise, 1)
    walk.counted()
    walk.reset()
