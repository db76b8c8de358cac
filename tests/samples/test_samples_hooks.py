"""The hook scripts, run as an agent runs them: outside the revision, on an instance that is a folder."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from labsupport import samples

TOKEN = secrets.token_hex(8)


class Metadata(BaseHTTPRequestHandler):
    """An instance's metadata service that, as version 2 does, tells nothing without a token."""

    address = "127.0.0.1"

    def do_PUT(self) -> None:
        asked = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self.answer(200 if asked else 400, TOKEN)

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self.answer(401, "")
        elif self.path == "/latest/meta-data/local-ipv4":
            self.answer(200, self.address)
        else:
            self.answer(404, "")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Instance:
    """A folder that plays the instance."""

    root: Path
    metadata: str
    address: str

    def run(self, revision: Path, event: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The scripts of one lifecycle event, with what the agent puts into their environment."""
        (hook,) = yaml.safe_load((revision / "appspec.yml").read_text())["hooks"][event]
        given = {
            "LIFECYCLE_EVENT": event,
            "DEPLOYMENT_ID": "d-TEST",
            "APPLICATION_NAME": "shop",
            "DEPLOYMENT_GROUP_NAME": "shop",
            "DEPLOYMENT_GROUP_ID": "1",
            "INSTANCE_ROOT": str(self.root),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata,
            "http_proxy": "http://127.0.0.1:9",  # neither metadata nor the shop are asked through a proxy
        }
        # Reading the output to its end, as the agent does, takes for ever if the service holds on to it.
        return subprocess.run(
            [revision / hook["location"]],
            cwd="/",
            env={**os.environ, **given, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=hook["timeout"],
        )

    def install(self, revision: Path) -> None:
        """The agent's own part: copy what the appspec lists."""
        for file in yaml.safe_load((revision / "appspec.yml").read_text())["files"]:
            source, destination = revision / file["source"], self.root / file["destination"].lstrip("/")
            destination.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, destination, dirs_exist_ok=True)
            else:
                shutil.copy(source, destination)

    def deploy(self, revision: Path, old: Path) -> str:
        """Every event in order, each of which must succeed; what the scripts said."""
        said = []
        for event in (
            "ApplicationStop",
            "BeforeInstall",
            "Install",
            "AfterInstall",
            "ApplicationStart",
            "ValidateService",
        ):
            if event == "Install":
                self.install(revision)
                continue
            done = self.run(old if event == "ApplicationStop" else revision, event)
            assert done.returncode == 0, f"{event}: {done.stdout}{done.stderr}"
            said.append(done.stdout)
        return "".join(said)

    def version(self) -> dict[str, str]:
        """What the running shop says it is."""
        with urllib.request.urlopen(f"http://{self.address}:8080/version", timeout=5) as answer:
            told: dict[str, str] = json.load(answer)
            return told

    def listens(self) -> bool:
        """Whether anyone takes calls at the shop's address."""
        with socket.socket() as caller:
            return caller.connect_ex((self.address, 8080)) == 0


