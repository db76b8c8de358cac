"""A chapter's starting point: reached from any state, and reached again after a reset."""

import os
import time
from pathlib import Path

from labsupport import home
from labsupport.course import engine, registry
from labsupport.course.declare import Chapter
from labsupport.words import Words

CLOSED = "http://127.0.0.1:9"  # nobody answers here: until the cloud does, nothing reaches anything else


def started(folder: Path, name: str) -> Words:
    """Attach to the cloud or start it, bring the starting point about, and say where things are."""
    from labsupport.commands.background import started as running

    _enclose(folder, CLOSED)
    endpoint, _ = running(folder)
    _enclose(folder, endpoint.url)
    clones = _clones(folder)
    os.chdir(clones)  # so that `git clone` in a cell goes there, and not among the notebooks
    said = _begun(folder, name, endpoint.url)
    return Words(
        f"The cloud answers at {endpoint.url} (account {endpoint.account}, region {home.REGION}).\n"
        f"You are the user {home.PROFILE}; aws, git and boto3 in this notebook reach the lab and nothing else.\n"
        f"Everything is kept in {folder}; commands run in {clones}, where your clones belong.\n"
        f"{said}"
    )


def _clones(folder: Path) -> Path:
    clones = folder / "clones"
    try:
        clones.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise home.Trouble(
            f"{clones} can't be made: {problem.strerror}. Free some space, or set LAB_HOME."
        ) from problem
    return clones


def _begun(folder: Path, name: str, url: str) -> str:
    """The starting point's words; the cloud is of use without one, so a name that is unknown stops nothing."""
    try:
        return engine.begin(folder, registry.chapter(name), url)
    except registry.Unknown as problem:
        return str(problem)


def _enclose(folder: Path, url: str) -> None:
    """Make this process, and what it starts, reach the lab and nothing else."""
    wanted = home.enclosed(dict(os.environ), folder, url)
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


def reset(folder: Path, name: str) -> Words:
    """The chapter's starting point again; the learner's clones are kept beside."""
    chapter = registry.chapter(name)
    url = home.running(folder).url
    engine.forget(folder, chapter, url)
    kept = _moved_aside(folder, chapter)
    problem = engine.note(folder, "reset", chapter.id)
    try:
        said = engine.begin(folder, chapter, url)
    except engine.NotBegun as failed:  # where the clones are now has to be said all the same
        raise engine.NotBegun("\n".join([*kept, str(failed)])) from failed
    lines = [f"The chapter {chapter.id} is at its starting point again.", *kept, said, problem]
    return Words("\n".join(filter(None, lines)))


def _moved_aside(folder: Path, chapter: Chapter) -> list[str]:
    """The learner's clones of the chapter under new names; a sentence for each."""
    said = []
    for clone in chapter.clones:
        place = folder / "clones" / clone
        if place.exists():
            kept = _free(place.with_name(f"{clone}.before-reset-{_stamp()}"))
            place.rename(kept)
            said.append(f"Your clone {clone} is kept as it was, in {kept}.")
    return said


def _stamp() -> str:
    return time.strftime("%Y%m%d-%H%M%S")


def _free(path: Path) -> Path:
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found
