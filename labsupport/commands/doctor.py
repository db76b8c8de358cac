"""`lab doctor`: what is missing on this machine, and what that limits."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from labsupport import home

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox", "safari", "xdg-open", "open")


class Finding(NamedTuple):
    """One look at the machine. `needed`: the lab cannot work without."""

    what: str
    found: str  # "" where it is missing
    limits: str
    needed: bool = False


def run(arguments: argparse.Namespace) -> int:
    """0 if everything that the lab needs is there."""
    findings = look(home.folder(arguments.home))
    table = Table("", "What", "Found", "Without it")
    for one in findings:
        mark = "ok" if one.found else ("MISSING" if one.needed else "-")
        table.add_row(mark, one.what, one.found or "not found", one.limits)
    Console().print(table)
    return 1 if any(one.needed and not one.found for one in findings) else 0


def look(folder: object) -> list[Finding]:
    return [
        Finding(
            "Python 3.11 or newer", sys.version.split()[0] if sys.version_info >= (3, 11) else "", "nothing works", True
        ),
        Finding("git", _version("git", "--version"), "no clone, no push", True),
        Finding("bash", _version("bash", "--version"), "no builds, no deployment hooks", True),
        Finding("home folder", _writable(str(folder)), "the cloud can't keep anything", True),
        Finding("aws (AWS CLI)", _tool("aws"), "lessons that type aws commands"),
        Finding("dot (graphviz)", shutil.which("dot") or _tool("graphviz-pure"), "pictures are shown as text"),
        Finding("docker", _docker(), "builds and instances run as processes of this machine, not in containers"),
        Finding("a browser", _first(BROWSERS, shutil.which), "open the printed address on another machine's browser"),
        Finding(
            "loopback addresses", _loopback(), "all instances share 127.0.0.1, so one application at a time per port"
        ),
    ]


def _version(program: str, option: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    answer = subprocess.run([path, option], capture_output=True, text=True, check=False, timeout=10)
    return (answer.stdout or answer.stderr).partition("\n")[0].strip() or path


def _tool(name: str) -> str:
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name) or ""


def _docker() -> str:
    """A client alone is not enough: an engine has to answer."""
    path = shutil.which("docker")
    if path is None:
        return ""
    command = [path, "version", "--format", "{{.Server.Version}}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return f"engine {answer.stdout.strip()}" if answer.returncode == 0 else ""


def _first(names: tuple[str, ...], find: Callable[[str], str | None]) -> str:
    return next((found for found in map(find, names) if found), "")


def _writable(folder: str) -> str:
    path = folder
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return folder if os.access(path, os.W_OK) else ""


def _loopback() -> str:
    with socket.socket() as probe:
        try:
            probe.bind(("127.16.0.1", 0))
        except OSError:
            return ""
    return "127.0.0.0/8"
