"""The servers that are compared: the lab (`lab`; `lab-open` checks no caller), moto_server, ministack; each in a
process of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from labsupport import home

OTHERS = Path(os.environ.get("LAB_BENCH_VENV", Path(tempfile.gettempdir()) / "lab-bench-venv"))
_PACKAGES = ("moto[server]==5.2.5", "ministack==1.5.33")


@dataclass(slots=True)
class Server:
    name: str
    url: str
    process: subprocess.Popen[bytes]
    keys: tuple[str, str]
    folder: Path

    def memory(self) -> int:
        """Resident bytes of the process and its children."""
        root = psutil.Process(self.process.pid)
        return sum(one.memory_info().rss for one in [root, *root.children(recursive=True)])


def others_installed() -> Path:
    """The folder of programs of the others' own environment, installed on first use."""
    programs = OTHERS / "bin"
    if not (programs / "moto_server").exists() or not (programs / "ministack").exists():
        print("installing moto and ministack into an environment of their own …", flush=True)
        venv.create(OTHERS, with_pip=True, clear=True)
        command = [str(programs / "pip"), "install", "--quiet", *_PACKAGES]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return programs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(name: str) -> Iterator[Server]:
    """A fresh server, answering."""
    server = launch(name)
    try:
        wait_until_open(server)
        yield server
    finally:
        end(server)


def launch(name: str) -> Server:
    """Start a server and return at once."""
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    environ = home.without_own_credentials(dict(os.environ))
    process = subprocess.Popen(
        _command(name, port, folder),
        env={**environ, **_settings(name, port)},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Server(name, f"http://127.0.0.1:{port}", process, ("test", "test"), folder)


def _command(name: str, port: int, folder: Path) -> list[str]:
    if name.startswith("lab"):
        auth = ["--auth", "open"] if name == "lab-open" else []
        return [
            sys.executable,
            "-m",
            "labsupport.cli",
            "serve",
            "--port",
            str(port),
            "--home",
            str(folder / "home"),
            *auth,
        ]
    programs = others_installed()
    if name == "moto":
        return [str(programs / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    return [str(programs / "ministack")]


def _settings(name: str, port: int) -> dict[str, str]:
    return {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"} if name == "ministack" else {}


def wait_until_open(server: Server) -> None:
    end_time = time.monotonic() + 60
    port = int(server.url.rsplit(":", 1)[1])
    while time.monotonic() < end_time:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.name} ended while it started")
        time.sleep(0.002)
    if server.name.startswith("lab"):
        server.keys = home.keys(server.folder / "home")


def end(server: Server) -> None:
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    shutil.rmtree(server.folder, ignore_errors=True)
