"""Every chapter proved, a new one by existing: wrong answers, solutions, what is taken away."""

import pytest
from walking import Walk, chapters, writes_of_checks

from labsupport.course import registry

each_chapter = pytest.mark.parametrize("name", chapters())
pytestmark = pytest.mark.usefixtures("warm_programs")


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
