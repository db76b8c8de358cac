"""Real git against the lab: clone, push, fetch, and what is told about it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codecommit_help import commit, git, listen, new_repository, signed_in, trail, work_copy


@pytest.fixture(scope="module")
def credential(shared_cloud: Any) -> Any:
    iam = shared_cloud.client("iam")
    answer = iam.create_service_specific_credential(UserName="learner", ServiceName="codecommit.amazonaws.com")
    return answer["ServiceSpecificCredential"]


@pytest.fixture
def url(shared_cloud: Any, credential: Any, request: pytest.FixtureRequest) -> str:
    """A new repository's address with a user's git credentials in it."""
    return signed_in(new_repository(shared_cloud, request.node.name.partition("[")[0]), credential)


@pytest.fixture
def work(tmp_path: Path, url: str) -> Path:
    """A copy with one commit, which has been pushed."""
    folder = work_copy(tmp_path / "work", url)
    git(folder, "push", "-q", "origin", "main")
    return folder


def name_in(url: str) -> str:
    return url.rpartition("/")[2]


def test_an_empty_repository_is_cloned(url: str, tmp_path: Path) -> None:
    assert "empty repository" in git(tmp_path, "clone", url, "copy")
    commit(tmp_path / "copy", a="1")
    assert "[new branch]" in git(tmp_path / "copy", "push", "origin", "HEAD")


def test_pushed_and_cloned(shared_cloud: Any, url: str, work: Path, tmp_path: Path) -> None:
    tip = git(work, "rev-parse", "HEAD")
    codecommit = shared_cloud.client("codecommit")
    assert codecommit.get_branch(repositoryName=name_in(url), branchName="main")["branch"]["commitId"] == tip
    assert codecommit.get_repository(repositoryName=name_in(url))["repositoryMetadata"]["defaultBranch"] == "main"
    assert codecommit.get_file(repositoryName=name_in(url), filePath="readme")["fileContent"] == b"hello\n"
    assert git(tmp_path, "clone", "-q", url, "copy") == ""
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == tip
    assert git(tmp_path / "copy", "rev-parse", "--abbrev-ref", "HEAD") == "main"


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_fetched_in_every_version_of_the_protocol(
    shared_cloud: Any, url: str, work: Path, tmp_path: Path, version: str
) -> None:
    codecommit, name = shared_cloud.client("codecommit"), name_in(url)
    asked = ("-c", f"protocol.version={version}")
    git(tmp_path, *asked, "clone", "-q", url, "copy")
    tip = git(work, "rev-parse", "HEAD")
    made = codecommit.put_file(
        repositoryName=name, branchName="main", filePath="by-api", fileContent=b"1", parentCommitId=tip
    )
    git(tmp_path / "copy", *asked, "pull", "-q")
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == made["commitId"]
    assert (tmp_path / "copy" / "by-api").read_text() == "1"
    codecommit.delete_repository(repositoryName=name)


def test_what_the_api_writes_git_finds_sound(shared_cloud: Any, url: str, work: Path) -> None:
    codecommit, parent = shared_cloud.client("codecommit"), git(work, "rev-parse", "HEAD")
    codecommit.create_commit(
        repositoryName=name_in(url),
        branchName="main",
        parentCommitId=parent,
        commitMessage="Ünïcode",
        putFiles=[{"filePath": "a/b/c", "fileContent": b"1"}, {"filePath": "a.b", "fileContent": b"2"}],
    )
    git(work, "-c", "fetch.fsckObjects=true", "pull", "-q", "origin", "main")
    assert git(work, "fsck", "--strict") == ""
    assert git(work, "log", "-1", "--format=%s|%an|%ae") == "Ünïcode|learner|"


def test_branches_and_tags_come_and_go(
    shared_cloud: Any, url: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(monkeypatch)
    first = git(work, "rev-parse", "HEAD")
    git(work, "tag", "light")
    git(work, "tag", "-a", "heavy", "-m", "x")
    git(work, "push", "-q", "origin", "main:refs/heads/feature/one", "light", "heavy")
    git(work, "push", "-q", "origin", "--delete", "feature/one", "heavy")
    git(work, "push", "-q", "origin", "main:refs/notes/commits")
    told = [(one["event"], one["referenceType"], one["referenceName"]) for one, _ in heard]
    assert sorted(told) == sorted(
        [
            ("referenceCreated", "branch", "feature/one"),
            ("referenceCreated", "tag", "light"),
            ("referenceCreated", "tag", "heavy"),
            ("referenceDeleted", "branch", "feature/one"),
            ("referenceDeleted", "tag", "heavy"),
        ]
    )
    commits = {one.get("commitId", one.get("oldCommitId")) for one, _ in heard}
    assert commits == {first}
    branches = shared_cloud.client("codecommit").list_branches(repositoryName=name_in(url))["branches"]
    assert branches == ["main"]


def test_a_push_is_published_as_aws_documents_it(
    shared_cloud: Any, url: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(monkeypatch)
    old, new = git(work, "rev-parse", "HEAD"), commit(work, readme="more\n")
    git(work, "push", "-q", "origin", "main")
    metadata = shared_cloud.client("codecommit").get_repository(repositoryName=name_in(url))["repositoryMetadata"]
    detail = {
        "event": "referenceUpdated",
        "repositoryName": name_in(url),
        "repositoryId": metadata["repositoryId"],
        "referenceType": "branch",
        "referenceName": "main",
        "referenceFullName": "refs/heads/main",
        "commitId": new,
        "oldCommitId": old,
        "callerUserArn": "arn:aws:iam::123456789012:user/learner",
    }
    assert heard == [(detail, [metadata["Arn"]])]
    git(work, "push", "-q", "origin", "main")
    assert len(heard) == 1, "nothing was changed, so nothing is told"


def test_history_rewritten(shared_cloud: Any, url: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = git(work, "rev-parse", "HEAD")
    git(work, "commit", "-q", "--amend", "-m", "otherwise")
    assert "rejected" in git(work, "push", "origin", "main", fails=True)
    heard = listen(monkeypatch)
    git(work, "push", "-q", "--force", "origin", "main")
    assert [(one["event"], one["oldCommitId"]) for one, _ in heard] == [("referenceUpdated", old)]


def test_a_part_of_the_history(url: str, work: Path, tmp_path: Path) -> None:
    for number in range(3):
        commit(work, readme=f"{number}\n")
    git(work, "push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", "--depth", "1", url, "copy")
    assert git(tmp_path / "copy", "rev-list", "--count", "HEAD") == "1"
    commit(tmp_path / "copy", other="x\n")
    git(tmp_path / "copy", "push", "-q", "origin", "main")
    git(tmp_path / "copy", "fetch", "-q", "--unshallow")
    assert git(tmp_path / "copy", "rev-list", "--count", "HEAD") == "5"


def test_twenty_megabytes(url: str, work: Path, tmp_path: Path) -> None:
    """Larger than git's buffer, so that it asks first and then sends in chunks."""
    (work / "large").write_bytes(os.urandom(20 * 1024 * 1024))
    tip = commit(work)
    git(work, "push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", url, "copy")
    assert git(tmp_path / "copy", "rev-parse", "HEAD") == tip
    assert (tmp_path / "copy" / "large").read_bytes() == (work / "large").read_bytes()


