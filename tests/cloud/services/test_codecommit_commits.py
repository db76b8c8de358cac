"""Branches, commits and files by the API."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codecommit_help import allow, listen, statement

from labsupport.cloud.services.codecommit import branches, commits, refs

NONE = "1" * 40


class Repository:
    """boto3's client with the repository's name filled in: `repository.put_file(branchName=…)`."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name
        client.create_repository(repositoryName=name)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **params: getattr(self.client, operation)(repositoryName=self.name, **params)

    def put(self, path: str, content: bytes = b"x\n", branch: str = "main", **more: Any) -> str:
        """Commit one file on top of the branch."""
        tip = {} if self.is_empty(branch) else {"parentCommitId": self.tip(branch)}
        answer = self.put_file(branchName=branch, filePath=path, fileContent=content, **tip, **more)
        commit_id: str = answer["commitId"]
        return commit_id

    def is_empty(self, branch: str) -> bool:
        return branch not in self.list_branches()["branches"]

    def tip(self, branch: str = "main") -> str:
        tip: str = self.get_branch(branchName=branch)["branch"]["commitId"]
        return tip

    def files(self) -> dict[str, str]:
        """Path and mode of all files of the default branch."""
        found = self.get_differences(afterCommitSpecifier="main")["differences"]
        return {one["afterBlob"]["path"]: one["afterBlob"]["mode"] for one in found}


@pytest.fixture
def repository(shared_cloud: Any) -> Repository:
    return Repository(shared_cloud.client("codecommit"), f"r-{secrets.token_hex(8)}")


