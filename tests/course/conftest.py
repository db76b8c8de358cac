"""A lab for the course's tests: a cloud of its own process, as learners have it, shared by what can share it."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import warm

from labsupport.commands.background import started, stopped
from labsupport.course import world
from labsupport.course.world import Here

CHAPTERS = Path(__file__).parent / "chapters"


class Lab:
    """A home folder with a cloud that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.start()

    def start(self) -> None:
        endpoint, self.process = started(self.folder)
        self.url = endpoint.url

    @property
    def world(self) -> Here:
        return Here(self.folder, self.url)

    def colour(self, value: str = "") -> None:
        """Give the first exercise's parameter a value (`blue` is right), or take it away; quicker than a step."""
        ssm = self.world.client("ssm")
        if value:
            ssm.put_parameter(Name="/tiny/colour", Value=value, Type="String", Overwrite=True)
        else:
            with contextlib.suppress(ssm.exceptions.ParameterNotFound):
                ssm.delete_parameter(Name="/tiny/colour")

    def stop(self) -> None:
        stopped(self.folder)
        if self.process is not None:
            self.process.wait(20)
            if self.process.stderr:
                self.process.stderr.close()


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    """The tests' own chapter, and nothing of AWS or of a lab from outside; `lab.start` changes the environment."""
    before, folder = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAB_"))]:
        del os.environ[name]
    os.environ["LAB_CHAPTERS"] = str(CHAPTERS)
    yield
    os.environ.clear()
    os.environ.update(before)
    os.chdir(folder)


@pytest.fixture(scope="session")
def make_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Lab]]:
    made: list[Lab] = []

    def make(name: str) -> Lab:
        made.append(Lab(tmp_path_factory.mktemp(name) / "home"))
        return made[-1]

    yield make
    for lab in made:
        lab.stop()


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[str], Lab]) -> Lab:
    """One lab for a module's tests."""
    return make_lab("lab")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm.programs(tmp_path_factory.mktemp("programs")) as folder:
        yield folder


@pytest.fixture
def warm_programs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps find the warm programs first; the rest of the path is as it was."""
    path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setattr(world, "command", partial(warm.command, programs))
