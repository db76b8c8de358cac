"""`lab serve`: the cloud alone, in the foreground."""

import argparse
import asyncio
import errno
import logging
import signal
import socket
import sqlite3
import sys
from pathlib import Path

from labsupport import home
from labsupport.cloud import server
from labsupport.cloud.core.cloud import Cloud, Settings
from labsupport.cloud.store.migrations import TooNew

PORT_FILE, TLS_PORT_FILE = "port", "tls-port"
LOOK = 0.5  # seconds between looks at a process that is followed


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_port, default=0, help="the port on 127.0.0.1 (default: the last one, or a free one)"
    )
    parser.add_argument(
        "--auth",
        choices=("enforce", "open"),
        default="enforce",
        help="enforce: signatures and policies are verified; open: nothing is refused (for other test suites)",
    )
    parser.add_argument("--follow", type=int, metavar="PID", help="end when this process has ended")
    parser.add_argument("--account", type=_account, default="123456789012", help="the first account's id, 12 digits")


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: a number from 0 to 65535 was expected")
    return int(text)


def _account(text: str) -> str:
    if not (text.isdigit() and len(text) == 12):
        raise argparse.ArgumentTypeError(f"{text} is no account id: 12 digits were expected")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal or `lab down`; 1 with one sentence where it can't start."""
    folder = home.folder(arguments.home)
    there = home.endpoint(folder)
    if there:
        return _refuse(
            f"a cloud runs on {folder} already, at {there.url}: stop it with `lab down`, or use another --home."
        )
    settings = Settings(home=folder, auth=arguments.auth, account=arguments.account)
    try:
        settings.port = arguments.port or _remembered(folder / PORT_FILE)
        settings.tls_port = _remembered(folder / TLS_PORT_FILE)
        return _serve(settings, fall_back=not arguments.port, follow=arguments.follow)
    except TooNew as problem:
        return _refuse(f"{problem} Use the newer lab, or another --home.")
    except sqlite3.DatabaseError as problem:
        if home.endpoint(folder) or "locked" in str(problem):
            return _refuse(
                f"another process has the database of {folder} open, a cloud that starts or ends just now: try again "
                "in a moment. Should it hang, `pgrep -fl labsupport` finds it."
            )
        path = folder / "cloud.sqlite3"
        return _refuse(f"{path} can't be read ({problem}): begin anew with `lab reset`, or use another --home.")
    except OSError as problem:
        return _refuse(_sentence(problem, settings.port, folder))


def _serve(settings: Settings, fall_back: bool, follow: int | None) -> int:
    server.prepare_home(settings.home)
    _log_to(settings.home / "logs" / "cloud.log")
    if fall_back and settings.port and _in_use(settings.port):
        settings.port = 0
    if settings.tls_port and _in_use(settings.tls_port):
        settings.tls_port = 0

    def ready(cloud: Cloud) -> None:
        (settings.home / PORT_FILE).write_text(str(settings.port))
        (settings.home / TLS_PORT_FILE).write_text(str(settings.tls_port))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, cloud.rooms["stop"])
        if follow:
            cloud.rooms["followed"] = {follow}
            cloud.rooms["follow"] = asyncio.get_running_loop().create_task(_end_with_the_last(cloud))
        print(
            f"The cloud answers at {settings.endpoint} (home folder {settings.home}, auth {settings.auth}).", flush=True
        )
        print(f"Over TLS it answers at {settings.secure_endpoint}.", flush=True)
        print('In another terminal:  eval "$(lab env)"  then  aws sts get-caller-identity', flush=True)

    asyncio.run(server.serve(settings, ready))
    return 0


async def _end_with_the_last(cloud: Cloud) -> None:
    """Stop in order once every process that is followed has ended; other notebooks than the first may have joined."""
    processes: set[int] = cloud.rooms["followed"]
    while processes:
        await asyncio.sleep(LOOK)
        processes &= {pid for pid in processes if home.is_alive(pid)}
    cloud.rooms["stop"]()


def _remembered(note: Path) -> int:
    """The port of the last time, so that addresses that a learner has noted stay true."""
    try:
        return int(note.read_text())
    except (OSError, ValueError):
        return 0


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _log_to(path: Path) -> None:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _sentence(problem: OSError, port: int, folder: Path) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"port {port} is in use: choose another with --port, or leave it out to take a free one."
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        if port and problem.filename is None:
            return f"port {port} may not be opened by this user: choose one above 1023 with --port."
        return f"the home folder {folder} can't be written: choose another with --home or $LAB_HOME."
    if problem.errno == errno.ENOSPC:
        return f"the disk of {folder} is full: free some space, or choose another home folder with --home."
    return f"the cloud can't start: {problem}."


def _refuse(sentence: str) -> int:
    print(f"lab serve: {sentence}", file=sys.stderr)
    return 1
