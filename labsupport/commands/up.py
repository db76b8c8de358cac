"""`lab up`: the cloud, and JupyterLab on the first notebook."""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import FrameType

from jupyter_core.paths import jupyter_runtime_dir

from labsupport import home
from labsupport.commands.background import started, stopped

FIRST = home.ROOT / "notebooks" / "00-start.ipynb"
CONFIG = str(Path(__file__).parents[1] / "jupyter")  # turns off the extension that asks to fetch news
PATIENCE = 60.0  # seconds for JupyterLab to begin, and to end
ANY_PORT = "--ServerApp.port=0"
QUIET = (
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.log_level=ERROR",
    "--LabApp.log_level=ERROR",
    # Nothing asks other hosts: no news, no newer version, no extensions to install.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")


def run(arguments: argparse.Namespace) -> int:
    """Until JupyterLab is closed; the cloud that was started for it ends with it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder = home.folder(arguments.home)
    endpoint, process = started(folder)
    try:
        print(f"The cloud answers at {endpoint.url}. Everything it holds is in {folder}.", flush=True)
        parts = command(browser=_has_screen() and not arguments.no_browser, root=root_of(folder))
        return _served(parts, _environment(folder, endpoint))
    except KeyboardInterrupt:
        print("Stopped. `lab up` goes on where you were.", flush=True)
        return 0
    finally:
        if process is not None:
            stopped(folder)


def root_of(folder: Path) -> Path:
    """What JupyterLab can open: the notebooks and, where it lies among the same files, the home folder's clones."""
    return home.ROOT if folder.is_relative_to(home.ROOT) else FIRST.parent


def command(browser: bool, root: Path = FIRST.parent) -> list[str]:
    """JupyterLab's command line. Clones lie in a hidden folder, and notebooks link to files in them."""
    parts = [sys.executable, "-m", "jupyterlab", str(FIRST), *QUIET]
    parts += [f"--ServerApp.root_dir={root}", "--ContentsManager.allow_hidden=True"]
    if not browser:
        parts.append("--no-browser")
    if os.geteuid() == 0:  # usual in a container; without this JupyterLab refuses to start
        parts.append("--allow-root")
    return parts


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A closed terminal and a polite kill end the lab as Ctrl+C does."""
    raise KeyboardInterrupt


def _environment(folder: Path, endpoint: home.Endpoint) -> dict[str, str]:
    environ = home.enclosed(dict(os.environ), folder, endpoint.url, secure_url=endpoint.secure_url)
    environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [CONFIG, environ.get("JUPYTER_CONFIG_PATH")]))
    environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(24))
    return environ


def _served(parts: list[str], environ: dict[str, str]) -> int:
    """JupyterLab until it ends, once more where it ended before it answered.

    Two that begin at the same moment find the same port free, and one of them gets it.
    """
    for more in ([], [ANY_PORT]):
        status, began = _attempt([*parts, *more], environ)
        if began or status == 0:
            break
    return status


def _attempt(parts: list[str], environ: dict[str, str]) -> tuple[int, bool]:
    """One start: its status at the end, and whether it began."""
    # In a session of its own, so that Ctrl+C reaches it through us, once and in order.
    jupyter = subprocess.Popen(parts, env=environ, cwd=FIRST.parent, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        address = _address(jupyter)
        if address:
            print(f"\nJupyterLab, with its token:\n\n    {address}\n\nCtrl+C here stops both.", flush=True)
        began = jupyter.poll() is None
        return jupyter.wait(), began
    finally:
        _ended(jupyter)


def _address(jupyter: subprocess.Popen[bytes]) -> str | None:
    """Where the first notebook is, once it can be opened; None where JupyterLab has ended.

    The file in which a Jupyter server tells its address is there before it listens, and so before it is known
    whether it gets the port.
    """
    told = Path(jupyter_runtime_dir()) / f"jpserver-{jupyter.pid}.json"
    end = time.monotonic() + PATIENCE
    while jupyter.poll() is None and time.monotonic() < end:
        with suppress(FileNotFoundError, ValueError):  # not there, or half written
            server = json.loads(told.read_text())
            if _answers(server["url"], server["token"]):
                return f"{server['url']}lab/tree/{FIRST.relative_to(server['root_dir'])}?token={server['token']}"
        time.sleep(0.05)
    return None


def _answers(url: str, token: str) -> bool:
    """Whether the server at that address takes the token: another one's may listen there."""
    asked = urllib.request.Request(f"{url}api/status", headers={"Authorization": f"token {token}"})
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=PATIENCE).close()
        return True
    except OSError:
        return False


def _ended(jupyter: subprocess.Popen[bytes]) -> None:
    """Ask it to end, which ends its kernels; insist after a while, or at a second Ctrl+C."""
    try:
        jupyter.terminate()
        jupyter.wait(PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        jupyter.kill()
        jupyter.wait()


def _has_screen() -> bool:
    if sys.platform in ("darwin", "win32"):
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
