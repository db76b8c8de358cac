"""Folders, commits, blobs and differences by the API."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from codecommit_help import Repository
from services_help import code_of

from labsupport.cloud.services.codecommit import commits

NONE = "1" * 40


def test_folders(repository: Repository) -> None:
    change = [
        {"filePath": "top", "fileContent": b"1"},
        {"filePath": "src/run", "fileContent": b"2", "fileMode": "EXECUTABLE"},
        {"filePath": "src/link", "fileContent": b"run", "fileMode": "SYMLINK"},
        {"filePath": "src/deep/er", "fileContent": b"3"},
    ]
    tip = repository.create_commit(branchName="main", putFiles=change)["commitId"]
    for root in ("/", ""):
        found = repository.get_folder(folderPath=root)
        assert (found["folderPath"], found["commitId"]) == ("", tip)
        assert [one["absolutePath"] for one in found["files"]] == ["top"]
    inner = repository.get_folder(folderPath="/src/", commitSpecifier="main")
    assert [(one["absolutePath"], one["relativePath"]) for one in inner["subFolders"]] == [("src/deep", "deep")]
    assert [(one["relativePath"], one["fileMode"]) for one in inner["files"]] == [("run", "EXECUTABLE")]
    assert [one["relativePath"] for one in inner["symbolicLinks"]] == ["link"]
    assert code_of(repository.get_folder, folderPath="none") == "FolderDoesNotExistException"
    assert code_of(repository.get_folder, folderPath="top") == "FolderDoesNotExistException"
    assert code_of(repository.get_file, filePath="src") == "FileDoesNotExistException"
    assert code_of(repository.get_file, filePath="top/x") == "FileDoesNotExistException"
    with pytest.raises(ClientError, match="Could not find path src/none"):
        repository.get_file(filePath="src/none")


def test_what_names_a_commit(repository: Repository) -> None:
    assert code_of(repository.get_file, filePath="a") == "CommitDoesNotExistException"
    first = repository.put("a", b"1")
    repository.create_branch(branchName="old", commitId=first)
    second = repository.put("a", b"2")
    named = {None: second, "HEAD": second, "main": second, "old": first, "refs/heads/old": first, first: first}
    for specifier, commit in named.items():
        given = {"commitSpecifier": specifier} if specifier else {}
        assert repository.get_file(filePath="a", **given)["commitId"] == commit
    for specifier in ("none", "x" * 5000, "a\0b", "refs/heads/none", NONE, first[:8], "a..b", "refs/tags/old"):
        code = code_of(repository.get_file, filePath="a", commitSpecifier=specifier)
        assert code == "CommitDoesNotExistException"


def test_commits_and_blobs_by_id(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = repository.put("a"), repository.put("b")
    tree = repository.get_commit(commitId=first)["commit"]["treeId"]
    answer = repository.batch_get_commits(commitIds=[second, NONE, first, "short", tree])
    assert [one["commitId"] for one in answer["commits"]] == [second, first]
    assert [(one["commitId"], one["errorCode"]) for one in answer["errors"]] == [
        (NONE, "CommitIdDoesNotExistException"),
        ("short", "InvalidCommitIdException"),
        (tree, "CommitIdDoesNotExistException"),
    ]
    assert answer["commits"][0]["parents"] == [first]
    assert code_of(repository.get_commit, commitId=NONE) == "CommitIdDoesNotExistException"
    assert code_of(repository.get_commit, commitId="main") == "InvalidCommitIdException"
    assert code_of(repository.get_blob, blobId=NONE) == "BlobIdDoesNotExistException"
    assert code_of(repository.get_blob, blobId=first) == "BlobIdDoesNotExistException"
    assert code_of(repository.get_blob, blobId="x") == "InvalidBlobIdException"
    monkeypatch.setattr(commits, "MOST_IN_BATCH", 1)
    assert code_of(repository.batch_get_commits, commitIds=[first, second]) == "CommitIdsLimitExceededException"


def difference(repository: Repository, **params: Any) -> list[tuple[str, str]]:
    found = repository.get_differences(**params)["differences"]
    return [(one["changeType"], one.get("afterBlob", one.get("beforeBlob"))["path"]) for one in found]


def test_differences(repository: Repository) -> None:
    first = repository.create_commit(
        branchName="main",
        putFiles=[{"filePath": path, "fileContent": path.encode()} for path in ("a", "b", "src/c", "src/d")],
    )["commitId"]
    second = repository.create_commit(
        branchName="main",
        parentCommitId=first,
        putFiles=[{"filePath": "a", "fileContent": b"new"}, {"filePath": "src/e", "fileContent": b"new"}],
        deleteFiles=[{"filePath": "src/d"}],
        setFileModes=[{"filePath": "b", "fileMode": "EXECUTABLE"}],
    )["commitId"]
    both = {"beforeCommitSpecifier": first, "afterCommitSpecifier": second}
    every = [("M", "a"), ("M", "b"), ("D", "src/d"), ("A", "src/e")]
    assert difference(repository, **both) == every
    assert difference(repository, **both, afterPath="src") == every[2:]
    assert difference(repository, **both, beforePath="/src/", afterPath="src") == every[2:]
    assert difference(repository, **both, afterPath="a") == [("M", "a")]
    assert difference(repository, **both, afterPath="src/c") == []
    assert difference(repository, **both, beforePath="src/d") == [("D", "src/d")]
    assert difference(repository, beforeCommitSpecifier="main", afterCommitSpecifier=second) == []
    assert len(difference(repository, afterCommitSpecifier=first)) == 4
    one = repository.get_differences(**both, afterPath="b")["differences"][0]
    assert (one["beforeBlob"]["mode"], one["afterBlob"]["mode"]) == ("100644", "100755")
    assert one["beforeBlob"]["blobId"] == one["afterBlob"]["blobId"]
    assert code_of(repository.get_differences, **both, afterPath="none") == "PathDoesNotExistException"
    assert code_of(repository.get_differences, afterCommitSpecifier="none") == "CommitDoesNotExistException"
    pages = repository.client.get_paginator("get_differences").paginate(
        repositoryName=repository.name, **both, PaginationConfig={"PageSize": 3}
    )
    assert [len(page["differences"]) for page in pages] == [3, 1]
    assert code_of(repository.get_differences, **both, MaxResults=0) == "InvalidMaxResultsException"
    assert code_of(repository.get_differences, **both, NextToken="x") == "InvalidContinuationTokenException"
