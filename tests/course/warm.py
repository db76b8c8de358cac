"""The AWS CLI, the `lab` command and Python, kept warm: the same programs, without their half second of importing.

A walk through a chapter types some hundred commands. Each is a fork of a process that has imported what it needs:
`aws` and `lab` on the path are small programs that hand their arguments, environment, folder and streams to it.
As a program, `python warm.py SOCKET KIND` is that process. The CLI has one of its own:
it brings a botocore of its own.
"""

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from labsupport.course.declare import Step

# What stands on the path. It imports as little as can be: -I and -S leave out the site's packages, `socket` and `json`
# take longer than all the rest.
CLIENT = """#!{python} -IS
import _socket, marshal, os, sys
asked = marshal.dumps([{kind!r}, sys.argv[1:], dict(os.environ), os.getcwd()])
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
server = _socket.socket(_socket.AF_UNIX)
server.connect({socket!r})
server.sendmsg([len(asked).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(asked)
status = server.recv(1)
os._exit(status[0] if status else 255)
"""
OF = {"aws": "aws", "lab": "python", "python": "python"}  # each program, and the process that does its work
KINDS = tuple(OF)
# Whose models are read beforehand: those that the chapters' commands call most.
SERVICES = (
    "cloudformation", "codebuild", "codecommit", "codedeploy", "codepipeline", "iam", "kms", "s3", "sns", "ssm", "sts",
)  # fmt: skip
Work = Callable[[str, list[str]], int]


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
    work = _warm(kind)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks: they answer by themselves
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(client, work)
            client.close()


def _warm(kind: str) -> Work:
    """Import, and read, what the commands need; what does them."""
    return _warm_aws() if kind == "aws" else _warm_python()


def _warm_aws() -> Work:
    import awscli.botocore.session
    import awscli.clidriver

    driver = awscli.clidriver.create_clidriver()
    session = driver.session
    _read_models(awscli.botocore.session.Session(), session.get_component("data_loader"))
    driver._get_command_table()

    def work(_kind: str, arguments: list[str]) -> int:
        session._config = session._profile = session._profile_map = None  # that of whoever asks is to be read
        return int(driver.main(arguments) or 0)

    return work


def _warm_python() -> Work:
    import botocore.loaders
    import botocore.session

    import labsupport.cli
    import labsupport.lab  # noqa: F401

    # Every session makes a loader of its own: they share what has been read.
    read = cache(botocore.loaders.JSONFileLoader().load_file)
    botocore.loaders.JSONFileLoader.load_file = lambda _self, path: read(path)
    _read_models(botocore.session.Session(), botocore.loaders.create_loader())
    return _work


def _read_models(session: Any, loader: Any) -> None:
    session.register_component("data_loader", loader)
    for service in SERVICES:
        session.create_client(service, "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


def _answer(client: socket.socket, work: Work) -> None:
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
        status = _status(work, kind, arguments)
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
    kind, arguments, environment, folder = marshal.loads(asked)
    return kind, arguments, environment, folder


def _status(work: Work, kind: str, arguments: list[str]) -> int:
    sys.argv = [kind, *arguments]
    try:
        return work(kind, arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _work(kind: str, arguments: list[str]) -> int:
    if kind == "lab":
        import labsupport.cli

        return labsupport.cli.main(arguments)
    exec(compile(arguments[1], "<step>", "exec"), {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
