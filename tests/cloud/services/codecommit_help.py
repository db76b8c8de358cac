"""Real git against a cloud: clean of the configuration of whoever runs the tests."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from labsupport.cloud.core.call import Call

PERSON = {"NAME": "Ana", "EMAIL": "ana@example.com"}
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in PERSON.items()},
}


def git(folder: Path, *arguments: str, fails: bool = False, **environment: str) -> str:
    """Run git and give all that it printed; `fails` says that it has to."""
    ran = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments], cwd=folder, env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
    )  # fmt: skip
    printed = ran.stdout.decode("utf-8", "replace")
    assert (ran.returncode != 0) is fails, printed
    return printed.strip()


def new_repository(cloud: Any, name: str) -> str:
    """A repository's address, without credentials."""
    url: str = cloud.client("codecommit").create_repository(repositoryName=name)["repositoryMetadata"]["cloneUrlHttp"]
    return url


def new_user(cloud: Any, name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A user with these permissions and a git credential, which is given."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    allow(cloud, name, *statements)
    answer = iam.create_service_specific_credential(UserName=name, ServiceName="codecommit.amazonaws.com")
    credential: dict[str, Any] = answer["ServiceSpecificCredential"]
    return credential


def allow(cloud: Any, user: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.client("iam").put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document)


def statement(*actions: str, effect: str = "Allow", resource: str = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": effect, "Action": [f"codecommit:{action}" for action in actions], "Resource": resource}
    return {**found, "Condition": condition} if condition else found


def signed_in(url: str, credential: dict[str, Any]) -> str:
    name, password = credential["ServiceUserName"], credential["ServicePassword"]
    return url.replace("://", f"://{quote(name, safe='')}:{quote(password, safe='')}@")


def work_copy(folder: Path, url: str, **files: str) -> Path:
    """A new repository on this side with one commit, and `origin` set."""
    git(folder.parent, "init", "-q", str(folder))
    git(folder, "remote", "add", "origin", url)
    commit(folder, **(files or {"readme": "hello\n"}))
    return folder


def commit(folder: Path, message: str = "change", **files: str) -> str:
    for name, content in files.items():
        (folder / name).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def trail(cloud: Any, *names: str) -> list[dict[str, Any]]:
    """CodeCommit's entries of these names, the oldest first."""
    lookup = {"AttributeKey": "EventSource", "AttributeValue": "codecommit.amazonaws.com"}
    found = cloud.client("cloudtrail").lookup_events(LookupAttributes=[lookup])["Events"]
    events = [json.loads(event["CloudTrailEvent"]) for event in reversed(found)]
    return [event for event in events if event["eventName"] in names]


def listen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[str]]]:
    """Every event that is published from now on: its detail and its resources."""
    heard: list[tuple[dict[str, Any], list[str]]] = []
    emit: Callable[..., None] = Call.emit

    def listening(call: Call, detail_type: str, detail: dict[str, Any], resources: Any = ()) -> None:
        if detail_type == "CodeCommit Repository State Change":
            heard.append((detail, list(resources)))
        emit(call, detail_type, detail, resources)

    monkeypatch.setattr(Call, "emit", listening)
    return heard


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
