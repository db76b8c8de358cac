"""Push to deployed, against a plain shell script that does the same work, with what each link adds."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from rich.table import Table

from benchmarks.shown import show
from labsupport import mailbox, samples
from labsupport.agent.appspec import parse
from labsupport.commands.background import started, stopped
from labsupport.demo import repository, setting, watching
from labsupport.files import archive, globs
from labsupport.session import client_of

ROUNDS = int(os.environ.get("LAB_BENCH_ROUNDS", "5"))
MOST = 1.5  # times the plain script
HOOKS = ("ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService")
# The same programs for both sides: shims in front of python3 would add their own time to each start.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def run() -> bool:
    with tempfile.TemporaryDirectory(prefix="bench-chain-") as folder:
        plain, lab, links = _measure(Path(folder))
    ratio = statistics.median(lab) / statistics.median(plain)
    table = Table("Push to deployed", "median s", "times")
    table.add_row("plain shell script", f"{statistics.median(plain):.2f}", " ".join(f"{one:.2f}" for one in plain))
    table.add_row("the lab", f"{statistics.median(lab):.2f}", " ".join(f"{one:.2f}" for one in lab))
    table.add_row("lab : plain", f"{ratio:.2f}", f"at most {MOST}: {'ok' if ratio <= MOST else 'MISSED'}")
    show(table)
    _print_links(links)
    return ratio <= MOST


def _measure(folder: Path) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """Both sides in turn, so that a busy moment of the machine meets both."""
    plain, lab, links = [], [], {}
    script, chain = Plain(folder / "plain"), Lab(folder / "lab")
    try:
        script.push("1.0.0"), chain.push("1.0.0", {})
        for number in range(1, ROUNDS + 1):
            plain.append(script.push(f"1.0.{number}"))
            lab.append(chain.push(f"1.0.{number}", links))
    finally:
        script.close()
        chain.close()
    return plain, lab, links


def _print_links(links: dict[str, list[float]]) -> None:
    table = Table("Link", "median s")
    for name, seconds in links.items():
        table.add_row(name, f"{statistics.median(seconds):.2f}")
    show(table)


class Lab:
    """The lab's chain on a home folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        os.environ["PATH"] = PATH
        endpoint, _ = started(home)
        self.setting = setting.prepare(client_of(home, endpoint.url))
        mailbox.confirm_subscriptions(home)
        self.clone = repository.clone(self.setting.client, self.setting["Repository"], home / "clone")
        samples.copy_shop(self.clone, "0.9.0")

    def push(self, version: str, links: dict[str, list[float]]) -> float:
        """Seconds from `git push` until the application answers with the new version."""
        samples.set_version(self.clone, version)
        repository.git(self.clone, "add", "--all")
        repository.git(self.clone, "commit", "--quiet", "-m", version)
        begin = time.perf_counter()
        repository.git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        pushed = time.perf_counter()
        run = self._follow(repository.git(self.clone, "rev-parse", "HEAD"))
        address = watching.address(self.setting)
        _until(lambda: address is not None and _serves(address, version))
        seconds = time.perf_counter() - begin
        links.setdefault("git push", []).append(pushed - begin)
        for one in run.actions:
            spent = (one["lastUpdateTime"] - one["startTime"]).total_seconds()
            links.setdefault(f"{one['actionName']}", []).append(spent)
        return seconds

    def _follow(self, commit: str) -> watching.Run:
        run = watching.started_by(self.setting, commit)
        for run in watching.follow(self.setting, run):  # noqa: B020
            waiting = watching.waits_for_approval(self.setting, run)
            if waiting:
                watching.approve(self.setting, waiting)
        if run.status != "Succeeded":
            raise RuntimeError(f"the pipeline ended {run.status}")
        return run

    def close(self) -> None:
        stopped(self.home)


