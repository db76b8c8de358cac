"""Repositories at rest: encrypted under a KMS key, which is asked for at every use on behalf of whoever calls."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from codecommit_help import commit, git, new_user, signed_in, statement, work_copy
from services_help import ACCOUNT, code_of, refused, trail

from labsupport.cloud.services.codecommit import packs, storage, upkeep
from labsupport.cloud.services.codecommit.base import Repository

PUT = {"branchName": "main", "filePath": "f", "fileContent": b"content"}


def new_key(cloud: Any, *denied: dict[str, Any]) -> str:
    """A key that the account's policies decide over, with these denials."""
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    own = [{"Resource": "*", **one} for one in (allow, *denied)]
    policy = json.dumps({"Version": "2012-10-17", "Statement": own})
    arn: str = cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    return arn


def repository(cloud: Any, name: str, key: str) -> str:
    """Its address; it has one commit."""
    codecommit = cloud.client("codecommit")
    made = codecommit.create_repository(repositoryName=name, kmsKeyId=key)["repositoryMetadata"]
    assert made["kmsKeyId"] == key
    codecommit.put_file(repositoryName=name, **PUT)
    url: str = made["cloneUrlHttp"]
    return url


def record_of(cloud: Any, name: str) -> Repository:
    found: Repository = cloud.on_loop(lambda one: one.store.get(Repository, ACCOUNT, "us-east-1", name))
    return found


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_branch", {"branchName": "main"}),
        ("list_branches", {}),
        ("get_file", {"filePath": "f"}),
        ("get_folder", {"folderPath": "/"}),
        ("get_commit", {"commitId": "a" * 40}),
        ("get_blob", {"blobId": "a" * 40}),
        ("batch_get_commits", {"commitIds": ["a" * 40]}),
        ("get_differences", {"afterCommitSpecifier": "main"}),
        ("create_branch", {"branchName": "b", "commitId": "a" * 40}),
        ("delete_branch", {"branchName": "b"}),
        ("update_default_branch", {"defaultBranchName": "main"}),
        ("put_file", PUT),
        ("update_repository_encryption_key", {"kmsKeyId": "alias/aws/codecommit"}),
    ],
)
def test_a_disabled_key_closes_the_repository(shared_cloud: Any, operation: str, params: dict[str, Any]) -> None:
    kms, codecommit = shared_cloud.client("kms"), shared_cloud.client("codecommit")
    name = f"closed-{operation}"
    key = new_key(shared_cloud)
    repository(shared_cloud, name, key)
    kms.disable_key(KeyId=key)
    call = getattr(codecommit, operation)
    assert code_of(call, repositoryName=name, **params) == "EncryptionKeyDisabledException"
    kms.enable_key(KeyId=key)
    assert codecommit.get_file(repositoryName=name, filePath="f")["fileContent"] == b"content"


