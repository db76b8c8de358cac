"""Every chapter's notebook: to full marks with its solutions, in any order without a traceback of ours."""

import notebook_runs
import pytest
from walking import chapters

from labsupport.course import engine, registry

each_chapter = pytest.mark.parametrize("name", chapters())
pytestmark = pytest.mark.usefixtures("warm_programs")


@each_chapter
def test_with_solutions_in_its_cells_it_comes_to_full_marks(name, make_lab):
    lab = make_lab(f"{name}-notebook")
    chapter = registry.chapter(name)
    ran = notebook_runs.run(notebook_runs.solved(chapter), lab.folder)
    assert notebook_runs.errors(ran) == []
    stand = engine.stand(lab.folder)
    assert [one.id for one in chapter.exercises if not stand.passed(one.id)] == []


@each_chapter
@pytest.mark.parametrize("seed", [1])
def test_in_any_order_no_traceback_is_ours(name, seed, make_lab):
    lab = make_lab(f"{name}-shuffled")
    ran = notebook_runs.run(notebook_runs.shuffled(registry.chapter(name), seed), lab.folder, allow_errors=True)
    ours = [told for told in notebook_runs.errors(ran) if "labsupport/" in told[2]]
    assert ours == []


@each_chapter
def test_a_learner_has_one_cell_for_each_exercise_in_their_order(name):
    chapter = registry.chapter(name)
    cells = list(filter(None, map(notebook_runs.exercise_of, notebook_runs.read(chapter).cells)))
    assert list(dict.fromkeys(cells)) == [one.id for one in chapter.exercises]