def code_of(operation: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_the_first_file_makes_the_default_branch(repository: Repository) -> None:
    answer = repository.put_file(
        branchName="trunk", filePath="src/a.txt", fileContent=b"hello\n", commitMessage="One", name="Ana", email="a@b.c"
    )
    metadata = repository.get_repository()["repositoryMetadata"]
    assert metadata["defaultBranch"] == "trunk"
    found = repository.get_commit(commitId=answer["commitId"])["commit"]
    assert (found["message"], found["parents"], found["treeId"]) == ("One", [], answer["treeId"])
    assert found["author"]["name"] == "Ana"
    assert found["author"]["email"] == "a@b.c"
    seconds, zone = found["author"]["date"].split()
    assert (seconds.isdigit(), zone) == (True, "+0000")
    file = repository.get_file(filePath="src/a.txt")
    assert file["fileContent"] == b"hello\n"
    assert (file["fileMode"], file["fileSize"], file["blobId"]) == ("NORMAL", 6, answer["blobId"])
    assert repository.get_blob(blobId=answer["blobId"])["content"] == b"hello\n"


def test_who_gives_no_name_is_named_as_iam_does(repository: Repository) -> None:
    author = repository.get_commit(commitId=repository.put("a"))["commit"]["author"]
    assert (author["name"], author["email"]) == ("learner", "")


@pytest.mark.parametrize(
    "name", ["@", "a..b", "/a", "a/", "a//b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{b", "a.lock"]
)
def test_branch_names_that_git_refuses(repository: Repository, name: str) -> None:
    tip = repository.put("a")
    assert code_of(repository.create_branch, branchName=name, commitId=tip) == "InvalidBranchNameException"
    assert repository.list_branches()["branches"] == ["main"]


def test_branches_come_and_go(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    tip = repository.put("a")
    for name in ("dev", "feature/one", "ünï"):
        repository.create_branch(branchName=name, commitId=tip)
    assert repository.list_branches()["branches"] == ["dev", "feature/one", "main", "ünï"]
    assert repository.tip("feature/one") == tip
    assert code_of(repository.create_branch, branchName="dev", commitId=tip) == "BranchNameExistsException"
    assert code_of(repository.create_branch, branchName="feature", commitId=tip) == "InvalidBranchNameException"
    assert code_of(repository.create_branch, branchName="dev/x", commitId=tip) == "InvalidBranchNameException"
    assert code_of(repository.create_branch, branchName="x", commitId=NONE) == "CommitDoesNotExistException"
    assert code_of(repository.create_branch, branchName="x", commitId=tip[:7]) == "InvalidCommitIdException"
    tree = repository.get_commit(commitId=tip)["commit"]["treeId"]
    assert code_of(repository.create_branch, branchName="x", commitId=tree) == "CommitDoesNotExistException"
    deleted = repository.delete_branch(branchName="dev")["deletedBranch"]
    assert deleted == {"branchName": "dev", "commitId": tip}
    assert "deletedBranch" not in repository.delete_branch(branchName="dev")
    assert code_of(repository.get_branch, branchName="dev") == "BranchDoesNotExistException"
    monkeypatch.setattr(branches, "MOST_ON_PAGE", 2)
    first = repository.list_branches()
    assert first["branches"] == ["feature/one", "main"]
    assert repository.list_branches(nextToken=first["nextToken"])["branches"] == ["ünï"]
    assert code_of(repository.list_branches, nextToken="x") == "InvalidContinuationTokenException"


def test_the_default_branch_stays(repository: Repository) -> None:
    tip = repository.put("a")
    assert code_of(repository.delete_branch, branchName="main") == "DefaultBranchCannotBeDeletedException"
    assert code_of(repository.update_default_branch, defaultBranchName="dev") == "BranchDoesNotExistException"
    repository.create_branch(branchName="dev", commitId=tip)
    repository.update_default_branch(defaultBranchName="dev")
    assert repository.delete_branch(branchName="main")["deletedBranch"]["branchName"] == "main"
    assert repository.get_file(filePath="a")["commitId"] == tip


@pytest.mark.parametrize(
    ("parent", "branch", "code"),
    [
        (None, "main", "ParentCommitIdRequiredException"),
        ("abc", "main", "InvalidParentCommitIdException"),
        (NONE, "main", "ParentCommitDoesNotExistException"),
        ("first", "main", "ParentCommitIdOutdatedException"),
        ("second", "dev", "BranchDoesNotExistException"),
        (None, "dev", "BranchDoesNotExistException"),
        ("second", "a..b", "InvalidBranchNameException"),
    ],
)
@pytest.mark.parametrize("operation", ["put_file", "create_commit", "delete_file"])
def test_a_commit_builds_on_the_tip(
    repository: Repository, operation: str, parent: str | None, branch: str, code: str
) -> None:
    known = {"first": repository.put("a"), "second": repository.put("b")}
    files: dict[str, Any] = {
        "put_file": {"filePath": "c", "fileContent": b""},
        "create_commit": {"putFiles": [{"filePath": "c", "fileContent": b""}]},
        "delete_file": {"filePath": "a"},
    }[operation]
    given = {"parentCommitId": known.get(parent or "", parent or "")} if parent or operation == "delete_file" else {}
    assert code_of(getattr(repository, operation), branchName=branch, **files, **given) == code
    assert repository.tip() == known["second"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a/../b", "InvalidPathException"),
        ("./a", "InvalidPathException"),
        ("a//b", "InvalidPathException"),
        ("a/", "InvalidPathException"),
        (".git/config", "InvalidPathException"),
        ("a/.GIT/hooks/x", "InvalidPathException"),
        ("/".join("x" * 21), "InvalidPathException"),
        ("a\0b", "InvalidPathException"),
        ("x" * 4097, "InvalidPathException"),
        ("", "PathRequiredException"),
        ("dir/file/below", "DirectoryNameConflictsWithFileNameException"),
        ("dir", "FileNameConflictsWithDirectoryNameException"),
    ],
)
def test_paths_that_are_refused(repository: Repository, path: str, code: str) -> None:
    tip = repository.put("dir/file")
    write = {"branchName": "main", "fileContent": b"y", "parentCommitId": tip}
    assert code_of(repository.put_file, filePath=path, **write) == code
    assert repository.tip() == tip


def test_a_leading_slash_is_the_root(repository: Repository) -> None:
    repository.put("/.gitignore")
    assert repository.get_file(filePath="/.gitignore")["filePath"] == ".gitignore"


def test_the_same_file_again(repository: Repository) -> None:
    tip = repository.put("a", b"same")
    again = {"branchName": "main", "filePath": "a", "fileContent": b"same", "parentCommitId": tip}
    assert code_of(repository.put_file, **again) == "SameFileContentException"
    assert repository.put_file(**again, fileMode="EXECUTABLE")["commitId"] != tip
    assert repository.files() == {"a": "100755"}


def test_a_file_is_deleted_and_its_folder_with_it(repository: Repository) -> None:
    for path in ("top", "one/file", "two/file"):
        repository.put(path)
    gone = repository.delete_file(branchName="main", filePath="one/file", parentCommitId=repository.tip())
    assert (gone["filePath"], gone["commitId"]) == ("one/file", repository.tip())
    kept = {"branchName": "main", "filePath": "two/file", "keepEmptyFolders": True}
    repository.delete_file(**kept, parentCommitId=repository.tip())
    assert repository.files() == {"top": "100644", "two/.gitkeep": "100644"}
    again = {"branchName": "main", "filePath": "one/file", "parentCommitId": repository.tip()}
    assert code_of(repository.delete_file, **again) == "FileDoesNotExistException"


def test_many_changes_in_one_commit(repository: Repository) -> None:
    for path in ("copied", "moved", "deleted", "script", "changed"):
        repository.put(path, path.encode())
    answer = repository.create_commit(
        branchName="main",
        parentCommitId=repository.tip(),
        authorName="Ana",
        email="ana@example.com",
        commitMessage="Many",
        putFiles=[
            {"filePath": "new", "fileContent": b"new", "fileMode": "SYMLINK"},
            {"filePath": "changed", "fileContent": b"otherwise"},
            {"filePath": "copy", "sourceFile": {"filePath": "copied"}},
            {"filePath": "folder/moved", "sourceFile": {"filePath": "moved", "isMove": True}},
        ],
        deleteFiles=[{"filePath": "deleted"}],
        setFileModes=[{"filePath": "script", "fileMode": "EXECUTABLE"}],
    )
    assert repository.files() == {
        "changed": "100644", "copied": "100644", "copy": "100644", "folder/moved": "100644", "new": "120000",
        "script": "100755",
    }  # fmt: skip
    paths = {kind: sorted(one["absolutePath"] for one in answer[kind]) for kind in answer if kind.startswith("files")}
    assert paths == {
        "filesAdded": ["copy", "folder/moved", "new"],
        "filesUpdated": ["changed", "script"],
        "filesDeleted": ["deleted", "moved"],
    }
    assert repository.get_file(filePath="folder/moved")["fileContent"] == b"moved"
    assert repository.get_commit(commitId=answer["commitId"])["commit"]["committer"]["name"] == "Ana"


def test_a_folder_takes_the_place_of_a_file(repository: Repository) -> None:
    repository.put("a", b"1")
    change = {"putFiles": [{"filePath": "a/b", "fileContent": b"2"}], "deleteFiles": [{"filePath": "a"}]}
    repository.create_commit(branchName="main", parentCommitId=repository.tip(), **change)
    assert repository.files() == {"a/b": "100644"}


NEW = {"filePath": "new", "fileContent": b"x"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "FileEntryRequiredException"),
        ({"putFiles": [{"filePath": "n"}]}, "SourceFileOrContentRequiredException"),
        (
            {"putFiles": [{**NEW, "sourceFile": {"filePath": "there"}}]},
            "FileContentAndSourceFileSpecifiedException",
        ),
        ({"putFiles": [NEW, NEW]}, "PutFileEntryConflictException"),
        ({"putFiles": [NEW], "deleteFiles": [{"filePath": "new"}]}, "SamePathRequestException"),
        ({"deleteFiles": [{"filePath": "there"}, {"filePath": "/there"}]}, "SamePathRequestException"),
        (
            {
                "putFiles": [{"filePath": "n", "sourceFile": {"filePath": "there", "isMove": True}}],
                "deleteFiles": [{"filePath": "there"}],
            },
            "RestrictedSourceFileException",
        ),
        ({"putFiles": [{"filePath": "n", "sourceFile": {"filePath": "none"}}]}, "FileDoesNotExistException"),
        ({"deleteFiles": [{"filePath": "none"}]}, "FileDoesNotExistException"),
        ({"setFileModes": [{"filePath": "none", "fileMode": "NORMAL"}]}, "FileDoesNotExistException"),
        ({"setFileModes": [{"filePath": "there", "fileMode": "NORMAL"}]}, "NoChangeException"),
        ({"setFileModes": [{"filePath": "there", "fileMode": "ODD"}]}, "InvalidFileModeException"),
        ({"putFiles": [{"filePath": "there", "fileContent": b"x\n"}]}, "NoChangeException"),
        (
            {"putFiles": [{"filePath": "there/below", "fileContent": b"x"}]},
            "DirectoryNameConflictsWithFileNameException",
        ),
        ({"putFiles": [NEW, {"filePath": "new/x", "fileContent": b""}]}, "DirectoryNameConflictsWithFileNameException"),
        ({"putFiles": [{**NEW, "filePath": f"n{i}"} for i in range(101)]}, "MaximumFileEntriesExceededException"),
        ({"putFiles": [NEW], "authorName": "x" * 1025}, "NameLengthExceededException"),
        ({"putFiles": [NEW], "email": "x" * 257}, "InvalidEmailException"),
        ({"putFiles": [NEW], "email": "a>b"}, "InvalidEmailException"),
    ],
)
def test_commits_that_are_refused_leave_nothing(repository: Repository, change: dict[str, Any], code: str) -> None:
    tip = repository.put("there")
    assert code_of(repository.create_commit, branchName="main", parentCommitId=tip, **change) == code
    assert repository.tip() == tip


