"""Which chapters there are, found by their modules: a new one needs no line anywhere else.

They are the packages in `labsupport/course/chapters/`, and those in the folders that `$LAB_CHAPTERS` names: a
teacher's own chapters, or a test's.
"""

import hashlib
import importlib
import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from labsupport.course.declare import Chapter, Exercise, Option, Question
from labsupport.home import Trouble

OURS = Path(__file__).parent / "chapters"


class Unknown(Trouble):
    """There is no such chapter or exercise; the text names those that there are."""

    status = 2


def names() -> list[str]:
    """The ids of the chapters, in the order of their notebooks."""
    return [chapter.id for chapter in chapters()]


def chapters() -> list[Chapter]:
    """All chapters, in the order of their notebooks."""
    found = [_loaded(place) for place in _places().values()]
    return sorted(found, key=lambda chapter: chapter.notebook)


def chapter(name: str) -> Chapter:
    """A chapter by its id; only its own module is imported."""
    places = _places()
    if name not in places:
        known = ", ".join(names()) or "none yet"
        raise Unknown(f"There is no chapter {name!r}. The chapters are: {known}.")
    return _loaded(places[name])


def exercise(name: str) -> tuple[Chapter, Exercise]:
    """An exercise by its id (`start.3`), and the chapter that it belongs to."""
    home = chapter(name.partition(".")[0])
    for one in home.exercises:
        if one.id == name:
            return home, one
    known = ", ".join(one.id for one in home.exercises) or "none yet"
    raise Unknown(f"There is no exercise {name!r}. The exercises of the chapter {home.id} are: {known}.")


def _places() -> dict[str, Path]:
    folders = [OURS, *map(Path, filter(None, os.environ.get("LAB_CHAPTERS", "").split(os.pathsep)))]
    found = {}
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if (path / "__init__.py").is_file() and path.name.isidentifier():
                found[path.name] = path
    return found


def _loaded(place: Path) -> Chapter:
    found: Chapter = _module(place).CHAPTER
    return replace(found, questions=tuple(map(_mixed, found.questions)))


def _mixed(question: Question) -> Question:
    """Its options in an order that tells nothing, the same each time; who writes a question begins with the right."""

    def place(option: Option) -> bytes:
        return hashlib.sha256(f"{option.text} {question.id}".encode()).digest()

    return replace(question, options=tuple(sorted(question.options, key=place)))


def _module(place: Path) -> ModuleType:
    if place.parent == OURS:
        return importlib.import_module(f"labsupport.course.chapters.{place.name}")
    name = f"labchapters_{place.name}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(place / "__init__.py"):
        return known
    spec = importlib.util.spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
