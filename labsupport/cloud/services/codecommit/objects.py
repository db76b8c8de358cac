"""Finding commits, trees and files in a repository, with CodeCommit's errors for what isn't there."""

from collections.abc import Callable

import pygit2

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import storage
from labsupport.cloud.services.codecommit.base import HEADS, TAGS, Params, Repository, is_full_id

LARGEST_FILE = 6 * 1024 * 1024  # bytes, by the API; git itself may bring larger ones
_MODES = {
    pygit2.enums.FileMode.BLOB: "NORMAL",
    pygit2.enums.FileMode.BLOB_EXECUTABLE: "EXECUTABLE",
    pygit2.enums.FileMode.LINK: "SYMLINK",
}
_BY_NAME = {name: mode for mode, name in _MODES.items()}


def mode_name(mode: int) -> str:
    """A file's mode as the API names it; old repositories have modes such as 100664."""
    return _MODES.get(pygit2.enums.FileMode(mode), "NORMAL") if mode in set(_MODES) else "NORMAL"


def mode_of(name: str) -> pygit2.enums.FileMode:
    return _BY_NAME[name]


def commit_by_id(git: pygit2.Repository, commit_id: str) -> pygit2.Commit | None:
    try:
        found = git.get(commit_id)
    except (pygit2.GitError, ValueError):  # an object that is no commit of git's form
        return None
    return found if isinstance(found, pygit2.Commit) else None


def commit_named(git: pygit2.Repository, repository: Repository, specifier: str | None) -> pygit2.Commit:
    """The commit of a full id, a branch, a tag or a full reference; of the default branch where none is given."""
    if specifier is None and not repository.default_branch:
        raise AwsError("CommitDoesNotExistException", f"{repository.name} has no commits yet.")
    name = repository.default_branch if specifier in (None, "HEAD") else specifier or ""
    found = commit_by_id(git, name) if is_full_id(name) else _by_reference(git, name)
    if found is None:
        raise AwsError("CommitDoesNotExistException", f"{name} names no commit in {repository.name}.")
    return found


def _by_reference(git: pygit2.Repository, name: str) -> pygit2.Commit | None:
    for candidate in (name,) if name.startswith("refs/") else (HEADS + name, TAGS + name):
        reference = storage.reference(git, candidate)
        if reference is not None:
            try:
                return reference.peel(pygit2.Commit)
            except (pygit2.GitError, ValueError):
                return None
    return None


def branch_tip(git: pygit2.Repository, name: str) -> str:
    """The commit id of a branch; empty where there is no such branch."""
    reference = storage.reference(git, HEADS + name)
    return str(reference.target) if reference else ""


def branches(git: pygit2.Repository) -> list[str]:
    return sorted(name.removeprefix(HEADS) for name in git.references if name.startswith(HEADS))


def plain_path(path: str) -> str:
    """A path from the repository's root, without the slash that some clients put in front."""
    if not path:
        raise AwsError("PathRequiredException", "A path is required, but was not specified.")
    plain = path.removeprefix("/")
    parts = plain.split("/")
    bad = any(part in ("", ".", "..", "@") or part.lower() == ".git" for part in parts)
    if bad or "\0" in plain or len(plain) > 4096 or len(parts) > 20:
        raise AwsError("InvalidPathException", f"{path} is not a valid path of a file.")
    return plain


def folder_path(path: str) -> str:
    """The same for a folder, where the root is `/` or nothing."""
    inner = path.strip("/")
    return plain_path(inner) if inner else ""


def entry_at(commit: pygit2.Commit, path: str) -> pygit2.Object | None:
    """The blob, tree or submodule at a path; the root for an empty one."""
    if not path:
        return commit.tree
    try:
        return commit.tree[path]
    except KeyError:
        return None


def readable(decoded: Callable[[], str], raw: bytes) -> str:
    """Text of a commit, which may claim to be in an encoding that there is none of."""
    try:
        return decoded()
    except LookupError:
        return raw.decode("utf-8", "replace")


def signature_shown(signature: pygit2.Signature) -> Params:
    """A person and a time as GetCommit tells them: seconds since 1970 and the offset from UTC."""
    sign, minutes = ("-" if signature.offset < 0 else "+"), abs(signature.offset)
    return {
        "name": readable(lambda: signature.name, signature.raw_name),
        "email": readable(lambda: signature.email, signature.raw_email),
        "date": f"{signature.time} {sign}{minutes // 60:02}{minutes % 60:02}",
    }
