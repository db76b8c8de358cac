"""The cloud is killed in the middle, clients leave in the middle: what was acknowledged is there, each event is
published once, and no git is left behind."""

import base64
import fcntl
import os
import sqlite3
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest
from codecommit_help import commit, git, listen, new_repository, signed_in, work_copy

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.identity import root
from labsupport.cloud.services.codecommit import base, refs, storage
from labsupport.cloud.services.codecommit.pktline import FLUSH, packet

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from labsupport.cloud import server
from labsupport.cloud.core.cloud import Settings
from labsupport.cloud.services.codecommit import refs

home, point = sys.argv[1:]
publish, emit = refs.publish, refs._emit

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    return lambda *given: (function(*given), die())

if point == "before git":
    refs.held = die
elif point == "after git":
    refs.publish = die
elif point == "while it publishes":
    refs._emit = after(emit)
elif point == "before the answer":
    refs.publish = after(publish)
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


def left(home: Path) -> int:
    """How many changes are noted and not published."""
    database = sqlite3.connect(home / "cloud.sqlite3")
    found: int = database.execute("SELECT count(*) FROM record WHERE kind = 'codecommit.intent'").fetchone()[0]
    database.close()
    return found


@pytest.mark.parametrize(
    ("point", "arrived", "unpublished"),
    [
        ("before git", False, 1),
        ("after git", True, 1),
        ("while it publishes", True, 1),
        ("before the answer", True, 0),
    ],
)
def test_killed_during_a_push(
    start_cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, arrived: bool, unpublished: int
) -> None:
    """An event is published in the transaction that takes off the note: what is noted still has no event yet."""
    home, credential = prepared(start_cloud)
    work = work_copy(tmp_path / "work", "unused")
    push_into_death(home, credential, work, point)
    assert left(home) == unpublished
    heard = listen(monkeypatch)
    again = start_cloud(home=home)
    again.settle("codecommit")
    assert len(heard) == (unpublished if arrived else 0)
    codecommit = again.client("codecommit")
    assert codecommit.list_branches(repositoryName="demo")["branches"] == (["main"] if arrived else [])
    metadata = codecommit.get_repository(repositoryName="demo")["repositoryMetadata"]
    assert metadata.get("defaultBranch") == ("main" if arrived else None)
    assert (left(home), list((home / "git" / ".pushes").glob("*"))) == (0, [])
    before = len(heard)
    commit(work)
    git(work, "push", "-q", signed_in(metadata["cloneUrlHttp"], credential), "main")
    assert len(heard) == before + 1


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


def test_git_of_a_killed_process_is_waited_for(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its references may still change after the restart: as long as it holds the lock, nothing is concluded."""
    change = refs.Change("refs/heads/main", demo.first, demo.second)

    def abandoned(cloud: Any) -> Any:
        intent = refs.note(call_of(cloud), repository_of(cloud), [change])
        path = refs._hold_path(cloud, intent)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    heard = listen(monkeypatch)
    lock = demo.on_loop(abandoned)
    demo.on_loop(lambda cloud: refs.publish_left(call_of(cloud), _only_intent(cloud).id))
    assert heard == []
    demo.on_loop(lambda cloud: change_as(cloud, _only_intent(cloud), change))
    lock.close()
    demo.advance(1)
    demo.settle("codecommit")
    assert [(one["event"], one["commitId"]) for one, _ in heard] == [("referenceUpdated", demo.second)]
    assert demo.on_loop(lambda cloud: list(cloud.store.list(refs.Intent))) == []


def change_as(cloud: Any, intent: refs.Intent, change: refs.Change) -> None:
    """Change a reference as git does it for this push."""
    name, email = refs.sign(intent)
    path = storage.path_of(cloud, repository_of(cloud))
    who = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}
    git(path, "update-ref", "-m", "push", change.ref, change.new, change.old or "0" * 40, **who)


def _only_intent(cloud: Any) -> refs.Intent:
    (intent,) = cloud.store.list(refs.Intent)
    found: refs.Intent = intent
    return found


def test_a_change_that_was_overtaken_is_published_all_the_same(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between git's change and the look at it somebody else has moved the branch on; a third one, who wanted the same
    as the first, came too late."""
    heard = listen(monkeypatch)

    def overtaken(cloud: Any) -> None:
        call, repository = call_of(cloud), repository_of(cloud)
        intents = [
            refs.note(call, repository, [refs.Change("refs/heads/main", *ids)])
            for ids in ((demo.first, demo.second), (demo.second, demo.first), (demo.first, demo.second))
        ]
        for intent in intents[:2]:
            change_as(cloud, intent, intent.changes[0])
        for intent in intents:
            refs.publish(call, intent)

    demo.on_loop(overtaken)
    assert [one["oldCommitId"] for one, _ in heard] == [demo.first, demo.second]


def test_changes_of_a_repository_that_is_gone_or_renamed(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, codecommit = listen(monkeypatch), demo.client("codecommit")

    def renamed(cloud: Any) -> refs.Intent:
        repository, change = repository_of(cloud), refs.Change("refs/heads/new", "", demo.first)
        intent = refs.note(call_of(cloud), repository, [change])
        change_as(cloud, intent, change)
        cloud.store.delete(repository)
        repository.name = "other"
        cloud.store.put(repository)
        return intent

    intent = demo.on_loop(renamed)
    demo.settle("codecommit")
    assert [one["repositoryName"] for one, _ in heard] == ["other"]
    codecommit.delete_repository(repositoryName="other")
    demo.on_loop(lambda cloud: cloud.store.put(intent))
    assert demo.on_loop(lambda cloud: refs.publish(call_of(cloud), intent)) == []
    assert len(heard) == 1


class Wire:
    """One HTTP connection with git credentials, of which the test has every byte in hand."""

    def __init__(self, cloud: Any) -> None:
        answer = cloud.client("iam").create_service_specific_credential(
            UserName="learner", ServiceName="codecommit.amazonaws.com"
        )["ServiceSpecificCredential"]
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
    assert demo.on_loop(lambda cloud: list(cloud.store.list(refs.Intent))) == []


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