def test_many_references_at_once(shared_cloud: Any, url: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than git sends without compressing it."""
    tip = git(work, "rev-parse", "HEAD")
    lines = "".join(f"create refs/heads/b{number:04} {tip}\n" for number in range(600))
    (work.parent / "refs").write_text(lines)
    with (work.parent / "refs").open() as file:
        subprocess.run(["git", "update-ref", "--stdin"], cwd=work, stdin=file, check=True)
    heard = listen(monkeypatch)
    git(work, "push", "-q", "origin", "refs/heads/b*")
    branches = shared_cloud.client("codecommit").list_branches(repositoryName=name_in(url))["branches"]
    assert (len(branches), len(heard)) == (601, 600)


def test_odd_names_and_encodings(shared_cloud: Any, url: str, work: Path, tmp_path: Path) -> None:
    """Files and messages that are no UTF-8 are kept by git and shown by the API as far as can be."""
    (Path(os.fsdecode(os.fsencode(work) + b"/caf\xe9"))).write_bytes(b"1")
    git(work, "add", "--all")
    (tmp_path / "message").write_bytes(b"caf\xe9\n")
    git(work, "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "-F", str(tmp_path / "message"))
    git(work, "push", "-q", "origin", "main")
    codecommit, name = shared_cloud.client("codecommit"), name_in(url)
    tip = git(work, "rev-parse", "HEAD")
    assert codecommit.get_commit(repositoryName=name, commitId=tip)["commit"]["message"] == "café\n"
    paths = [one["relativePath"] for one in codecommit.get_folder(repositoryName=name, folderPath="/")["files"]]
    assert len(paths) == 2
    found = codecommit.get_differences(repositoryName=name, afterCommitSpecifier="main")["differences"]
    assert len(found) == 2
    again = codecommit.put_file(
        repositoryName=name, branchName="main", filePath="new", fileContent=b"", parentCommitId=tip
    )
    git(work, "pull", "-q", "origin", "main")
    assert git(work, "rev-parse", "HEAD") == again["commitId"]
    assert git(work, "diff", "--name-only", "HEAD~1", "HEAD") == "new"


def test_a_commit_in_an_encoding_that_nobody_knows(shared_cloud: Any, url: str, work: Path) -> None:
    person = "caf\xe9 <a@b> 5 +0130"
    head = f"tree {git(work, 'rev-parse', 'HEAD^{tree}')}\nauthor {person}\ncommitter {person}\nencoding none-such"
    (work.parent / "commit").write_bytes(f"{head}\n\ncaf\xe9\n".encode("latin-1"))
    made = git(work, "hash-object", "-t", "commit", "-w", str(work.parent / "commit"))
    git(work, "push", "-q", "origin", f"{made}:refs/heads/odd")
    found = shared_cloud.client("codecommit").get_commit(repositoryName=name_in(url), commitId=made)["commit"]
    assert found["message"] == "caf\ufffd\n"
    assert found["author"] == {"name": "caf\ufffd", "email": "a@b", "date": "5 +0130"}


def test_submodules_are_told_apart(shared_cloud: Any, url: str, work: Path) -> None:
    tip = git(work, "rev-parse", "HEAD")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{tip},lib")
    git(work, "commit", "-q", "-m", "submodule")
    git(work, "push", "-q", "origin", "main")
    codecommit, name = shared_cloud.client("codecommit"), name_in(url)
    folder = codecommit.get_folder(repositoryName=name, folderPath="/")
    assert [(one["relativePath"], one["commitId"]) for one in folder["subModules"]] == [("lib", tip)]
    head = git(work, "rev-parse", "HEAD")
    for path, code in {
        "lib": "FilePathConflictsWithSubmodulePathException",
        "lib/x": "FilePathConflictsWithSubmodulePathException",
    }.items():
        with pytest.raises(ClientError, match=code):
            codecommit.put_file(
                repositoryName=name, branchName="main", filePath=path, fileContent=b"", parentCommitId=head
            )
    with pytest.raises(ClientError, match="FileDoesNotExistException"):
        codecommit.get_file(repositoryName=name, filePath="lib")


def test_the_default_branch_is_not_deleted_by_a_push(url: str, work: Path) -> None:
    refused = git(work, "push", "origin", "--delete", "main", fails=True)
    assert "can't be deleted" in refused
    assert "main" in git(work, "ls-remote", "--heads", "origin")


def test_long_names_of_branches(url: str, work: Path) -> None:
    git(work, "push", "-q", "origin", f"main:{'x' * 200}")
    assert "the name is too long" in git(work, "push", "origin", f"main:{'x' * 200}/{'y' * 60}", fails=True)


def test_of_a_push_all_or_nothing(shared_cloud: Any, url: str, work: Path) -> None:
    refused = git(work, "push", "origin", ":main", "main:other", fails=True)
    assert refused.count("[remote rejected]") == 2
    branches = shared_cloud.client("codecommit").list_branches(repositoryName=name_in(url))["branches"]
    assert branches == ["main"]


def test_a_clone_follows_the_default_branch(shared_cloud: Any, url: str, work: Path, tmp_path: Path) -> None:
    git(work, "push", "-q", "origin", "main:trunk")
    shared_cloud.client("codecommit").update_default_branch(repositoryName=name_in(url), defaultBranchName="trunk")
    git(tmp_path, "clone", "-q", url, "copy")
    assert git(tmp_path / "copy", "rev-parse", "--abbrev-ref", "HEAD") == "trunk"


def test_a_first_push_of_many_branches_makes_main_the_default(shared_cloud: Any, url: str, tmp_path: Path) -> None:
    work = work_copy(tmp_path / "work", url)
    git(work, "push", "-q", "origin", "main:a", "main:main", "main:z")
    metadata = shared_cloud.client("codecommit").get_repository(repositoryName=name_in(url))["repositoryMetadata"]
    assert metadata["defaultBranch"] == "main"


def test_broken_objects_are_refused(shared_cloud: Any, url: str, work: Path) -> None:
    """A tree with a file `.git` in it would take over whoever checks it out."""
    blob = git(work, "rev-parse", "HEAD:readme")
    (work.parent / "tree").write_bytes(b"100644 .git\0" + bytes.fromhex(blob))
    tree = git(work, "hash-object", "-t", "tree", "-w", "--literally", str(work.parent / "tree"))
    bad = git(work, "commit-tree", tree, "-m", "bad")
    git(work, "update-ref", "refs/heads/bad", bad)
    refused = git(work, "push", "origin", "bad", fails=True)
    assert "hasDotgit" in refused
    branches = shared_cloud.client("codecommit").list_branches(repositoryName=name_in(url))["branches"]
    assert branches == ["main"]


def test_the_trail_sees_pulls_and_pushes(shared_cloud: Any, url: str, work: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", url, "copy")
    mine = [
        event
        for event in trail(shared_cloud, "GitPull", "GitPush")
        if event["additionalEventData"]["repositoryName"] == name_in(url)
    ]
    told = [(one["eventName"], one["readOnly"], one["additionalEventData"]["dataTransferred"]) for one in mine]
    assert told == [
        ("GitPush", True, False),
        ("GitPush", False, True),
        ("GitPull", True, False),
        ("GitPull", True, True),
    ]
    tip = git(work, "rev-parse", "HEAD")
    assert mine[1]["requestParameters"] == {"references": [{"commit": tip, "ref": "refs/heads/main"}]}
    assert "report-status-v2" in mine[1]["additionalEventData"]["capabilities"]
    assert mine[3]["additionalEventData"]["shallow"] is False
    assert {one["userIdentity"]["userName"] for one in mine} == {"learner"}
    assert mine[0]["userAgent"].startswith("git/")
    assert mine[0]["resources"][0]["ARN"].endswith(name_in(url))
