"""`lab up`: the cloud, and JupyterLab on the first notebook."""

import argparse
import os
import subprocess
import sys

from labsupport import home
from labsupport.commands.background import started, stopped

FIRST = home.ROOT / "notebooks" / "00-start.ipynb"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")


def run(arguments: argparse.Namespace) -> int:
    """Until JupyterLab is closed; the cloud that was started for it ends with it."""
    folder = home.folder(arguments.home)
    endpoint, process = started(folder)
    print(f"The cloud answers at {endpoint.url}. Everything it holds is in {folder}.", flush=True)
    command = [sys.executable, "-m", "jupyterlab", str(FIRST), "--ServerApp.ip=127.0.0.1"]
    if arguments.no_browser or not _has_screen():
        command.append("--no-browser")
        print("Open the address that JupyterLab prints below, with its token, in a browser.", flush=True)
    environ = {**home.without_own_credentials(dict(os.environ)), **home.environment(folder, endpoint.url)}
    environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), environ.get("PATH", "")])
    try:
        return subprocess.call(command, env=environ, cwd=FIRST.parent)
    except KeyboardInterrupt:
        return 0
    finally:
        if process is not None:
            stopped(folder)


def _has_screen() -> bool:
    if sys.platform in ("darwin", "win32"):
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
