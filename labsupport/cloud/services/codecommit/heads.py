"""Committing to a branch by the API: on which commit it builds, who made it, and the new tip."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pygit2

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import objects, refs, storage, storing
from labsupport.cloud.services.codecommit.base import (
    HEADS,
    TAGS,
    Params,
    Repository,
    branch_name,
    is_full_id,
    wanted,
)
from labsupport.cloud.services.codecommit.branches import check_branch_name, no_such_branch
from labsupport.cloud.services.codecommit.worktree import Files

T = TypeVar("T")
_LONGEST_NAME, _LONGEST_EMAIL = 1024, 256


@dataclass(frozen=True, slots=True)
class Head:
    """Where a commit goes: `parent` is the branch's tip, empty for the first commit of an empty repository."""

    repository: Repository
    branch: str
    parent: str
    author: str  # name, address and time as a commit holds them


@dataclass(frozen=True, slots=True)
class Committed:
    commit: str
    tree: str


async def head_of(call: Call, params: Params, author: str = "name") -> Head:
    """The branch's tip, which has to be the commit that the caller builds on. `author` is that parameter's name."""
    repository, branch = wanted(call, params), branch_name(params)
    check_branch_name(branch)
    git = await storage.opened(call, repository)
    if storage.reference(git, TAGS + branch) is not None:
        message = f"{branch} is the name of a tag; a commit needs a branch."
        raise AwsError("BranchNameIsTagNameException", message)
    tip = objects.branch_tip(git, branch)
    if not tip and (repository.default_branch or "parentCommitId" in params):
        raise no_such_branch(branch)
    if tip:
        _check_parent(git, params.get("parentCommitId"), tip, branch)
    return Head(repository, branch, tip, _author(call, params, author))


def _check_parent(git: pygit2.Repository, parent: str | None, tip: str, branch: str) -> None:
    if not parent:
        message = "A parent commit ID is required, but was not specified: the branch has commits already."
        raise AwsError("ParentCommitIdRequiredException", message)
    if not is_full_id(parent):
        raise AwsError("InvalidParentCommitIdException", f"{parent} is not a full commit id.")
    if objects.commit_by_id(git, parent) is None:
        raise AwsError("ParentCommitDoesNotExistException", f"Commit {parent} does not exist")
    if parent != tip:
        raise _outdated(branch, tip)


def _outdated(branch: str, tip: str) -> AwsError:
    message = f"The parent commit ID is not the tip of the branch {branch}, which is {tip}."
    return AwsError("ParentCommitIdOutdatedException", message)


def _author(call: Call, params: Params, name: str) -> str:
    shown, email = params.get(name) or call.caller.arn.rpartition("/")[2], params.get("email", "")
    if len(shown) > _LONGEST_NAME:
        raise AwsError("NameLengthExceededException", f"A name can have at most {_LONGEST_NAME} characters.")
    if len(email) > _LONGEST_EMAIL or set(email) & set("<>\n\0"):
        raise AwsError("InvalidEmailException", f"The email address {email[:_LONGEST_EMAIL]} is not valid.")
    plain = "".join(letter for letter in shown if letter not in "<>\n\0").strip() or "unknown"
    return f"{plain} <{email}> {int(call.epoch)} +0000"


async def commit(
    call: Call, head: Head, message: str, change: Callable[[Files], T], *, refuse_same: str = ""
) -> tuple[Committed, T]:
    """Change the files of a branch in a commit of their own; the branch moves only if it still is where it was.

    `change` works on the table of files, in a thread; what it returns is handed through. `refuse_same` is the
    error's code for a change that changes nothing.
    """

    def made(stage: Path) -> tuple[list[refs.Change], tuple[Committed, T]]:
        git = storage.git_at(stage)
        parent = objects.commit_by_id(git, head.parent) if head.parent else None
        files = Files(git, parent.tree if parent else None)
        result = change(files)
        tree = files.write()
        if refuse_same and parent is not None and parent.tree_id == tree:
            raise AwsError(refuse_same, "The commit would change nothing: the files are the same as in its parent.")
        committed = Committed(_written(git, head, str(tree), message), str(tree))
        return [refs.Change(HEADS + head.branch, head.parent, committed.commit)], (committed, result)

    try:
        return await storing.store_made(call, head.repository, made)
    except AwsError as error:
        if error.code != refs.CONCURRENT:
            raise
        tip = objects.branch_tip(await storage.opened(call, head.repository), head.branch)
        raise _outdated(head.branch, tip) from error


def _written(git: pygit2.Repository, head: Head, tree: str, message: str) -> str:
    """A commit object. libgit2 makes none for a person without an address, which AWS asks of nobody."""
    parent = f"parent {head.parent}\n" if head.parent else ""
    text = f"tree {tree}\n{parent}author {head.author}\ncommitter {head.author}\n\n{message}"
    return str(git.write(pygit2.enums.ObjectType.COMMIT, text.encode("utf-8", "replace")))
