"""The bare repositories under `git/` in the home folder, which git and libgit2 both work on."""

import shutil
from pathlib import Path

import pygit2

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.services.codecommit.base import HEADS, Repository

# No hooks, no background work; what arrives is checked; a log of each reference tells what was pushed.
_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = /dev/null
\tlogAllRefUpdates = always
[receive]
\tfsckObjects = true
\tautogc = false
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
_EMPTY_HEAD = f"ref: {HEADS}main\n"


def path_of(cloud: Cloud, repository: Repository) -> Path:
    return cloud.home / "git" / f"{repository.folder}.git"


def ready(cloud: Cloud, repository: Repository) -> Path:
    """The repository's folder, made on first use, so that a repository is nothing but its record until then."""
    path = path_of(cloud, repository)
    if not path.is_dir():
        _make(path)
    return path


def opened(call: Call, repository: Repository) -> pygit2.Repository:
    return pygit2.Repository(str(ready(call.cloud, repository)), pygit2.enums.RepositoryOpenFlag.BARE)


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
    shutil.rmtree(cloud.home / "git" / f"{folder}.git", ignore_errors=True)


def _make(path: Path) -> None:
    """Whole or not at all: written beside its place and then put there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f".new-{ids.uuid4()}")
    for inner in ("objects", "refs/heads", "refs/tags", "info"):
        (fresh / inner).mkdir(parents=True)
    (fresh / "config").write_text(_CONFIG)
    (fresh / "HEAD").write_text(_EMPTY_HEAD)
    (fresh / "info" / "attributes").write_text(_ATTRIBUTES)
    fresh.chmod(0o700)
    fresh.rename(path)
