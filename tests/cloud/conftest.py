"""A cloud for tests: a real process's worth of it in a thread, reached by boto3 over HTTP."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from labsupport.cloud import server
from labsupport.cloud.core.cloud import Cloud, Settings

QUICK = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)


class RunningCloud:
    """`client("s3")` is boto3's, as the profile learner; `on_loop(f)` runs `f(cloud)` where the state is held."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = Settings(home=home, **settings)
        self.home = home
        self._clients: dict[frozenset[tuple[str, Any]], Any] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20), "the cloud did not start"
        self.url = self.settings.endpoint

    def _run(self) -> None:
        asyncio.run(server.serve(self.settings, self._started))

    def _started(self, cloud: Cloud) -> None:
        self.cloud, self._loop = cloud, asyncio.get_running_loop()
        self._ready.set()

    def keys(self, profile: str = "learner") -> dict[str, str]:
        parser = RawConfigParser()
        parser.read(self.home / "aws" / "credentials")
        return dict(parser[profile])

    def client(
        self, service: str, profile: str = "learner", *, credentials: dict[str, str] | None = None, **more: Any
    ) -> Any:
        """boto3's client. `credentials` are an answer's `Credentials` of STS, instead of a profile's keys.

        Making one takes longer than most calls, so the same is given to all who ask for the same.
        """
        asked = self._asked(service, profile, credentials, more)
        known = frozenset(asked.items())
        if known not in self._clients:
            self._clients[known] = _session().client(**asked)
        return self._clients[known]

    def own_client(self, service: str, profile: str = "learner", **more: Any) -> Any:
        """A client that nobody else has: its events may be listened to."""
        return _session().client(**self._asked(service, profile, None, more))

    def _asked(
        self, service: str, profile: str, credentials: dict[str, str] | None, more: dict[str, Any]
    ) -> dict[str, Any]:
        keys = self.keys(profile) if credentials is None else {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }  # fmt: skip
        usual = {"region_name": "us-east-1", "endpoint_url": self.url, "config": QUICK}
        return {"service_name": service, **usual, **keys, **more}

    def on_loop(self, function: Callable[[Cloud], Any]) -> Any:
        """Run a plain or async function of the cloud on its loop and give its result."""

        async def run() -> Any:
            found = function(self.cloud)
            return await found if asyncio.iscoroutine(found) else found

        waiting = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            return waiting.result(60)
        except TimeoutError as error:
            for task in asyncio.all_tasks(self._loop):
                error.add_note(repr(task))
            raise

    def settle(self, service: str = "") -> None:
        """Wait until the cloud's background work (of one service) is done."""
        self.on_loop(lambda cloud: cloud.rooms["scheduler"].idle(service))

    def advance(self, seconds: float) -> None:
        self.on_loop(lambda cloud: cloud.clock.advance(seconds))

    def environment(self, profile: str = "learner") -> dict[str, str]:
        """What a shell would export for the CLI and git."""
        keys = {name.upper(): value for name, value in self.keys(profile).items()}
        return {
            **keys,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._loop.call_soon_threadsafe(self.cloud.rooms["stop"])
        self._thread.join(20)
        assert not self._thread.is_alive(), "the cloud did not stop"


_sessions: list[boto3.Session] = []


def _session() -> boto3.Session:
    if not _sessions:
        _sessions.append(boto3.Session())
    return _sessions[0]


@pytest.fixture
def start_cloud(tmp_path: Path) -> Iterator[Callable[..., RunningCloud]]:
    """Starts clouds with settings of the test's own (`auth="open"`, `home=`), and stops them."""
    running: list[RunningCloud] = []

    def start(home: Path | None = None, **settings: Any) -> RunningCloud:
        running.append(RunningCloud(home or tmp_path / f"home-{len(running)}", **settings))
        return running[-1]

    yield start
    for cloud in running:
        if cloud._thread.is_alive():
            cloud.stop()


@pytest.fixture
def cloud(start_cloud: Callable[..., RunningCloud]) -> RunningCloud:
    """A fresh cloud, all checks on."""
    return start_cloud()


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """One cloud for a module's tests, which name their resources so that they don't meet."""
    running = RunningCloud(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def open_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """One cloud that refuses nobody, with an account of another number, for a module's tests."""
    running = RunningCloud(tmp_path_factory.mktemp("open"), auth="open", account="111122223333")
    yield running
    running.stop()
