"""Changing files without git: PutFile, DeleteFile, CreateCommit."""

from collections import Counter
from typing import NamedTuple

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit.base import REPOSITORY, Params, on_branch, service
from labsupport.cloud.services.codecommit.heads import commit, head_of
from labsupport.cloud.services.codecommit.objects import LARGEST_FILE, mode_name, mode_of, plain_path
from labsupport.cloud.services.codecommit.worktree import File, Files

MOST_ENTRIES = 100


@service.operation(on=REPOSITORY, context=on_branch)
async def put_file(call: Call, params: Params) -> Params:
    head, path = await head_of(call, params), plain_path(params["filePath"])
    content = _small(params["fileContent"], path)
    mode = params.get("fileMode", "NORMAL")

    def put(files: Files) -> str:
        there = files.files.get(path)
        new = File(str(files.git.create_blob(content)), int(mode_of(mode)))
        if there == new:
            message = f"{path} has this very content already, so nothing was committed."
            raise AwsError("SameFileContentException", message)
        files.put(path, new)
        return new.blob

    message = params.get("commitMessage") or f"Added {path}"
    committed, blob = await commit(call, head, message, put)
    return {"commitId": committed.commit, "blobId": blob, "treeId": committed.tree}


@service.operation(on=REPOSITORY, context=on_branch)
async def delete_file(call: Call, params: Params) -> Params:
    head, path = await head_of(call, params), plain_path(params["filePath"])
    keep = params.get("keepEmptyFolders", False)
    message = params.get("commitMessage") or f"Deleted {path}"
    committed, gone = await commit(call, head, message, lambda files: files.delete(path, keep))
    return {"commitId": committed.commit, "blobId": gone.blob, "treeId": committed.tree, "filePath": path}


class _Plan(NamedTuple):
    """A commit's changes; each path stands in it once."""

    puts: list[Params]
    deletes: list[str]
    modes: dict[str, str]
    keep_folders: bool


@service.operation(on=REPOSITORY, context=on_branch)
async def create_commit(call: Call, params: Params) -> Params:
    """Several files in one commit: put, deleted, and their modes set."""
    head, plan = await head_of(call, params, "authorName"), _plan(params)
    message = params.get("commitMessage") or "Committed by CreateCommit"
    committed, lists = await commit(
        call, head, message, lambda files: _carry_out(plan, files), refuse_same="NoChangeException"
    )
    return {"commitId": committed.commit, "treeId": committed.tree, **lists}


def _plan(params: Params) -> _Plan:
    puts = [_put(entry) for entry in params.get("putFiles", [])]
    deletes = [plain_path(entry["filePath"]) for entry in params.get("deleteFiles", [])]
    modes = {plain_path(entry["filePath"]): entry["fileMode"] for entry in params.get("setFileModes", [])}
    count = len(puts) + len(deletes) + len(params.get("setFileModes", []))
    if not count:
        raise AwsError(
            "FileEntryRequiredException", "A commit needs at least one file to put, delete or set the mode of."
        )
    if count > MOST_ENTRIES:
        message = f"At most {MOST_ENTRIES} files can be changed in a commit; there were {count}."
        raise AwsError("MaximumFileEntriesExceededException", message)
    _check_paths(puts, deletes, [plain_path(entry["filePath"]) for entry in params.get("setFileModes", [])])
    return _Plan(puts, deletes, modes, params.get("keepEmptyFolders", False))


def _put(entry: Params) -> Params:
    """An entry of putFiles with plain paths, and one source of its content."""
    path, source = plain_path(entry["filePath"]), entry.get("sourceFile")
    if source is None and "fileContent" not in entry:
        message = f"{path} needs either fileContent or sourceFile."
        raise AwsError("SourceFileOrContentRequiredException", message)
    if source is not None and "fileContent" in entry:
        message = f"{path} has both fileContent and sourceFile; it can have one of them."
        raise AwsError("FileContentAndSourceFileSpecifiedException", message)
    if source is not None:
        source = {"filePath": plain_path(source["filePath"]), "isMove": source.get("isMove", False)}
    else:
        _small(entry["fileContent"], path)
    return {**entry, "filePath": path, "sourceFile": source}


def _check_paths(puts: list[Params], deletes: list[str], modes: list[str]) -> None:
    put_paths = [entry["filePath"] for entry in puts]
    moved = [entry["sourceFile"]["filePath"] for entry in puts if entry["sourceFile"] and entry["sourceFile"]["isMove"]]
    twice = [path for path, times in Counter(put_paths).items() if times > 1]
    if twice:
        raise AwsError("PutFileEntryConflictException", f"{twice[0]} is put more than once in this commit.")
    again = [path for path, times in Counter([*put_paths, *deletes, *modes]).items() if times > 1]
    if again:
        raise AwsError("SamePathRequestException", f"{again[0]} is changed more than once in this commit.")
    restricted = set(moved) & {*put_paths, *deletes, *modes} or {
        path for path, times in Counter(moved).items() if times > 1
    }
    if restricted:
        message = f"{min(restricted)} is moved and changed otherwise in the same commit."
        raise AwsError("RestrictedSourceFileException", message)


def _carry_out(plan: _Plan, files: Files) -> Params:
    """Change the files, and list what became of them as CreateCommit answers it."""
    before, contents = dict(files.files), [_content(files, entry) for entry in plan.puts]
    moved = [
        entry["sourceFile"]["filePath"] for entry in plan.puts if entry["sourceFile"] and entry["sourceFile"]["isMove"]
    ]
    for path in [*plan.deletes, *moved]:
        files.delete(path, plan.keep_folders)
    for entry, file in zip(plan.puts, contents, strict=True):
        files.put(entry["filePath"], file)
    for path, mode in plan.modes.items():
        files.put(path, files.get(path)._replace(mode=int(mode_of(mode))))
    after = files.files
    return {
        "filesAdded": [_listed(path, file) for path, file in after.items() if path not in before],
        "filesUpdated": [_listed(path, file) for path, file in after.items() if before.get(path, file) != file],
        "filesDeleted": [_listed(path, file) for path, file in before.items() if path not in after],
    }


def _content(files: Files, entry: Params) -> File:
    if entry["sourceFile"] is None:
        blob, mode = str(files.git.create_blob(entry["fileContent"])), int(mode_of("NORMAL"))
    else:
        blob, mode = files.get(entry["sourceFile"]["filePath"])
    return File(blob, int(mode_of(entry["fileMode"])) if "fileMode" in entry else mode)


def _listed(path: str, file: File) -> Params:
    return {"absolutePath": path, "blobId": file.blob, "fileMode": mode_name(file.mode)}


def _small(content: bytes, path: str) -> bytes:
    if len(content) > LARGEST_FILE:
        message = f"{path} has {len(content)} bytes; the API takes files of at most {LARGEST_FILE}. git takes any."
        raise AwsError("FileContentSizeLimitExceededException", message)
    return content
