"""The `lab` command: what it says, how it ends, and the process that serves."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from labsupport import cli, home
from labsupport.cloud import server
from labsupport.cloud.store.migrations import MIGRATIONS
from labsupport.cloud.store.store import Store
from labsupport.commands import reset as reset_command
from labsupport.commands.background import started, stopped

ROOT = Path(__file__).resolve().parents[1]
LAB = [sys.executable, "-m", "labsupport.cli"]


def lab(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAB_"))}
    return subprocess.run(
        [*LAB, *arguments], capture_output=True, text=True, timeout=60, env={**kept, **environ}, cwd=ROOT, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


class Served:
    """`lab serve` on a home folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.endpoint, process = started(folder, *options)
        assert process is not None
        self.process: subprocess.Popen[bytes] = process

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(20)
        if self.process.stderr:
            self.process.stderr.close()
        return status

    def client(self, service: str) -> Any:
        key, secret = home.keys(self.folder)
        return boto3.client(
            service, endpoint_url=self.endpoint.url, region_name="us-east-1", aws_access_key_id=key,
            aws_secret_access_key=secret,
        )  # fmt: skip


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    running: list[Served] = []

    def start(folder: Path = tmp_path / "home", *options: str) -> Served:
        running.append(Served(folder, *options))
        return running[-1]

    yield start
    for one in running:
        one.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("cli") / "home")
    yield found
    found.end()


def one_sentence(done: subprocess.CompletedProcess[str], command: str) -> str:
    """What a command says when it can't: a single line, no traceback."""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"lab {command}: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


# Help and wrong use


def test_help_tells_every_command() -> None:
    done = lab("--help")
    assert done.returncode == 0
    for name, (_, text) in cli.COMMANDS.items():
        assert name in done.stdout
        assert text.split()[0] in done.stdout


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name != "test"])
def test_each_command_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: lab {name}" in shown
    assert "--home" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["serve", "--port", "x"], "x is no port"),
        (["serve", "--port", "65536"], "65536 is no port"),
        (["serve", "--port", "-1"], "no port"),
        (["serve", "--account", "12"], "12 is no account id: 12 digits were expected"),
        (["serve", "--auth", "none"], "invalid choice: 'none'"),
        (["status", "--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_use_ends_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


# Without a cloud


@pytest.mark.parametrize("arguments", [["env"], ["why"]])
def test_commands_that_need_a_cloud_end_with_3(arguments: list[str], tmp_path: Path) -> None:
    done = lab(*arguments, "--home", str(tmp_path / "none"))
    assert done.returncode == 3
    assert "start it with `lab serve`" in one_sentence(done, arguments[0])
    assert done.stdout == ""


def test_status_says_that_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--home", str(tmp_path)]) == 3
    assert "not running" in capsys.readouterr().out


def test_down_where_nothing_runs_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["down", "--home", str(tmp_path)]) == 0
    assert "No cloud was running" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"url": 1}', '{"url": "x", "pid": 1, "auth": "a", "account": "b"}']
)
def test_what_a_crash_has_left_of_the_address_is_no_cloud(tmp_path: Path, content: str) -> None:
    (tmp_path / "endpoint.json").write_text(content)
    assert home.endpoint(tmp_path) is None


