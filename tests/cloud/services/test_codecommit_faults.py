"""The cloud is killed in the middle, clients leave in the middle: what was acknowledged is there, each event is
published once, and no git is left behind."""

import base64
import os
import subprocess
import sys
from contextlib import nullcontext
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from codecommit_help import commit, git, listen, new_repository, signed_in, work_copy

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.core.identity import root
from labsupport.cloud.services.codecommit import base, refs, storage
from labsupport.cloud.services.codecommit.pktline import FLUSH, packet

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from labsupport.cloud import server
from labsupport.cloud.core.cloud import Settings
from labsupport.cloud.services.codecommit import packs, push, refs, storage

home, point = sys.argv[1:]
emit, show, seal = refs._emit, storage.show, packs.seal

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    return lambda *given: (function(*given), die())

if point == "before git":
    push._by_git = die
elif point == "after git":
    packs.seal = die
elif point == "when it is sealed":
    packs.seal = after(seal)
elif point == "while it publishes":
    refs._emit = after(emit)
elif point == "when it is committed":
    storage.show = die
elif point == "before the answer":
    storage.show = after(show)
asyncio.run(server.serve(Settings(home=Path(home)), lambda cloud: print(cloud.settings.endpoint, flush=True)))
"""


def prepared(start_cloud: Any) -> tuple[Path, dict[str, Any]]:
    """A home with a repository and a git credential."""
    cloud = start_cloud()
    new_repository(cloud, "demo")
    answer = cloud.client("iam").create_service_specific_credential(
        UserName="learner", ServiceName="codecommit.amazonaws.com"
    )
    cloud.stop()
    return cloud.home, answer["ServiceSpecificCredential"]


def push_into_death(home: Path, credential: dict[str, Any], work: Path, point: str) -> None:
    """Push to a cloud that kills itself at this point of the push."""
    command = [sys.executable, "-c", KILLED, str(home), point]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as cloud:
        assert cloud.stdout is not None
        url = signed_in(cloud.stdout.readline().strip() + "/v1/repos/demo", credential)
        git(work, "push", url, "main", fails=True)
        assert cloud.wait(20) == -9


@pytest.mark.parametrize(
    ("point", "sealed", "arrived"),
    [
        ("before git", 0, False),
        ("after git", 0, False),
        ("when it is sealed", 1, False),
        ("while it publishes", 1, False),
        ("when it is committed", 1, True),
        ("before the answer", 1, True),
    ],
)
def test_killed_during_a_push(start_cloud: Any, tmp_path: Path, point: str, sealed: int, arrived: bool) -> None:
    """All of it is there or nothing; what is left in plain goes at the start, what is left sealed at the first use."""
    home, credential = prepared(start_cloud)
    work = work_copy(tmp_path / "work", "unused")
    push_into_death(home, credential, work, point)
    assert len(list(home.glob("git/*/*"))) == sealed
    again = start_cloud(home=home)
    assert not (home / "cache").exists()
    codecommit = again.client("codecommit")
    assert codecommit.list_branches(repositoryName="demo")["branches"] == (["main"] if arrived else [])
    assert len(list(home.glob("git/*/*"))) == (1 if arrived else 0)
    metadata = codecommit.get_repository(repositoryName="demo")["repositoryMetadata"]
    assert metadata.get("defaultBranch") == ("main" if arrived else None)
    commit(work)
    url = signed_in(metadata["cloneUrlHttp"], credential)
    git(work, "push", "-q", url, "main")
    git(tmp_path, "clone", "-q", url, "clone")
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == git(work, "rev-parse", "HEAD")


@pytest.fixture
def demo(cloud: Any) -> Any:
    """A cloud with a repository `demo`: `main` is one commit behind `dev`."""
    codecommit = cloud.client("codecommit")
    codecommit.create_repository(repositoryName="demo")
    put = {"repositoryName": "demo", "filePath": "a"}
    first = codecommit.put_file(**put, branchName="main", fileContent=b"1")["commitId"]
    codecommit.create_branch(repositoryName="demo", branchName="dev", commitId=first)
    second = codecommit.put_file(**put, branchName="dev", fileContent=b"2", parentCommitId=first)["commitId"]
    cloud.first, cloud.second = first, second
    cloud.settle("codecommit")
    return cloud


def call_of(cloud: Any) -> Call:
    return Call(cloud, base.service, "GitPush", root("123456789012"), "123456789012", "us-east-1")


def repository_of(cloud: Any) -> base.Repository:
    found: base.Repository = base.find(call_of(cloud), "demo")  # type: ignore[assignment]
    return found


def test_changes_of_a_repository_that_is_gone_or_renamed(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, codecommit = listen(monkeypatch), demo.client("codecommit")
    old = demo.on_loop(repository_of)
    opened = storage.git_at(storage.path_of(demo.cloud, old))

    def change(cloud: Any, name: str) -> base.Repository:
        return refs.settle(call_of(cloud), old, opened, [refs.Change(f"refs/heads/{name}", "", demo.first)])

    codecommit.update_repository_name(oldName="demo", newName="other")
    assert demo.on_loop(lambda cloud: change(cloud, "new").name) == "other"
    assert [one["repositoryName"] for one, _ in heard] == ["other"]
    codecommit.delete_repository(repositoryName="other")
    with pytest.raises(AwsError, match="demo does not exist"):
        demo.on_loop(lambda cloud: change(cloud, "newer"))
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("changes", "done"),
    [
        ([("main", "first", "second")], True),
        ([("main", "second", "first")], False),
        ([("new", "", "first")], True),
        ([("main/below", "", "first")], False),
        ([("dev", "second", ""), ("dev/below", "", "first")], True),
        ([("a/b", "", "first"), ("a", "", "first")], False),
        ([("main", "first", "second"), ("dev", "", "first")], False),
    ],
)
def test_changes_are_made_from_what_was_there_or_not_at_all(
    demo: Any, monkeypatch: pytest.MonkeyPatch, changes: list[tuple[str, str, str]], done: bool
) -> None:
    ids = {"": "", "first": demo.first, "second": demo.second}
    wanted = [refs.Change(f"refs/heads/{name}", ids[old], ids[new]) for name, old, new in changes]
    before = demo.on_loop(lambda cloud: refs.of(call_of(cloud), repository_of(cloud)))

    def settle(cloud: Any) -> None:
        refs.settle(call_of(cloud), repository_of(cloud), None, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(refs, "_emit", lambda *_: None)
    with nullcontext() if done else pytest.raises(AwsError, match="changed by somebody else"):
        demo.on_loop(settle)
    assert (demo.on_loop(lambda cloud: refs.of(call_of(cloud), repository_of(cloud))) != before) is done


def test_two_pushes_at_once(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch moves while git takes the push in: it is told so and changes nothing."""
    wire, settle = Wire(demo), refs.settle
    url = f"{demo.url}/v1/repos/demo".replace("://", f"://{wire.user}:{wire.password}@")
    git(tmp_path, "clone", "-q", url, "one")
    commit(tmp_path / "one", new="new")

    def overtaken(*given: Any) -> Any:
        monkeypatch.setattr(refs, "settle", settle)
        record = given[1]
        given[0].store.put(refs.Ref(repository=record.id, name="refs/heads/main", target=demo.second))
        return settle(*given)

    monkeypatch.setattr(refs, "settle", overtaken)
    printed = git(tmp_path / "one", "push", url, "main", fails=True)
    assert "was changed by somebody else in the meantime" in printed
    assert len(list(demo.home.glob("git/*/*"))) == 2  # what it brought is not kept


