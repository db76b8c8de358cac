"""Branches, commits and files by the API."""

from typing import Any

import pytest
from codecommit_help import Repository, allow, listen, statement
from services_help import code_of

from labsupport.cloud.services.codecommit import branches, refs

NONE = "1" * 40


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