class Plain:
    """A script as one would write it: push to a bare repository, build, zip, unzip, hooks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone, self.bare = folder, folder / "clone", folder / "bare.git"
        self.clone.mkdir(parents=True)
        repository.git(folder, "init", "--quiet", "--bare", str(self.bare))
        repository.git(self.clone, "init", "--quiet")
        repository.git(self.clone, "remote", "add", "origin", str(self.bare))
        samples.copy_shop(self.clone, "0.9.0")
        self.root = folder / "instance"
        self.root.mkdir()
        self.metadata = _Metadata("127.43.7.9")
        self.before: Path | None = None

    def push(self, version: str) -> float:
        samples.set_version(self.clone, version)
        repository.git(self.clone, "add", "--all")
        repository.git(self.clone, "commit", "--quiet", "-m", version)
        begin = time.perf_counter()
        repository.git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        revision = self._build(version)
        self._deploy(revision)
        _until(lambda: _serves(f"http://{self.metadata.address}:8080", version))
        return time.perf_counter() - begin

    def _build(self, version: str) -> Path:
        work = self.folder / f"work-{version}"
        repository.git(self.folder, "clone", "--quiet", "--branch", "main", str(self.bare), str(work))
        spec = yaml.safe_load((work / "buildspec.yml").read_text())
        commands = [one for phase in spec["phases"].values() for one in phase["commands"]]
        environ = {"PATH": PATH, "HOME": str(work), **{key: str(one) for key, one in spec["env"]["variables"].items()}}
        environ |= {"CODEBUILD_BUILD_ID": "plain", "CODEBUILD_RESOLVED_SOURCE_VERSION": "plain"}
        done = subprocess.run(
            ["bash", "-e"],
            input="\n".join(commands),
            cwd=work,
            env=environ,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-1000:])
        packed = archive.pack(globs.select(work, spec["artifacts"]["files"]), self.folder / f"{version}.zip")
        revision = self.folder / f"revision-{version}"
        revision.mkdir()
        archive.unpack(packed, revision)
        return revision

    def _deploy(self, revision: Path) -> None:
        spec = parse((revision / "appspec.yml").read_text(), "appspec.yml")
        for event in HOOKS:
            hooked = self.before if event == "ApplicationStop" else revision
            if hooked is not None:
                self._hook(spec, event, hooked)
            if event == "BeforeInstall":
                for one in spec.files:
                    target = self.root / one.destination.lstrip("/")
                    target.mkdir(parents=True, exist_ok=True)
                    source = revision / one.source
                    subprocess.run(
                        ["cp", "-r", f"{source}/." if source.is_dir() else str(source), str(target)], check=True
                    )
        self.before = revision

    def _hook(self, spec, event: str, source: Path) -> None:  # type: ignore[no-untyped-def]
        environ = {
            "PATH": PATH,
            "HOME": str(self.root),
            "INSTANCE_ROOT": str(self.root),
            "LIFECYCLE_EVENT": event,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata.url,
        }
        for script in spec.hooks.get(event, ()):
            subprocess.run(
                ["bash", str(source / script.location)], env=environ, cwd="/", check=True, capture_output=True
            )

    def close(self) -> None:
        if self.before is not None:
            self._hook(parse((self.before / "appspec.yml").read_text(), "appspec.yml"), "ApplicationStop", self.before)
        self.metadata.server.shutdown()


class _Metadata:
    """As much of an instance's metadata as the hooks ask for."""

    def __init__(self, address: str) -> None:
        self.address = address

        class Answer(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._say("token")

            def do_GET(self) -> None:
                self._say(address)

            def _say(self, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _serves(address: str, version: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/version", timeout=2) as answer:
            return bool(json.loads(answer.read())["version"] == version)
    except (OSError, ValueError, KeyError):
        return False


def _until(happened: Callable[[], bool], patience: float = 30.0) -> None:
    end = time.perf_counter() + patience
    while not happened():
        if time.perf_counter() > end:
            raise TimeoutError("the application does not answer with the new version")
        time.sleep(0.01)