def revision(folder: Path, version: str) -> Path:
    """What the build would have packed."""
    samples.copy_shop(folder, version)
    (folder / "build-info.json").write_text(json.dumps({"version": version, "commit": f"commit-of-{version}"}))
    return folder


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A revision, version 1.0.0."""
    return revision(tmp_path / "first revision", "1.0.0")


@pytest.fixture
def instance(tmp_path: Path, first: Path) -> Iterator[Instance]:
    """An instance with an address of its own, whose service is stopped at the end."""
    address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
    handler = type("Metadata", (Metadata,), {"address": address})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        made = Instance(tmp_path / "instance", f"http://127.0.0.1:{server.server_port}/", address)
        try:
            yield made
        finally:
            made.run(first, "ApplicationStop")
            server.shutdown()
            thread.join()


def test_two_deployments_and_a_stop(instance: Instance, first: Path, tmp_path: Path) -> None:
    said = instance.deploy(first, old=first)
    assert "nothing to stop" in said
    assert "is healthy and serves version 1.0.0, commit commit-of-1.0.0." in said
    assert instance.version() == {"version": "1.0.0", "commit": "commit-of-1.0.0"}
    (instance.root / "srv/shop/shop/left_over.py").touch()

    said = instance.deploy(revision(tmp_path / "second", "1.0.1"), old=first)
    assert "has stopped" in said
    assert instance.version() == {"version": "1.0.1", "commit": "commit-of-1.0.1"}
    assert not (instance.root / "srv/shop/shop/left_over.py").exists()
    assert not list((instance.root / "srv").rglob("*.pyc"))

    assert instance.run(first, "ApplicationStop").returncode == 0
    assert not instance.listens()
    log = (instance.root / "var/log/shop.log").read_text()
    assert log.count("listens on") == log.count("has stopped") == 2


def test_starting_again_replaces_the_running_service(instance: Instance, first: Path) -> None:
    instance.deploy(first, old=first)
    pid = (instance.root / "var/run/shop.pid").read_text()
    assert instance.run(first, "ApplicationStart").returncode == 0
    assert instance.run(first, "ValidateService").returncode == 0
    assert (instance.root / "var/run/shop.pid").read_text() != pid


def test_a_service_of_another_version_is_not_valid(instance: Instance, first: Path, tmp_path: Path) -> None:
    instance.deploy(first, old=first)
    other = revision(tmp_path / "other", "9.9.9")
    done = instance.run(other, "ValidateService", SECONDS="20")  # its time is up after the first try
    assert done.returncode == 1
    assert f"http://{instance.address}:8080 should serve version 9.9.9, and serves 1.0.0." in done.stderr


def test_a_service_that_dies_is_noticed_at_once(instance: Instance, first: Path) -> None:
    instance.deploy(first, old=first)
    (instance.root / "srv/shop/shop/basket.py").write_text("raise SystemExit('out of stock')\n")
    assert instance.run(first, "ApplicationStart").returncode == 0
    done = instance.run(first, "ValidateService")
    assert done.returncode == 1
    assert "doesn't answer" in done.stderr
    assert "out of stock" in done.stderr, "the log's last lines say why"


def test_a_broken_installation_fails_after_install(instance: Instance, first: Path) -> None:
    assert instance.run(first, "BeforeInstall").returncode == 0
    instance.install(first)
    (instance.root / "srv/shop/shop/catalog.py").unlink()
    done = instance.run(first, "AfterInstall")
    assert done.returncode != 0
    assert "catalog" in done.stderr


def test_without_metadata_the_start_fails_with_a_reason(instance: Instance, first: Path) -> None:
    instance.install(first)
    done = instance.run(first, "ApplicationStart", AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode != 0
    assert "The instance metadata service doesn't tell local-ipv4" in done.stderr


def test_a_stale_process_id_harms_nobody(instance: Instance, first: Path) -> None:
    (instance.root / "var/run").mkdir(parents=True)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as bystander:
        (instance.root / "var/run/shop.pid").write_text(f"{bystander.pid}\n")
        done = instance.run(first, "ApplicationStop")
        assert (done.returncode, bystander.poll()) == (0, None)
        assert "nothing to stop" in done.stdout
        assert not (instance.root / "var/run/shop.pid").exists()


def test_two_instances_on_one_machine_do_not_stop_each_other(instance: Instance, first: Path, tmp_path: Path) -> None:
    instance.deploy(first, old=first)
    other = Instance(tmp_path / "instance-2", instance.metadata, instance.address)
    (other.root / "var/run").mkdir(parents=True)
    shutil.copy(instance.root / "var/run/shop.pid", other.root / "var/run/shop.pid")
    assert "nothing to stop" in other.run(first, "ApplicationStop").stdout
    assert instance.version()["version"] == "1.0.0"
