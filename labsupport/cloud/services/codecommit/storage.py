"""Repositories as git works on them: plain working copies of what is sealed, made on demand.

At rest a repository is its sealed packs (`packs`) and its references in the database (`refs`). What git reads lies
below `cache/` in the home folder, which is private, and empty whenever the cloud does not run. What is new is made in
a stage beside it, which borrows the working copy's objects: so nothing is seen before it is stored.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pygit2

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.services.codecommit import keys, packs, refs, upkeep
from labsupport.cloud.services.codecommit.base import HEADS, Repository

log = logging.getLogger("labsupport.cloud.codecommit")

# No hooks, no background work; what arrives is checked, and stays one pack.
_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = /dev/null
\tlogAllRefUpdates = false
[receive]
\tfsckObjects = true
\tautogc = false
\tunpackLimit = 1
\tmaxInputSize = 2g
[receive "fsck"]
\tbadTimezone = warn
\tmissingSpaceBeforeDate = warn
\tzeroPaddedFilemode = warn
[gc]
\tauto = 0
"""
# An archive holds the files as they were committed, whatever their attributes ask of a checkout.
_ATTRIBUTES = "* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n"
# Where a working copy has its objects. Under a name other than git's own, so that git, which works in a stage, does not
# start a process each time to ask whose references those are: the stage has them.
_STORE = "store"
_EMPTY_HEAD = f"ref: {HEADS}main\n"


@dataclass(slots=True)
class _Room:
    """Working copies that are being made, and the repositories that were swept since the start."""

    loads: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    swept: set[str] = field(default_factory=set)


class Working(NamedTuple):
    """A working copy's folder and the repository's data key."""

    path: Path
    key: bytes


def path_of(cloud: Cloud, repository: Repository) -> Path:
    return _cache(cloud) / repository.folder


def _cache(cloud: Cloud) -> Path:
    return cloud.home / "cache" / "git"


async def ready(call: Call, repository: Repository) -> Working:
    """The repository's working copy. The caller has to be allowed to use the repository's key, each time."""
    key, path = keys.opened(call, repository), path_of(call.cloud, repository)
    if not path.is_dir():
        await asyncio.shield(_loading(call, repository, key, path))
    return Working(path, key)


def _loading(call: Call, repository: Repository, key: bytes, path: Path) -> asyncio.Task[None]:
    """The one task that makes this working copy, whoever waits for it."""
    loads, folder = _room(call.cloud).loads, repository.folder
    if folder not in loads:
        loads[folder] = asyncio.create_task(_load(call, repository, key, path))
        loads[folder].add_done_callback(lambda _: loads.pop(folder))
    return loads[folder]


def _room(cloud: Cloud) -> _Room:
    room: _Room = cloud.rooms.setdefault("codecommit", _Room())
    return room


async def opened(call: Call, repository: Repository) -> pygit2.Repository:
    return git_at((await ready(call, repository)).path)


def git_at(path: Path) -> pygit2.Repository:
    return pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.BARE)


async def _load(call: Call, repository: Repository, key: bytes, path: Path) -> None:
    """Decrypt what is stored, beside its place; it is put there whole, and not if something was committed meanwhile."""
    await upkeep.adopt(call, repository, key)
    if repository.folder not in _room(call.cloud).swept:  # nobody has written to it yet
        packs.sweep(packs.folder(call.cloud, repository), packs.of(call, repository))
        _room(call.cloud).swept.add(repository.folder)
    while not path.is_dir():
        fresh = _made(call.cloud)
        try:
            there = await _filled(call, repository, key, fresh)
            if there == (packs.of(call, repository), refs.of(call, repository)):
                fresh.rename(path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


async def _filled(
    call: Call, repository: Repository, key: bytes, fresh: Path
) -> tuple[list[packs.Pack], dict[str, str]]:
    """Make an empty git folder a working copy: of which packs and which references is given."""
    many, references = packs.of(call, repository), refs.of(call, repository)
    await asyncio.to_thread(packs.unseal, packs.folder(call.cloud, repository), key, many, fresh)
    _write_references(fresh, references)
    there = await upkeep.join(call, repository, key, many, fresh)
    (fresh / "info").mkdir()
    (fresh / "info" / "attributes").write_text(_ATTRIBUTES)
    (fresh / "objects").rename(fresh / _STORE)
    (fresh / "objects").symlink_to(_STORE)
    return there, references


@contextmanager
def staged(call: Call, repository: Repository, working: Working) -> Iterator[Path]:
    """A git folder that has all that the repository has, and keeps what is added to itself."""
    path = _made(call.cloud)
    try:
        (path / "objects" / "info" / "alternates").write_text(f"{working.path / _STORE}\n")
        _write_references(path, refs.of(call, repository))
        yield path
    finally:  # nobody waits for it: removing folders can take longer than all the rest
        asyncio.get_running_loop().run_in_executor(None, partial(shutil.rmtree, path, ignore_errors=True))


def show(call: Call, repository: Repository, stage: Path | None) -> None:
    """Bring the working copy, where there is one, to what was just committed. It happens without an await."""
    path = path_of(call.cloud, repository)
    if not path.is_dir():
        return
    try:
        if stage is not None:
            packs.hand_over(stage, path)
        _write_references(path, refs.of(call, repository))
    except OSError:
        log.exception("The working copy of %s is made anew.", repository.name)
        remove_working(call.cloud, repository.folder)


def _write_references(path: Path, references: dict[str, str]) -> None:
    """All of them, as git packs them; it sees either the old ones or the new ones."""
    lines = [f"{target} {name}\n" for name, target in sorted(references.items())]
    fresh = path / f"packed-refs.{ids.uuid4()}"
    fresh.write_text("".join(["# pack-refs with: sorted \n", *lines]))
    fresh.replace(path / "packed-refs")


def reference(git: pygit2.Repository, name: str) -> pygit2.Reference | None:
    """A reference by its full name; a name that none can have names none."""
    try:
        return git.references.get(name) if pygit2.reference_is_valid_name(name) else None
    except ValueError:  # longer than libgit2 takes
        return None


def point_head(path: Path, repository: Repository) -> None:
    """Let HEAD name the default branch, which the record knows: a clone checks it out."""
    head = f"ref: {HEADS}{repository.default_branch}\n" if repository.default_branch else _EMPTY_HEAD
    if (path / "HEAD").read_text() != head:
        fresh = path / f"HEAD.{ids.uuid4()}"
        fresh.write_text(head)
        fresh.replace(path / "HEAD")


def remove(cloud: Cloud, folder: str) -> None:
    """All files of a repository, sealed and plain."""
    shutil.rmtree(cloud.home / "git" / folder, ignore_errors=True)
    shutil.rmtree(cloud.home / "git" / f"{folder}.git", ignore_errors=True)
    remove_working(cloud, folder)


def remove_working(cloud: Cloud, folder: str) -> None:
    """Out of sight at once, and then gone."""
    gone = _cache(cloud) / f".gone-{ids.uuid4()}"
    with suppress(FileNotFoundError):
        (_cache(cloud) / folder).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _made(cloud: Cloud) -> Path:
    """An empty git folder under a name of its own."""
    for folder in (_cache(cloud).parent, _cache(cloud)):
        folder.mkdir(mode=0o700, exist_ok=True)
    fresh = _cache(cloud) / f".new-{ids.uuid4()}"
    for inner in ("objects/pack", "objects/info", "refs"):
        (fresh / inner).mkdir(parents=True)
    (fresh / "config").write_text(_CONFIG)
    (fresh / "HEAD").write_text(_EMPTY_HEAD)
    fresh.chmod(0o700)
    return fresh
