"""The AWS CLI, the `lab` command and Python, kept warm: the same programs, without their half second of importing.

A walk through a chapter types some hundred commands. Each is a fork of a process that has imported what it needs:
`aws` and `lab` on the path are small programs that hand their arguments, environment, folder and streams to it.
As a program, `python warm.py SOCKET KIND` is that process. The CLI has one of its own:
it brings a botocore of its own.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from labsupport.course.declare import Step

# What stands on the path. It imports as little as can be: -I and -S leave out the site's packages.
CLIENT = """#!{python} -IS
import json, os, socket, sys
asked = json.dumps([{kind!r}, sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({socket!r})
    socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(asked)
    status = server.recv(1)
sys.exit(status[0] if status else 255)
"""
OF = {"aws": "aws", "lab": "python", "python": "python"}  # each program, and the process that does its work
KINDS = tuple(OF)


@contextlib.contextmanager
def programs(folder: Path) -> Iterator[Path]:
    """A folder for the front of the path, and the process behind its programs."""
    for kind in KINDS:
        program, place = folder / kind, folder / f"{OF[kind]}.socket"
        program.write_text(CLIENT.format(python=sys.executable, kind=kind, socket=str(place)))
        program.chmod(0o755)
    with _ready(folder, "aws"), _ready(folder, "python"):
        yield folder


@contextlib.contextmanager
def _ready(folder: Path, kind: str) -> Iterator[None]:
    command = [sys.executable, __file__, str(folder / f"{kind}.socket"), kind]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.terminate()


def command(folder: Path, step: Step) -> list[str]:
    """A step's command line, as `world.command` makes it, on the warm Python."""
    if step.kind == "bash":
        return ["bash", "-e", "-o", "pipefail", "-c", step.code]
    return [str(folder / "python"), "-c", step.code]


def _serve(place: str, kind: str) -> None:
    _warm(kind)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks: they answer by themselves
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(client)
            client.close()


def _warm(kind: str) -> None:
    if kind == "aws":
        import awscli.clidriver

        awscli.clidriver.create_clidriver()
    else:
        import boto3

        import labsupport.cli
        import labsupport.lab  # noqa: F401

        boto3.Session()


def _answer(client: socket.socket) -> None:
    """In a fork: become the program that was asked for, and tell its status."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kind, arguments, environment, folder = _asked(client)
        if kind == "aws":  # the CLI has set it where it was imported: the folder of its own data
            environment["AWS_DATA_PATH"] = os.environ["AWS_DATA_PATH"]
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        status = _status(kind, arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        client.sendall(bytes([status & 255]))
        os._exit(0)


def _asked(client: socket.socket) -> tuple[str, list[str], dict[str, str], str]:
    size, streams, _, _ = socket.recv_fds(client, 4, 3)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    asked, left = b"", int.from_bytes(size, "big")
    while len(asked) < left:
        asked += client.recv(left - len(asked))
    kind, arguments, environment, folder = json.loads(asked)
    return kind, arguments, environment, folder


def _status(kind: str, arguments: list[str]) -> int:
    sys.argv = [kind, *arguments]
    try:
        if kind == "aws":
            import awscli.clidriver

            return int(awscli.clidriver.main() or 0)
        if kind == "lab":
            import labsupport.cli

            return labsupport.cli.main(arguments)
        exec(compile(arguments[1], "<step>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
