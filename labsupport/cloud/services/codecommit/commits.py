"""Commits, and what differs between two of them."""

from collections.abc import Iterator

import pygit2

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import objects, storage
from labsupport.cloud.services.codecommit.base import REPOSITORY, Params, is_full_id, service, wanted

MOST_IN_BATCH = 100
MOST_DIFFERENCES = 400  # on a page


@service.operation(on=REPOSITORY)
async def get_commit(call: Call, params: Params) -> Params:
    repository, commit_id = wanted(call, params), params["commitId"]
    found = _looked_up(await storage.opened(call, repository), commit_id)
    if isinstance(found, AwsError):
        raise found
    return {"commit": _shown(found)}


@service.operation(on=REPOSITORY)
async def batch_get_commits(call: Call, params: Params) -> Params:
    git, commit_ids = await storage.opened(call, wanted(call, params)), params["commitIds"]
    if not commit_ids:
        raise AwsError("CommitIdsListRequiredException", "At least one commit id is required.")
    if len(commit_ids) > MOST_IN_BATCH:
        message = f"At most {MOST_IN_BATCH} commit ids can be given; there were {len(commit_ids)}."
        raise AwsError("CommitIdsLimitExceededException", message)
    found = {commit_id: _looked_up(git, commit_id) for commit_id in commit_ids}
    errors = [
        {"commitId": commit_id, "errorCode": one.code, "errorMessage": one.message}
        for commit_id, one in found.items()
        if isinstance(one, AwsError)
    ]
    return {"commits": [_shown(one) for one in found.values() if isinstance(one, pygit2.Commit)], "errors": errors}


def _looked_up(git: pygit2.Repository, commit_id: str) -> pygit2.Commit | AwsError:
    if not is_full_id(commit_id):
        return AwsError("InvalidCommitIdException", f"{commit_id} is not a full commit id.")
    missing = AwsError("CommitIdDoesNotExistException", f"Commit {commit_id} does not exist")
    return objects.commit_by_id(git, commit_id) or missing


def _shown(commit: pygit2.Commit) -> Params:
    return {
        "commitId": str(commit.id),
        "treeId": str(commit.tree_id),
        "parents": [str(parent) for parent in commit.parent_ids],
        "message": objects.readable(lambda: commit.message, commit.raw_message),
        "author": objects.signature_shown(commit.author),
        "committer": objects.signature_shown(commit.committer),
        "additionalData": "",
    }


@service.operation(on=REPOSITORY)
async def get_differences(call: Call, params: Params) -> Params:
    """What changed from one commit to another, or all of a commit's files where no other is given."""
    repository = wanted(call, params)
    git = await storage.opened(call, repository)
    after = objects.commit_named(git, repository, params["afterCommitSpecifier"])
    before = params.get("beforeCommitSpecifier")
    old = objects.commit_named(git, repository, before) if before else None
    size = params.get("MaxResults", MOST_DIFFERENCES)
    if size < 1:
        raise AwsError("InvalidMaxResultsException", f"MaxResults is {size}; it has to be at least 1.")
    bad = AwsError("InvalidContinuationTokenException", "The continuation token is not valid.")
    found = sorted(_differences(old, after, params), key=_path)
    page, token = paging.page(found, _path, params.get("NextToken"), min(size, MOST_DIFFERENCES), bad)
    return {"differences": page, "NextToken": token}


def _differences(old: pygit2.Commit | None, new: pygit2.Commit, params: Params) -> Iterator[Params]:
    """Differences below the paths that are asked for; a path that is given for one side counts for both."""
    before_path, after_path = params.get("beforePath"), params.get("afterPath")
    paths = [objects.folder_path(path or "") for path in (before_path or after_path, after_path or before_path)]
    sides = [objects.entry_at(commit, path) if commit else None for commit, path in zip((old, new), paths, strict=True)]
    if not any(sides):
        missing = after_path or before_path
        raise AwsError("PathDoesNotExistException", f"Could not find path {missing}")
    trees = [side if isinstance(side, pygit2.Tree) else None for side in sides]
    if trees == sides:
        yield from _of_trees(trees[0], trees[1], paths)
        return
    shown = [_file(side, path) for side, path in zip(sides, paths, strict=True)]
    if shown[0] != shown[1]:
        yield _difference(*shown)


def _of_trees(old: pygit2.Tree | None, new: pygit2.Tree | None, paths: list[str]) -> Iterator[Params]:
    flags = pygit2.enums.DiffOption.INCLUDE_TYPECHANGE
    if old is not None:
        diff = old.diff_to_tree(new, flags=flags) if new is not None else old.diff_to_tree(flags=flags)
    elif new is not None:
        diff = new.diff_to_tree(swap=True, flags=flags)
    for delta in diff.deltas:
        yield _difference(_side(delta.old_file, paths[0]), _side(delta.new_file, paths[1]))


def _side(file: pygit2.DiffFile, folder: str) -> Params | None:
    if not file.mode:
        return None
    path = f"{folder}/{file.path}" if folder else file.path
    return {"blobId": str(file.id), "path": path, "mode": f"{file.mode:06o}"}


def _file(entry: pygit2.Object | None, path: str) -> Params | None:
    if entry is None or isinstance(entry, pygit2.Tree):
        return None
    return {"blobId": str(entry.id), "path": path, "mode": f"{entry.filemode:06o}"}


def _difference(before: Params | None, after: Params | None) -> Params:
    kind = "A" if before is None else "D" if after is None else "M"
    return {"beforeBlob": before, "afterBlob": after, "changeType": kind}


def _path(difference: Params) -> str:
    path: str = (difference["afterBlob"] or difference["beforeBlob"])["path"]
    return path
