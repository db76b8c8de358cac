"""`lab up` without a screen: one address, nobody asked for news, nothing left running."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.commands import up

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds


@pytest.mark.parametrize(
    ("browser", "user", "said", "unsaid"),
    [
        (True, 1000, [], ["--no-browser", "--allow-root"]),
        (False, 1000, ["--no-browser"], ["--allow-root"]),
        (False, 0, ["--no-browser", "--allow-root"], []),
    ],
    ids=["a screen", "no screen", "root in a container"],
)
def test_the_command_line(monkeypatch, browser, user, said, unsaid):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    parts = up.command(browser)
    assert set(said) <= set(parts)
    assert not set(unsaid) & set(parts)
    assert "--LabApp.news_url=None" in parts


@pytest.fixture
def running(tmp_path):
    """`lab up` in folders of its own, and the lines that it has said once the address is among them."""
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JUPYTER_"))}
    environ = {**kept, **own, "LAB_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "labsupport.cli", "up", "--no-browser"]
    with subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if "token=" in line:
            break
    return "".join(lines)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def kernel(address: str) -> None:
    """Start one, as opening the notebook does."""
    base, _, token = re.split(r"(lab/tree/.*token=)", address)
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{base}api/kernels", data=b"{}", headers=headers)
    urllib.request.urlopen(asked, timeout=PATIENCE).close()


def test_it_says_one_address_and_leaves_nothing_running(running):
    address = re.findall(r"http://\S+/lab/tree/00-start\.ipynb\?token=\w+", said(running))
    assert len(address) == 1
    with urllib.request.urlopen(address[0], timeout=PATIENCE) as page:
        config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.read().decode(), re.S)[1])
    assert config["disabledExtensions"] == ["@jupyterlab/apputils-extension:announcements"]
    assert config["news"] == {"disabled": True}
    kernel(address[0])
    children = family(running)
    assert len(children) >= 3, children  # the cloud, JupyterLab, its kernel
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == 0
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_it_ends_where_jupyterlab_does_not_start(monkeypatch):
    begin = time.monotonic()
    assert up._served([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ)) == 3
    assert time.monotonic() - begin < up.PATIENCE


JUPYTER = """
import http.server, json, os, pathlib, sys
from jupyter_core.paths import jupyter_runtime_dir

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.headers["Authorization"], file=open({asked!r}, "a"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

own = "--ServerApp.port=0" in sys.argv
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
port = server.server_port if own else {others}
told = {{"url": f"http://127.0.0.1:{{port}}/", "token": "mine", "root_dir": {root!r}}}
folder = pathlib.Path(jupyter_runtime_dir())
folder.mkdir(parents=True, exist_ok=True)
(folder / f"jpserver-{{os.getpid()}}.json").write_text(json.dumps(told))
if own:
    server.handle_request()
else:
    input()  # until the other server was asked
    sys.exit(1)
"""


class Others(http.server.BaseHTTPRequestHandler):
    """A server that knows no token of ours."""

    def do_GET(self):
        self.send_error(403)
        os.write(self.server.asked, b"\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def others(monkeypatch) -> Iterator[http.server.HTTPServer]:
    """Another learner's JupyterLab. Once it was asked, what reads `stdin` here goes on."""
    read, write = os.pipe()
    monkeypatch.setattr(subprocess, "DEVNULL", read)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Others) as server:
        server.asked = write
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    os.close(read)
    os.close(write)


def test_a_port_that_another_has_taken_meanwhile(tmp_path, monkeypatch, capfd, others):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    asked = tmp_path / "asked"
    script = JUPYTER.format(asked=str(asked), others=others.server_port, root=str(up.FIRST.parent))
    assert up._served([sys.executable, "-c", script], dict(os.environ)) == 0
    assert asked.read_text() == "token mine\n"
    said = capfd.readouterr().out
    assert said.count("?token=") == 1
    assert str(others.server_port) not in said


@pytest.mark.parametrize(
    ("folder", "root"),
    [
        (ROOT / ".lab", ROOT),
        (Path("/elsewhere"), ROOT / "notebooks"),
    ],
)
def test_jupyterlab_can_open_the_clones_that_lie_beside_the_notebooks(folder, root):
    assert up.root_of(folder) == root
    assert f"--ServerApp.root_dir={root}" in up.command(browser=False, root=root)