def test_reset_without_a_cloud_and_without_a_person(tmp_path: Path) -> None:
    (tmp_path / "cloud.sqlite3").write_text("old")
    (tmp_path / "objects").mkdir()
    done = lab("reset", "--home", str(tmp_path))
    assert (done.returncode, (tmp_path / "cloud.sqlite3").exists()) == (1, True)
    assert "say --yes" in one_sentence(done, "reset")
    assert cli.main(["reset", "--yes", "--home", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_reset_knows_every_folder_that_the_cloud_keeps() -> None:
    assert set(server.STATE) <= set(reset_command.STATE)


def test_doctor_names_what_is_there_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert cli.main(["doctor", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for word in ("Python", "git", "bash", "docker", "graphviz", "browser"):
        assert word in shown
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["doctor", "--home", str(tmp_path)]) == 1
    assert "MISSING" in capsys.readouterr().out


# With a cloud


def test_status_and_env_of_a_running_cloud(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--home", str(served.folder)]) == 0
    shown = capsys.readouterr().out
    assert served.endpoint.url in shown
    assert str(served.process.pid) in shown
    assert cli.main(["env", "--home", str(served.folder)]) == 0
    script = capsys.readouterr().out + "echo $AWS_ENDPOINT_URL $AWS_PROFILE ${AWS_ACCESS_KEY_ID-none}; command -v aws"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True,
        env={"AWS_ACCESS_KEY_ID": "real", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    own = str(Path(sys.executable).parent / "aws")
    assert done.stdout.split() == [served.endpoint.url, "learner", "none", own]


def test_env_of_a_profile_that_is_not_there(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["env", "--home", str(served.folder), "--profile", "nobody"]) == 3
    assert "no profile named nobody" in capsys.readouterr().err


def test_what_env_exports_reaches_the_cloud_with_nothing_else(served: Served) -> None:
    environ = home.environment(served.folder, served.endpoint.url, "second")
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **environ},
    )  # fmt: skip
    assert done.stdout.strip() == "arn:aws:iam::210987654321:user/learner", done.stderr


def test_why_explains_a_refusal(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["why", "--home", str(served.folder)]) == 1
    assert "No call has been refused" in capsys.readouterr().out
    iam = served.client("iam")
    iam.create_user(UserName="newcomer")
    key = iam.create_access_key(UserName="newcomer")["AccessKey"]
    client = boto3.client(
        "codecommit", endpoint_url=served.endpoint.url, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )  # fmt: skip
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.create_repository(repositoryName="shop")
    assert cli.main(["why", "--home", str(served.folder)]) == 0
    shown = capsys.readouterr().out
    assert "newcomer" in shown
    assert '"codecommit:CreateRepository"' in shown
    assert cli.main(["why", "--json", "--home", str(served.folder)]) == 0
    assert json.loads(capsys.readouterr().out)["event"]["errorCode"] == "AccessDenied"


def test_only_their_owner_reads_what_the_home_folder_holds(served: Served) -> None:
    assert served.folder.stat().st_mode & 0o077 == 0
    for name in ("credentials", "config"):
        assert (served.folder / "aws" / name).stat().st_mode & 0o777 == 0o600


def test_a_second_cloud_on_the_same_home_is_refused(served: Served) -> None:
    done = lab("serve", "--home", str(served.folder))
    assert done.returncode == 1
    assert f"runs on {served.folder} already, at {served.endpoint.url}" in one_sentence(done, "serve")


def test_only_loopback_is_listened_on(serve: Any) -> None:
    """The cloud, and an instance of it with whatever it starts."""
    cloud = serve()
    ec2 = cloud.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    script = "#!/bin/bash\npython3 -c 'import socket; s = socket.create_server((\"127.0.0.1\", 0)); s.accept()' &\n"
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, UserData=script)["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[made], WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    process = psutil.Process(cloud.process.pid)
    listening = [
        one for each in (process, *process.children(recursive=True)) for one in each.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]  # fmt: skip
    assert listening
    assert [one.laddr for one in listening if not one.laddr.ip.startswith("127.")] == []


# Errors of serve, each in one sentence


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lab("serve", "--port", str(port), "--home", str(tmp_path / "home"))
    assert done.returncode == 1
    assert f"port {port} is in use" in one_sentence(done, "serve")


def test_a_home_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    done = lab("serve", "--home", str(tmp_path / "home"))
    assert done.returncode == 1
    assert "can't be written: choose another with --home" in one_sentence(done, "serve")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "x"), "can't be written"),
        (OSError(30, "Read-only file system", "x"), "can't be written"),
        (OSError(28, "No space left on device"), "is full: free some space"),
        (OSError(5, "Input/output error"), "the cloud can't start"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    def refuse(_: Path) -> None:
        raise error

    monkeypatch.setattr(server, "prepare_home", refuse)
    assert cli.main(["serve", "--home", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_home_folder_of_a_newer_lab(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "cloud.sqlite3")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    done = lab("serve", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "Use the newer lab, or another --home" in one_sentence(done, "serve")


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "cloud.sqlite3").write_text("this is no database, though it is long enough to be taken for one" * 20)
    done = lab("serve", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "cloud.sqlite3" in one_sentence(done, "serve")


def test_a_home_folder_that_another_process_has_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloud.sqlite3", bytes(32))
    done = lab("serve", "--home", str(tmp_path))
    store.close()
    assert done.returncode == 1
    assert "try again in a moment" in one_sentence(done, "serve")


def test_two_that_start_it_at_the_same_moment_share_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: started(tmp_path, follow=False), range(2)))
    assert both[0][0] == both[1][0]
    assert stopped(tmp_path)
    (process,) = (process for _, process in both if process)
    assert process.communicate() == (None, b"")


# Ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(serve: Any, number: int) -> None:
    cloud = serve()
    cloud.client("codecommit").create_repository(repositoryName="shop")
    assert cloud.end(number) == 0
    assert not (cloud.folder / "endpoint.json").exists()
    again = serve()
    assert again.client("codecommit").get_repository(repositoryName="shop")


def test_down_stops_it_and_the_next_one_takes_the_same_port(serve: Any) -> None:
    cloud = serve()
    assert cli.main(["down", "--home", str(cloud.folder)]) == 0
    assert cloud.end() == 0
    assert serve().endpoint.url == cloud.endpoint.url


def test_kill_and_serve_again(serve: Any) -> None:
    cloud = serve()
    cloud.client("codecommit").create_repository(repositoryName="shop")
    cloud.end(signal.SIGKILL)
    assert cli.main(["status", "--home", str(cloud.folder)]) == 3
    again = serve()
    assert again.client("codecommit").get_repository(repositoryName="shop")
    assert again.endpoint.url == cloud.endpoint.url


def test_reset_of_a_running_cloud(serve: Any) -> None:
    cloud = serve()
    cloud.client("codecommit").create_repository(repositoryName="shop")
    assert cli.main(["reset", "--yes", "--home", str(cloud.folder)]) == 0
    assert cloud.client("codecommit").list_repositories()["repositories"] == []