def test_two_commits_on_one_tip(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch moves while the second is being made: it is refused, not lost."""
    tip, raced = repository.put("a"), []
    settle = refs.settle

    def late(call: Any, record: Any, git: Any, changes: list[Any], *more: Any) -> Any:
        if not raced:
            raced.append(True)
            call.store.put(refs.Ref(repository=record.id, name="refs/heads/main", target=newer))
        return settle(call, record, git, changes, *more)

    repository.create_branch(branchName="dev", commitId=tip)
    newer = repository.put("b", branch="dev")
    heard = listen(monkeypatch)
    monkeypatch.setattr(refs, "settle", late)
    write = {"branchName": "main", "filePath": "c", "fileContent": b"", "parentCommitId": tip}
    assert code_of(repository.put_file, **write) == "ParentCommitIdOutdatedException"
    monkeypatch.undo()
    repository.create_branch(branchName="other", commitId=tip)  # what git works on follows the records
    assert (repository.tip(), heard) == (newer, [])


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


def test_the_api_publishes_what_it_does(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = listen(monkeypatch)
    first = repository.put("a")
    second = repository.put("b")
    repository.create_branch(branchName="dev", commitId=first)
    repository.delete_branch(branchName="dev")
    metadata = repository.get_repository()["repositoryMetadata"]

    def event(kind: str, branch: str, **commits: str) -> tuple[dict[str, str], list[str]]:
        return {
            "event": kind,
            "repositoryName": repository.name,
            "repositoryId": metadata["repositoryId"],
            "referenceType": "branch",
            "referenceName": branch,
            "referenceFullName": f"refs/heads/{branch}",
            **commits,
            "callerUserArn": "arn:aws:iam::123456789012:user/learner",
        }, [metadata["Arn"]]

    assert heard == [
        event("referenceCreated", "main", commitId=first),
        event("referenceUpdated", "main", commitId=second, oldCommitId=first),
        event("referenceCreated", "dev", commitId=first),
        event("referenceDeleted", "dev", oldCommitId=first),
    ]


def test_the_api_is_limited_by_branch(cloud: Any) -> None:
    repository = Repository(cloud.client("codecommit"), "limited")
    tip = repository.put("a")
    repository.create_branch(branchName="prod", commitId=tip)
    condition = {
        "StringEqualsIfExists": {"codecommit:References": ["refs/heads/prod"]},
        "Null": {"codecommit:References": "false"},
    }
    allow(cloud, "learner", statement("*", effect="Deny", **condition))
    for operation, params in {
        "put_file": {"branchName": "prod", "filePath": "b", "fileContent": b"", "parentCommitId": tip},
        "create_commit": {"branchName": "prod", "deleteFiles": [{"filePath": "a"}], "parentCommitId": tip},
        "delete_file": {"branchName": "prod", "filePath": "a", "parentCommitId": tip},
        "delete_branch": {"branchName": "prod"},
        "create_branch": {"branchName": "prod", "commitId": tip},
    }.items():
        assert code_of(getattr(repository, operation), **params) == "AccessDeniedException"
    assert repository.tip("prod") == tip
    assert repository.put("b") != tip