class Wire:
    """One HTTP connection with git credentials, of which the test has every byte in hand."""

    def __init__(self, cloud: Any) -> None:
        answer = cloud.client("iam").create_service_specific_credential(
            UserName="learner", ServiceName="codecommit.amazonaws.com"
        )["ServiceSpecificCredential"]
        self.user, self.password = (quote(answer[f"Service{one}"], safe="") for one in ("UserName", "Password"))
        pair = f"{answer['ServiceUserName']}:{answer['ServicePassword']}"
        self.connection = HTTPConnection(cloud.url.removeprefix("http://"), timeout=30)
        self.credentials = "Basic " + base64.b64encode(pair.encode()).decode()

    def begin(self, what: str, length: int, body: bytes) -> None:
        self.connection.putrequest("POST", f"/v1/repos/demo/{what}")
        self.connection.putheader("authorization", self.credentials)
        self.connection.putheader("content-type", f"application/x-{what}-request")
        self.connection.putheader("content-length", str(length))
        self.connection.endheaders(body)


def processes_of_git() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if "git" in one.name()]


def test_a_client_that_leaves_a_push(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, wire = listen(monkeypatch), Wire(demo)
    command = packet(f"{demo.first} {demo.second} refs/heads/main\0 report-status".encode()) + FLUSH
    wire.begin("git-receive-pack", 10_000_000, command + b"PACK\0\0\0\2\0\0\0\5" + os.urandom(1000))
    wire.connection.close()
    assert psutil.wait_procs(processes_of_git(), timeout=20)[1] == []
    demo.settle("codecommit")
    tip = demo.client("codecommit").get_branch(repositoryName="demo", branchName="main")["branch"]["commitId"]
    assert (tip, heard) == (demo.first, [])
    demo.stop()
    assert not (demo.home / "cache").exists()


def test_a_client_that_leaves_a_fetch(demo: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """git would have megabytes to give; it ends when nobody takes them."""
    wire, path = Wire(demo), demo.on_loop(lambda cloud: storage.path_of(cloud, repository_of(cloud)))
    (tmp_path / "large").write_bytes(os.urandom(40 * 1024 * 1024))
    blob = git(path, "hash-object", "-w", str(tmp_path / "large"))
    (tmp_path / "tree").write_text(f"100644 blob {blob}\tlarge\n")
    with (tmp_path / "tree").open() as file:
        tree = subprocess.run(["git", "mktree"], cwd=path, stdin=file, capture_output=True, check=True).stdout
    made = git(path, "commit-tree", tree.decode().strip(), "-m", "large")
    git(path, "update-ref", "refs/heads/large", made)
    wishes = packet(f"want {made} side-band-64k\n".encode()) + FLUSH + packet(b"done\n")
    wire.begin("git-upload-pack", len(wishes), wishes)
    answer = wire.connection.getresponse()
    assert len(answer.read(100_000)) == 100_000
    running = processes_of_git()
    assert running
    answer.close()
    wire.connection.close()
    assert psutil.wait_procs(running, timeout=20)[1] == []
    demo.client("codecommit").list_branches(repositoryName="demo")
    assert "git upload-pack ended with" in caplog.text


def test_without_git_the_lab_says_so(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    wire = Wire(demo)
    wire.connection.request(
        "GET", "/v1/repos/demo/info/refs?service=git-upload-pack", headers={"authorization": wire.credentials}
    )
    answer = wire.connection.getresponse()
    assert (answer.status, b"install it" in answer.read()) == (503, True)
    wire.connection.close()