def test_git_is_told_why(shared_cloud: Any, tmp_path: Path) -> None:
    kms, key = shared_cloud.client("kms"), new_key(shared_cloud)
    credential = new_user(shared_cloud, "gita", statement("*"), {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    url = signed_in(repository(shared_cloud, "told", key), credential)
    git(tmp_path, "clone", "-q", url, "work")
    commit(tmp_path / "work", new="new")
    kms.disable_key(KeyId=key)
    for command in (["clone", url, "again"], ["-C", "work", "push", "origin", "main"]):
        printed = git(tmp_path, *command, fails=True)
        assert f"remote: {key} is disabled." in printed
    kms.enable_key(KeyId=key)
    git(tmp_path / "work", "push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", url, "again")
    assert (tmp_path / "again" / "new").read_text() == "new"


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey*"])
def test_the_caller_needs_the_key(shared_cloud: Any, action: str) -> None:
    """By the key's policy, which sees through which service, for which repository and for whom."""
    name = "denied-" + action[4:11].lower()
    condition = {"kms:ViaService": "codecommit.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT}
    denied = {"Effect": "Deny", "Principal": "*", "Action": action, "Condition": {"StringEquals": condition}}
    key, codecommit = new_key(shared_cloud, denied), shared_cloud.client("codecommit")
    if action == "kms:Decrypt":
        made = codecommit.create_repository(repositoryName=name, kmsKeyId=key)["repositoryMetadata"]
        code, message = refused(codecommit.put_file, repositoryName=name, **PUT)
        seen = trail(shared_cloud, "Decrypt")[-1]
        assert seen["requestParameters"]["encryptionContext"] == {"aws:codecommit:id": made["repositoryId"]}
        assert seen["sourceIPAddress"] == "codecommit.amazonaws.com"
    else:
        code, message = refused(codecommit.create_repository, repositoryName=name, kmsKeyId=key)
        assert code_of(codecommit.get_repository, repositoryName=name) == "RepositoryDoesNotExistException"
    assert code == "EncryptionKeyAccessDeniedException"
    assert "with an explicit deny in a resource-based policy" in message


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("alias/nowhere", "EncryptionKeyNotFoundException"),
        (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000", "EncryptionKeyNotFoundException"),
    ],
)
def test_a_key_has_to_be_there(shared_cloud: Any, key: str, code: str) -> None:
    codecommit = shared_cloud.client("codecommit")
    assert code_of(codecommit.create_repository, repositoryName="keyless", kmsKeyId=key) == code
    repository(shared_cloud, f"kept-{code[13:16]}-{len(key)}", "alias/aws/codecommit")
    named = {"repositoryName": f"kept-{code[13:16]}-{len(key)}"}
    assert code_of(codecommit.update_repository_encryption_key, **named, kmsKeyId=key) == code
    assert codecommit.get_file(**named, filePath="f")["fileContent"] == b"content"


def test_a_key_that_is_about_to_be_deleted(shared_cloud: Any) -> None:
    key, codecommit = new_key(shared_cloud), shared_cloud.client("codecommit")
    repository(shared_cloud, "late", key)
    shared_cloud.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    code = code_of(codecommit.get_branch, repositoryName="late", branchName="main")
    assert code == "EncryptionKeyUnavailableException"


def test_another_key_takes_over(shared_cloud: Any) -> None:
    """What is stored stays; only who can open it changes."""
    kms, codecommit = shared_cloud.client("kms"), shared_cloud.client("codecommit")
    old, new = new_key(shared_cloud), new_key(shared_cloud)
    repository(shared_cloud, "moved", old)
    answer = codecommit.update_repository_encryption_key(repositoryName="moved", kmsKeyId=new)
    assert (answer["originalKmsKeyId"], answer["kmsKeyId"]) == (old, new)
    kms.disable_key(KeyId=old)
    assert codecommit.get_file(repositoryName="moved", filePath="f")["fileContent"] == b"content"
    kms.disable_key(KeyId=new)
    code = code_of(codecommit.get_file, repositoryName="moved", filePath="f")
    assert code == "EncryptionKeyDisabledException"


@pytest.fixture
def stopped(start_cloud: Any, tmp_path: Path) -> Any:
    """A cloud that was stopped: its repository `demo` has a push of more than one segment, and a commit of the API."""
    cloud = start_cloud()
    credential = new_user(cloud, "gita", statement("*"))
    url = repository(cloud, "demo", "alias/aws/codecommit")
    git(tmp_path, "clone", "-q", signed_in(url, credential), "work")
    (tmp_path / "work" / "large").write_bytes(os.urandom(2 * packs.SEGMENT + 7))
    commit(tmp_path / "work")
    git(tmp_path / "work", "push", "-q", "origin", "main")
    cloud.stop()
    cloud.credential = credential
    return cloud


def test_all_of_it_comes_back_after_a_stop(stopped: Any, start_cloud: Any, tmp_path: Path) -> None:
    assert not (stopped.home / "cache").exists()
    assert len(list((stopped.home / "git").glob("*/*"))) == 2
    again = start_cloud(home=stopped.home)
    url = again.client("codecommit").get_repository(repositoryName="demo")["repositoryMetadata"]["cloneUrlHttp"]
    git(tmp_path, "clone", "-q", signed_in(url, stopped.credential), "again")
    assert (tmp_path / "again" / "large").read_bytes() == (tmp_path / "work" / "large").read_bytes()
    assert (again.home / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("harm", ["changed", "cut off", "removed", "exchanged"])
def test_what_was_tampered_with_is_noticed(stopped: Any, start_cloud: Any, harm: str) -> None:
    small, large = sorted((stopped.home / "git").glob("*/*"), key=lambda path: path.stat().st_size)
    if harm == "changed":
        content = bytearray(large.read_bytes())
        content[packs.SEGMENT + 100] ^= 1
        large.write_bytes(content)
    elif harm == "cut off":
        large.write_bytes(large.read_bytes()[:-1])
    elif harm == "removed":
        small.unlink()
    else:
        large.write_bytes(small.read_bytes())
    codecommit = start_cloud(home=stopped.home).client("codecommit")
    code = code_of(codecommit.get_file, repositoryName="demo", filePath="f")
    assert code == "EncryptionIntegrityChecksFailedException"


def test_a_plain_repository_of_an_older_lab_is_encrypted(start_cloud: Any, tmp_path: Path) -> None:
    cloud = start_cloud()
    codecommit = cloud.client("codecommit")
    codecommit.create_repository(repositoryName="old")

    def as_it_was(running: Any) -> str:
        record = running.store.get(Repository, ACCOUNT, "us-east-1", "old")
        record.data_key, record.default_branch = b"", "main"
        running.store.put(record)
        return str(record.folder)

    plain = cloud.home / "git" / f"{cloud.on_loop(as_it_was)}.git"
    subprocess.run(["git", "init", "-q", "--bare", plain], check=True)
    work = work_copy(tmp_path / "work", str(plain), secret="hidden")
    git(work, "tag", "-m", "first", "v1")
    git(work, "push", "-q", "origin", "main", "v1")
    assert codecommit.get_file(repositoryName="old", filePath="secret")["fileContent"] == b"hidden"
    assert codecommit.get_commit(repositoryName="old", commitId=git(work, "rev-parse", "HEAD"))
    assert not plain.exists()
    assert len(list((cloud.home / "git").glob("*/*"))) == 1


def test_many_packs_are_joined(stopped: Any, start_cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "MOST", 1)
    again = start_cloud(home=stopped.home)
    codecommit = again.client("codecommit")
    url = codecommit.get_repository(repositoryName="demo")["repositoryMetadata"]["cloneUrlHttp"]
    git(tmp_path, "clone", "-q", signed_in(url, stopped.credential), "again")
    assert git(tmp_path / "again", "rev-list", "--count", "HEAD") == "2"
    assert len(list((stopped.home / "git").glob("*/*"))) == 1
    assert codecommit.get_file(repositoryName="demo", filePath="f")["fileContent"] == b"content"


def test_the_working_copy_is_made_once_and_anew_where_it_is_lost(shared_cloud: Any) -> None:
    codecommit = shared_cloud.client("codecommit")
    repository(shared_cloud, "lost", "alias/aws/codecommit")
    record = record_of(shared_cloud, "lost")
    shared_cloud.on_loop(lambda cloud: storage.remove_working(cloud, record.folder))
    assert not storage.path_of(shared_cloud.cloud, record).exists()
    assert codecommit.get_file(repositoryName="lost", filePath="f")["fileContent"] == b"content"
    assert storage.path_of(shared_cloud.cloud, record).exists()
