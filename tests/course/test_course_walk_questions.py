"""Every chapter proved, a new one by existing: questions, the other solutions, and a reset."""

import pytest
from walking import Walk, chapters

from labsupport.course import registry

each_chapter = pytest.mark.parametrize("name", chapters())
pytestmark = pytest.mark.usefixtures("warm_programs")


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
