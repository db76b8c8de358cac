"""A chapter's notebook, run as it is, with its solutions put into the learner's cells, or in another order."""

import os
import random
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from labsupport import home
from labsupport.course.declare import Chapter, Exercise, Step

ROOT = Path(__file__).resolve().parents[2]
TAG = "exercise:"
SECONDS = 120  # for one exercise to be passed once its cells have run, for what the cloud goes on doing
CHECK = """\
import time
from labsupport import lab
end = time.monotonic() + {seconds}
while (found := lab.check({name!r})).outcome != "passed" and time.monotonic() < end:
    time.sleep(0.2)
assert found.outcome == "passed", str(found)
"""


def path_of(chapter: Chapter) -> Path:
    """Where a chapter's notebook is: among the notebooks, or beside a chapter of the tests' own."""
    own = Path(__file__).parent / "chapters" / chapter.id / chapter.notebook
    return own if own.exists() else ROOT / "notebooks" / chapter.notebook


def read(chapter: Chapter) -> nbformat.NotebookNode:
    return nbformat.read(path_of(chapter), as_version=4)


def exercise_of(cell: nbformat.NotebookNode) -> str:
    """The exercise whose answer a learner types into a cell; nothing for other cells."""
    tags = cell.get("metadata", {}).get("tags", [])
    return next((tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG)), "")


def as_cell(step: Step) -> str:
    """A step as the source of a cell."""
    return f"%%bash\nset -e -o pipefail\n{step.code}" if step.kind == "bash" else step.code


def solved(chapter: Chapter, number: int = 0) -> nbformat.NotebookNode:
    """The notebook with a solution in each learner's cell, and a check that has to pass before the next one begins."""
    notebook = read(chapter)
    known = {one.id: one for one in chapter.exercises}
    cells, open_exercise = [], ""
    for cell in notebook.cells:
        name = exercise_of(cell)
        if name and name != open_exercise:
            cells += _checked(open_exercise)
            cell.source, open_exercise = as_cell(_solution(known[name], number)), name
        elif name:
            cell.source = ""  # a second cell for the same answer
        cells.append(cell)
    notebook.cells = [*cells, *_checked(open_exercise)]
    return notebook


def _solution(exercise: Exercise, number: int) -> Step:
    return exercise.solutions[min(number, len(exercise.solutions) - 1)].step


def _checked(name: str) -> list[nbformat.NotebookNode]:
    return [new_code_cell(CHECK.format(name=name, seconds=SECONDS))] if name else []


def shuffled(chapter: Chapter, seed: int) -> nbformat.NotebookNode:
    """The notebook's code cells in another order."""
    notebook = read(chapter)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    random.Random(seed).shuffle(notebook.cells)
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path, **options: object) -> nbformat.NotebookNode:
    """Run a notebook in a kernel with the surroundings that `./lab` gives it."""
    environ = home.enclosed(_plain(), folder, home.running(folder).url)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", **options)
    client.execute(env=environ, cwd=str(ROOT / "notebooks"))
    return notebook


def _plain() -> dict[str, str]:

    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


def errors(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str]]:
    """What went wrong, cell by cell: its source, the error's name, the traceback."""
    return [
        (cell.source, output.ename, "\n".join(output.traceback))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
